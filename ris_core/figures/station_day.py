"""Figures of one station-day: the day's trace with its detections, and samples of its spectrograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from ris_core.figures.spectrogram import (
    DYNAMIC_RANGE_DB,
    check_spectrograms,
    decibels_below_max,
    draw_tiles,
    share_of_max,
)
from ris_core.figures.style import (
    BLUE,
    GAP,
    TICK,
    VERMILLION,
    FloatArray,
    colour_bar,
    finish,
    new_figure,
    no_data,
)

DAY = 86_400.0
_BINS_PER_ROW = 600
_MOST_SPECTROGRAMS = 8

Segment = tuple[FloatArray, NDArray[Any]]
SpectrogramScale = Literal["dB relative to max", "linear"]


def day_waveform(
    segments: Sequence[Segment],
    detection_seconds: FloatArray,
    detection_is_event: NDArray[np.bool_],
    title: str,
    *,
    unit: str = "counts",
    rows: int = 6,
) -> Figure:
    """Draw 24 h of a trace as an envelope in rows, with its detections and its gaps.

    Parameters
    ----------
    segments : sequence of (times, samples)
        Contiguous segments: times in seconds after 00:00 UTC, increasing; samples in `unit`. Samples outside the day
        are left out.
    detection_seconds : (n,) array
        Times of the detections in seconds after 00:00 UTC.
    detection_is_event : (n,) array of bool
        Whether the detection has a spectrogram.
    title : str
    unit : str
        Unit of the samples.
    rows : int
        Number of rows; each shows 24 h / rows.

    Raises
    ------
    ValueError
        Lengths that belong together differ.
    """
    if len(detection_seconds) != len(detection_is_event):
        raise ValueError(
            f"detection_is_event has {len(detection_is_event)} values for {len(detection_seconds)} detection_seconds"
        )
    low, high = envelope(segments, rows * _BINS_PER_ROW)
    if not np.isfinite(low).any():
        return no_data(title)
    gaps = _gaps(segments)
    limit, clipped = _amplitude_limit(low, high)
    seconds, is_event = np.asarray(detection_seconds, float), np.asarray(detection_is_event, bool)

    fig = new_figure(9.0, 0.72 * rows + 1.3, title)
    axes = fig.subplots()
    row_length = DAY / rows
    centres = (np.arange(_BINS_PER_ROW) + 0.5) * row_length / _BINS_PER_ROW / 3600
    # In units of the amplitude limit, each row is 3 high: the trace in the middle, the detections at its edges.
    offsets = -3.0 * np.arange(rows)
    for row, offset in enumerate(offsets):
        part = slice(row * _BINS_PER_ROW, (row + 1) * _BINS_PER_ROW)
        axes.fill_between(
            centres,
            offset + np.clip(low[part] / limit, -1, 1),
            offset + np.clip(high[part] / limit, -1, 1),
            color="#404040",
            linewidth=0.4,
            step="mid",
        )
        start = row * row_length
        for left, right in gaps:
            if left < start + row_length and right > start:
                _shade(axes, offset, max(left - start, 0.0), min(right - start, row_length), row_length)
        here = (seconds >= start) & (seconds < start + row_length)
        hours = (seconds - start) / 3600
        _mark(axes, hours[here & is_event], offset + 1.2, VERMILLION)
        _mark(axes, hours[here & ~is_event], offset - 1.2, BLUE)
    # Envelopes with gaps mislead the layout, which asks every artist for its extent.
    for artist in (*axes.collections, *axes.lines):
        artist.set_in_layout(False)
    axes.set_xlim(0, row_length / 3600)
    axes.set_ylim(offsets[-1] - 1.6, 1.6)
    axes.set_yticks(offsets, labels=[_clock(row * row_length) for row in range(rows)])
    axes.spines[["top", "right"]].set_visible(False)
    beyond = ", clipped" if clipped else ""
    finish(axes, "hours after the row's start", f"row's start (UTC); height ±{limit:,.6g} {unit}{beyond}")
    _explain(fig, int(is_event.sum()), int((~is_event).sum()), bool(gaps))
    return fig


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}"


def envelope(segments: Sequence[Segment], bins: int) -> tuple[FloatArray, FloatArray]:
    """Return minimum and maximum of the samples in equal parts of the day; NaN where there are none."""
    low, high = np.full(bins, np.inf), np.full(bins, -np.inf)
    for times, samples in segments:
        if len(times) != len(samples):
            raise ValueError(f"a segment has {len(times)} times and {len(samples)} samples; they must be as many")
        first, last = np.searchsorted(times, (0.0, DAY))
        if first == last:
            continue
        part = (np.asarray(times[first:last], float) * (bins / DAY)).astype(np.int64)
        starts = np.flatnonzero(np.diff(part, prepend=-1))
        values = np.asarray(samples[first:last], float)
        low[part[starts]] = np.minimum(low[part[starts]], np.minimum.reduceat(values, starts))
        high[part[starts]] = np.maximum(high[part[starts]], np.maximum.reduceat(values, starts))
    empty = ~(np.isfinite(low) & np.isfinite(high))
    low[empty] = high[empty] = np.nan
    return low, high


def _gaps(segments: Sequence[Segment]) -> list[tuple[float, float]]:
    """Return the parts of the day in seconds that no segment covers."""
    gaps, covered = [], 0.0
    for times, _ in sorted((s for s in segments if len(s[0])), key=lambda s: float(s[0][0])):
        step = float(times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
        if times[0] > covered + 1.5 * step:
            gaps.append((covered, min(float(times[0]), DAY)))
        covered = max(covered, float(times[-1]) + step)
    if covered < DAY - 1e-3:
        gaps.append((covered, DAY))
    return [(left, right) for left, right in gaps if right > left]


def _amplitude_limit(low: FloatArray, high: FloatArray) -> tuple[float, bool]:
    """Return a limit that a few great amplitudes do not set, with two digits, and whether something lies beyond."""
    peak = np.fmax(np.abs(low), np.abs(high))
    greatest, usual = float(np.nanmax(peak)), float(np.nanpercentile(peak, 98))
    limit = greatest if usual <= 0 else min(greatest, 1.5 * usual)
    if limit <= 0:
        return 1.0, False
    digit = 10.0 ** (np.floor(np.log10(limit)) - 1)
    rounded = float(np.ceil(limit / digit) * digit)
    return rounded, greatest > rounded


def _shade(axes: Axes, offset: float, left: float, right: float, row_length: float) -> None:
    # A gap of a fraction of a pixel would vanish, and with it what cut the trace in two.
    right = max(right, left + row_length / _BINS_PER_ROW)
    axes.fill_between([left / 3600, right / 3600], offset - 1.0, offset + 1.0, color=GAP, linewidth=0)


def _mark(axes: Axes, hours: FloatArray, height: float, colour: str) -> None:
    axes.plot(hours, np.full(len(hours), height), "|", color=colour, markersize=6, markeredgewidth=1.3, clip_on=False)


def _explain(fig: Figure, events: int, others: int, gaps: bool) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=VERMILLION, marker="|", ls="none", markersize=8, label=f"event, above ({events})"),
        Line2D([], [], color=BLUE, marker="|", ls="none", markersize=8, label=f"no spectrogram, below ({others})"),
    ]
    if gaps:
        handles.append(Patch(color=GAP, label="no samples"))
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=TICK, frameon=False)


def sample_spectrograms(
    spectrograms: FloatArray,
    frequency: FloatArray,
    time: FloatArray,
    titles: Sequence[str],
    scale: SpectrogramScale = "dB relative to max",
    *,
    title: str = "Spectrograms",
) -> Figure:
    """Draw up to eight spectrograms in a grid.

    Parameters
    ----------
    spectrograms : (n, frequency, time) array
        Linear power spectral density; the first eight are drawn.
    frequency : (frequency,) array
        Hz.
    time : (time,) array
        s.
    titles : sequence of str
        One for each spectrogram.
    scale : {"dB relative to max", "linear"}
        Decibels below each spectrogram's own maximum down to -30 dB, or power as a share of that maximum.
    title : str
    """
    check_spectrograms(spectrograms, frequency, time, "spectrograms")
    if len(titles) < min(len(spectrograms), _MOST_SPECTROGRAMS):
        raise ValueError(f"titles has {len(titles)} entries for {len(spectrograms)} spectrograms")
    shown = spectrograms[:_MOST_SPECTROGRAMS]
    if not len(shown):
        return no_data(title, "no events")
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    decibels = scale == "dB relative to max"
    scaled = [decibels_below_max(power) if decibels else share_of_max(power) for power in shown]
    places: list[FloatArray | None] = [*scaled, *([None] * (rows * columns - len(shown)))]
    texts = [*titles[: len(shown)], *([""] * (rows * columns - len(shown)))]
    fig = new_figure(max(2.1 * columns + 1.0, 4.5), 1.8 * rows + 0.9, title)
    axes = fig.subplots()
    image = draw_tiles(
        axes,
        [places[r * columns : (r + 1) * columns] for r in range(rows)],
        frequency,
        time,
        (-DYNAMIC_RANGE_DB, 0.0) if decibels else (0.0, 1.0),
        titles=[texts[r * columns : (r + 1) * columns] for r in range(rows)],
    )
    finish(axes, "time in window (s)", "frequency (Hz)")
    colour_bar(fig, image, axes, "PSD (dB re maximum)" if decibels else "PSD / maximum")
    return fig
