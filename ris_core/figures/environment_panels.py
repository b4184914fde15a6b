"""Figure of the published kind: environmental series above the counts of each class, on one axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.figures.palette import cluster_style
from ris_core.figures.series_coverage import as_dates, broken_line, time_axis
from ris_core.figures.style import GAP, GREY, LABEL, TICK, FloatArray, new_figure, no_data

_MOST_BINS = 3000
_PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0}
_LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")


@dataclass(frozen=True, eq=False)
class SeriesPanel:
    """A series as it is drawn.

    Attributes
    ----------
    label
        What it is, with its unit.
    time : int array of shape (N,)
        ns since 1970, UTC.
    value : array of shape (N,)
        Values.
    longest_gap
        Two values further apart than this are not joined, s.
    limits
        Ends of the axis; none: those of the values.
    """

    label: str
    time: NDArray[np.int64] = field(repr=False)
    value: FloatArray = field(repr=False)
    longest_gap: float
    limits: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class CountPanel:
    """Counts of a class in the bins of the figure.

    Attributes
    ----------
    label
        Name of the class.
    number
        Its number, for the colour.
    counts : array of shape (M,)
        Events; NaN where nothing is known.
    """

    label: str
    number: int
    counts: FloatArray = field(repr=False)


def environment_panels(
    series: Sequence[SeriesPanel],
    counts: Sequence[CountPanel],
    edges: NDArray[np.int64],
    known: NDArray[np.bool_],
    title: str,
    bin_label: str,
    cap: int | None = None,
) -> Figure:
    """Draw a panel for each series, and below one for each class.

    Bins of which nothing is known are shaded and have no count: a zero is drawn only where events could be detected.

    Parameters
    ----------
    series, counts
        From the top.
    edges : int array of shape (M + 1,)
        Edges of the bins, ns since 1970 UTC; the first and last are the ends of the figure.
    known : bool array of shape (M,)
        Whether a count is known.
    title
        Of the figure.
    bin_label
        Length of a bin in words, like ``in 1 h``.
    cap
        Greatest count on the axes; a note says in how many bins there are more. None: the greatest there is.
    """
    if not counts:
        return no_data(title, "no labelled events")
    rows = len(series) + len(counts)
    fig = new_figure(11.0, 0.9 + 1.05 * rows, title)
    axes = np.atleast_1d(fig.subplots(rows, 1, sharex=True))
    for number, (one, panel) in enumerate(zip(axes, series, strict=False)):
        _draw_series(one, panel, (int(edges[0]), int(edges[-1])), _LINES[number % len(_LINES)])
    dates = as_dates(edges)
    for one, shown in zip(axes[len(series) :], counts, strict=True):
        _draw_counts(one, shown, dates, known, cap)
    axes[len(series)].set_title(f"events {bin_label}, by class", fontsize=TICK, loc="left", pad=3)
    axes[-1].set_xlim(dates[0], dates[-1])
    time_axis(axes[-1])
    axes[-1].set_xlabel("time (UTC); shaded: no event could be detected, or nothing is known", fontsize=LABEL)
    for one in axes:
        one.tick_params(labelsize=TICK)
    return fig


def _draw_series(axes: Axes, panel: SeriesPanel, span: tuple[int, int], colour: str) -> None:
    # One value beyond each end, so that lines reach the edges of the figure.
    low = max(int(np.searchsorted(panel.time, span[0])) - 1, 0)
    high = int(np.searchsorted(panel.time, span[1])) + 1
    time, value = panel.time[low:high], panel.value[low:high]
    if len(time):
        broken_line(axes, time, value, panel.longest_gap, colour)
    if not ((time >= span[0]) & (time <= span[1])).any():
        axes.text(0.5, 0.5, "no values in this time", transform=axes.transAxes, ha="center", va="center", color=GREY)
    if panel.limits is not None:
        axes.set_ylim(*panel.limits)
        beyond = int(((value < panel.limits[0]) | (value > panel.limits[1])).sum())
        if beyond:
            _note(axes, f"{beyond:,} values beyond the axis")
    axes.set_ylabel(panel.label, fontsize=TICK)


def _draw_counts(axes: Axes, panel: CountPanel, dates: FloatArray, known: NDArray[np.bool_], cap: int | None) -> None:
    for start, stop in _runs(~known):
        axes.axvspan(dates[start], dates[stop], color=GAP, lw=0)
    colour, _ = cluster_style(panel.number)
    values = np.where(known, panel.counts, np.nan)
    axes.stairs(*_coarser(values, dates), fill=True, color=colour, lw=0.5, edgecolor=colour)
    most = np.nanmax(values) if known.any() else 0.0
    top = float(cap if cap is not None else max(most, 1.0))
    axes.set_ylim(0, top)
    if cap is not None and (above := int((values > cap).sum())):
        _note(axes, f"{above:,} bins above {cap}, up to {most:.0f}")
    axes.set_ylabel(panel.label, fontsize=TICK)
    total = f"{np.nansum(values):,.0f}" if known.any() else "nothing known"
    axes.text(0.005, 0.95, total, transform=axes.transAxes, ha="left", va="top", fontsize=TICK, bbox=_PAPER)


def _coarser(values: FloatArray, dates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return counts and edges such that no more bins are drawn than can be seen: of neighbours the greatest count."""
    each = -(-len(values) // _MOST_BINS)
    if each == 1:
        return values, dates
    padded = np.concatenate([values, np.full(-len(values) % each, np.nan)]).reshape(-1, each)
    return np.fmax.reduce(padded, axis=1), np.append(dates[:-1:each], dates[-1])


def _note(axes: Axes, text: str) -> None:
    axes.text(0.995, 0.95, text, transform=axes.transAxes, ha="right", va="top", fontsize=TICK, bbox=_PAPER)


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return begin and end of each run of true values."""
    steps = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return [(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True)]
