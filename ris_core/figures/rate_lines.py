"""Figure of rates over time, above the share of live time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ris_core.figures.palette import cluster_style
from ris_core.figures.style import GREY, TICK, finish, new_figure, no_data, require_columns

_COLUMNS = ("label", "class_name", "start", "end", "events", "rate", "rate_low", "rate_high", "live_share")


def rates_over_time(table: pd.DataFrame, level: float = 0.95, title: str = "Rates") -> Figure:
    """Draw the rate of each class over time with its interval, and the share of live time beneath.

    Where a bin had no live time, lines are broken. A bin with little live time has a wide interval.

    Parameters
    ----------
    table : DataFrame
        One row per class and bin with live time, bins of one length: `label`, `class_name`, `start`, `end` (UTC),
        `events`, `rate`, `rate_low`, `rate_high` (1/h), `live_share` (0 to 1).
    level : float
        Probability of the intervals.
    title : str
    """
    require_columns(table, _COLUMNS, "table")
    if table.empty or table["rate"].isna().all():
        return no_data(title, "no live time is known" if len(table) else "no live time")
    classes = table.drop_duplicates("label").sort_values("label")
    heights = [1.0] * len(classes) + [0.7]
    fig = new_figure(9.5, min(0.95 * len(classes), 15.0) + 1.9, f"{title}: events per live hour, {level:.0%} intervals")
    panels = fig.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    for axes, (label, name) in zip(
        panels[:-1], classes[["label", "class_name"]].itertuples(index=False, name=None), strict=True
    ):
        _line(axes, table[table["label"] == label].sort_values("start"), int(label), str(name))
    _live(panels[-1], table.drop_duplicates("start").sort_values("start"))
    finish(panels[-1], "time (UTC)", "live")
    panels[-1].set_ylabel("live\n(%)", fontsize=TICK)
    fig.align_ylabels(panels)
    return fig


def _stairs(own: pd.DataFrame, column: str) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Return corners of stairs; a point without a value breaks the line where a bin is absent."""
    start, end = (pd.DatetimeIndex(own[name]).tz_localize(None) for name in ("start", "end"))
    values = own[column].to_numpy(float)
    times = np.column_stack([start, end, end]).reshape(-1)
    after = np.append(start[1:] > end[:-1], True)
    corners = np.column_stack([values, values, np.where(after, np.nan, values)]).reshape(-1)
    return pd.DatetimeIndex(times), corners


def _line(axes: Axes, own: pd.DataFrame, label: int, name: str) -> None:
    colour, _ = cluster_style(label)
    times, low = _stairs(own, "rate_low")
    _, high = _stairs(own, "rate_high")
    _, rate = _stairs(own, "rate")
    axes.fill_between(times, low, high, color=colour, alpha=0.28, lw=0)
    axes.plot(times, rate, color=colour, lw=1.1)
    # The interval of a bin with hardly any live time would hide all others.
    seen = own.loc[own["live_share"] >= 0.2 * own["live_share"].max(), "rate_high"]
    axes.set_ylim(0, 1.05 * float(seen.max()))
    axes.margins(x=0)
    axes.tick_params(labelsize=TICK)
    axes.text(0.005, 0.93, f"{name} ({int(own['events'].sum()):,})", transform=axes.transAxes, va="top", fontsize=TICK)


def _live(axes: Axes, bins: pd.DataFrame) -> None:
    start, end = (pd.DatetimeIndex(bins[name]).tz_localize(None) for name in ("start", "end"))
    days = (end - start) / pd.Timedelta(days=1)
    axes.bar(start, 100 * bins["live_share"], width=days, align="edge", color=GREY, lw=0)
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 50, 100])
