"""What labels go with, sites or sources: mutual information with properties of the events, against permutations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import entropy, random_table
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.metrics.cluster import expected_mutual_information

BY_CHANCE = 0.95
"""Quantile of the permutations that an association is shown beside."""


def quantile_bins(values: NDArray[Any], bins: int) -> NDArray[np.int64]:
    """Return the bin (N,), 0 ... at most `bins` − 1, of each value (N,) among equally filled bins.

    Equal values share a bin, so that there may be fewer bins than requested.
    """
    edges = np.unique(np.quantile(values, np.arange(1, bins) / bins)) if len(values) else np.empty(0)
    return np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)[1].astype(np.int64)


def association(labels: NDArray[Any], values: NDArray[Any], permutations: int, seed: int) -> dict[str, float]:
    """Return how much labels (N,) say about a property (N,) of the events.

    Returns
    -------
    dict
        ``ami``, the adjusted mutual information with the arithmetic mean of the entropies (Vinh, Epps & Bailey 2010, J.
        Mach. Learn. Res. 11, 2837-2854): 0 by chance, 1 if each determines the other; ``ami_by_chance``, the quantile
        `BY_CHANCE` under `permutations` of the labels; ``p`` = (1 + permutations of at least this AMI) /
        (1 + permutations) (Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39).

        NaN if all events have the same label or the same value.

    Permuting events leaves the margins of their cross-tabulation as they are, so the permuted tables are drawn directly
    (Patefield 1981, Appl. Stat. 30, 91-97).
    """
    table = cross_tabulation(labels, values)
    if min(table.shape) < 2:
        return {"ami": float("nan"), "ami_by_chance": float("nan"), "p": float("nan")}
    drawn = random_table(table.sum(axis=1), table.sum(axis=0), seed=seed).rvs(permutations)
    null = _ami(np.asarray(drawn), table)
    return _summary(adjusted_mutual_info_score(labels, values), null)


def p_within(labels: NDArray[Any], values: NDArray[Any], station: NDArray[Any], permutations: int, seed: int) -> float:
    """Return the p value of an association against permutations of the labels within each station.

    A property and a label that both differ from station to station, and are unrelated within each, then are not taken
    for associated. All arrays are (N,); NaN if the property is the same for all events of each station.
    """
    order = np.argsort(_codes(station), kind="stable")
    codes, other, where = _codes(labels)[order], _codes(values)[order], _codes(station)[order]
    if bool(np.all((np.diff(other) == 0) | (np.diff(where) != 0))):
        return float("nan")
    rng = np.random.default_rng(seed)
    shuffled = (codes[np.lexsort((rng.random(len(where)), where))] for _ in range(permutations))
    return _p_of(codes, other, ((drawn, other) for drawn in shuffled))


def p_rotated(labels: NDArray[Any], hour: NDArray[Any], day: NDArray[Any], permutations: int, seed: int) -> float:
    """Return the p value of an association with the hour against clocks that are wrong by some hours on each day.

    The events of a day keep their distances in time, at all stations, so a swarm of like events, or a storm that the
    whole network hears, counts as one coincidence and not as many. All arrays are (N,); `hour` is 0 ... 23, `day` says
    which UTC day an event belongs to.
    """
    codes, group = _codes(labels), _codes(day)
    rng = np.random.default_rng(seed)
    turned = ((hour + rng.integers(0, 24, group.max(initial=0) + 1)[group]) % 24 for _ in range(permutations))
    return _p_of(codes, hour, ((codes, drawn) for drawn in turned))


def associations(
    labels: NDArray[Any],
    properties: Mapping[str, NDArray[Any]],
    station: NDArray[Any],
    day: NDArray[Any],
    permutations: int,
    seed: int,
) -> pd.DataFrame:
    """Describe how labels (N,) go with properties of the events, each (N,).

    Parameters
    ----------
    labels, properties
        Labels, and the properties by name: codes (station), or numbers of bins, −1 if the property is not known and
        the event is left out. The property `hour` is 0 ... 23.
    station, day
        Of the events, (N,): station, and station-day as any code.
    permutations, seed
        Behind each p value.

    Returns
    -------
    DataFrame
        One row for each property: `variable`, `events` of which it is known, `levels` (different values), `ami`,
        `ami_by_chance`, `p` (see `association`), and `p_restricted`, for the hour by `p_rotated`, for others by
        `p_within` (NaN for the station).
    """
    rows: list[dict[str, Any]] = []
    for number, (name, values) in enumerate(properties.items()):
        known = values != -1 if np.issubdtype(values.dtype, np.integer) else np.ones(len(values), dtype=bool)
        of, own = values[known], labels[known]
        found = association(own, of, permutations, seed + number)
        if name == "hour":
            restricted = p_rotated(own, of, day[known], permutations, seed + number)
        else:
            restricted = p_within(own, of, station[known], permutations, seed + number)
        rows.append(
            {"variable": name, "events": len(of), "levels": len(np.unique(of)), **found, "p_restricted": restricted}
        )
    return pd.DataFrame(rows, columns=["variable", "events", "levels", "ami", "ami_by_chance", "p", "p_restricted"])


def _codes(values: NDArray[Any]) -> NDArray[np.intp]:
    return np.unique(values, return_inverse=True)[1]


def _p_of(codes: NDArray[np.intp], other: NDArray[Any], null: Iterable[tuple[NDArray[np.intp], NDArray[Any]]]) -> float:
    """Return the p value of the mutual information of two codes (N,) among that of pairs drawn under the null."""
    shape = (int(codes.max(initial=-1)) + 1, int(other.max(initial=-1)) + 1)
    if len(np.unique(codes)) < 2 or len(np.unique(other)) < 2:
        return float("nan")

    def information(one: NDArray[np.intp], two: NDArray[Any]) -> float:
        return float(mutual_information(_counts(one, two, (shape[0], max(shape[1], int(two.max()) + 1)))[None])[0])

    return _p_value(information(codes, other), np.array([information(one, two) for one, two in null]))


def _counts(one: NDArray[np.intp], other: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.bincount(one * shape[1] + other, minlength=shape[0] * shape[1]).reshape(shape)


def cross_tabulation(labels: NDArray[Any], values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the number of events (R, C) with each of R different labels (N,) and C different values (N,)."""
    if labels.shape != values.shape or labels.ndim != 1:
        raise ValueError(f"one value for each label is needed, got the shapes {labels.shape} and {values.shape}")
    one, other = _codes(labels), _codes(values)
    return _counts(one, other, (int(one.max(initial=-1)) + 1, int(other.max(initial=-1)) + 1))


def mutual_information(tables: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mutual information (P,) of cross-tabulations (P, R, C) of as many events, nat."""
    n = tables[0].sum()
    expected = tables.sum(axis=2, keepdims=True) * tables.sum(axis=1, keepdims=True) / n
    share = tables / n
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(tables > 0, share * np.log(tables / expected), 0.0)
    return np.asarray(terms.sum(axis=(1, 2)), dtype=np.float64)


def _ami(tables: NDArray[Any], observed: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the AMI (P,) of cross-tabulations (P, R, C) with the margins of an observed one."""
    rows, columns, n = observed.sum(axis=1), observed.sum(axis=0), int(observed.sum())
    by_chance = expected_mutual_information(observed, n)
    mean = (entropy(rows) + entropy(columns)) / 2
    ami: NDArray[np.float64] = (mutual_information(tables) - by_chance) / (mean - by_chance)
    return ami


def _summary(ami: float, null: NDArray[np.float64]) -> dict[str, float]:
    return {"ami": float(ami), "ami_by_chance": float(np.quantile(null, BY_CHANCE)), "p": _p_value(ami, null)}


def _p_value(observed: float, null: NDArray[np.float64]) -> float:
    # Equal tables may differ in the last digit of their information.
    return float((1 + np.sum(null >= observed - 1e-12)) / (1 + len(null)))
