"""From raw counts to the conditioned trace: taper or extend, decimate, band-pass; each segment alone."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ris_core.config import ConditioningSettings, ResponseSettings
from ris_core.contracts.station_day import NS
from ris_core.processing import filters
from ris_core.processing.blocks import LARGEST_BLOCK, Blocks, undo_difference
from ris_core.processing.ground import Ground, Missing, ground_of
from ris_core.processing.instrument import Instrument, Kind, NoResponseError
from ris_core.waveforms.pieces import Marks, Piece
from ris_core.waveforms.segments import Segment

EXTENSION_S = 10.0
# Time after which the filters of each trace no longer ring, for a lower corner of 3 Hz; it goes as one over the corner.
# The flanks of a deconvolution ring longest, which a swell 4000 times the band makes visible.
_GUARD_S: dict[Kind, float] = {
    "counts": 3.0,
    "velocity": 20.0,
    "acceleration": 20.0,
    "acceleration_water_level": 10.0,
    "peak_acceleration": 10.0,
}
_CORNER_HZ, _WIDTH_HZ, _ORDER = 3.0, 5.0, 4
# Half width of the windowed sinc between samples, in samples.
_LANCZOS = 32

Trace = NDArray[np.float64]


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
        Index of the first sample on the decimated grid that starts at 00:00 UTC (negative in the padding before it).
    opens_window, closes_window
        As in the raw segment; other ends are gaps.
    ground
        Further traces (n,) by kind: ground velocity or acceleration; ``peak_acceleration`` is NaN if it is missing.
    missing
        Which samples have no ``peak_acceleration``, and why.
    marks
        Times of samples that do not follow from start and rate, as in the raw segment.
    block
        Number of samples, or more, that were transformed together and have rounding errors of the greatest of them.
    """

    start_ns: int
    sampling_rate: float
    samples: Trace
    grid_offset: int
    opens_window: bool
    closes_window: bool
    ground: tuple[tuple[Kind, Trace], ...] = ()
    missing: tuple[Missing, ...] = ()
    marks: Marks | None = None
    block: int = LARGEST_BLOCK

    @property
    def piece(self) -> Piece:
        """The samples and their times."""
        return Piece(self.start_ns, self.sampling_rate, self.samples, self.marks)

    def time_ns(self, index: int) -> int:
        """Return the time of a sample, ns since 1970 UTC."""
        return self.piece.time_ns(index)

    def of_kind(self, kind: Kind) -> Trace:
        """Return the trace of a kind; raises `ValueError` if it was not made."""
        if kind == "counts":
            return self.samples
        for made, trace in self.ground:
            if made == kind:
                return trace
        raise ValueError(f"the conditioned segment has no trace of {kind}")


def condition(
    segment: Segment,
    settings: ConditioningSettings,
    midnight_ns: int,
    response: ResponseSettings | None = None,
    instrument: Instrument | None = None,
    ground: Sequence[Kind] = (),
) -> Conditioned:
    """Condition one contiguous segment.

    The band-pass removes the trend. Ends of the padded day are tapered. Ends at a gap are continued by point
    reflection, so that an event there keeps its amplitude. The decimated samples are those nearest to the grid that
    starts at ``midnight_ns``; other rates than whole multiples are interpolated to the grid itself.

    Parameters
    ----------
    segment, settings, midnight_ns
        The samples (finite), how they are conditioned, and 00:00 UTC of the day, ns since 1970.
    response, instrument, ground
        Kinds of ground motion to make beside counts, and the responses they need. ``peak_acceleration`` is left out
        without a response; the others need one.

    Raises
    ------
    BadWaveformError
        The rate is below the target rate, or not a multiple of it although the settings require one; or a trace has
        no response although it needs one.
    """
    rate, target = segment.sampling_rate, settings.sampling_rate
    factor = _factor(rate, settings)
    n = segment.samples.size
    # Extensions are whole decimated samples, so that they can be removed exactly afterwards.
    unit = factor or 1
    longest = (n - 2) // unit
    made: tuple[Kind, ...] = ("counts", *ground) if instrument is not None and instrument.epochs else ("counts",)
    response = response or ResponseSettings()
    longer = _ringing(settings, response if len(made) > 1 else None)
    extension = max(0, min(round(EXTENSION_S * longer * rate / unit), longest))
    before = 0 if segment.opens_window else extension
    after = 0 if segment.closes_window else extension

    # First raw sample that lies on the decimated grid, counted from the segment's start.
    raw_offset = round((segment.start_ns - midnight_ns) * rate / NS)
    first = -raw_offset % unit
    rate_out = rate / unit
    guard = round(max(_GUARD_S[kind] for kind in made) * longer * rate_out)
    shift = -first % unit
    blocks = Blocks.of(shift + before * unit + n + after * unit, unit, guard)
    motion = _ground(segment, blocks, midnight_ns, response, instrument, ground)
    gains = _gains(settings, rate, blocks, motion)
    differences = _Differences(segment, settings, before * unit, after * unit)
    traces = blocks.apply(lambda out, place: differences.fill(out, place - shift), gains)

    start = (shift + first) // unit + before
    stop = start + -(-(n - first) // unit)
    if factor is not None:
        cut = {name: trace[start:stop] for name, trace in traces.items()}
        start_ns, grid_offset = segment.time_ns(first), (raw_offset + first) // unit
        marks = segment.marks.every(unit, first, rate) if segment.marks is not None else None
    else:
        grid_offset, cut = _to_grid(segment, traces, before, target, midnight_ns)
        start_ns = midnight_ns + round(grid_offset * NS / target)
        marks = None
        if segment.marks is not None:
            # At interpolated positions, with times that follow from those of the samples before them.
            place = (start_ns - segment.start_ns) * rate / NS
            marks = segment.marks.every(rate / target, place, rate)
            start_ns = int(marks.time_ns[0])
    of_ground, missing = motion.together(cut, start_ns, target, cut["counts"].size)
    return Conditioned(
        start_ns=start_ns,
        sampling_rate=target,
        samples=cut["counts"],
        grid_offset=grid_offset,
        opens_window=segment.opens_window,
        closes_window=segment.closes_window,
        ground=of_ground,
        missing=missing,
        marks=marks,
        block=max(LARGEST_BLOCK, math.ceil(blocks.size * target / rate_out)),
    )


def _ringing(settings: ConditioningSettings, deconvolution: ResponseSettings | None) -> float:
    """Return the ringing time of the filters relative to the published ones, 3–20 Hz of order 4.

    The ringing time of a Butterworth filter depends on its lower corner, its width, and the distance of its upper
    corner from the Nyquist frequency, in proportion to its order; that of a deconvolution on its lower corner.
    """
    room = min(settings.band_high - settings.band_low, settings.sampling_rate / 2 - settings.band_high)
    slowest = max(_CORNER_HZ / settings.band_low, _WIDTH_HZ / room) * max(1.0, settings.band_order / _ORDER)
    return slowest if deconvolution is None else max(slowest, _CORNER_HZ / deconvolution.band_low)


def _factor(rate: float, settings: ConditioningSettings) -> int | None:
    """Return the decimation factor, or none for a rate that is interpolated."""
    target = settings.sampling_rate
    factor = filters.decimation_factor(rate, target)
    if factor is not None and filters.decimation_steps(factor) is None:
        factor = None
    if factor is None and rate <= target:
        raise BadWaveformError(
            f"sampling rate {rate:g} Hz is below conditioning.sampling_rate = {target:g} Hz; set that to {rate:g} Hz "
            "or less, with a band and a spectrogram that fit it"
        )
    if factor is None and settings.other_rates == "refuse":
        raise BadWaveformError(
            f"sampling rate {rate:.9g} Hz is not a whole multiple of conditioning.sampling_rate = {target:g} Hz, and "
            "conditioning.other_rates is 'refuse'; 'resample' would interpolate"
        )
    return factor


class _Differences:
    """The differences of the samples of a segment, tapered or extended at its ends.

    Parameters
    ----------
    segment, settings
        The samples, and the length of the taper.
    before, after
        Number of samples by which each end is continued.
    """

    def __init__(self, segment: Segment, settings: ConditioningSettings, before: int, after: int) -> None:
        samples, n = segment.samples, segment.samples.size
        self._samples, self._before, self._size = samples, before, before + n + after
        taper = min(round(settings.taper * segment.sampling_rate), n // 2)
        head = self._tapered(taper, start=True) if segment.opens_window else np.empty(0, np.float32)
        tail = self._tapered(taper, start=False) if segment.closes_window else np.empty(0, np.float32)
        # Point reflection of a trace mirrors its differences. Before its first sample the trace is constant.
        self._head = np.concatenate((np.zeros(1, np.float32), self._inner(1, before + 1)[::-1], head))
        self._tail = np.concatenate((tail, self._inner(n - after, n)[::-1]))

    def _tapered(self, length: int, start: bool) -> NDArray[np.float32]:
        """Return the differences of the tapered samples at the start or the end, relative to their own mean."""
        if not length:
            return np.empty(0, np.float32)
        samples = (self._samples[: length + 1] if start else self._samples[-length - 1 :]).astype(np.float64)
        samples -= samples.mean()
        if start:
            samples[:length] *= filters.flank(length)
        else:
            samples[1:] *= filters.flank(length)[::-1]
        return np.diff(samples).astype(np.float32)

    def _inner(self, start: int, stop: int) -> NDArray[np.float32]:
        out = np.empty(stop - start, np.float32)
        self._fill_inner(out, start)
        return out

    def _fill_inner(self, out: NDArray[np.float32], start: int) -> None:
        """Write the differences of the samples from ``start`` (1 or more) on; exact before they are rounded."""
        here = self._samples[start - 1 : start + out.size]
        # Differences of 32-bit counts fit 32 bits unless the counts span more than half of the 32-bit range.
        if here.dtype != np.int32 or int(here.max(initial=0)) - int(here.min(initial=0)) >= 1 << 31:
            here = here.astype(np.float64)
        np.subtract(here[1:], here[:-1], out=out, casting="unsafe")

    def fill(self, out: NDArray[np.float32], start: int) -> None:
        """Write the differences from an index of the extended trace on; 0 beyond its ends."""
        n, stop = self._samples.size, start + out.size
        out[: max(0, -start)] = 0
        out[max(0, self._size - start) :] = 0
        first, last = max(start, self._before + 1), min(stop, self._before + n)
        if last > first:
            self._fill_inner(out[first - start : last - start], first - self._before)
        for part, place in ((self._head, 0), (self._tail, self._size - self._tail.size)):
            first, last = max(start, place), min(stop, place + part.size)
            if last > first:
                out[first - start : last - start] = part[first - place : last - place]


def _ground(
    segment: Segment,
    blocks: Blocks,
    midnight_ns: int,
    response: ResponseSettings,
    instrument: Instrument | None,
    kinds: Sequence[Kind],
) -> Ground:
    rate, times = segment.sampling_rate, (segment.start_ns, segment.end_ns)
    frequency = blocks.frequencies(rate / blocks.factor)
    try:
        return ground_of(kinds, times, midnight_ns, frequency, rate, response, instrument)
    except NoResponseError as error:
        needing = ", ".join(kind for kind in kinds if kind != "peak_acceleration")
        raise BadWaveformError(f"a trace of {needing} needs the instrument's response: {error}") from error


def _gains(
    settings: ConditioningSettings, rate: float, blocks: Blocks, motion: Ground
) -> dict[Hashable, NDArray[np.complex64]]:
    """Return the gains of all traces: ``counts``, and by kind and epoch."""
    counts = _counts_gain(settings, rate, blocks.factor, blocks.size)
    # The deconvolution's band is the only filter of the peak acceleration; nothing above it folds back.
    plain = undo_difference(blocks.frequencies(rate / blocks.factor), rate) / blocks.factor
    gains: dict[Hashable, filters.Gain] = {"counts": counts}
    for (kind, epoch), gain in motion.gains.items():
        gains[kind, epoch] = gain * (plain if kind == "peak_acceleration" else counts)
    return {name: gain.astype(np.complex64) for name, gain in gains.items()}


@lru_cache(maxsize=32)
def _counts_gain(settings: ConditioningSettings, rate: float, factor: int, size: int) -> filters.Gain:
    frequency = np.asarray(np.fft.rfftfreq(size, factor / rate), dtype=np.float64)
    band = filters.bandpass_gain(frequency, settings) / factor
    return filters.decimation_gain(frequency, rate, settings) * band * undo_difference(frequency, rate)


def _to_grid(
    segment: Segment, traces: dict[Hashable, Trace], before: int, target: float, midnight_ns: int
) -> tuple[int, dict[Hashable, Trace]]:
    """Interpolate filtered traces at the raw rate to the grid; return the first sample's grid index, and the traces."""
    from obspy.signal.interpolation import lanczos_interpolation

    rate, n = segment.sampling_rate, segment.samples.size
    step = 1 / rate
    start_s = (segment.start_ns - midnight_ns) / NS
    # A sample within a nanosecond of the grid counts as on the grid.
    first = math.ceil(start_s * target - 1e-7)
    last = math.floor((start_s + (n - 1) / rate) * target + 1e-7)
    count = max(0, last - first + 1)
    cut: dict[Hashable, Trace] = {}
    for name, trace in traces.items():
        # The grid starts inside the trace, and a margin of zeros extends it to the last sample.
        margin = np.zeros(_LANCZOS)
        padded = np.concatenate((margin, trace[: before + n + _LANCZOS], margin))
        cut[name] = lanczos_interpolation(
            padded, -(_LANCZOS + before) * step, step, first / target - start_s, 1 / target, count, _LANCZOS, "blackman"
        )
    return first, cut


def filter_delay(settings: ConditioningSettings, rate: float, frequency: float) -> float:
    """Return the delay (s) of the decimation filter for a wave of a frequency (Hz) sampled at ``rate`` (Hz)."""
    if settings.decimation != "causal_chebyshev":
        return 0.0
    around = np.array([frequency - 0.05, frequency + 0.05])
    phase = np.unwrap(np.angle(filters.decimation_gain(around, rate, settings)))
    return float(-(phase[1] - phase[0]) / (2 * np.pi * (around[1] - around[0])))
