"""Figure of the hours of the day in each month, one panel for each class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ris_core.figures.palette import SEQUENTIAL
from ris_core.figures.style import GAP, LABEL, TICK, finish, new_figure, no_data, require_columns

_MOST_TICKS = 8


def hours_by_month(table: pd.DataFrame, title: str = "Hour of the day by month") -> Figure:
    """Draw the rate of each class by hour of the day (UTC) and month; grey where there was no live time.

    Parameters
    ----------
    table : DataFrame
        One row per class, month and hour with live time: `label`, `class_name`, `name` (``2015-01 23``), `hour`,
        `events` and `rate` (1/h; NaN of events without live time, of which the numbers are drawn).
    title : str
    """
    require_columns(table, ("label", "class_name", "name", "hour", "events", "rate"), "table")
    if not table["events"].sum():
        return no_data(title, "no events")
    rated = table["rate"].notna().any()
    used = table.assign(
        month=pd.PeriodIndex(table["name"].str[:7], freq="M"), value=table["rate"] if rated else table["events"]
    )
    months = pd.period_range(used["month"].min(), used["month"].max(), freq="M")
    classes = used.drop_duplicates("label").sort_values("label")
    columns = 1 if len(classes) == 1 else 2
    rows = -(-len(classes) // columns)
    width = min(max(0.22 * len(months), 2.6), 5.2)
    fig = new_figure(
        columns * (width + 1.2), 1.75 * rows + 0.9, f"{title}: {'events per live hour' if rated else 'events'}"
    )
    panels = fig.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes in panels.flat[len(classes) :]:
        axes.set_axis_off()
    for axes, (label, name) in zip(
        panels.flat, classes[["label", "class_name"]].itertuples(index=False, name=None), strict=False
    ):
        own = used[used["label"] == label]
        image = np.full((24, len(months)), np.nan)
        place = (own["month"].astype("int64") - months[0].ordinal).to_numpy()
        image[own["hour"].to_numpy(int), place] = own["value"].to_numpy(float)
        _panel(fig, axes, image, f"{name} ({int(own['events'].sum()):,})")
        _month_ticks(axes, months)
    for axes in panels.flat[max(len(classes) - columns, 0) : len(classes)]:
        axes.tick_params(labelbottom=True)
    fig.supxlabel("month (UTC)", fontsize=LABEL)
    fig.supylabel("hour of the day (UTC)", fontsize=LABEL)
    return fig


def _panel(fig: Figure, axes: Axes, image: np.ndarray[Any, Any], title: str) -> None:
    colours = colormaps[SEQUENTIAL].with_extremes(bad=GAP)
    greatest = np.nanmax(image) if np.isfinite(image).any() else 0.0
    extent = (-0.5, image.shape[1] - 0.5, 24.0, 0.0)
    drawn = axes.imshow(
        np.ma.masked_invalid(image),
        cmap=colours,
        vmin=0,
        vmax=greatest or 1.0,
        aspect="auto",
        interpolation="nearest",
        extent=extent,
    )
    axes.set_yticks([0, 6, 12, 18, 24])
    finish(axes, title=title)
    bar = fig.colorbar(drawn, ax=axes, pad=0.02, aspect=14)
    bar.ax.tick_params(labelsize=TICK)


def _month_ticks(axes: Axes, months: pd.PeriodIndex) -> None:
    step = next(each for each in (1, 2, 3, 6, 12, 24, 60, 120) if len(months) <= _MOST_TICKS * each)
    # Ticks at firsts of quarters, halves or years, as far as there are any.
    places = [
        n for n, month in enumerate(months) if (month.month - 1) % step == 0 and (step <= 12 or n % step == 0)
    ] or [0]
    axes.set_xticks(places, labels=[f"{months[n]:%b}\n{months[n]:%Y}" for n in places])
