"""The Schuster spectrum: at which periods events keep to a phase, as a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SchusterSpectrum:
    """ln p = −R²/N of phases at many periods.

    Attributes
    ----------
    period : array of shape (M,)
        Hours, descending.
    log_p : array of shape (M,)
        Natural logarithm of Schuster's p.
    expected : array of shape (M,)
        ln of the p that independent events of an even rate go below at one of twenty periods of this length.
    """

    period: Floats
    log_p: Floats
    expected: Floats


def schuster_spectrum(counts: Floats, live: Floats, shortest: float = 4.0, finer: int = 4) -> SchusterSpectrum:
    """Return the Schuster spectrum of counts by the hour, less what an even rate would give in the same live time.

    ln p = −R²/N (Schuster 1897), R the length of the sum of unit vectors at the events' phases. In t hours, periods
    around T are told apart if they differ by T²/t, so there are about t/T periods as short as T, and the smallest of
    their p is expected near T/t (Ader & Avouac 2013, doi 10.1016/j.epsl.2013.06.032). Events that come in swarms go
    below it at long periods without any cycle: the spectrum is a picture, not a test.

    Parameters
    ----------
    counts, live : arrays of shape (N,)
        Events and live hours of successive hours.
    shortest
        Shortest period, hours; bins of an hour blur shorter ones.
    finer
        How many frequencies there are for each that can be told apart.
    """
    total, length = float(counts.sum()), len(counts)
    even = live * (total / max(float(live.sum()), 1e-12))
    spectrum = np.fft.rfft(counts - even, length * finer)
    frequency = np.arange(len(spectrum)) / (length * finer)
    shown = (frequency >= 2.0 / length) & (frequency <= 1.0 / shortest)
    period = 1.0 / frequency[shown]
    # The mean over an hour's bin makes vectors shorter by this factor.
    blurred = np.sinc(frequency[shown])
    log_p = -(np.abs(spectrum[shown] / blurred) ** 2) / max(total, 1.0)
    return SchusterSpectrum(period, log_p, np.log(0.05 * period / length))
