"""Whether windows, averages, corners and lengths fit each other, the sampling rate and the networks."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ris_core.config.processing import (
    FLANK,
    PAPER_INPUT,
    ConditioningSettings,
    ContextSettings,
    ResponseSettings,
    SpectrogramSettings,
    spectrogram_shape,
)
from ris_core.detectors.detector import Detector

SMALLEST_SIZE = 17
"""Fewest frequencies and fewest times: with fewer, the last convolution of the networks would see a single pixel."""
LONGEST_SEARCH = 30.0
"""Longest search for the centre, s: a duplicate across midnight is looked for within twice this time."""
_FEWEST_SAMPLES = 8
# Periods of the lower corner after which the band-pass no longer rings: 3 s at 3 Hz.
_RINGING_PERIODS = 9.0
LONGEST_RINGING = 3600.0
"""Longest ringing of the band-pass, s: no more of the neighbouring days can be read to let it settle."""
# Shares of the Nyquist frequency to which the anti-alias filters are flat, within 1 dB.
_FLAT = {"causal_chebyshev": 0.65, "zero_phase_fir": 0.9}


def check_bounds(
    profile: str,
    conditioning: ConditioningSettings,
    response: ResponseSettings,
    detector: Detector,
    spectrogram: SpectrogramSettings,
    context: ContextSettings,
    time_shift: int,
) -> None:
    """Raise `ValueError` for the first value that does not fit the others; it says what would be right.

    Parameters
    ----------
    profile
        ``paper`` has the published size alone.
    conditioning, response, detector, spectrogram, context
        Sections of the settings.
    time_shift
        ``aec.time_shift``, in columns.
    """
    detector.check(conditioning.sampling_rate)
    for wrong in (
        *_of_samples(conditioning, spectrogram, context),
        *_of_bands(conditioning, response, spectrogram),
        *_of_size(profile, conditioning, spectrogram),
        *_of_lengths(spectrogram, context),
    ):
        raise ValueError(wrong)
    check_time_shift(time_shift, spectrogram_shape(conditioning, spectrogram)[1])


def _of_samples(
    conditioning: ConditioningSettings, spectrogram: SpectrogramSettings, context: ContextSettings
) -> Iterator[str]:
    rate = conditioning.sampling_rate
    for name, value in (("window", spectrogram.window), ("hop", spectrogram.hop)):
        samples = value * rate
        if abs(samples - round(samples)) > 1e-6 or round(samples) < 1:
            whole = max(1, round(samples)) / rate
            yield (
                f"spectrogram.{name} ({value:g} s) must be whole samples at conditioning.sampling_rate ({rate:g} Hz), "
                f"for example {whole:g} s"
            )
    window = round(spectrogram.window * rate)
    if window < _FEWEST_SAMPLES:
        yield (
            f"spectrogram.window ({spectrogram.window:g} s) has {window} samples at {rate:g} Hz; it needs "
            f"{_FEWEST_SAMPLES} or more, {_FEWEST_SAMPLES / rate:g} s"
        )
    if spectrogram.hop > spectrogram.window:
        yield (
            f"spectrogram.hop ({spectrogram.hop:g} s) must not be longer than spectrogram.window "
            f"({spectrogram.window:g} s): samples between the columns would be lost"
        )
    columns = spectrogram.duration / spectrogram.hop
    if abs(columns - round(columns)) > 1e-6 * columns or round(columns) < 1:
        yield (
            f"spectrogram.duration ({spectrogram.duration:g} s) must be whole steps of spectrogram.hop "
            f"({spectrogram.hop:g} s), for example {max(1, round(columns)) * spectrogram.hop:g} s"
        )
    if window > spectrogram.nfft:
        yield (
            f"spectrogram.nfft ({spectrogram.nfft}) must be at least the window's {window} samples, for example "
            f"{_power_of_two(window)}"
        )
    for name, value in (("half_length", context.half_length), ("noise_step", context.noise_step)):
        if value * rate < 1:
            yield (
                f"context.{name} ({value:g} s) is shorter than one sample at {rate:g} Hz; it needs {1 / rate:g} s or "
                "more"
            )


def _of_bands(
    conditioning: ConditioningSettings, response: ResponseSettings, spectrogram: SpectrogramSettings
) -> Iterator[str]:
    nyquist = conditioning.sampling_rate / 2
    low, high = conditioning.band_low, conditioning.band_high
    least = _RINGING_PERIODS / LONGEST_RINGING * max(1.0, conditioning.band_order / 4)
    for name, value in (
        ("conditioning.band_low", low),
        ("response.band_low", response.band_low),
        ("conditioning.band_high less band_low", high - low),
        ("half the conditioning.sampling_rate less band_high", nyquist - high),
    ):
        if value < least:
            yield (
                f"{name} ({value:g} Hz) must be {least:g} Hz or more; a filter of less rings longer than "
                f"{LONGEST_RINGING:g} s, and as much of the neighbouring days can be read at most"
            )
    if FLANK * response.band_high > nyquist:
        yield (
            f"response.band_high ({response.band_high:g} Hz) and its flank must lie below half the "
            f"conditioning.sampling_rate, at most {nyquist / FLANK:.4g} Hz"
        )
    if spectrogram.frequency_low >= spectrogram.frequency_high:
        yield (
            f"spectrogram.frequency_low ({spectrogram.frequency_low:g} Hz) must lie below frequency_high "
            f"({spectrogram.frequency_high:g} Hz)"
        )


def check_time_shift(time_shift: int, columns: int) -> None:
    """Raise `ValueError` for an ``aec.time_shift`` of more than half of a spectrogram's columns."""
    if 2 * time_shift > columns:
        raise ValueError(
            f"aec.time_shift ({time_shift}) is more than half of the {columns} columns of a spectrogram; set it to "
            f"{columns // 2} or less"
        )


def _of_size(profile: str, conditioning: ConditioningSettings, spectrogram: SpectrogramSettings) -> Iterator[str]:
    size = spectrogram_shape(conditioning, spectrogram)
    band = f"{spectrogram.frequency_low:g}-{spectrogram.frequency_high:g} Hz"
    if profile == "paper" and size != PAPER_INPUT.shape:
        yield (
            f"spectrogram: these values give {size[0]} frequencies x {size[1]} times; profile: paper has 87 x 100 "
            "alone; for other sizes set profile: recommended"
        )
    if size[0] < SMALLEST_SIZE:
        width = spectrogram.frequency_high - spectrogram.frequency_low
        needed = _power_of_two(math.ceil(SMALLEST_SIZE * conditioning.sampling_rate / width))
        yield (
            f"spectrogram.nfft ({spectrogram.nfft}) gives {size[0]} frequencies in {band}; the networks need "
            f"{SMALLEST_SIZE} or more: {needed} would do, or a wider band"
        )
    if size[1] < SMALLEST_SIZE:
        yield (
            f"spectrogram.duration ({spectrogram.duration:g} s) has {size[1]} columns; the networks need "
            f"{SMALLEST_SIZE} or more: {SMALLEST_SIZE * spectrogram.hop:g} s would do, or a shorter spectrogram.hop"
        )


def _of_lengths(spectrogram: SpectrogramSettings, context: ContextSettings) -> Iterator[str]:
    span = spectrogram.duration + spectrogram.window
    if 2 * context.noise_reach < spectrogram.window + context.noise_step:
        yield (
            f"context.noise_reach ({context.noise_reach:g} s) on each side does not hold spectrogram.window "
            f"({spectrogram.window:g} s) in every place; it needs {(spectrogram.window + context.noise_step) / 2:g} s "
            "or more"
        )
    if spectrogram.search > LONGEST_SEARCH:
        yield f"spectrogram.search ({spectrogram.search:g} s) must be {LONGEST_SEARCH:g} s or less"
    if 2 * context.half_length < span:
        yield (
            f"context.half_length ({context.half_length:g} s) on each side does not hold the spectrogram's "
            f"{span:g} s; it needs {span / 2:g} s or more"
        )


def bounds_doubts(
    profile: str,
    conditioning: ConditioningSettings,
    detector: Detector,
    spectrogram: SpectrogramSettings,
    context: ContextSettings,
) -> Iterator[str]:
    """Yield in words what can be used but is rarely wanted: accuracy, segments or noise that get lost, and the remedy.

    Parameters
    ----------
    profile
        ``paper``: the published filter is not flat in its band, and that is not doubted.
    conditioning, detector, spectrogram, context
        Sections of the settings.
    """
    yield from _doubtful_bands(profile, conditioning, spectrogram)
    yield from _doubtful_lengths(conditioning, detector, spectrogram, context)


def _doubtful_bands(
    profile: str, conditioning: ConditioningSettings, spectrogram: SpectrogramSettings
) -> Iterator[str]:
    nyquist = conditioning.sampling_rate / 2
    flat = _FLAT[conditioning.decimation] * nyquist
    if profile != "paper" and conditioning.band_high > flat * (1 + 1e-9):
        other = " or conditioning.decimation: zero_phase_fir" if conditioning.decimation == "causal_chebyshev" else ""
        yield (
            f"conditioning.band_high ({conditioning.band_high:g} Hz) lies above {flat:.4g} Hz, where "
            f"conditioning.decimation ({conditioning.decimation}) to {conditioning.sampling_rate:g} Hz is not flat; "
            f"take a lower corner, a conditioning.sampling_rate of "
            f"{2 * conditioning.band_high / _FLAT[conditioning.decimation]:.4g} Hz or more{other}"
        )
    low, high = conditioning.band_low, conditioning.band_high
    for name, value, is_outside, corner in (
        ("frequency_low", spectrogram.frequency_low, spectrogram.frequency_low < low, "band_low"),
        ("frequency_high", spectrogram.frequency_high, spectrogram.frequency_high > high, "band_high"),
    ):
        if is_outside:
            yield (
                f"spectrogram.{name} ({value:g} Hz) lies outside the band of the trace, {low:g}-{high:g} Hz; set it to "
                f"{low if name == 'frequency_low' else high:g} Hz, or change conditioning.{corner}"
            )


def _doubtful_lengths(
    conditioning: ConditioningSettings,
    detector: Detector,
    spectrogram: SpectrogramSettings,
    context: ContextSettings,
) -> Iterator[str]:
    span, warm_up = spectrogram.duration + spectrogram.window, detector.warm_up
    needed = max(warm_up, conditioning.guard_after_gap) + span
    if conditioning.shortest_segment < needed:
        yield (
            f"conditioning.shortest_segment ({conditioning.shortest_segment:g} s) has no room for an event: the "
            f"detector's warm-up ({warm_up:g} s) or conditioning.guard_after_gap "
            f"({conditioning.guard_after_gap:g} s), and a spectrogram ({span:g} s); so short segments give no event, "
            f"{needed:g} s or more hold one"
        )
    reach = {
        "the detector's warm-up": warm_up,
        "context.noise_reach": context.noise_reach,
        "context.half_length": context.half_length,
        "spectrogram.search and duration": spectrogram.search + span,
        "detector.cleaning_window": detector.cleaning_window,
        "the ringing of the band-pass": _RINGING_PERIODS / conditioning.band_low,
    }
    longest = max(reach, key=lambda name: reach[name])
    if conditioning.padding < conditioning.taper + reach[longest]:
        yield (
            f"conditioning.padding ({conditioning.padding:g} s) is too short for conditioning.taper "
            f"({conditioning.taper:g} s) and {longest} ({reach[longest]:g} s) beside it: events near "
            f"midnight have less of it; take {conditioning.taper + reach[longest]:g} s or more"
        )


def _power_of_two(least: int) -> int:
    return int(2 ** math.ceil(math.log2(max(least, 16))))
