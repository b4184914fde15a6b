"""Bins of time in which events are counted, each made of whole hours UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.rates.exposure import HOUR_NS, IntArray

HOUR_OF_DAY, DAY, WEEK, MONTH, SEASON, QUARTER = "hour_of_day", "day", "week", "month", "season", "quarter"
MONTH_HOUR, WHOLE = "month_hour", "whole"
KINDS = (HOUR_OF_DAY, DAY, WEEK, MONTH, SEASON, QUARTER, MONTH_HOUR, WHOLE)
"""Kinds of bins: of the clock, of the calendar, hours of each month, and all time together."""
_SEASONS = ("DJF", "MAM", "JJA", "SON")
_QUARTERS = {1: "JFM", 6: "JJA"}
"""First months of the quarters that the published code compares."""


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of one kind over a grid of m hours.

    Attributes
    ----------
    group
        (m,) number of the bin that each hour belongs to; -1: to none.
    names
        Names of the B bins, in their order.
    start, end
        (B,) first instant of a bin and first one after it, ns since 1970 UTC; none of bins that are no single stretch
        of time. The bounds are those of the calendar: the grid may begin later or end earlier.
    hour
        (B,) hour of the day UTC; none of other bins.
    """

    group: IntArray = field(repr=False)
    names: tuple[str, ...]
    start: IntArray | None = field(repr=False)
    end: IntArray | None = field(repr=False)
    hour: IntArray | None = field(repr=False)

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values (S, m, …) of hours summed over each bin, (S, B, …)."""
        out = np.zeros((values.shape[0], len(self.names), *values.shape[2:]), values.dtype)
        inside = np.flatnonzero(self.group >= 0)
        order = inside[np.argsort(self.group[inside], kind="stable")]
        if len(order):
            found, first = np.unique(self.group[order], return_index=True)
            out[:, found] = np.add.reduceat(values[:, order], first, axis=1)
        return out

    @property
    def hours(self) -> IntArray:
        """Number of hours of the grid in each bin, (B,)."""
        return np.bincount(self.group[self.group >= 0], minlength=len(self.names)).astype(np.int64)


def hour_edges(first: date, last: date) -> IntArray:
    """Return the edges (m + 1,) of the hours of days, both inclusive; ns since 1970 UTC."""
    start, end = pd.Timestamp(first).value, pd.Timestamp(last).value
    return np.arange(start, end + 24 * HOUR_NS + 1, HOUR_NS, dtype=np.int64)


def bins_of(kind: str, edges: IntArray) -> Bins:
    """Return the bins of a kind (`KINDS`) over hours.

    Days, weeks (ISO 8601, from Monday) and months are those of UTC. Seasons are those of meteorology; the summer of
    2015/16 lasts from December 2015 to February 2016. `quarter` has January-March (JFM) and June-August (JJA), which
    the published code compares.

    Parameters
    ----------
    kind
        One of `KINDS`.
    edges
        (m + 1,) as `hour_edges` returns them.
    """
    if kind not in _MADE:
        raise ValueError(f"{kind!r} is no kind of bin; there are {', '.join(KINDS)}")
    return _MADE[kind](pd.DatetimeIndex(edges[:-1]))


def _season(number: int) -> str:
    """Return the name of a season from its number since year 0, which begins in December before it."""
    year, which = divmod(number, 4)
    return f"DJF {year - 1}/{year % 100:02d}" if which == 0 else f"{_SEASONS[which]} {year}"


def _number(hours: pd.DatetimeIndex) -> IntArray:
    """Return the number of each hour's month, counted from January of year 0."""
    return np.asarray(hours.year * 12 + hours.month - 1, np.int64)


def _month(number: Any) -> pd.DatetimeIndex:
    """Return the first instants of months that are counted from January of year 0."""
    number = np.asarray(number, np.int64)
    return pd.DatetimeIndex((number - 1970 * 12).astype("datetime64[M]").astype("datetime64[ns]"))


def _of_calendar(
    start: pd.DatetimeIndex, end: pd.DatetimeIndex, names: Any, inside: NDArray[np.bool_] | None = None
) -> Bins:
    """Return bins from the bounds and names that each hour's bin has."""
    starts = start.as_unit("ns").asi8
    keep = np.ones(len(starts), bool) if inside is None else inside
    found, at, which = np.unique(starts[keep], return_index=True, return_inverse=True)
    group = np.full(len(starts), -1, np.int64)
    group[keep] = which
    rows = np.flatnonzero(keep)[at]
    called = np.asarray(names, dtype=object)[rows]
    return Bins(group, tuple(str(name) for name in called), found, end.as_unit("ns").asi8[rows], None)


def _whole(hours: pd.DatetimeIndex) -> Bins:
    bounds = hours[:1].as_unit("ns").asi8, hours[-1:].as_unit("ns").asi8 + HOUR_NS
    return Bins(np.zeros(len(hours), np.int64), (WHOLE,), *bounds, None)


def _days(hours: pd.DatetimeIndex) -> Bins:
    first = hours.normalize()
    return _of_calendar(first, first + pd.Timedelta(days=1), first.strftime("%Y-%m-%d"))


def _weeks(hours: pd.DatetimeIndex) -> Bins:
    first = hours.normalize() - pd.to_timedelta(hours.weekday, unit="D")
    iso = hours.isocalendar()
    names = iso["year"].astype(str) + "-W" + iso["week"].astype(str).str.zfill(2)
    return _of_calendar(first, first + pd.Timedelta(days=7), names.to_numpy())


def _months(hours: pd.DatetimeIndex) -> Bins:
    number = _number(hours)
    return _of_calendar(_month(number), _month(number + 1), hours.strftime("%Y-%m"))


def _seasons(hours: pd.DatetimeIndex) -> Bins:
    number = (_number(hours) + 1) // 3
    return _of_calendar(_month(number * 3 - 1), _month(number * 3 + 2), [_season(int(n)) for n in number])


def _quarters(hours: pd.DatetimeIndex) -> Bins:
    found = [next((m for m in _QUARTERS if m <= month < m + 3), 0) for month in hours.month]
    begin = np.asarray(hours.year, np.int64) * 12 + np.array(found, np.int64) - 1
    names = [f"{_QUARTERS.get(m, '')} {year}" for m, year in zip(found, hours.year, strict=True)]
    return _of_calendar(_month(begin), _month(begin + 3), names, np.array(found) > 0)


def _of_clock(hours: pd.DatetimeIndex) -> Bins:
    names = tuple(f"{hour:02d}" for hour in range(24))
    return Bins(np.asarray(hours.hour, np.int64), names, None, None, np.arange(24))


def _hours_of_months(hours: pd.DatetimeIndex) -> Bins:
    number = _number(hours) * 24 + np.asarray(hours.hour, np.int64)
    found, which = np.unique(number, return_inverse=True)
    months, hour = _month(found // 24), found % 24
    names = tuple(f"{month:%Y-%m} {h:02d}" for month, h in zip(months, hour, strict=True))
    return Bins(which.astype(np.int64), names, None, None, hour)


_MADE: Mapping[str, Callable[[pd.DatetimeIndex], Bins]] = {
    HOUR_OF_DAY: _of_clock,
    DAY: _days,
    WEEK: _weeks,
    MONTH: _months,
    SEASON: _seasons,
    QUARTER: _quarters,
    MONTH_HOUR: _hours_of_months,
    WHOLE: _whole,
}
