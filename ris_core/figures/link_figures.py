"""Pictures of links: the verdict on each class and series, tidal phases, Schuster spectra, distributed lags."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from ris_core.figures.palette import CATEGORICAL, MARKERS
from ris_core.figures.style import (
    BLUE,
    GREY,
    LABEL,
    TICK,
    VERMILLION,
    finish,
    legend,
    new_figure,
    no_data,
    require_columns,
)

_VERDICT = ("class_name", "series", "verdict", "sign", "effect", "effect_lowest", "effect_highest")
_LARGEST = 1.0
_WIDE = 130
_SHAPES = ("circle", "triangle", "square", "diamond")


def link_verdicts(table: pd.DataFrame, notes: tuple[str, ...] = ()) -> Figure:
    """Draw classes × series: filled squares are links, their area the effect, their colour the sign.

    Parameters
    ----------
    table
        Columns `class_name`, `series`, `verdict` ('link', 'no evidence', 'not identifiable'), `sign`, `effect`,
        `effect_lowest` and `effect_highest` (ln of the rate per standard deviation).
    notes
        What a reader must know, in whole sentences: they are written below.
    """
    title = "Which classes follow which series"
    require_columns(table, _VERDICT, "table")
    if table.empty:
        return no_data(title, "nothing could be tested")
    classes, series = (list(dict.fromkeys(table[name])) for name in ("class_name", "series"))
    lines = [line for note in notes for line in textwrap.wrap(note, _WIDE)]
    fig = new_figure(2.6 + 1.15 * len(series), 1.9 + 0.5 * len(classes) + 0.19 * len(lines), title)
    axes = fig.subplots()
    for row in table.to_dict("records"):
        x, y = series.index(row["series"]), classes.index(row["class_name"])
        if row["verdict"] == "not identifiable":
            box = Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor="#f2f2f2", edgecolor="#b0b0b0", hatch="////", lw=0)
            axes.add_patch(box)
            continue
        claimed = row["verdict"] == "link"
        side = 0.25 + 0.6 * float(np.sqrt(min(abs(row["effect"]), _LARGEST) / _LARGEST))
        colour = (VERMILLION if row["sign"] > 0 else BLUE) if claimed else GREY
        axes.add_patch(
            Rectangle(
                (x - side / 2, y - side / 2),
                side,
                side,
                facecolor=colour if claimed else "none",
                edgecolor=colour,
                lw=1,
            )
        )
        words = f"{row['effect']:+.2f}"
        inside = claimed and side > 0.55
        axes.text(x, y, words, ha="center", va="center", fontsize=TICK - 0.5, color="white" if inside else "black")
    axes.set_xlim(-0.5, len(series) - 0.5)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_xticks(range(len(series)), [name.replace("_", "\n") for name in series])
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xticks(np.arange(len(series)) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(classes)) - 0.5, minor=True)
    axes.grid(which="minor", color="#e0e0e0", lw=0.6)
    axes.tick_params(which="minor", length=0)
    finish(axes, "", "", "number: median over stations of ln(rate) per standard deviation")
    handles = [
        Patch(facecolor=VERMILLION, label="link, more events"),
        Patch(facecolor=BLUE, label="link, fewer events"),
        Patch(facecolor="none", edgecolor=GREY, label="no evidence"),
        Patch(facecolor="#f2f2f2", edgecolor="#b0b0b0", hatch="////", label="not identifiable"),
    ]
    fig.legend(handles=handles, loc="outside right upper", fontsize=TICK, frameon=False)
    if lines:
        fig.supxlabel("\n".join(lines), fontsize=TICK, ha="left", x=0.02, color="#404040")
    return fig


def _root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(values, 0.0))


def schuster_spectra(table: pd.DataFrame, notes: tuple[str, ...] = ()) -> Figure:
    """Draw −log10 of Schuster's p against the period, a panel for each class, a line for each station.

    Parameters
    ----------
    table
        Columns `class_name`, `station`, `period` (h), `log_p` and `expected` (natural logarithms).
    notes
        What a reader must know, in whole sentences.
    """
    title = "Schuster spectra"
    require_columns(table, ("class_name", "station", "period", "log_p", "expected"), "table")
    if table.empty:
        return no_data(title, "no class has events")
    classes, stations = (list(dict.fromkeys(table[name])) for name in ("class_name", "station"))
    columns = 2 if len(classes) > 1 else 1
    rows = -(-len(classes) // columns)
    lines = [line for note in notes for line in textwrap.wrap(note, _WIDE)]
    fig = new_figure(9.0, 1.2 + 1.55 * rows + 0.19 * len(lines), title)
    panels = fig.subplots(rows, columns, sharex=True, squeeze=False)
    for panel, name in zip(panels.flat, classes, strict=False):
        own = table[table["class_name"] == name]
        for number, station in enumerate(stations[: len(CATEGORICAL)]):
            of = own[own["station"] == station].sort_values("period")
            panel.plot(of["period"], -of["log_p"] / np.log(10), lw=0.7, color=CATEGORICAL[number], label=station)
        chance = own.drop_duplicates("period").sort_values("period")
        panel.plot(chance["period"], -chance["expected"] / np.log(10), color="black", lw=0.8, ls="--")
        for period, words in ((25.819, "O1"), (12.421, "M2"), (8766.0, "year")):
            panel.axvline(period, color="#c8c8c8", lw=0.7, zorder=0)
            panel.text(
                period, 1.0, words, transform=panel.get_xaxis_transform(), fontsize=TICK - 2, va="bottom", ha="center"
            )
        panel.set_xscale("log")
        panel.set_yscale("function", functions=(_root, np.square))
        panel.set_ylim(bottom=0)
        finish(panel, "", "", "")
        panel.text(0.02, 0.86, name, transform=panel.transAxes, fontsize=LABEL)
    for panel in panels.flat[len(classes) :]:
        panel.set_axis_off()
    for panel in panels[-1]:
        panel.set_xlabel("period (h)", fontsize=LABEL)
    for panel in panels[:, 0]:
        panel.set_ylabel("−log10 p", fontsize=LABEL)
    legend(panels.flat[0], loc="upper right", ncols=3)
    note = ["dashed: one of twenty such periods lies above it by chance, of independent events; swarms do so anyway"]
    fig.supxlabel("\n".join([*note, *lines]), fontsize=TICK, ha="left", x=0.02, color="#404040")
    return fig


def tidal_phases(table: pd.DataFrame, notes: tuple[str, ...] = ()) -> Figure:
    """Draw the excess of each class at O1 and M2 in the plane of phases, filled where q is below .05.

    What could not be tested (no q) is not drawn: a phase of few days would look like a tide.

    Parameters
    ----------
    table
        Columns `class_name`, `station`, `constituent`, `excess`, `angle` (degrees) and `q`.
    notes
        What a reader must know, in whole sentences.
    """
    title = "Events at a phase of the tide, beyond live time"
    require_columns(table, ("class_name", "station", "constituent", "excess", "angle", "q"), "table")
    own = table[table["constituent"].isin(["O1", "M2"]) & table["excess"].notna() & table["q"].notna()]
    if own.empty:
        return no_data(title, "nothing can be said of tides")
    classes, stations = (list(dict.fromkeys(own[name])) for name in ("class_name", "station"))
    lines = [line for note in notes for line in textwrap.wrap(note, _WIDE)]
    fig = new_figure(9.0, 4.6 + 0.19 * len(lines), title)
    limit = 1.1 * float(own["excess"].max())
    for number, constituent in enumerate(("O1", "M2")):
        axes = fig.add_subplot(1, 2, number + 1, projection="polar")
        for row in own[own["constituent"] == constituent].to_dict("records"):
            colour = CATEGORICAL[classes.index(row["class_name"]) % len(CATEGORICAL)]
            marker = MARKERS[stations.index(row["station"]) % len(MARKERS)]
            axes.plot(
                np.deg2rad(row["angle"]),
                row["excess"],
                marker=marker,
                ls="",
                color=colour,
                markerfacecolor=colour if row["q"] < 0.05 else "none",
                label=row["class_name"],
                ms=7,
            )
        axes.set_ylim(0, limit)
        axes.tick_params(labelsize=TICK)
        axes.set_title(f"{constituent}: length of the mean phase vector", fontsize=LABEL)
        if number == 0:
            first = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
            fig.legend(first.values(), first.keys(), loc="outside right upper", fontsize=TICK, frameon=False)
    shapes = ", ".join(f"{s} {m}" for s, m in zip(stations, _SHAPES, strict=False))
    note = [f"filled: q < 0.05; {shapes}"]
    fig.supxlabel("\n".join([*note, *lines]), fontsize=TICK, ha="left", x=0.02, color="#404040")
    return fig
