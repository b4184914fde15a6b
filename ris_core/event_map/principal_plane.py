"""Principal components of many events: two passes over the rows, without a copy of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 20_000

Floats = NDArray[np.float32]


def moments(z: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean (D,) and covariance (D, D) of rows (N, D), the latter divided by N."""
    mean = np.zeros(z.shape[1])
    for block in _blocks(z):
        mean += block.sum(axis=0, dtype=np.float64)
    mean /= max(len(z), 1)
    covariance = np.zeros((z.shape[1], z.shape[1]))
    for block in _blocks(z):
        centred = block - mean
        covariance += centred.T @ centred
    return mean, covariance / max(len(z), 1)


def principal_plane(z: Floats) -> tuple[Floats, tuple[float, float]]:
    """Return rows (N, D) on their first two principal components (Hotelling 1933), and the shares of the variance.

    Signs are fixed: the greatest loading of each component is positive. Where there is no second component, or
    nothing varies, coordinates and shares are 0.
    """
    from ris_core.threads import one_thread

    found = np.zeros((len(z), 2), np.float32)
    # One thread: with more, the order of sums and with it the last digits depend on timing.
    with one_thread("blas"):
        mean, covariance = moments(z)
        variance, vectors = np.linalg.eigh(covariance)
        total = float(variance.clip(min=0).sum())
        count = min(2, z.shape[1]) if total > 0 else 0
        axes = vectors[:, ::-1][:, :count]
        axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(count)]) if count else axes
        for start, block in zip(range(0, len(z), _AT_ONCE), _blocks(z), strict=True):
            found[start : start + _AT_ONCE, :count] = (block - mean) @ axes
    shares = [float(max(value, 0.0)) / total for value in variance[::-1][:count]]
    first, second = [*shares, 0.0, 0.0][:2]
    return found, (first, second)


def _blocks(z: Floats) -> Iterator[Floats]:
    return (z[start : start + _AT_ONCE] for start in range(0, len(z), _AT_ONCE))
