"""Figure of the amplitudes and peak frequencies of each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.figures.style import LABEL, TICK, class_fill, new_figure, no_data, require_columns

_BINS = 40


def amplitudes_and_frequencies(
    table: pd.DataFrame,
    amplitude: str = "|peak| (counts)",
    title: str = "Amplitudes and peak frequencies",
) -> Figure:
    """Draw histograms of the greatest amplitudes and of the peak frequencies, one row for each class.

    Heights are shares of the class's events. Black lines are medians.

    Parameters
    ----------
    table : DataFrame
        One row per event: `label`, `class_name`, `amplitude` (greater than 0, or NaN if unknown) and `peak_frequency`
        (Hz, or NaN).
    amplitude : str
        What the amplitude is, with its unit.
    title : str
    """
    require_columns(table, ("label", "class_name", "amplitude", "peak_frequency"), "table")
    if table.empty:
        return no_data(title, "no events")
    known = {
        "amplitude": table["amplitude"].where(table["amplitude"] > 0).to_numpy(float),
        "peak_frequency": table["peak_frequency"].to_numpy(float),
    }
    edges = {
        "amplitude": _logarithmic(known["amplitude"]),
        "peak_frequency": _frequency_edges(known["peak_frequency"]),
    }
    classes = table.drop_duplicates("label").sort_values("label")
    k = len(classes)
    fig = new_figure(8.6, min(0.75 * k, 14.0) + 1.3, f"{title}: {len(table):,} events")
    panels = fig.subplots(k, 2, squeeze=False, sharex="col")
    for (left, right), (label, name) in zip(
        panels, classes[["label", "class_name"]].itertuples(index=False, name=None), strict=True
    ):
        own = (table["label"] == label).to_numpy()
        style: Mapping[str, Any] = class_fill(int(label))
        for axes, column in ((left, "amplitude"), (right, "peak_frequency")):
            _histogram(axes, known[column][own], edges[column], style)
        left.set_ylabel(f"{name}\n({own.sum():,})", fontsize=TICK, rotation=0, ha="right", va="center")
    panels[0, 0].set_xscale("log")
    panels[-1, 0].set_xlabel(amplitude, fontsize=LABEL)
    panels[-1, 1].set_xlabel("peak frequency (Hz)", fontsize=LABEL)
    return fig


def _histogram(axes: Axes, values: NDArray[Any], edges: NDArray[Any], style: Mapping[str, Any]) -> None:
    axes.set_yticks([])
    axes.tick_params(labelsize=TICK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    known = values[np.isfinite(values)]
    if not len(known):
        axes.text(0.5, 0.4, "unknown", ha="center", va="center", transform=axes.transAxes, fontsize=TICK)
        return
    counts, _ = np.histogram(np.clip(known, edges[0], edges[-1]), edges)
    axes.stairs(counts / len(known), edges, fill=True, lw=0.5, **style)
    axes.axvline(float(np.median(known)), color="black", lw=1)
    axes.set_ylim(0)


def _logarithmic(values: NDArray[Any]) -> NDArray[Any]:
    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if len(known) else (1.0, 10.0)
    return np.geomspace(low, max(high, low * 1.01), _BINS + 1)


def _frequency_edges(values: NDArray[Any]) -> NDArray[Any]:
    """Return edges between the frequencies of a spectrogram, each bin holding as many of these as the others."""
    distinct = np.unique(np.round(values[np.isfinite(values)], 4))
    if len(distinct) < 2:
        middle = float(distinct[0]) if len(distinct) else 0.5
        return np.array([middle - 0.5, middle + 0.5])
    span = float(distinct[-1] - distinct[0])
    spacing = max(float(np.diff(distinct).min()), span / 1000)
    step = spacing * np.ceil(span / _BINS / spacing)
    first = distinct[0] - spacing / 2
    return np.asarray(first + step * np.arange(int(np.ceil((span + spacing / 2) / step)) + 1))
