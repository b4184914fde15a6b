"""Spectrograms of events, cut from conditioned segments in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ris_core.config import ConditioningSettings, SpectrogramSettings

Trace = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Plan:
    """The constants of a spectrogram: of F frequencies, T columns and S samples, 87, 100 and 218 by default.

    Attributes
    ----------
    window
        Kaiser window, shape (W,), 20 samples by default.
    hop, columns, nfft
        Samples between columns, number of columns, points of the transform.
    search
        Columns are searched from this many samples before the peak to less than this after it.
    frequency, time
        Kept frequencies (F,), Hz; times of the columns from the first one (T,), s.
    rate
        Sampling rate, Hz.
    taper
        Shape (W, W): removes the mean of the samples of one column and multiplies them with the window.
    transform
        Shape (2 F, W), float32: turns the samples of one column into the real, then the imaginary parts of its kept
        bins. One matrix for mean removal, window, Fourier transform and the root of a one-sided density's scale.
    """

    window: NDArray[np.float64]
    hop: int
    columns: int
    nfft: int
    search: int
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    rate: float
    taper: NDArray[np.float64]
    transform: NDArray[np.float32]

    @property
    def samples(self) -> int:
        """S, the samples that all columns of one spectrogram need."""
        return self.window.size + (self.columns - 1) * self.hop

    @property
    def samples_between_columns(self) -> int:
        """Samples from the middle of the first column to the middle of the last one (199 by default)."""
        return (self.columns - 1) * self.hop + 1


def plan(settings: SpectrogramSettings, conditioning: ConditioningSettings) -> Plan:
    """Return the constants for given settings."""
    rate = conditioning.sampling_rate
    window = signal.windows.kaiser(round(settings.window * rate), settings.kaiser_beta, sym=True)
    bins = np.asarray(np.fft.rfftfreq(settings.nfft, 1 / rate), dtype=np.float64)
    kept = np.flatnonzero((bins >= settings.frequency_low) & (bins <= settings.frequency_high))
    # One-sided: every bin counts twice except those of frequency 0 and Nyquist.
    sides = np.where((kept == 0) | (2 * kept == settings.nfft), 1.0, 2.0)
    angle = 2 * np.pi * np.outer(np.arange(window.size), kept) / settings.nfft
    fourier = np.concatenate((np.cos(angle), -np.sin(angle)), axis=1)
    taper = (np.eye(window.size) - 1 / window.size) * window
    scale = np.sqrt(np.tile(sides, 2) / (rate * np.sum(window**2)))
    columns, hop = round(settings.duration / settings.hop), round(settings.hop * rate)
    return Plan(
        window=window,
        hop=hop,
        columns=columns,
        nfft=settings.nfft,
        search=round(settings.search * rate),
        frequency=bins[kept],
        time=np.arange(columns) * hop / rate,
        rate=rate,
        taper=taper,
        transform=np.ascontiguousarray((taper @ fourier * scale).T, dtype=np.float32),
    )


def densities(samples: Trace, p: Plan) -> NDArray[np.float32]:
    """Return the power spectral densities of consecutive windows at the kept frequencies.

    Parameters
    ----------
    samples
        Shape (m,); the first window starts at the first sample.

    Returns
    -------
    ndarray
        Shape (F, windows), samples² per Hz, as ``scipy.signal.spectrogram`` with a constant detrend per window.
    """
    return _densities_of(_windows(samples, p), p)


def densities_at(samples: Trace, starts: NDArray[np.int64], p: Plan) -> NDArray[np.float32]:
    """Return the power spectral densities (F, windows) of windows that start at given samples; see `densities`."""
    (step,) = samples.strides
    shape = max(0, samples.size - p.window.size + 1), p.window.size
    every = np.lib.stride_tricks.as_strided(samples, shape, (step, step), writeable=False)
    return _densities_of(every[starts], p)


def _densities_of(windows: Trace, p: Plan) -> NDArray[np.float32]:
    parts = p.transform @ windows.T.astype(np.float32)
    np.square(parts, out=parts)
    return np.asarray(parts[: p.frequency.size] + parts[p.frequency.size :])


def _windows(samples: Trace, p: Plan) -> Trace:
    """Return consecutive windows, shape (windows, W), without a copy."""
    count = max(0, (samples.size - p.window.size) // p.hop + 1)
    # NumPy's sliding_window_view does the same and takes five times as long for so few samples.
    (step,) = samples.strides
    return np.lib.stride_tricks.as_strided(samples, (count, p.window.size), (p.hop * step, step), writeable=False)


def column_power(samples: Trace, p: Plan) -> NDArray[np.float64]:
    """Return the sum of each window's density over all bins from 0 to Nyquist, shape (windows,).

    By Parseval's theorem it equals the sum of the squares of the windowed samples.
    """
    windowed = np.ascontiguousarray(_windows(samples, p), dtype=np.float64) @ p.taper
    return np.asarray(np.einsum("ij,ij->i", windowed, windowed) * (p.nfft / (p.rate * np.sum(p.window**2))))


def strongest_window(traces: Sequence[Trace], grid_offset: int, peak: int, p: Plan) -> int | None:
    """Return the first sample of the window whose centre is the strongest column near a peak.

    Columns start at every ``hop``-th sample of the grid that starts at 00:00 UTC. The centre is the column of greatest
    power summed over all frequencies, among those whose middle lies in [peak − ``search``, peak + ``search``) samples,
    as in the published code. The spectrogram consists of half of the columns before the centre, the centre, and the
    rest after it: 50, 1 and 49 of 100.

    Parameters
    ----------
    traces, grid_offset
        The trace (n,) of a conditioned segment, or those of several components, whose powers are added; and the grid
        index of the first sample.
    peak, p
        Index of the detection's peak; the constants.

    Returns
    -------
    int or None
        Index of the first of the S samples; none if the columns do not fit into the segment.
    """
    n, width, half = traces[0].size, p.window.size, p.columns // 2
    align = -grid_offset % p.hop
    # Column starts whose middle (start + width / 2) lies in [peak − search, peak + search).
    first = max(_at_or_after(peak - p.search - width // 2, align, p.hop), align)
    last = _at_or_after(peak + p.search - width // 2, align, p.hop) - p.hop
    last = min(last, align + (n - width - align) // p.hop * p.hop)
    if last < first:
        return None
    power = reduce(np.add, (column_power(samples[first : last + width], p) for samples in traces))
    centre = first + p.hop * int(np.argmax(power))
    start = centre - half * p.hop
    return start if align <= start <= n - p.samples else None


def event_spectrogram(
    samples: Trace, grid_offset: int, peak: int, p: Plan
) -> tuple[int, NDArray[np.float32], NDArray[np.float32]] | None:
    """Cut the window of `strongest_window` from one trace.

    Parameters
    ----------
    samples, grid_offset
        A conditioned segment's trace (n,) and the grid index of its first sample.
    peak, p
        Index of the detection's peak; the constants.

    Returns
    -------
    tuple or None
        Index of the first sample, spectrogram (F, T) and waveform (S,); none if the columns do not fit into the
        segment.
    """
    start = strongest_window((samples,), grid_offset, peak, p)
    if start is None:
        return None
    wave = samples[start : start + p.samples]
    return start, densities(wave, p), wave.astype(np.float32)


def _at_or_after(index: int, align: int, hop: int) -> int:
    return index + (align - index) % hop
