"""From raw counts to the conditioned trace: detrend, taper or extend, decimate, band-pass; each segment alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ris_core.config import Conditioning
from ris_core.processing import filters
from ris_core.station_day import NS
from ris_core.waveforms.segments import Segment

EXTENSION_S = 10.0


class BadWaveformError(ValueError):
    """The samples of a station-day cannot be processed; the message says which and why."""


@dataclass(frozen=True)
class Conditioned:
    """A conditioned segment.

    Attributes
    ----------
    start_ns
        Time of the first sample, ns since 1970 UTC, from the samples' own times.
    sampling_rate
        Hz, after decimation.
    samples
        Shape (n,), counts in the pass-band.
    grid_offset
        Place of the first sample on the decimated grid anchored at 00:00 UTC (negative in the padding before it).
    opens_window, closes_window
        As of the raw segment; other ends are gaps.
    """

    start_ns: int
    sampling_rate: float
    samples: NDArray[np.float64]
    grid_offset: int
    opens_window: bool
    closes_window: bool

    def time_ns(self, index: int) -> int:
        """Return the time of a sample, ns since 1970 UTC."""
        return self.start_ns + round(index * NS / self.sampling_rate)


def decimation_factor(rate: float, target: float) -> int:
    """Return how many raw samples make one; raises `BadWaveformError` where that is not a whole number."""
    factor = round(rate / target)
    if factor < 1 or abs(rate - factor * target) > 1e-6 * rate:
        raise BadWaveformError(
            f"sampling rate {rate:g} Hz is not a whole multiple of conditioning.sampling_rate = {target:g} Hz"
        )
    return factor


def condition(segment: Segment, settings: Conditioning, midnight_ns: int) -> Conditioned:
    """Condition one contiguous segment.

    A cubic (linear below 600 s, mean below 60 s) is subtracted. Ends of the padded day are tapered; ends at a gap are
    continued by point reflection, so that an event there keeps its amplitude. The decimated samples are those nearest
    to the grid anchored at ``midnight_ns``.

    Raises
    ------
    BadWaveformError
        The rate is not a multiple of the target rate, or a sample is not finite.
    """
    rate, target = segment.sampling_rate, settings.sampling_rate
    factor = decimation_factor(rate, target)
    seconds = segment.samples.size / rate
    samples = segment.samples.astype(np.float64)
    if not np.isfinite(samples).all():
        bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise BadWaveformError(f"{bad} of {samples.size} samples are NaN or infinite; every sample must be finite")
    samples = filters.detrend_polynomial(samples, 3 if seconds >= 600 else 1 if seconds >= 60 else 0)
    filters.taper_ends(samples, round(settings.taper * rate), segment.opens_window, segment.closes_window)

    # Extensions are whole decimated samples, so that they can be cut off exactly afterwards.
    longest = (samples.size - 1) // factor
    extension = min(round(EXTENSION_S * target), longest)
    before = 0 if segment.opens_window else extension
    after = 0 if segment.closes_window else extension
    if before or after:
        samples = filters.extend_odd(samples, before * factor, after * factor)

    # First raw sample that lies on the decimated grid, counted from the segment's start.
    step_ns = NS / rate
    raw_offset = round((segment.start_ns - midnight_ns) / step_ns)
    first = -raw_offset % factor
    grid_offset = (raw_offset + first) // factor
    if factor > 1:
        if settings.decimation == "causal_chebyshev":
            lowpass = filters.chebyshev_lowpass(target / 2, rate)
            samples = signal.sosfilt(lowpass, samples)
        else:
            taps = filters.fir_lowpass(settings.band_high, target - settings.band_high, rate)
            samples = signal.oaconvolve(samples, taps, mode="same")
        samples = samples[first::factor]
    band = filters.butterworth_bandpass(settings.band_low, settings.band_high, settings.band_order, target)
    samples = filters.zero_phase(band, samples)
    samples = samples[before : samples.size - after]
    return Conditioned(
        start_ns=segment.time_ns(first),
        sampling_rate=target,
        samples=np.ascontiguousarray(samples),
        grid_offset=grid_offset,
        opens_window=segment.opens_window,
        closes_window=segment.closes_window,
    )


def filter_delay(settings: Conditioning, rate: float, frequency: float) -> float:
    """Return by how many seconds the decimation filter delays a wave of a frequency (Hz) sampled at ``rate`` (Hz)."""
    factor = decimation_factor(rate, settings.sampling_rate)
    if factor == 1 or settings.decimation != "causal_chebyshev":
        return 0.0
    sections = filters.chebyshev_lowpass(settings.sampling_rate / 2, rate)
    around = np.array([frequency - 0.05, frequency + 0.05])
    _, response = signal.sosfreqz(sections, worN=around, fs=rate)
    phase = np.unwrap(np.angle(response))
    return float(-(phase[1] - phase[0]) / (2 * np.pi * (around[1] - around[0])))
