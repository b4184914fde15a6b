"""Conversion of a figure to a small PNG, and to Markdown that contains it."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image


def to_png(fig: Figure, dpi: int = 80, colours: int = 64) -> bytes:
    """Render a figure as a PNG with a palette.

    Parameters
    ----------
    fig : Figure
    dpi : int
        Dots per inch: a figure 8 inches wide gives 640 pixels at 80.
    colours : int
        Size of the palette, 2 to 256; fewer colours make a smaller file.

    Returns
    -------
    bytes
        The same figure gives the same bytes.

    Raises
    ------
    ValueError
        `colours` is not in 2 ... 256.
    """
    if not 2 <= colours <= 256:
        raise ValueError(f"colours is {colours}; a PNG palette holds 2 to 256")
    fig.set_dpi(dpi)
    fig.set_facecolor("white")
    canvas = FigureCanvasAgg(fig)
    canvas.draw()  # `savefig` draws twice where there is a layout
    palette = _with_palette(np.asarray(canvas.buffer_rgba())[..., :3], colours)
    buffer = io.BytesIO()
    palette.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _with_palette(rgb: NDArray[np.uint8], colours: int) -> Image.Image:
    """Return an image reduced to a few of its colours: half are the most frequent, half differ most from these.

    With the usual choice by area, small marks would lose their colour to the shades of a large background.
    """
    packed = rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    distinct, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    values = np.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255], axis=-1).astype(np.int32)
    palette: list[int] = []
    frequent = np.argsort(-counts, kind="stable")[: max(colours // 2, 1)]
    chosen = np.zeros(len(values), np.intp)
    nearest = np.full(len(values), np.iinfo(np.int32).max)
    for number in range(min(colours, len(values))):
        added = frequent[number] if number < len(frequent) else nearest.argmax()
        distance = ((values - values[added]) ** 2).sum(axis=1)
        closer = distance < nearest
        nearest[closer], chosen[closer] = distance[closer], number
        palette.extend(values[added].tolist())
    image = Image.fromarray(chosen.astype(np.uint8)[inverse].reshape(rgb.shape[:2]))
    image.putpalette(palette)
    return image
