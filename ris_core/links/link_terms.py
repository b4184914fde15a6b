"""From hourly series to the terms of the regression: running mean, square, rate of change, lags."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ris_core.config.links import TIDAL_KINDS, LinkTermSettings

Floats = NDArray[np.float64]


def running_mean(values: Floats, hours: int) -> Floats:
    """Return the centred mean of this many hours; NaN where one of them has no value."""
    if hours <= 1:
        return values
    return _means(values, hours, -(hours // 2))


def _means(values: Floats, hours: int, first: int) -> Floats:
    """Return for each hour the mean of `hours` hours from `first` hours after it on; NaN where one has no value."""
    there = np.isfinite(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(there, values, 0.0))])
    number = np.concatenate([[0], np.cumsum(there)])
    low = np.arange(len(values)) + first
    inside = (low >= 0) & (low + hours <= len(values))
    low = np.clip(low, 0, max(len(values) - hours, 0))
    high = np.minimum(low + hours, len(values))
    full = inside & (number[high] - number[low] == hours)
    return np.where(full, (total[high] - total[low]) / hours, np.nan)


def term_values(hourly: Floats, term: LinkTermSettings) -> Floats:
    """Return a term by the hour from its series by the hour; NaN where a value that it needs is missing.

    A logarithm of 0 or less has no value. A rate is the difference of the neighbouring hours over two hours, per hour.
    """
    smooth = running_mean(hourly, round(term.mean))
    if term.transform == "square":
        return np.asarray(smooth**2)
    if term.transform == "log":
        return np.log(np.where(smooth > 0, smooth, np.nan))
    if term.transform in ("rate", "falling") and len(smooth) > 1:
        rate = np.gradient(smooth)
        return np.asarray(-rate if term.transform == "falling" else rate)
    return smooth


def lags_of(values: Floats, term: LinkTermSettings, edges: tuple[int, ...]) -> Floats:
    """Return a term beside its means over earlier hours, shape (N, 1 + L); of tidal kinds alone, shape (N, 1).

    Bin i is the mean of the hours from edge i to edge i + 1 before the event. A bin with some hours without a value has
    none.
    """
    if term.kind in TIDAL_KINDS or len(edges) < 2:
        return values[:, None]
    bins = [_means(values, high - low, -(high - 1)) for low, high in pairwise(edges)]
    return np.stack([values, *bins], axis=1)


def shifted(values: Floats, hours: float) -> Floats:
    """Return a series as it would be if all its times were some hours later; NaN where no value is known."""
    at = np.arange(len(values)) - hours
    low = np.floor(at).astype(np.int64)
    part = at - low
    first, second = (np.clip(low + step, 0, len(values) - 1) for step in (0, 1))
    between = np.where(part > 0, (1.0 - part) * values[first] + part * values[second], values[first])
    return np.where((at >= 0) & (at <= len(values) - 1), between, np.nan)
