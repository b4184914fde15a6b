"""Bins of the timeline: whole minutes, hours, days, weeks or months UTC, as many as a screen can show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ris_explorer.answers import RefusedError

IntArray = NDArray[np.int64]
MOST_BINS = 600
_S = 1_000_000_000
DAY_NS = 86_400 * _S
_MONDAY_NS = 4 * DAY_NS  # 1970-01-05, the first Monday after the epoch


@dataclass(frozen=True)
class Width:
    """A kind of bin.

    Attributes
    ----------
    name
        In words, as a request writes it.
    length
        ns; of a month the shortest.
    edges
        Edges of the bins that cover a begin and an end, ns since 1970 UTC.
    """

    name: str
    length: int
    edges: Callable[[int, int], IntArray]


def _fixed(name: str, seconds: int, origin: int = 0) -> Width:
    length = seconds * _S

    def edges(begin: int, end: int) -> IntArray:
        first = (begin - origin) // length
        last = max(-((origin - end) // length), first + 1)
        return origin + np.arange(first, last + 1, dtype=np.int64) * length

    return Width(name, length, edges)


def _months(begin: int, end: int) -> IntArray:
    months = np.array([begin, end - 1], "datetime64[ns]").astype("datetime64[M]")
    edges = np.arange(months[0], months[1] + 2)
    return edges.astype("datetime64[ns]").astype(np.int64)


WIDTHS: Mapping[str, Width] = {
    width.name: width
    for width in (
        _fixed("minute", 60),
        _fixed("10 minutes", 600),
        _fixed("hour", 3600),
        _fixed("6 hours", 6 * 3600),
        _fixed("day", 86_400),
        _fixed("week", 7 * 86_400, _MONDAY_NS),
        Width("month", 28 * DAY_NS, _months),
    )
}
"""Kinds of bins by name, the shortest first. Weeks begin on Monday."""


def possible_widths(begin: int, end: int) -> list[str]:
    """Return the kinds of which at most `MOST_BINS` cover a time."""
    return [name for name, width in WIDTHS.items() if (end - begin) / width.length <= MOST_BINS - 1]


def bins_of(begin: int, end: int, name: str = "") -> tuple[Width, IntArray]:
    """Return a kind of bin and the edges (B + 1,) of the bins that cover a time.

    Parameters
    ----------
    begin, end
        ns since 1970 UTC; the end does not belong to the time.
    name
        Kind; by default the shortest that is possible.

    Raises
    ------
    RefusedError
        There is no such kind, or it would be too many bins.
    """
    can = possible_widths(begin, end)
    if not can:
        raise RefusedError(f"the time is too long: at most {MOST_BINS} months are shown at once")
    if name and name not in WIDTHS:
        raise RefusedError(f"bin = {name[:40]!r} is none of {', '.join(WIDTHS)}")
    if name and name not in can:
        raise RefusedError(f"bin = {name!r} would be more than {MOST_BINS} bins; possible: {', '.join(can)}")
    width = WIDTHS[name or can[0]]
    return width, width.edges(begin, end)
