"""Exact intervals of Poisson counts, and how much counts vary beyond Poisson."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

FloatArray = NDArray[np.float64]


def poisson_interval(counts: NDArray[Any], level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Return the exact interval of the mean of Poisson counts (Garwood 1936, doi 10.2307/2333958).

    Parameters
    ----------
    counts
        Numbers of events, of any shape.
    level
        Least probability that the interval holds the mean.

    Returns
    -------
    tuple
        Lower and upper end, of the shape of `counts`; the lower end of no event is 0.
    """
    n = np.asarray(counts)
    if (n < 0).any():
        raise ValueError("counts must be 0 or more")
    distinct, which = np.unique(n, return_inverse=True)
    tail = (1 - level) / 2
    low = np.where(distinct > 0, gammaincinv(np.maximum(distinct, 1), tail), 0.0)
    high = gammaincinv(distinct + 1, 1 - tail)
    return low[which].reshape(n.shape), high[which].reshape(n.shape)


def dispersion(n: FloatArray, squares: FloatArray, hours: FloatArray, cells: FloatArray) -> FloatArray:
    """Return how many times the variance of Poisson counts the counts of cells of time vary (Pearson's χ² over m - 1).

    With rate λ = n / T it is Σ (nᵢ - λ tᵢ)² / (λ tᵢ) / (m - 1): about 1 for independent events at a constant rate, more
    for swarms and changing rates, with which intervals of Poisson counts are too narrow.

    Parameters
    ----------
    n, squares
        Σ nᵢ and Σ nᵢ² / tᵢ over the cells.
    hours, cells
        T = Σ tᵢ, and their number m.

    Returns
    -------
    ndarray
        NaN with fewer than two cells or without events.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (squares * hours / n - n) / (cells - 1)
    return np.where((n > 0) & (cells > 1), found, np.nan)
