"""The responses of filters, and the flank of a taper."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ris_core.config import ConditioningSettings

Samples = NDArray[np.float64]
Gain = NDArray[np.complex128]

LARGEST_FACTOR = 16


def flank(length: int) -> Samples:
    """Return the rising flank of a Hann window, as ObsPy's taper, shape (length,)."""
    return np.asarray(signal.windows.hann(2 * length + 1)[:length])


def decimation_factor(rate: float, target: float) -> int | None:
    """Return the number of samples at ``rate`` for one at ``target`` (Hz); none if it is not a whole number.

    A rate that differs from a multiple by less than 1e-7 (9 ms in a day) counts as that multiple.
    """
    factor = round(rate / target)
    return factor if factor >= 1 and abs(rate - factor * target) <= 1e-7 * rate else None


def decimation_steps(factor: int) -> tuple[int, ...] | None:
    """Return the factors of successive decimations, none above 16, where the automatic filter becomes unstable.

    None if a prime factor is greater than 16.
    """
    steps = []
    while factor > 1:
        step = max((d for d in range(2, LARGEST_FACTOR + 1) if factor % d == 0), default=0)
        if not step:
            return None
        steps.append(step)
        factor //= step
    return tuple(steps)


def decimation_gain(frequency: Samples, rate: float, settings: ConditioningSettings) -> Gain:
    """Return the response of the anti-alias filter from ``rate`` to the settings' rate, at frequencies in Hz.

    ``causal_chebyshev`` is filtered once for each of `decimation_steps`, as one would do with ObsPy's ``decimate``;
    other rates than whole multiples are low-passed in one step.
    """
    target = settings.sampling_rate
    factor = decimation_factor(rate, target)
    if factor == 1:
        return np.ones(frequency.size, np.complex128)
    if settings.decimation == "zero_phase_fir":
        taps = fir_lowpass(settings.band_high, target - settings.band_high, rate)
        _, gain = signal.freqz(taps, worN=2 * np.pi * frequency / rate)
        return np.asarray(gain * np.exp(2j * np.pi * frequency / rate * (taps.size // 2)))
    gain = np.ones(frequency.size, np.complex128)
    here = rate
    for step in (decimation_steps(factor) if factor else None) or (rate / target,):
        sections = chebyshev_lowpass(here / step / 2, here)
        gain *= signal.sosfreqz(sections, worN=2 * np.pi * frequency / here)[1]
        here /= step
    return gain


def bandpass_gain(frequency: Samples, settings: ConditioningSettings) -> Samples:
    """Return the response of the band-pass, run forwards and backwards, at frequencies in Hz; 0 beyond Nyquist."""
    sections = butterworth_bandpass(settings.band_low, settings.band_high, settings.band_order, settings.sampling_rate)
    _, once = signal.sosfreqz(sections, worN=2 * np.pi * frequency / settings.sampling_rate)
    return np.asarray(np.where(frequency <= settings.sampling_rate / 2, np.abs(once) ** 2, 0.0))


@lru_cache(maxsize=16)
def chebyshev_lowpass(corner: float, rate: float) -> Samples:
    """Return second-order sections of the anti-alias filter of ObsPy's ``decimate``.

    Chebyshev-II of order 12 or less with 96 dB beyond ``corner`` (Hz); the pass-band edge is lowered by one per cent
    at a time until the order suffices.
    """
    stop = corner / (rate / 2)
    edge, order, natural = stop, 99, stop
    while order > 12:
        edge *= 0.99
        order, natural = signal.cheb2ord(edge, stop, 1, 96, analog=False)
    return np.asarray(signal.cheby2(order, 96, natural, btype="low", analog=False, output="sos"))


@lru_cache(maxsize=16)
def fir_lowpass(flat_to: float, stop_from: float, rate: float) -> Samples:
    """Return a symmetric Kaiser-window FIR: at most 0.1 dB off to ``flat_to``, 80 dB or more beyond ``stop_from``."""
    taps, beta = signal.kaiserord(82.0, (stop_from - flat_to) / (rate / 2))
    taps += 1 - taps % 2
    return np.asarray(signal.firwin(taps, (flat_to + stop_from) / 2, window=("kaiser", beta), fs=rate))


@lru_cache(maxsize=16)
def butterworth_bandpass(low: float, high: float, order: int, rate: float) -> Samples:
    """Return second-order sections of a Butterworth band-pass, as ObsPy's ``filter('bandpass')``."""
    return np.asarray(signal.iirfilter(order, [low, high], btype="band", ftype="butter", output="sos", fs=rate))
