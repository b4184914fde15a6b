"""Drawing of spectrograms: alone, or many as the tiles of one image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from ris_core.figures.palette import SEQUENTIAL
from ris_core.figures.style import FloatArray


def by_component(
    values: FloatArray, frequency: FloatArray, time: FloatArray, name: str, components: Sequence[str] = ()
) -> FloatArray:
    """Return spectrograms (n, frequency, time) or (n, components, frequency, time) in the second shape.

    Parameters
    ----------
    values, frequency, time
        The spectrograms and their axes.
    name
        What errors call them.
    components
        Letters of the components; they may be left out for one.

    Raises
    ------
    ValueError
        The spectrograms do not have the axes' sizes, or there is not one letter for each component.
    """
    size = len(frequency), len(time)
    letters = len(components)
    if values.ndim == 3 and values.shape[1:] == size and letters <= 1:
        return values[:, None]
    if values.ndim == 4 and values.shape[1:] == (letters, *size):
        return values
    expected = (letters, *size) if letters > 1 else size
    raise ValueError(
        f"{name} has the shape {values.shape}; expected (n, {', '.join(map(str, expected))})"
        + (f" for components {', '.join(components)}" if letters > 1 else "")
    )


def draw_spectrogram(
    axes: Axes, values: FloatArray, frequency: FloatArray, time: FloatArray, limits: tuple[float, float]
) -> AxesImage:
    """Draw one spectrogram, each value a rectangle around its frequency (Hz) and time (s)."""
    half_f = (frequency[-1] - frequency[0]) / (2 * max(len(frequency) - 1, 1))
    half_t = (time[-1] - time[0]) / (2 * max(len(time) - 1, 1))
    return axes.imshow(
        values,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(time[0] - half_t, time[-1] + half_t, frequency[0] - half_f, frequency[-1] + half_f),
        cmap=SEQUENTIAL,
        vmin=limits[0],
        vmax=limits[1],
    )


def draw_tiles(
    axes: Axes,
    tiles: Sequence[Sequence[FloatArray | None]],
    frequency: FloatArray,
    time: FloatArray,
    limits: tuple[float, float],
    *,
    titles: Sequence[Sequence[str]] = (),
    title_size: float = 8.0,
    levels: int = 256,
) -> AxesImage:
    """Draw rows of spectrograms into one image, each tile with ticks of its own time and frequency.

    One pair of axes for all tiles takes a tenth of the time of one pair for each tile.

    Parameters
    ----------
    axes : Axes
    tiles : rows of (frequency, time) arrays
        None leaves a place empty; all rows have the same number of places.
    frequency : (frequency,) array
        Hz.
    time : (time,) array
        s.
    limits : (float, float)
        Values of the first and the last colour.
    titles : rows of str
        Text above the tiles of the first rows.
    title_size : float
        Points.
    levels : int
        Number of colours; fewer make a smaller file.
    """
    height, width = len(frequency), len(time)
    row_gap = round(height * (0.24 if len(titles) > 1 else 0.07))
    row_step, column_step = height + row_gap, width + max(round(0.05 * width), 1)
    rows, columns = len(tiles), len(tiles[0])
    image = np.full((rows * row_step - row_gap, columns * column_step - (column_step - width)), np.nan)
    for row, places in enumerate(tiles):
        for column, tile in enumerate(places):
            top, left = row * row_step, column * column_step
            if tile is not None:
                image[top : top + height, left : left + width] = tile[::-1]
            if row < len(titles):
                axes.text(
                    left + width / 2, top - 1.5, titles[row][column], ha="center", va="bottom", fontsize=title_size
                )
    x_ticks, x_labels = _ticks(time, 4)
    y_ticks, y_labels = _ticks(frequency, 3)
    axes.set_xticks(np.add.outer(np.arange(columns) * column_step, x_ticks).ravel(), labels=x_labels * columns)
    axes.set_yticks(np.add.outer(np.arange(rows) * row_step, height - 1 - y_ticks).ravel(), labels=y_labels * rows)
    axes.spines[:].set_visible(False)
    return axes.imshow(
        image,
        aspect="auto",
        interpolation="nearest",
        cmap=colormaps[SEQUENTIAL].resampled(levels),
        vmin=limits[0],
        vmax=limits[1],
    )


def _ticks(coordinate: FloatArray, number: int) -> tuple[FloatArray, list[str]]:
    """Return positions, as fractional indices, and labels of round values of an evenly spaced coordinate."""
    values = MaxNLocator(nbins=number, steps=[1, 2, 5, 10]).tick_values(float(coordinate[0]), float(coordinate[-1]))
    step = (coordinate[-1] - coordinate[0]) / max(len(coordinate) - 1, 1)
    # A label at the very start would run into the label at the end of the tile before.
    values = values[(values > coordinate[0] + step) & (values <= coordinate[-1] + step / 2)]
    return (values - coordinate[0]) / (step or 1.0), [f"{v:g}".replace("-", "−") for v in values]
