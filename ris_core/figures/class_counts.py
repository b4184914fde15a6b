"""Figures of numbers of events: by station and class, and added up over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from ris_core.figures.palette import cluster_style
from ris_core.figures.style import GREY, TICK, class_fill, finish, legend, new_figure, no_data, require_columns

_LINES = ("-", "--", ":", "-.")


def counts_by_station(table: pd.DataFrame, title: str = "Events by station and class") -> Figure:
    """Draw the events of each station as bars, the classes one upon the other.

    Parameters
    ----------
    table : DataFrame
        One row per station and class: `station`, `label`, `class_name`, `events`. Stations are drawn in their order in
        the table.
    title : str
    """
    require_columns(table, ("station", "label", "class_name", "events"), "table")
    if not table["events"].sum():
        return no_data(title, "no events")
    wide = table.pivot_table(index="station", columns="label", values="events", aggfunc="sum", sort=False).fillna(0)
    wide = wide[sorted(wide.columns)]
    names = dict(zip(table["label"], table["class_name"], strict=True))
    fig = new_figure(
        min(max(0.34 * len(wide), 4.5), 13.0) + 2.2, 4.2, f"{title}: {int(wide.to_numpy().sum()):,} events"
    )
    axes = fig.subplots()
    place, below = np.arange(len(wide)), np.zeros(len(wide))
    for label in wide.columns:
        height = wide[label].to_numpy(float)
        axes.bar(place, height, bottom=below, width=0.82, edgecolor="white", lw=0.4, **class_fill(int(label)))
        below += height
    axes.set_xticks(place, labels=[str(code) for code in wide.index], rotation=90 if len(wide) > 8 else 0)
    axes.margins(x=0.01)
    finish(axes, "station", "events")
    # The uppermost part of a bar is the first line of the legend.
    handles = [
        Patch(edgecolor="white", label=f"{names[label]} ({int(wide[label].sum()):,})", **class_fill(int(label)))
        for label in reversed(wide.columns)
    ]
    fig.legend(handles=handles, loc="outside right upper", fontsize=TICK, frameon=False)
    return fig


def cumulative_counts(table: pd.DataFrame, title: str = "Cumulative events") -> Figure:
    """Draw the share of each class's events that had happened by each day.

    The dashed grey line is the share of live time: the events of a class at a constant rate would follow it.

    Parameters
    ----------
    table : DataFrame
        One row per class and day with live time: `label`, `class_name`, `start` (UTC), `events`, `live_hours` (NaN if
        unknown).
    title : str
    """
    require_columns(table, ("label", "class_name", "start", "events", "live_hours"), "table")
    if not table["events"].sum():
        return no_data(title, "no events")
    if table["start"].nunique() == 1:
        # A line over one day would look like a constant rate.
        return no_data(title, "all events are of one day")
    used = table.sort_values("start")
    fig = new_figure(8.6, 4.0, title)
    axes = fig.subplots()
    hours = used.drop_duplicates("start").set_index("start")["live_hours"].astype(float)
    if hours.notna().all():
        days, share = _stairs(hours)
        axes.plot(days, share, color=GREY, ls="--", lw=1.2, label="live time")
    for label, own in used.groupby("label"):
        if not (total := int(own["events"].sum())):
            continue
        days, share = _stairs(own.set_index("start")["events"].astype(float))
        colour, _ = cluster_style(int(str(label)))
        line = _LINES[int(str(label)) // 8 % len(_LINES)]
        axes.plot(days, share, color=colour, ls=line, lw=1.4, label=f"{own['class_name'].iloc[0]} ({total:,})")
    axes.set_ylim(0, 101)
    axes.margins(x=0)
    finish(axes, "day (UTC)", "share of the class (%)")
    fig.autofmt_xdate(rotation=0, ha="center")
    legend(axes, loc="upper left", ncols=2 if used["label"].nunique() > 6 else 1)
    return fig


def _stairs(values: pd.Series[float]) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """Return ends of days and the share (%) of the sum until then, from 0 at the start of the first day."""
    days = pd.DatetimeIndex(values.index).tz_localize(None)
    ends = days[:1].append(days + pd.Timedelta(days=1))
    return ends.to_numpy(), np.concatenate([[0.0], 100 * np.cumsum(values.to_numpy()) / values.sum()])
