"""At which lag the rest of a regression goes with a series: descriptive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lagged:
    """The strongest correlation of residuals with a series.

    Attributes
    ----------
    lag
        Hours by which the events follow the series; negative: they come before it.
    correlation
        At this lag.
    p
        Share of all circular shifts beyond the guard at which some lag of the range has as strong a correlation.
    shifts
        Number of these shifts.
    """

    lag: int
    correlation: float
    p: float
    shifts: int


NO_LAG = Lagged(0, float("nan"), float("nan"), 0)


def lagged_correlation(residuals: Floats, series: Floats, longest: int = 72, guard: int = 14 * 24) -> Lagged:
    """Return the strongest correlation of residuals with a series within some lags, against all circular shifts.

    Parameters
    ----------
    residuals, series : arrays of shape (N,)
        Of successive hours; NaN where there is none, which counts as the mean.
    longest
        Longest lag, hours.
    guard
        Shifts closer to no shift than this are not among those that are compared with, hours.
    """
    there = np.isfinite(residuals) & np.isfinite(series)
    number = len(residuals)
    if there.sum() < 2 * (guard + longest) or number <= 2 * (guard + longest) + 1:
        return NO_LAG
    a = np.where(there, residuals - residuals[there].mean(), 0.0)
    b = np.where(np.isfinite(series), series - np.nanmean(series), 0.0)
    size = float(np.sqrt((a @ a) * (b @ b)))
    if size <= 0:
        return NO_LAG
    # Entry s is the correlation of the residuals with the series s hours earlier.
    around = np.fft.irfft(np.fft.rfft(a) * np.conj(np.fft.rfft(b)), number) / size
    lags = np.arange(-longest, longest + 1)
    near = around[lags % number]
    place = int(np.argmax(np.abs(near)))
    strongest = maximum_filter1d(np.abs(around), 2 * longest + 1, mode="wrap")[
        guard + longest : number - guard - longest
    ]
    p = (1 + int((strongest >= abs(near[place])).sum())) / (1 + len(strongest))
    return Lagged(int(lags[place]), float(near[place]), float(p), len(strongest))
