"""What clusters say about a property of the events that no method was given, such as the hour, within stations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import entropy, random_table

from ris_core.clustering.associations import cross_tabulation, mutual_information, quantile_bins

FEWEST = 20
"""A station with fewer events of known property is left out."""
AMPLITUDE_BINS = 10


@dataclass(frozen=True)
class Information:
    """Mutual information of clusters and a property within stations.

    Attributes
    ----------
    ami
        Adjusted mutual information given the station: 0 on average under permutations within stations, 1 if each
        determines the other at every station; NaN if no station says anything.
    z
        Information above the mean of the permutations, in their standard deviations.
    p
        (1 + permutations of at least this information) / (1 + permutations).
    by_station
        `station`, `events`, `ami`, `z` of each station that says something.
    """

    ami: float
    z: float
    p: float
    by_station: pd.DataFrame = field(repr=False)


def information_within(
    labels: NDArray[Any], values: NDArray[Any], station: NDArray[Any], permutations: int, seed: int
) -> Information:
    """Return the mutual information of labels and a property within stations, against permutations.

    The information of each station is weighted by its share of the events: I(label; property | station). Labels are
    permuted within each station, so clusters that differ from site to site gain nothing. AMI = (I − E) / (H − E), with
    E the mean of I over the permutations and H the mean of the two conditional entropies (Vinh, Epps & Bailey 2010, J.
    Mach. Learn. Res. 11, 2837-2854, given the station).

    Parameters
    ----------
    labels, values, station
        (N,) cluster, value of the property as a code (−1: not known), and station of each event.
    permutations, seed
        Number and seed. Permuted tables are drawn directly (Patefield 1981, Appl. Stat. 30, 91-97).

    Notes
    -----
    Left out are stations of fewer than `FEWEST` events, with one cluster, or with one value.
    """
    rows: list[dict[str, Any]] = []
    total: list[tuple[int, float, float, NDArray[np.float64]]] = []
    for number, code in enumerate(np.unique(station)):
        own = (station == code) & (values != -1)
        if own.sum() < FEWEST:
            continue
        table = cross_tabulation(labels[own], values[own])
        if min(table.shape) < 2:
            continue
        margins = table.sum(axis=1), table.sum(axis=0)
        drawn = random_table(*margins, seed=np.random.default_rng([seed, number])).rvs(permutations)
        found = float(mutual_information(table[None])[0])
        null = mutual_information(np.asarray(drawn))
        mean = (entropy(margins[0]) + entropy(margins[1])) / 2
        total.append((int(own.sum()), found, float(mean), null))
        ami, z = _adjusted(found, float(mean), null)
        rows.append({"station": str(code), "events": int(own.sum()), "ami": ami, "z": z})
    by_station = pd.DataFrame(rows, columns=["station", "events", "ami", "z"])
    if not total:
        return Information(float("nan"), float("nan"), float("nan"), by_station)
    weight = np.array([events for events, *_ in total], dtype=float)
    weight /= weight.sum()
    found = float(weight @ [one for _, one, _, _ in total])
    mean = float(weight @ [one for _, _, one, _ in total])
    null = weight @ np.stack([one for *_, one in total])
    ami, z = _adjusted(found, mean, null)
    # Equal tables may differ in the last digit of their information.
    p = float((1 + np.sum(null >= found - 1e-12)) / (1 + len(null)))
    return Information(ami, z, p, by_station)


def _adjusted(found: float, mean: float, null: NDArray[np.float64]) -> tuple[float, float]:
    by_chance, spread = float(null.mean()), float(null.std())
    ami = (found - by_chance) / (mean - by_chance) if mean > by_chance else float("nan")
    return ami, (found - by_chance) / spread if spread > 0 else float("nan")


def bins_within(values: NDArray[np.float64], station: NDArray[Any], bins: int = AMPLITUDE_BINS) -> NDArray[np.int64]:
    """Return the bin (N,) of each value among equally filled bins of its station; −1 where it is not finite."""
    out = np.full(len(values), -1, dtype=np.int64)
    for code in np.unique(station):
        rows = np.flatnonzero((station == code) & np.isfinite(values))
        out[rows] = quantile_bins(values[rows], bins)
    return out
