"""Figures of the whole network: availability of station-days, and recall of the detector."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from ris_core.figures.style import (
    BLUE,
    GREY,
    TICK,
    FloatArray,
    finish,
    legend,
    new_figure,
    no_data,
    require_columns,
)

# The most important state comes first: if several days share a column, it shows the first of their states.
_STATES = {
    "damaged": "#CC79A7",
    "failed": "#D55E00",
    "not yet": "#ffffff",
    "no data": "#8c8c8c",
    "acquired": "#F0E442",
    "processed": "#0072B2",
}
_MOST_COLUMNS = 740
_FEW_DAYS = 14
_LEAST_COVERAGE = 0.995


def availability(table: pd.DataFrame, title: str = "Availability") -> Figure:
    """Draw the state of every station-day, stations down and days across.

    A processed station-day is paler if its samples cover less of the day. If there are more days than pixels, some days
    share a column, which shows the most urgent of their states: damaged, failed, not yet, no data, acquired,
    processed.

    Parameters
    ----------
    table : DataFrame
        One row per station-day: `station`, `day` (date or text YYYY-MM-DD), `state` ('processed', 'acquired',
        'no data', 'damaged', 'failed' or 'not yet') and `coverage` (fraction of the day, NaN if unknown). Stations
        are drawn in their order in the table; station-days that are not in the table count as 'not yet'.
    title : str

    Raises
    ------
    ValueError
        A column is missing or a state is not known.
    """
    require_columns(table, ("station", "day", "state", "coverage"), "table")
    unknown = sorted(set(table["state"]) - set(_STATES))
    if unknown:
        raise ValueError(f"table holds the state {unknown[0]!r}; the states are {', '.join(_STATES)}")
    if table.empty:
        return no_data(title, "no station-days")
    stations = [str(s) for s in table["station"].unique()]
    days = pd.to_datetime(table["day"])
    first, n_days = days.min(), (days.max() - days.min()).days + 1
    states = np.full((len(stations), n_days), list(_STATES).index("not yet"))
    coverage = np.full(states.shape, np.nan)
    row = table["station"].astype(str).map({s: i for i, s in enumerate(stations)}).to_numpy(int)
    column = (days - first).dt.days.to_numpy(int)
    states[row, column] = table["state"].map({s: i for i, s in enumerate(_STATES)}).to_numpy(int)
    coverage[row, column] = table["coverage"].to_numpy(float)
    counts = {name: int((states == i).sum()) for i, name in enumerate(_STATES)}
    days_each = -(-n_days // _MOST_COLUMNS)
    states, coverage = _merge_days(states, coverage, days_each)

    height = min(max(0.21 * len(stations), 0.7), 9.0) + 1.5
    fig = new_figure(11.0 if n_days > 60 else 8.0, height, f"{title}: {len(stations)} stations, {n_days:,} days")
    axes = fig.subplots()
    extent = (0.0, float(states.shape[1] * days_each), len(stations) - 0.5, -0.5)
    axes.imshow(_colours(states, coverage), extent=extent, aspect="auto", interpolation="nearest")
    if n_days <= _FEW_DAYS:
        _write_coverage(axes, coverage)
    positions, labels = day_ticks(first, n_days)
    axes.set_xticks(positions, labels=labels)
    axes.set_yticks(range(len(stations)), labels=stations)
    if len(stations) <= 60:
        axes.set_yticks(np.arange(len(stations) - 1) + 0.5, minor=True)
        axes.grid(True, which="minor", axis="y", color="white", lw=0.8)
        axes.tick_params(which="minor", length=0)
    finish(axes, "day (UTC)" + (f"; {days_each} days per column" if days_each > 1 else ""), "station")
    handles = [
        Patch(facecolor=colour, edgecolor=GREY, label=f"{name} ({counts[name]:,})")
        for name, colour in reversed(_STATES.items())
    ]
    handles.insert(1, Patch(facecolor=_pale(0.3), edgecolor=GREY, label="processed, covers 30 %"))
    fig.legend(handles=handles, loc="outside lower center", ncols=6 if n_days > 60 else 3, fontsize=TICK, frameon=False)
    return fig


def _merge_days(states: NDArray[Any], coverage: FloatArray, days_each: int) -> tuple[NDArray[Any], FloatArray]:
    """Return states and coverage with several days in one column: the most urgent state, the least coverage."""
    if days_each == 1:
        return states, coverage
    fill = -states.shape[1] % days_each
    states = np.pad(states, ((0, 0), (0, fill)), mode="edge").reshape(len(states), -1, days_each).min(axis=2)
    padded = np.pad(coverage, ((0, 0), (0, fill)), mode="edge").reshape(len(coverage), -1, days_each)
    return states, np.fmin.reduce(padded, axis=2)


def _pale(coverage: FloatArray | float) -> Any:
    """Return the colour of a processed station-day: from a pale to the full blue."""
    share = np.clip(np.asarray(coverage, float), 0.0, 1.0)[..., None]
    full, pale = np.array(to_rgb(_STATES["processed"])), np.array([0.84, 0.91, 0.96])
    return pale + share**1.5 * (full - pale)


def _colours(states: NDArray[Any], coverage: FloatArray) -> FloatArray:
    colours = np.array([to_rgb(c) for c in _STATES.values()])[states]
    processed = states == list(_STATES).index("processed")
    colours[processed] = _pale(np.where(np.isnan(coverage), 1.0, coverage))[processed]
    return np.asarray(colours)


def _write_coverage(axes: Axes, coverage: FloatArray) -> None:
    for (row, column), share in np.ndenumerate(coverage):
        if 0 < share < _LEAST_COVERAGE:
            axes.text(column + 0.5, row, f"{100 * share:.0f} %", ha="center", va="center", fontsize=TICK)


def day_ticks(first: pd.Timestamp, n_days: int) -> tuple[list[float], list[str]]:
    """Return at most 14 ticks, in days after the first: days, weeks or firsts of months, with a year at its start."""
    if n_days <= _FEW_DAYS:
        days = pd.date_range(first, periods=n_days)
    elif n_days <= 14 * 7:
        days = pd.date_range(first, periods=-(-n_days // 7), freq="7D")
    else:
        step = next(s for s in (1, 2, 3, 6, 12, 24, 60, 120, 1200) if n_days <= 14 * 30.4 * s)
        start = pd.Timestamp(year=first.year, month=1, day=1)
        firsts = pd.date_range(start, first + pd.Timedelta(days=n_days - 1), freq=f"{step}MS")
        days = firsts[firsts >= first]
    labels, year = [], None
    for day in days:
        short = day.strftime("%b") if n_days > 14 * 7 else f"{day:%b} {day.day}"
        labels.append(short if day.year == year else f"{short}\n{day.year}")
        year = day.year
    middle = 0.5 if n_days <= _FEW_DAYS else 0.0
    return [(day - first).days + middle for day in days], labels


def detection_recall(table: pd.DataFrame, title: str = "Recall of the detector") -> Figure:
    """Draw the share of true events that are detected, by signal-to-noise ratio.

    Bars of uncertainty are 95 % Wilson intervals (Wilson 1927) of a binomial share.

    Parameters
    ----------
    table : DataFrame
        One row per bin: `snr` (its left edge, dB), `recall` (0 to 1, NaN where `n` is 0) and `n` (true events).
    title : str
    """
    require_columns(table, ("snr", "recall", "n"), "table")
    used = table.sort_values("snr")
    edges, n = used["snr"].to_numpy(float), used["n"].to_numpy(float)
    filled = n > 0
    if not filled.any():
        return no_data(title, "no true events")
    width = float(np.median(np.diff(edges))) if len(edges) > 1 else 1.0
    centres, recall = edges + width / 2, used["recall"].to_numpy(float)
    low, high = wilson_interval(recall[filled], n[filled])
    fig = new_figure(7.0, 3.8, f"{title}: {int(n.sum()):,} true events")
    axes = fig.subplots()
    numbers = axes.twinx()
    numbers.bar(centres, n, width=0.92 * width, color="#dcdcdc", zorder=0)
    numbers.set_zorder(axes.get_zorder() - 1)
    axes.patch.set_visible(False)
    axes.errorbar(
        centres[filled],
        recall[filled],
        yerr=(recall[filled] - low, high - recall[filled]),
        fmt="o-",
        color=BLUE,
        ms=4,
        lw=1.4,
        elinewidth=1,
        label="recall, 95 % interval",
    )
    half = half_recall(centres[filled], recall[filled])
    if half is not None:
        axes.plot([half, half], [0, 0.5], color="black", ls="--", lw=1)
        axes.axhline(0.5, color="black", ls=":", lw=0.8)
        axes.plot([half], [0.5], "s", color="black", ms=5, label=f"50 % at {half:.1f} dB")
    axes.set_ylim(0, 1.03)
    legend(axes, loc="lower right")
    finish(axes, f"signal-to-noise ratio (dB), bins of {width:g} dB", "recall")
    finish(numbers, y="true events (grey bars)")
    numbers.yaxis.label.set_color(GREY)
    return fig


def half_recall(snr: FloatArray, recall: FloatArray) -> float | None:
    """Return the SNR at which recall first exceeds one half, by linear interpolation; None if it does not."""
    for i in range(len(snr) - 1):
        if recall[i] < 0.5 <= recall[i + 1]:
            return float(snr[i] + (0.5 - recall[i]) / (recall[i + 1] - recall[i]) * (snr[i + 1] - snr[i]))
    return None


def wilson_interval(share: FloatArray, n: FloatArray, z: float = 1.96) -> tuple[FloatArray, FloatArray]:
    """Return the Wilson (1927) score interval of a binomial share from `n` trials; 95 % for z = 1.96."""
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.minimum(centre - half, share), np.maximum(centre + half, share)
