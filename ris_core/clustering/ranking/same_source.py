"""Whether stations agree: events of one source, recorded at several stations, ought to have one class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.ranking.partition import NOT_KNOWN
from ris_core.contracts.station_day import NS

FEWEST_PAIRS = 20
"""Fewer pairs of events of one source say nothing."""


@dataclass(frozen=True)
class SameSource:
    """How often two stations give events of one source the same cluster.

    Attributes
    ----------
    kappa
        Share of pairs with the same cluster beyond that of permutations: (share − chance) / (1 − chance), 0 by chance,
        1 if all pairs have the same cluster (after Cohen 1960, Educ. Psychol. Meas. 20, 37-46); NaN if there are too
        few pairs, or one cluster.
    z
        Share above the mean of the permutations, in their standard deviations.
    pairs
        Pairs of events of one source at different stations.
    """

    kappa: float
    z: float
    pairs: int


def coincident(time_peak: NDArray[np.int64], station: NDArray[Any], within: float) -> NDArray[np.int64]:
    """Return a code of the source of each event (N,); `NOT_KNOWN` for those that no other station recorded.

    Events of different stations whose peaks lie at most `within` apart, each the nearest of the other's station, are of
    one source, and so is what they share with a third. Nothing is known of the waves' velocity: with many events a
    share of the pairs is by chance, which makes stations agree less than they do.

    Parameters
    ----------
    time_peak
        (N,) ns since 1970.
    station
        (N,) codes.
    within
        s.
    """
    n, reach = len(time_peak), round(within * NS)
    of_station = {code: _sorted(time_peak, np.flatnonzero(station == code)) for code in np.unique(station)}
    parent = np.arange(n)

    def root(event: int) -> int:
        while parent[event] != event:
            parent[event] = parent[parent[event]]
            event = int(parent[event])
        return event

    codes = list(of_station)
    for i, one in enumerate(codes):
        for other in codes[i + 1 :]:
            a, b = of_station[one], of_station[other]
            there, back = _nearest(time_peak, a, b), _nearest(time_peak, b, a)
            mutual = back[there] == np.arange(len(a))
            near = np.abs(time_peak[a] - time_peak[b[there]]) <= reach
            for event, match in zip(a[mutual & near].tolist(), b[there][mutual & near].tolist(), strict=True):
                parent[root(event)] = root(match)
    roots = np.array([root(event) for event in range(n)], dtype=np.int64)
    members = np.bincount(roots, minlength=n)
    return np.where(members[roots] > 1, roots, NOT_KNOWN)


def _sorted(time_peak: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[np.argsort(time_peak[rows], kind="stable")]


def _nearest(time_peak: NDArray[np.int64], rows: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place, in others in the order of time, of the one nearest to each event."""
    times = time_peak[among]
    after = np.clip(np.searchsorted(times, time_peak[rows]), 0, len(among) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(times[before] - time_peak[rows]) <= np.abs(times[after] - time_peak[rows])
    return np.where(nearer, before, after)


def same_source_same_cluster(
    labels: NDArray[Any], source: NDArray[np.int64], station: NDArray[Any], permutations: int, seed: int
) -> SameSource:
    """Return how often events of one source at different stations have the same cluster, beyond chance.

    Parameters
    ----------
    labels, source, station
        (N,) cluster, source (`NOT_KNOWN`: none) and station of each event.
    permutations, seed
        Labels are permuted within each station, among the events whose source is known.
    """
    known = np.flatnonzero(source != NOT_KNOWN)
    first, second = _pairs(source[known], station[known])
    own = np.unique(labels[known], return_inverse=True)[1]
    if len(first) < FEWEST_PAIRS or own.max(initial=0) < 1:
        return SameSource(float("nan"), float("nan"), len(first))
    where = np.unique(station[known], return_inverse=True)[1]
    order = np.argsort(where, kind="stable")
    share, null = float(np.mean(own[first] == own[second])), np.empty(permutations)
    rng = np.random.default_rng(seed)
    for turn in range(permutations):
        shuffled = np.empty_like(own)
        shuffled[order] = own[np.lexsort((rng.random(len(own)), where))]
        null[turn] = np.mean(shuffled[first] == shuffled[second])
    chance, spread = float(null.mean()), float(null.std())
    return SameSource(
        (share - chance) / (1 - chance) if chance < 1 else float("nan"),
        (share - chance) / spread if spread > 0 else float("nan"),
        len(first),
    )


def _pairs(source: NDArray[np.int64], station: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of both events of every pair of one source at different stations."""
    order = np.argsort(source, kind="stable")
    first: list[int] = []
    second: list[int] = []
    for members in np.split(order, np.flatnonzero(np.diff(source[order])) + 1):
        for i, one in enumerate(members.tolist()):
            for other in members[i + 1 :].tolist():
                if station[one] != station[other]:
                    first.append(one)
                    second.append(other)
    return np.array(first, dtype=np.int64), np.array(second, dtype=np.int64)
