"""What all figures share: canvas, text sizes and colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from ris_core.figures.palette import CATEGORICAL, cluster_style

TITLE = 11
LABEL = 9.5
TICK = 8.5

BLUE, ORANGE, GREEN, VERMILLION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#7f7f7f"
_HATCHES = (None, "////", "....", "xxxx")
GAP = "#d4d4d4"

FloatArray = NDArray[np.floating[Any]]


def class_fill(label: int) -> dict[str, Any]:
    """Return colour and hatch of the areas of a class; the colour is that of `cluster_style`."""
    return {"facecolor": cluster_style(label)[0], "hatch": _HATCHES[label // len(CATEGORICAL) % len(_HATCHES)]}


def new_figure(width: float, height: float, title: str) -> Figure:
    """Return an empty white figure of a size in inches, with a title."""
    fig = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    fig.suptitle(title, fontsize=TITLE)
    return fig


def no_data(title: str, text: str = "no data") -> Figure:
    """Return a small figure that says that there is nothing to show."""
    fig = new_figure(6.0, 1.6, title)
    fig.text(0.5, 0.4, text, ha="center", va="center", fontsize=14, color=GREY)
    return fig


def finish(axes: Axes, x: str = "", y: str = "", title: str = "") -> None:
    """Set labels (with units), title and text sizes of one pair of axes."""
    axes.set_xlabel(x, fontsize=LABEL)
    axes.set_ylabel(y, fontsize=LABEL)
    axes.set_title(title, fontsize=LABEL)
    axes.tick_params(labelsize=TICK)


def legend(axes: Axes, **options: Any) -> None:
    """Add a small legend without a frame."""
    axes.legend(fontsize=TICK, frameon=False, **options)


def colour_bar(fig: Figure, image: AxesImage, axes: Axes, label: str) -> None:
    """Add a narrow colour bar with a label to the right of the axes, at most 4 inches long."""
    shrink = min(1.0, 4.0 / float(fig.get_figheight()))
    bar = fig.colorbar(image, ax=axes, pad=0.01, aspect=25, shrink=shrink)
    bar.set_label(label, fontsize=LABEL)
    bar.ax.tick_params(labelsize=TICK)


def require_columns(table: pd.DataFrame, names: tuple[str, ...], what: str) -> None:
    """Raise `ValueError` naming the columns that a table lacks."""
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(
            f"{what} lacks {', '.join(missing)}; it has {', '.join(map(str, table.columns)) or 'no columns'}"
        )
