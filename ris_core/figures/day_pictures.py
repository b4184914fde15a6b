"""Pictures of one station-day: the day's trace with its detections, and the traces of several channels.

They are drawn as PNG without matplotlib's canvas, since every station-day has its own pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import NS
from ris_core.figures.raster import BLACK, GREYS, Raster, number_text, text_width
from ris_core.figures.style import BLUE, GAP, VERMILLION, FloatArray

DAY_S = 86_400.0

_TITLE, _LABEL, _TICK = 14, 12, 11
_TRACE, _GAP, _EVENT, _OTHER, _LINE = range(GREYS, GREYS + 5)
_DAY_COLOURS = ("#404040", GAP, VERMILLION, BLUE, "#e6e6e6")

_COLUMNS = 720
_ROWS = 6
_HALF = 19
_MARK = 6
_ROW_STEP = 2 * (_HALF + _MARK) + 4


class Piece(Protocol):
    """A contiguous piece of a trace: a raw segment or a conditioned one."""

    @property
    def start_ns(self) -> int:
        """Time of the first sample, ns since 1970 UTC."""

    @property
    def sampling_rate(self) -> float:
        """Hz."""

    @property
    def samples(self) -> NDArray[Any]:
        """Shape (n,)."""


def day_waveform(
    pieces: Sequence[Piece],
    midnight_ns: int,
    title: str,
    detection_seconds: FloatArray | None = None,
    detection_is_event: NDArray[np.bool_] | None = None,
    *,
    unit: str = "counts",
) -> bytes:
    """Draw 24 h of a trace as an envelope in rows of four hours, with its gaps and, if given, its detections.

    Parameters
    ----------
    pieces : sequence of Piece
        Contiguous pieces with samples in ``unit``; samples outside the day are left out.
    midnight_ns : int
        00:00 UTC of the day, ns since 1970.
    title : str
    detection_seconds : (n,) array
        Times of the detections in seconds after 00:00 UTC.
    detection_is_event : (n,) array of bool
        Whether the detection has a spectrogram.
    unit : str
        Unit of the samples.

    Returns
    -------
    bytes
        A PNG.

    Raises
    ------
    ValueError
        The detections' arrays differ in length.
    """
    return _day_raster(pieces, midnight_ns, title, detection_seconds, detection_is_event, unit).png()


def day_waveforms(
    traces: Mapping[str, Sequence[Piece]], midnight_ns: int, title: str, *, unit: str = "counts"
) -> bytes:
    """Draw 24 h of several channels, one below the other, each as `day_waveform` does and with a height of its own.

    Parameters
    ----------
    traces
        Contiguous pieces of each channel, by its code.
    midnight_ns, title, unit
        As in `day_waveform`.

    Returns
    -------
    bytes
        A PNG.
    """
    drawn = [
        _day_raster(pieces, midnight_ns, f"{title}, {channel}", None, None, unit) for channel, pieces in traces.items()
    ]
    height, width = drawn[0].pixels.shape
    together = Raster(width, height * len(drawn), _DAY_COLOURS)
    together.pixels = np.concatenate([raster.pixels for raster in drawn])
    return together.png()


def _day_raster(
    pieces: Sequence[Piece],
    midnight_ns: int,
    title: str,
    detection_seconds: FloatArray | None,
    detection_is_event: NDArray[np.bool_] | None,
    unit: str,
) -> Raster:
    marked = detection_seconds is not None
    seconds = np.asarray(detection_seconds if marked else [], float)
    is_event = np.asarray(detection_is_event if detection_is_event is not None else np.ones(seconds.size), bool)
    if seconds.size != is_event.size:
        raise ValueError(f"detection_is_event has {is_event.size} values for {seconds.size} detection_seconds")
    low, high = envelope(pieces, midnight_ns, _ROWS * _COLUMNS)
    left, top = 62, 30
    raster = Raster(left + _COLUMNS + 14, top + _ROWS * _ROW_STEP + 64, _DAY_COLOURS)
    centre_x = left + _COLUMNS / 2
    raster.text(centre_x, 14, title, _TITLE)
    if not np.isfinite(low).any():
        raster.text(centre_x, top + _ROWS * _ROW_STEP / 2, "no data", 20)
        return raster
    middle = float(np.nanmedian((low + high) / 2))
    middle = 0.0 if abs(middle) < 0.02 * float(np.nanmedian(high - low)) else middle
    limit, beyond = _amplitude_limit(low - middle, high - middle)
    gaps = _gaps(pieces, midnight_ns)
    for row in range(_ROWS):
        centre = top + row * _ROW_STEP + _ROW_STEP // 2
        part = slice(row * _COLUMNS, (row + 1) * _COLUMNS)
        band = raster.pixels[centre - _HALF : centre + _HALF + 1, left : left + _COLUMNS]
        _draw_row(band, (low[part] - middle) / limit, (high[part] - middle) / limit, _in_row(gaps, row))
        raster.text(left - 8, centre, f"{24 // _ROWS * row:02d}:00", _TICK, align="right")
        raster.fill(left - 5, centre, left - 1, centre + 1, BLACK)
        place = (seconds * (_ROWS * _COLUMNS / DAY_S)).astype(int)
        here = (seconds >= 0) & (seconds < DAY_S) & (place // _COLUMNS == row)
        for x in place[here & is_event] % _COLUMNS + left:
            raster.fill(x, centre - _HALF - _MARK, x + 2, centre - _HALF - 1, _EVENT)
        for x in place[here & ~is_event] % _COLUMNS + left:
            raster.fill(x, centre + _HALF + 2, x + 2, centre + _HALF + _MARK + 1, _OTHER)
    base = top + _ROWS * _ROW_STEP
    raster.fill(left, base, left + _COLUMNS, base + 1, BLACK)
    raster.fill(left - 1, top, left, base + 1, BLACK)
    for hour in range(24 // _ROWS + 1):
        x = left + hour * (_COLUMNS - 1) * _ROWS / 24
        raster.fill(x, base, x + 1, base + 5, BLACK)
        raster.text(x, base + 13, f"{hour}", _TICK)
    raster.text(centre_x, base + 30, "hours after the row's start", _LABEL)
    raster.text(10, top + _ROWS * _ROW_STEP / 2, "row's start (UTC)", _LABEL, upright=True)
    about = f" about {number_text(float(f'{middle:.3g}'))}" if middle else ""
    keys: list[tuple[int | None, str]] = [
        (_TRACE, f"height ±{number_text(limit)} {unit}{about}{', more is cut off' if beyond else ''}")
    ]
    if marked:
        keys.append((_EVENT, f"event, above ({int(is_event.sum())})"))
        keys.append((_OTHER, f"no spectrogram, below ({int((~is_event).sum())})"))
    if gaps:
        keys.append((_GAP, "no samples"))
    _legend(raster, centre_x, base + 50, keys)
    return raster


def _draw_row(band: NDArray[np.uint8], low: FloatArray, high: FloatArray, gaps: Sequence[tuple[int, int]]) -> None:
    """Draw the envelope of one row, in units of the amplitude limit, into its pixels."""
    band[_HALF] = _LINE
    for first, last in gaps:
        band[:, first:last] = _GAP
    there = np.isfinite(low)
    upper = np.round(_HALF - _HALF * np.clip(np.where(there, high, 0), -1, 1))
    lower = np.round(_HALF - _HALF * np.clip(np.where(there, low, 0), -1, 1))
    y = np.arange(band.shape[0])[:, None]
    band[there & (y >= upper) & (y <= lower)] = _TRACE


def _in_row(gaps: Sequence[tuple[float, float]], row: int) -> list[tuple[int, int]]:
    """Return the pixels of a row in which gaps lie; a gap shorter than a pixel has one pixel, since it is a gap too."""
    scale = _ROWS * _COLUMNS / DAY_S
    found = []
    for start, end in gaps:
        first, last = int(start * scale) - row * _COLUMNS, int(np.ceil(end * scale)) - row * _COLUMNS
        if last > 0 and first < _COLUMNS:
            found.append((max(first, 0), min(max(last, first + 1), _COLUMNS)))
    return found


def _legend(raster: Raster, x: float, y: float, keys: Sequence[tuple[int | None, str]]) -> None:
    widths = [22 + text_width(text, _TICK) for _, text in keys]
    at = x - (sum(widths) + 24 * (len(widths) - 1)) / 2
    for (colour, text), width in zip(keys, widths, strict=True):
        if colour is not None:
            raster.fill(at, y - 5, at + 14, y + 5, colour)
        raster.text(at + 20, y, text, _TICK, align="left")
        at += width + 24


def envelope(pieces: Sequence[Piece], midnight_ns: int, bins: int) -> tuple[FloatArray, FloatArray]:
    """Return minimum and maximum of the samples in equal parts of a day; NaN where there are none."""
    low, high = np.full(bins, np.nan), np.full(bins, np.nan)
    edges = np.arange(bins + 1) * (DAY_S / bins)
    for piece in pieces:
        ahead = (midnight_ns - piece.start_ns) / NS
        # First sample at or after each edge; a difference of a thousandth of a sample is rounding.
        index = np.ceil((edges + ahead) * piece.sampling_rate - 1e-3).clip(0, piece.samples.size).astype(np.int64)
        full = np.flatnonzero(np.diff(index))
        if not full.size:
            continue
        values, starts = piece.samples[: index[-1]], index[full]
        low[full] = np.fmin(low[full], np.minimum.reduceat(values, starts))
        high[full] = np.fmax(high[full], np.maximum.reduceat(values, starts))
    return low, high


def _gaps(pieces: Sequence[Piece], midnight_ns: int) -> list[tuple[float, float]]:
    """Return the parts of the day, in seconds, that no piece covers."""
    gaps, covered, step = [], 0.0, 0.0
    for piece in sorted((p for p in pieces if p.samples.size), key=lambda p: p.start_ns):
        start, step = (piece.start_ns - midnight_ns) / NS, 1 / piece.sampling_rate
        if min(start, DAY_S) > covered + 0.5 * step:
            gaps.append((covered, min(start, DAY_S)))
        covered = max(covered, start + piece.samples.size * step)
    if covered < DAY_S - step:
        gaps.append((covered, DAY_S))
    return gaps


def _amplitude_limit(low: FloatArray, high: FloatArray) -> tuple[float, bool]:
    """Return an amplitude limit of two digits, robust against a few great values, and whether values exceed it."""
    peak = np.fmax(np.abs(low), np.abs(high))
    greatest, usual = float(np.nanmax(peak)), float(np.nanpercentile(peak, 98))
    limit = greatest if usual <= 0 else min(greatest, 1.5 * usual)
    if limit <= 0:
        return 1.0, False
    digit = 10.0 ** (np.floor(np.log10(limit)) - 1)
    rounded = float(np.ceil(limit / digit) * digit)
    return rounded, greatest > rounded
