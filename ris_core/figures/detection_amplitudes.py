"""Figure of completeness: the amplitudes at which half and nine tenths of the events of a class are found."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from ris_core.figures.palette import cluster_style
from ris_core.figures.style import LABEL, TICK, finish, new_figure, no_data, require_columns

_COLUMNS = ("station", "label", "class_name", "noise_quartile", "amplitude_50", "amplitude_90")
_MOST = 12
_ACROSS = 4


def detection_amplitudes(
    table: pd.DataFrame, unit: str = "counts", without: Mapping[str, str] | None = None, title: str = "Completeness"
) -> Figure:
    """Draw for each class and station the amplitudes of 50 and 90 % over the quartiles of the noise.

    Parameters
    ----------
    table : DataFrame
        `station`, `label`, `class_name`, `noise_quartile` (0: all noise, left out here), `amplitude_50`,
        `amplitude_90`, and the ends of their intervals (`amplitude_50_low`). NaN is left out.
    unit : str
        Of the amplitudes.
    without : mapping of str to str, optional
        Stations that have no amplitudes, which are named below the figure.
    title : str

    Raises
    ------
    ValueError
        A column is missing.
    """
    require_columns(table, _COLUMNS, "the table of completeness")
    shown = table[(table["noise_quartile"] > 0) & table[["amplitude_50", "amplitude_90"]].notna().any(axis=1)]
    if shown.empty:
        return no_data(title, "no amplitude could be determined")
    known = shown[["label", "class_name"]].drop_duplicates().sort_values(["label", "class_name"])
    classes = [(int(label), str(name)) for label, name in zip(known["label"], known["class_name"], strict=True)]
    stations = sorted(table["station"].unique())
    more, classes = len(classes) - _MOST, classes[:_MOST]
    across = min(_ACROSS, len(classes))
    rows = -(-len(classes) // across)
    fig = new_figure(2.6 * across + 1.4, 2.3 * rows + 1.1, title)
    panels = fig.subplots(rows, across, squeeze=False, sharex=True, sharey=True)
    for axes in panels.flat[len(classes) :]:
        axes.set_visible(False)
    for number, (label, name) in enumerate(classes):
        axes = panels.flat[number]
        of_class = shown[(shown["label"] == label) & (shown["class_name"] == name)]
        for place, station in enumerate(stations):
            mine = of_class[of_class["station"] == station].sort_values("noise_quartile")
            colour, marker = cluster_style(place)
            shift = 0.5 * ((place + 0.5) / len(stations) - 0.5)
            for share, filled in ((50, "white"), (90, colour)):
                value = mine[f"amplitude_{share}"].to_numpy(dtype=float)
                low, high = (mine[f"amplitude_{share}_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
                axes.errorbar(
                    mine["noise_quartile"] + shift,
                    value,
                    (np.maximum(value - low, 0), np.maximum(high - value, 0)),
                    fmt=marker,
                    ms=4,
                    mfc=filled,
                    color=colour,
                    lw=1,
                    label=station if share == 90 else None,
                )
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(2, 0.5)))
        axes.yaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(2, 0.5)))
        axes.set_xticks(range(1, 5))
        axes.grid(True, color="#e6e6e6", lw=0.6)
        lower, left = number + across >= len(classes), number % across == 0
        heading = name if name == str(label) else f"{label} {name}"
        finish(axes, "quartile of noise" if lower else "", f"amplitude ({unit})" if left else "", heading)
    fig.legend(
        *panels.flat[0].get_legend_handles_labels(),
        loc="outside right upper",
        title="station\n(open: 50 %,\nfilled: 90 %)",
        title_fontsize=TICK,
        fontsize=TICK,
        frameon=False,
    )
    said = [f"{code}: {why}" for code, why in (without or {}).items()]
    said += [f"{more} more classes are in the table"] if more > 0 else []
    if said:
        fig.supxlabel("\n".join(said), fontsize=LABEL, color="#555555")
    return fig
