"""A picture of a few spectrograms of one station-day, drawn as PNG without matplotlib's canvas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib import colormaps

from ris_core.figures.decibels import DYNAMIC_RANGE_DB, decibels_below_max, share_of_max
from ris_core.figures.palette import SEQUENTIAL
from ris_core.figures.raster import BLACK, GREYS, Raster, number_text, round_ticks, text_width
from ris_core.figures.spectrogram import by_component
from ris_core.figures.style import FloatArray

SpectrogramScale = Literal["dB relative to max", "linear"]

_TITLE, _LABEL, _TICK = 14, 12, 11
_MOST_SPECTROGRAMS = 8
_TILE_WIDTH, _TILE_HEIGHT, _WIDEST = 200, 174, 1200
_LEVELS = 40


def sample_spectrograms(
    spectrograms: FloatArray,
    frequency: FloatArray,
    time: FloatArray,
    titles: Sequence[str],
    scale: SpectrogramScale = "dB relative to max",
    *,
    title: str = "Spectrograms",
    components: Sequence[str] = (),
) -> bytes:
    """Draw up to eight spectrograms in a grid, or four with their components side by side.

    Parameters
    ----------
    spectrograms : (n, frequency, time) or (n, components, frequency, time) array
        Linear power spectral density; the first eight or four are drawn.
    frequency : (frequency,) array
        Hz.
    time : (time,) array
        s.
    titles : sequence of str
        One for each spectrogram.
    scale : {"dB relative to max", "linear"}
        Decibels below the maximum of each event down to -30 dB, or power as a share of that maximum.
    title : str
    components : sequence of str
        Letters of the components, if there are several.

    Returns
    -------
    bytes
        A PNG.
    """
    of_events = by_component(spectrograms, frequency, time, "spectrograms", components)
    several = of_events.shape[1]
    of_events = of_events[: _MOST_SPECTROGRAMS if several == 1 else _MOST_SPECTROGRAMS // 2]
    if len(titles) < len(of_events):
        raise ValueError(f"titles has {len(titles)} entries for {len(spectrograms)} spectrograms")
    decibels = scale == "dB relative to max"
    shown, named = [], []
    for power, name in zip(of_events, titles, strict=False):
        shares = decibels_below_max(power) / DYNAMIC_RANGE_DB + 1 if decibels else share_of_max(power)
        shown += list(shares)
        named += [name] if several == 1 else [f"{name} {letter}" for letter in components]
    across, down = _enlarged(len(time), _TILE_WIDTH), _enlarged(len(frequency), _TILE_HEIGHT)
    width, height = across * len(time), down * len(frequency)
    columns = max(1, min(several * max(1, 4 // several), _WIDEST // width, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    left, top, step_x, step_y = 52, 50, width + 14, height + 44
    right = left + columns * step_x
    raster = Raster(right + 66, top + rows * step_y + 8, _viridis())
    raster.text((left + right) / 2, 14, title, _TITLE)
    if not len(shown):
        raster.text((left + right) / 2, top + height / 2, "no events", 20)
        return raster.png()
    for number, share in enumerate(shown):
        x, y = left + number % columns * step_x, top + number // columns * step_y
        levels = GREYS + np.minimum(share * _LEVELS, _LEVELS - 1).astype(np.uint8)
        raster.pixels[y : y + height, x : x + width] = levels[::-1].repeat(down, axis=0).repeat(across, axis=1)
        raster.frame(x, y, x + width, y + height)
        size = next((s for s in (_TICK, 10, 9) if text_width(named[number], s) <= width), 8)
        raster.text(x + width / 2, y - 10, named[number], size)
        _tile_axes(raster, (x, y), (width, height), frequency, time, labelled=number % columns == 0)
    bottom = top + rows * step_y
    raster.text((left + right - 14) / 2, bottom - 8, "time in window (s)", _LABEL)
    raster.text(10, top + (rows * step_y - 44) / 2, "frequency (Hz)", _LABEL, upright=True)
    limits = (-DYNAMIC_RANGE_DB, 0.0) if decibels else (0.0, 1.0)
    _colour_bar(raster, right + 4, top, height, limits, "PSD (dB re maximum)" if decibels else "PSD / maximum")
    return raster.png()


def _enlarged(values: int, pixels: int) -> int:
    """Return by how many pixels each of some values is drawn, so that all take about so many pixels."""
    return max(1, round(pixels / values))


def _tile_axes(
    raster: Raster,
    corner: tuple[int, int],
    size: tuple[int, int],
    frequency: FloatArray,
    time: FloatArray,
    *,
    labelled: bool,
) -> None:
    (x, y), (width, height) = corner, size
    for value in round_ticks(float(time[0]), float(time[-1]), 4):
        at = x + (value - time[0]) / (time[-1] - time[0]) * (width - 2) + 1
        raster.fill(at, y + height, at + 1, y + height + 4, BLACK)
        raster.text(at, y + height + 12, number_text(value), _TICK)
    for value in round_ticks(float(frequency[0]), float(frequency[-1]), 4):
        at = y + height - 1 - (value - frequency[0]) / (frequency[-1] - frequency[0]) * (height - 2)
        raster.fill(x - 5, at, x - 1, at + 1, BLACK)
        if labelled:
            raster.text(x - 8, at, number_text(value), _TICK, align="right")


def _colour_bar(raster: Raster, x: int, y: int, height: int, limits: tuple[float, float], label: str) -> None:
    levels = GREYS + _LEVELS - 1 - np.arange(height) * _LEVELS // height
    raster.pixels[y : y + height, x : x + 10] = levels[:, None]
    raster.frame(x, y, x + 10, y + height)
    for value in round_ticks(*limits, 3):
        at = y + (limits[1] - value) / (limits[1] - limits[0]) * (height - 1)
        raster.fill(x + 11, at, x + 14, at + 1, BLACK)
        raster.text(x + 17, at, number_text(value), _TICK, align="left")
    raster.text(x + 54, y + height / 2, label, _TICK, upright=True)


def _viridis() -> list[str]:
    colours = colormaps[SEQUENTIAL](np.linspace(0, 1, _LEVELS), bytes=True)
    return [bytes(c[:3].tolist()).hex() for c in colours]
