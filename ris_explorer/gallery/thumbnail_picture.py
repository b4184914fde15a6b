"""The thumbnail of an event: spectrogram above trace, drawn directly into the colours of a PNG's palette."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ris_core.figures.decibels import DYNAMIC_RANGE_DB, decibels_below_max
from ris_core.figures.palette import SEQUENTIAL_COLOURS

WIDTH = 200
"""Pixels of every thumbnail."""
_CLEAR, _TRACE, _FIRST = 0, 1, 2
_LEVELS = len(SEQUENTIAL_COLOURS)
_TRACE_COLOUR = (90, 128, 168)
"""Seen on white and on black."""
_PALETTE = bytes(value for colour in ((0, 0, 0), _TRACE_COLOUR, *SEQUENTIAL_COLOURS) for value in colour)
_HEIGHTS = {1: (88, 40)}
_SEVERAL = (50, 24)


def draw_thumbnail(
    spectrogram: NDArray[np.float32], waveform: NDArray[np.float32], recorded: NDArray[np.bool_]
) -> bytes:
    """Return a PNG: of each component the spectrogram, in dB below the greatest power of all, above its trace.

    The background, and what was not recorded, is clear.

    Parameters
    ----------
    spectrogram, waveform
        (C, F, T) linear power; (C, S).
    recorded
        (C,) which components were recorded.
    """
    above, below = _HEIGHTS.get(len(spectrogram), _SEVERAL)
    pixels = np.full((len(spectrogram), above + below, WIDTH), _CLEAR, np.uint8)
    levels = (decibels_below_max(np.maximum(spectrogram, 0)) + DYNAMIC_RANGE_DB) * (_LEVELS - 1) / DYNAMIC_RANGE_DB
    rows = np.arange(above - 1, -1, -1) * spectrogram.shape[1] // above
    columns = np.arange(WIDTH) * spectrogram.shape[2] // WIDTH
    pixels[:, :above] = np.round(levels[:, rows[:, None], columns]).astype(np.uint8) + _FIRST
    greatest = float(np.abs(waveform).max(initial=0.0)) or 1.0
    for each, samples in zip(pixels, waveform / greatest, strict=True):
        each[above:][_line(samples, below - 2)] = _TRACE
    pixels[~recorded] = _CLEAR
    image = Image.fromarray(pixels.reshape(-1, WIDTH))
    image.putpalette(_PALETTE)
    made = io.BytesIO()
    image.save(made, format="PNG", transparency=_CLEAR, compress_level=2)
    return made.getvalue()


def _line(samples: NDArray[np.floating], height: int) -> NDArray[np.bool_]:
    """Return which pixels (height + 2, WIDTH) a trace of values from -1 to 1 covers; it has no gaps."""
    edges = np.linspace(0, len(samples) - 1, WIDTH + 1)
    places = np.unique(np.concatenate([edges, np.arange(len(samples))]))
    values = np.interp(places, np.arange(len(samples)), samples)
    starts = np.searchsorted(places, edges[:-1])
    # Each column has the samples within it and both of its edges, so that neighbours meet.
    highest = np.maximum(np.maximum.reduceat(values, starts), np.interp(edges[1:], places, values))
    lowest = np.minimum(np.minimum.reduceat(values, starts), np.interp(edges[1:], places, values))
    top, bottom = (np.round(1 + (1 - level) * height / 2) for level in (highest, lowest))
    y = np.arange(height + 2)[:, None]
    return np.asarray((y >= top) & (y <= bottom))
