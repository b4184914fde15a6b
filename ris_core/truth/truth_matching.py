"""Matching of triggers with true events, one to one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# If a trigger fits two events, the stronger one is the more likely cause: 1 dB counts as 10 ms.
_SECONDS_PER_DB = 0.01

Integers = NDArray[np.int64]


def _ns(times: object) -> Integers:
    """Return ns since 1970 of integers or of datetimes (UTC)."""
    series = pd.Series(times)
    if pd.api.types.is_integer_dtype(series.dtype):
        return np.asarray(series, dtype=np.int64)
    stamps = pd.to_datetime(series, utc=True).dt.as_unit("ns")
    return np.asarray(stamps.astype(np.int64), dtype=np.int64)


def match(detection_times: object, truth: pd.DataFrame, tolerance: float = 0.5, filter_delay: float = 0.0) -> Integers:
    """Match detections of one station with true events, one to one.

    Δt is the distance of a trigger's on-time from the interval that begins at the event's onset and ends when its
    envelope is 3 dB below the peak (`sustained_until`); inside it Δt is 0. STA/LTA may trigger anywhere on the rise of
    an emergent event or along a chirp, so a distance from the onset alone would be too large. Within each connected
    group of candidates with |Δt| ≤ tolerance the assignment has the most pairs, and among these the least total of Δt
    with 10 ms of credit for each dB.

    Parameters
    ----------
    detection_times : int or datetime array of shape (N,)
        `time_on` of the detections, ns since 1970 or UTC datetimes, in any order.
    truth : DataFrame of M rows
        Truth of the same station (`SyntheticNetwork.truth`).
    tolerance : float
        s.
    filter_delay : float
        Group delay of a causal anti-alias filter, subtracted from the detections' times, s.

    Returns
    -------
    array of shape (N,)
        Position of the matched row in `truth`, or −1.
    """
    if tolerance < 0:
        raise ValueError(f"tolerance is {tolerance:g} s; it must be 0 or more")
    times = _ns(detection_times) - round(filter_delay * 1e9)
    onset, last = _ns(truth["time"]), _ns(truth["sustained_until"])
    detections, events, distance = _candidates(times, onset, last, round(tolerance * 1e9))
    matched = np.full(len(times), -1, dtype=np.int64)
    if len(detections) == 0:
        return matched
    cost = distance / 1e9 - _SECONDS_PER_DB * truth["snr_db"].to_numpy(dtype=np.float64)[events]
    n = len(times) + len(onset)
    graph = coo_array((np.ones(len(detections)), (detections, len(times) + events)), shape=(n, n))
    _, group = connected_components(graph, directed=False)
    order = np.argsort(group[detections], kind="stable")
    edges = np.flatnonzero(np.diff(group[detections][order])) + 1
    for piece in np.split(order, edges):
        rows, row = np.unique(detections[piece], return_inverse=True)
        columns, column = np.unique(events[piece], return_inverse=True)
        # Higher than the cost of all true pairs together, so an assignment never gives up a pair.
        forbidden = 1.0 + 10.0 * float(np.sum(np.abs(cost[piece])))
        table = np.full((len(rows), len(columns)), forbidden)
        table[row, column] = cost[piece]
        for i, j in zip(*linear_sum_assignment(table), strict=True):
            if table[i, j] < forbidden:
                matched[rows[i]] = columns[j]
    return matched


def _candidates(
    times: Integers, onset: Integers, last: Integers, tolerance: int
) -> tuple[Integers, Integers, NDArray[np.float64]]:
    """Return detections, events and Δt (ns) of all pairs within the tolerance."""
    by_onset = np.argsort(onset, kind="stable")
    longest = int(np.max(last - onset, initial=0))
    low = np.searchsorted(onset[by_onset], times - longest - tolerance)
    high = np.searchsorted(onset[by_onset], times + tolerance, side="right")
    counts = np.maximum(0, high - low)
    detections = np.repeat(np.arange(len(times)), counts)
    offsets = np.arange(len(detections)) - np.repeat(np.cumsum(counts) - counts, counts)
    events = by_onset[np.repeat(low, counts) + offsets]
    t = times[detections]
    distance = np.maximum(0, np.maximum(onset[events] - t, t - last[events]))
    near = distance <= tolerance
    return detections[near], events[near], distance[near].astype(np.float64)


def match_stations(
    detections: pd.DataFrame, truth: pd.DataFrame, tolerance: float = 0.5, filter_delay: float = 0.0
) -> Integers:
    """Match a detection table (`station`, `time_on`) of several stations with the truth, station by station.

    Returns
    -------
    array of shape (N,)
        Position (not index label) of the matched row in `truth`, or −1, in the order of the detections.
    """
    matched = np.full(len(detections), -1, dtype=np.int64)
    for station in pd.unique(detections["station"]):
        rows = np.flatnonzero((detections["station"] == station).to_numpy())
        places = np.flatnonzero((truth["station"] == station).to_numpy())
        found = match(detections["time_on"].iloc[rows], truth.iloc[places], tolerance, filter_delay)
        hit = found >= 0
        matched[rows[hit]] = places[found[hit]]
    return matched
