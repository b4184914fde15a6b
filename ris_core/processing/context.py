"""What lies around an event: the trace on both sides of its spectrogram, and the spectrum of the noise beneath it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ris_core.config import ContextSettings
from ris_core.processing.condition import Conditioned
from ris_core.processing.instrument import Kind
from ris_core.processing.spectrograms import Plan, Trace, densities_at

# A stretch without signal is not zero after the filters: rounding of single precision leaves less than this share of
# the amplitude of the strongest column near it (at most 0.7e-7 beside bursts of a thousand to a million counts).
_ROUNDING = 1e-7
# Short-time spectra that are held together; neighbouring events share theirs.
_TOGETHER = 4096


@dataclass(frozen=True)
class ContextPlan:
    """The constants of a context, in samples.

    Attributes
    ----------
    half
        On each side of the middle of the spectrogram's centre column.
    middle
        From the first sample of the spectrogram to that middle (110).
    reach, step
        Short-time spectra lie up to ``reach`` from the middle, and begin at every ``step``-th sample from 00:00 UTC.
    quantile
        Of these spectra at each frequency.
    """

    half: int
    middle: int
    reach: int
    step: int
    quantile: float

    @property
    def lead(self) -> int:
        """Samples of the context before the first one of the spectrogram; negative if it begins later."""
        return self.half - self.middle


@dataclass(frozen=True)
class Surroundings:
    """What lies around M windows of one component.

    Attributes
    ----------
    context
        (M, 2 · ``half``) float32: samples of the window's segment, zeros beyond its ends.
    context_recorded
        (M, 2) int32: the first sample of the context that the segment has, and the first one after them.
    noise_psd
        (M, F) float32, samples² per Hz: quantile of the short-time spectra at each frequency.
    noise_columns
        (M,) int32: number of spectra behind it, at least 1.
    """

    context: NDArray[np.float32]
    context_recorded: NDArray[np.int32]
    noise_psd: NDArray[np.float32]
    noise_columns: NDArray[np.int32]


def context_plan(settings: ContextSettings, p: Plan) -> ContextPlan:
    """Return the constants for given settings and spectrograms."""
    return ContextPlan(
        half=round(settings.half_length * p.rate),
        middle=p.columns // 2 * p.hop + p.window.size // 2,
        reach=round(settings.noise_reach * p.rate),
        step=round(settings.noise_step * p.rate),
        quantile=settings.noise_quantile,
    )


def surroundings_of(
    traces: Sequence[Conditioned], kind: Kind, windows: Sequence[tuple[int, int] | None], p: Plan, c: ContextPlan
) -> Surroundings:
    """Return what lies around windows of one component.

    Parameters
    ----------
    traces, kind
        The component's conditioned segments, and which of their traces the spectrograms are made from.
    windows
        M times the number of a segment and the first sample of the spectrogram in it. None: the component was not
        recorded there; then all values are 0, also the number of spectra.
    p, c
        The constants.
    """
    shapes = (len(windows), 2 * c.half), (len(windows), 2), (len(windows), p.frequency.size), (len(windows),)
    found = Surroundings(
        np.zeros(shapes[0], np.float32),
        np.zeros(shapes[1], np.int32),
        np.zeros(shapes[2], np.float32),
        np.zeros(shapes[3], np.int32),
    )
    segments = np.array([-1 if window is None else window[0] for window in windows], dtype=np.int64)
    starts = np.array([0 if window is None else window[1] for window in windows], dtype=np.int64)
    for number in np.unique(segments[segments >= 0]).tolist():
        rows, trace = np.flatnonzero(segments == number), traces[number]
        of_segment = surroundings(trace.of_kind(kind), trace.grid_offset, starts[rows], p, c)
        for name, values in vars(of_segment).items():
            getattr(found, name)[rows] = values
    return found


def surroundings(samples: Trace, grid_offset: int, starts: NDArray[np.int64], p: Plan, c: ContextPlan) -> Surroundings:
    """Return what lies around windows of one segment.

    Short-time spectra have the window and the frequencies of the spectrograms. Those count that lie in the segment and
    hold a signal: in a stretch where the instrument gave one constant value there is no noise to be measured. If there
    is none, the first column of the spectrogram takes its place.

    Parameters
    ----------
    samples, grid_offset
        A conditioned segment's trace (n,), and the index of its first sample on the grid that starts at 00:00 UTC.
    starts
        (M,) first samples of the spectrograms, which lie in the segment.
    p, c
        The constants.
    """
    context = np.zeros((starts.size, 2 * c.half), np.float32)
    recorded = np.zeros((starts.size, 2), np.int32)
    for row, start in enumerate(starts.tolist()):
        begin = start + c.middle - c.half
        first, stop = max(0, -begin), min(2 * c.half, samples.size - begin)
        context[row, first:stop] = samples[begin + first : begin + stop]
        recorded[row] = first, stop
    psd = np.empty((starts.size, p.frequency.size), np.float32)
    columns = np.empty(starts.size, np.int32)
    for rows, places, spans in _groups(samples.size, grid_offset, starts, p, c):
        spectra = densities_at(samples, places, p)
        power = np.ones(len(spectra), np.float32) @ spectra
        for row, span in zip(rows, spans, strict=True):
            among, strength = spectra[:, span], power[span]
            live = strength > _ROUNDING**2 * strength.max()
            if not live.all() and live.any():
                among = among[:, live]
            psd[row], columns[row] = _quantile(among, c.quantile), among.shape[1]
    return Surroundings(context, recorded, psd, columns)


def _groups(
    size: int, grid_offset: int, starts: NDArray[np.int64], p: Plan, c: ContextPlan
) -> Iterator[tuple[list[int], NDArray[np.int64], list[slice]]]:
    """Give rows, the samples at which their short-time spectra begin, and for each row those of them that it has."""
    align, width = -grid_offset % c.step, p.window.size
    middles = starts + c.middle
    first = np.maximum(-((align + c.reach - middles) // c.step), 0)
    last = (np.minimum(middles + c.reach, size) - width - align) // c.step + 1
    order = np.argsort(first, kind="stable")
    without = order[last[order] <= first[order]].tolist()
    if without:
        yield without, starts[without], [slice(place, place + 1) for place in range(len(without))]
    order = order[last[order] > first[order]]
    begin = 0
    while begin < order.size:
        end, bottom, top = begin + 1, int(first[order[begin]]), int(last[order[begin]])
        while end < order.size and first[order[end]] <= top and last[order[end]] - bottom <= _TOGETHER:
            end, top = end + 1, max(top, int(last[order[end]]))
        rows = order[begin:end].tolist()
        spans = [slice(int(first[row]) - bottom, int(last[row]) - bottom) for row in rows]
        yield rows, align + c.step * np.arange(bottom, top), spans
        begin = end


def _quantile(spectra: NDArray[np.float32], quantile: float) -> NDArray[np.float32]:
    """Return a quantile along the last axis of values that are not negative, interpolated as `numpy.quantile` does."""
    rank = quantile * (spectra.shape[1] - 1)
    below = math.floor(rank)
    above = min(below + 1, spectra.shape[1] - 1)
    # As integers such numbers have the same order, and are ordered in a fraction of the time.
    ordered = np.sort(np.ascontiguousarray(spectra).view(np.int32), axis=1).view(np.float32)
    found: NDArray[np.float32] = ordered[:, below]
    if rank > below:
        found = found + np.float32(rank - below) * (ordered[:, above] - found)
    return found
