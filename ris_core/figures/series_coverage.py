"""Figure of an environmental series: its values, and where it has none."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.figures.style import BLUE, GAP, GREEN, FloatArray, finish, new_figure

_MOST_POINTS = 6000


def series_coverage(
    time: NDArray[np.int64],
    value: FloatArray,
    label: str,
    longest_gap: float,
    span: tuple[int, int],
    title: str,
) -> Figure:
    """Draw a series over time, gaps shaded, and below the share of each month that it covers.

    Parameters
    ----------
    time : int array of shape (N,)
        ns since 1970, UTC, ascending.
    value : array of shape (N,)
        Values.
    label
        What the values are, with their unit.
    longest_gap
        Two values further apart than this are not joined, s.
    span
        Begin and end of the network's days, ns since 1970 UTC, which are marked.
    title
        Of the figure.
    """
    fig = new_figure(11.0, 4.2, title)
    upper, lower = fig.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    broken_line(upper, time, value, longest_gap, BLUE)
    for start, end in gaps(time, longest_gap):
        upper.axvspan(*as_dates(np.array([start, end])), color=GAP, lw=0)
    for edge in as_dates(np.array(span)):
        upper.axvline(edge, color=GREEN, lw=1.2, ls="--")
    finish(upper, "", label, "shaded: gaps; between the dashed lines: the network's days")
    edges = _months(min(int(time[0]), span[0]), max(int(time[-1]), span[1]))
    dates = as_dates(edges)
    widths = np.diff(edges) / 864e11
    lower.bar(
        dates[:-1], covered(time, longest_gap, edges), widths, align="edge", color=BLUE, edgecolor="white", lw=0.3
    )
    lower.set_ylim(0, 1.05)
    finish(lower, "month (UTC)", "covered")
    time_axis(lower)
    return fig


def covered(time: NDArray[np.int64], longest_gap: float, edges: NDArray[np.int64]) -> FloatArray:
    """Return the share of each bin in which neighbours are at most the longest gap (s) apart."""
    steps = np.diff(time)
    kept = np.where(steps <= longest_gap * 1e9, steps, 0)
    total = np.concatenate([[0], np.cumsum(kept)])
    return np.asarray(np.diff(np.interp(edges, time, total)) / np.diff(edges), dtype=np.float64)


def gaps(time: NDArray[np.int64], longest_gap: float) -> list[tuple[int, int]]:
    """Return begin and end of each gap, ns since 1970 UTC."""
    at = np.flatnonzero(np.diff(time) > longest_gap * 1e9)
    return [(int(time[i]), int(time[i + 1])) for i in at]


def broken_line(
    axes: Axes, time: NDArray[np.int64], value: FloatArray, longest_gap: float, colour: str, width: float = 0.8
) -> None:
    """Draw values as a line that ends at gaps; of very many values, the least and greatest of each pixel."""
    pieces = np.split(np.arange(len(time)), np.flatnonzero(np.diff(time) > longest_gap * 1e9) + 1)
    for piece in pieces:
        if not len(piece):
            continue
        chosen = _thinned(value[piece]) if len(time) > _MOST_POINTS else np.arange(len(piece))
        marker = "." if len(piece) == 1 else None
        axes.plot(as_dates(time[piece][chosen]), value[piece][chosen], color=colour, lw=width, marker=marker, ms=3)


def _thinned(values: FloatArray) -> NDArray[np.int64]:
    each = max(1, len(values) * 4 // _MOST_POINTS)
    if each == 1:
        return np.arange(len(values))
    starts = np.arange(0, len(values), each)
    parts = [values[start : start + each] for start in starts]
    low = [start + int(np.argmin(part)) for start, part in zip(starts, parts, strict=True)]
    high = [start + int(np.argmax(part)) for start, part in zip(starts, parts, strict=True)]
    return np.unique(np.array([0, *low, *high, len(values) - 1], dtype=np.int64))


def as_dates(time: NDArray[np.int64]) -> FloatArray:
    """Return times (ns since 1970 UTC) as matplotlib's days since 1970."""
    return np.asarray(time, dtype=np.float64) / 864e11


def time_axis(axes: Axes) -> None:
    """Label an axis of matplotlib's days with short dates."""
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]  # matplotlib has few annotations
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # as above


def _months(first: int, stop: int) -> NDArray[np.int64]:
    start = pd.Timestamp(first).normalize().replace(day=1)
    edges = pd.date_range(start, pd.Timestamp(stop) + pd.offsets.MonthBegin(1), freq="MS").as_unit("ns")
    return edges.to_numpy().astype(np.int64)
