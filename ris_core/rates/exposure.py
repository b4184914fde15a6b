"""How long a station was live, and how many events it had, in each bin of time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

HOUR_NS = 3_600 * 1_000_000_000
IntArray = NDArray[np.int64]


def live_ns(intervals: IntArray, edges: IntArray) -> IntArray:
    """Return the live time of each bin in whole nanoseconds; as `live_hours`."""
    starts, before, ends = _merged(intervals)
    edges = _ascending(edges)
    if not len(starts):
        return np.zeros(max(len(edges) - 1, 0), np.int64)
    # Live time before each edge: that of all intervals that began earlier, without what the last of them still has.
    number = np.searchsorted(starts, edges, side="right") - 1
    began = np.maximum(number, 0)
    until = np.where(number < 0, 0, before[began] + np.minimum(edges, ends[began]) - starts[began])
    return np.diff(until)


def live_hours(intervals: IntArray, edges: IntArray) -> NDArray[np.float64]:
    """Return the hours of live time in each bin.

    Parameters
    ----------
    intervals
        Shape (n, 2): start, and the end, which does not belong to the interval; ns since 1970 UTC, of one station, in
        any order. Where intervals overlap, time counts once.
    edges
        Shape (m + 1,): ascending edges of m bins, ns since 1970 UTC.

    Returns
    -------
    ndarray
        Shape (m,), hours; 0 where a station was not live.

    Raises
    ------
    ValueError
        Edges do not ascend, or an interval ends before it starts.
    """
    return live_ns(intervals, edges) / HOUR_NS


def hourly_counts(times_ns: IntArray, edges: IntArray) -> IntArray:
    """Return the number of times in each bin; an edge belongs to the bin that starts there.

    Parameters
    ----------
    times_ns
        Shape (n,): ns since 1970 UTC, in any order; those outside of all bins are left out.
    edges
        As in `live_hours`. Bins may have any length.

    Returns
    -------
    ndarray
        Shape (m,).

    Raises
    ------
    ValueError
        Edges do not ascend.
    """
    edges = _ascending(edges)
    if len(edges) < 2:
        return np.zeros(0, np.int64)
    place = np.searchsorted(edges, np.asarray(times_ns, np.int64), side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    return np.bincount(place[inside], minlength=len(edges) - 1).astype(np.int64)


def is_live(times_ns: IntArray, intervals: IntArray) -> NDArray[np.bool_]:
    """Return for each time whether it lies in an interval; its end does not belong to it."""
    starts, _, ends = _merged(intervals)
    times = np.asarray(times_ns, np.int64)
    if not len(starts):
        return np.zeros(times.shape, bool)
    number = np.searchsorted(starts, times, side="right") - 1
    inside: NDArray[np.bool_] = (number >= 0) & (times < ends[np.maximum(number, 0)])
    return inside


def intervals_of(live: pd.DataFrame, station: str) -> IntArray:
    """Return the live intervals of a station from a table with `station`, `start` and `end`: (n, 2), ns since 1970."""
    mine = live[live["station"] == station]
    return np.column_stack([nanoseconds(mine["start"]), nanoseconds(mine["end"])]).reshape(-1, 2)


def nanoseconds(times: pd.Series[Any]) -> IntArray:
    """Return the times of a column as ns since 1970 UTC; times without a zone count as UTC."""
    stamps = pd.DatetimeIndex(times)
    stamps = stamps.tz_localize("UTC") if stamps.tz is None else stamps.tz_convert("UTC")
    return np.asarray(stamps.as_unit("ns").asi8, np.int64)


def _ascending(edges: IntArray) -> IntArray:
    edges = np.asarray(edges, np.int64)
    if (np.diff(edges) <= 0).any():
        raise ValueError("edges of bins must ascend")
    return edges


def _merged(intervals: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return starts, live time before each start, and ends of the union of intervals, in the order of time."""
    given = np.asarray(intervals, np.int64).reshape(-1, 2)
    if (given[:, 1] < given[:, 0]).any():
        raise ValueError("a live interval ends before it starts")
    given = given[given[:, 1] > given[:, 0]]
    given = given[np.argsort(given[:, 0], kind="stable")]
    reached = np.maximum.accumulate(given[:, 1]) if len(given) else given[:, 1]
    first = np.ones(len(given), bool)
    first[1:] = given[1:, 0] > reached[:-1]
    starts = given[first, 0]
    ends = reached[np.append(np.flatnonzero(first)[1:] - 1, len(given) - 1)] if len(given) else reached
    before = np.concatenate([[0], np.cumsum(ends - starts)[:-1]]).astype(np.int64) if len(starts) else starts
    return starts, before, ends
