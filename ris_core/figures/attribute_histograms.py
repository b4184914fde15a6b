"""Figure of the distributions of attributes over the events of a station-day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ris_core.figures.style import BLUE, FloatArray, finish, new_figure, no_data

_BINS = 24
_IN_A_ROW = 4


def attribute_histograms(
    values: FloatArray, columns: Sequence[tuple[str, str]], title: str = "Attributes of the events"
) -> Figure:
    """Draw a histogram of each attribute.

    Parameters
    ----------
    values : (N, D) array
        All finite.
    columns : D pairs
        Name and unit of each.
    title : str
    """
    if values.shape[1:] != (len(columns),):
        raise ValueError(f"values {values.shape} for {len(columns)} attributes; a column for each is needed")
    if not values.size:
        return no_data(title, "no events")
    rows = -(-len(columns) // _IN_A_ROW)
    fig = new_figure(10.0, 0.4 + 1.7 * rows, f"{title}: {len(values)} events")
    grid = fig.subplots(rows, _IN_A_ROW, squeeze=False).ravel()
    for axes, column, (name, unit) in zip(grid, values.T, columns, strict=False):
        low, high = float(column.min()), float(column.max())
        counts, edges = np.histogram(column, _BINS, (low, high if high > low else low + 1))
        axes.stairs(counts, edges, fill=True, color=BLUE)
        finish(axes, unit or " ", title=name)
    for axes in grid[len(columns) :]:
        axes.set_axis_off()
    return fig
