"""Figures of the catalogue of events: how many there are of each class, and how often stations coincide."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ris_core.figures.palette import cluster_style
from ris_core.figures.style import BLUE, GREY, finish, legend, new_figure, no_data, require_columns

_MOST_BARS = 120
_MOST_NAMED = 12


def catalogue_overview(
    events: pd.DataFrame, pairs: pd.DataFrame, classes: pd.DataFrame, title: str = "Catalogue of events"
) -> Figure:
    """Draw events over time by class, and coincidences of stations and of classes beside those expected by chance.

    Parameters
    ----------
    events
        One row per event: `time_peak` (UTC), `label`, `class_name`.
    pairs, classes
        `coincidences` and `expected_by_chance` of pairs of stations (`station_a`, `station_b`) and of classes (`label`,
        `class_name`); rows whose expectation is not known are left out.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        A column is missing.
    """
    require_columns(events, ("time_peak", "label", "class_name"), "events")
    for table, keys in ((pairs, ("station_a", "station_b")), (classes, ("label", "class_name"))):
        require_columns(table, (*keys, "coincidences", "expected_by_chance"), "table of coincidences")
    if events.empty:
        return no_data(title, "no events")
    fig = new_figure(11.0, 6.4, title)
    grid = fig.subplot_mosaic([["time", "time"], ["pairs", "classes"]], height_ratios=[1.0, 1.1])
    _over_time(grid["time"], events)
    names = [f"{row.station_a}-{row.station_b}" for row in pairs.itertuples()]
    _against_chance(grid["pairs"], pairs, names, [BLUE] * len(pairs), "Pairs of stations")
    colours = [GREY if label < 0 else cluster_style(int(label))[0] for label in classes["label"]]
    _against_chance(
        grid["classes"], classes, classes["class_name"].astype(str).tolist(), colours, "Classes, all pairs of stations"
    )
    return fig


def _over_time(axes: Axes, events: pd.DataFrame) -> None:
    time = events["time_peak"].dt.tz_convert(None)
    first, last = time.min().floor("D"), time.max().ceil("D")
    days = max(1, (last - first).days)
    width = max(1, -(-days // _MOST_BARS))
    edges = pd.date_range(first, periods=-(-days // width) + 1, freq=f"{width}D").to_numpy("datetime64[ns]")
    when, labels = time.to_numpy("datetime64[ns]"), events["label"].to_numpy()
    base = np.zeros(len(edges) - 1)
    names = dict(zip(labels.tolist(), events["class_name"], strict=True))
    for label in sorted(names):
        counts, _ = np.histogram(when[labels == label].astype(np.int64), edges.astype(np.int64))
        colour = GREY if label < 0 else cluster_style(label)[0]
        axes.bar(edges[:-1], counts, np.diff(edges), base, align="edge", color=colour, label=names[label])
        base += counts
    unit = "day" if width == 1 else f"{width} days"
    finish(axes, "", f"events per {unit}", f"{len(events):,} events; not corrected for missing data")
    legend(axes, ncols=min(8, events["label"].nunique()), loc="upper left")
    axes.set_ylim(0, 1.25 * max(1.0, float(base.max())))


def _against_chance(axes: Axes, table: pd.DataFrame, names: list[str], colours: list[str], title: str) -> None:
    expected, found = (table[name].to_numpy(dtype=float) for name in ("expected_by_chance", "coincidences"))
    known = np.flatnonzero(np.isfinite(expected))
    if not known.size:
        axes.text(0.5, 0.5, "chance is not known: no pairs of stations\nor no live time", ha="center", color=GREY)
        axes.set_axis_off()
        return
    top = 1.15 * max(1.0, float(expected[known].max()), float(found[known].max()))
    line = np.linspace(0.0, top, 200)
    axes.plot(line, line, color=GREY, lw=1)
    axes.fill_between(line, line - 2 * np.sqrt(line), line + 2 * np.sqrt(line), color=GREY, alpha=0.2, lw=0)
    axes.scatter(expected[known], found[known], c=[colours[row] for row in known], s=28, zorder=3)
    for row in known if known.size <= _MOST_NAMED else ():
        axes.annotate(names[row], (expected[row], found[row]), xytext=(4, 4), textcoords="offset points", fontsize=8)
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    finish(axes, "pairs expected by chance", "pairs found", f"{title}: grey, chance and ±2√n")
