"""Detrending, tapering and filters on plain arrays."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy import signal

Samples = NDArray[np.float64]

_BLOCK = 1 << 17


def detrend_polynomial(samples: Samples, order: int) -> Samples:
    """Subtract the least-squares polynomial of an order (0: mean, 1: line, 3: cubic).

    The normal equations are summed over blocks in Legendre polynomials, so that a day needs no day-long design matrix;
    the result is that of ObsPy's ``detrend('polynomial', order=…)`` to rounding.
    """
    n = samples.size
    normal, moments = np.zeros((order + 1, order + 1)), np.zeros(order + 1)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        basis = legendre.legvander(_unit_axis(start, stop, n), order)
        normal += basis.T @ basis
        moments += basis.T @ samples[start:stop]
    coefficients = np.linalg.solve(normal, moments)
    out = np.empty(n)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        out[start:stop] = samples[start:stop] - legendre.legval(_unit_axis(start, stop, n), coefficients)
    return out


def _unit_axis(start: int, stop: int, n: int) -> Samples:
    return 2.0 * np.arange(start, stop) / max(n - 1, 1) - 1.0


def taper_ends(samples: Samples, length: int, start: bool, end: bool) -> None:
    """Multiply the first and last samples with the flanks of a Hann window, in place, as ObsPy's taper does."""
    length = min(length, samples.size // 2)
    if length == 0:
        return
    flanks = signal.windows.hann(2 * length + 1)
    if start:
        samples[:length] *= flanks[:length]
    if end:
        samples[-length:] *= flanks[-length:]


def extend_odd(samples: Samples, before: int, after: int) -> Samples:
    """Continue a trace beyond its ends by point reflection, at most by its own length less one."""
    head = 2 * samples[0] - samples[before:0:-1] if before else samples[:0]
    tail = 2 * samples[-1] - samples[-2 : -after - 2 : -1] if after else samples[:0]
    return np.concatenate((head, samples, tail))


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


def zero_phase(sections: Samples, samples: Samples) -> Samples:
    """Filter forwards, then backwards, from rest at both ends."""
    forward = signal.sosfilt(sections, samples)
    return np.asarray(signal.sosfilt(sections, forward[::-1])[::-1])
