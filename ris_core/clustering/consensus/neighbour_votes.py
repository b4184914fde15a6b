"""Memberships of any event by those of its nearest events of a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

_AT_ONCE = 4_000_000
"""Distances that are held in memory at once."""


def nearest_votes(
    z: NDArray[Any],
    sample: NDArray[np.float32],
    votes: NDArray[np.float32],
    nearest: int,
    without_itself: bool = False,
) -> NDArray[np.float32]:
    """Return the mean of the votes of the nearest events of a sample, (n, K), float32, with the sum 1.

    Weights are 1/d² of the distance d (Shepard 1968, Proc. 23rd ACM Natl. Conf., 517-524): an event of the sample keeps
    its own votes. What is said of an event does not depend on which other events are asked for with it.

    Parameters
    ----------
    z
        Features (n, D).
    sample, votes
        Features (N, D) and memberships (N, K) of the sample.
    nearest
        Number of neighbours, at most N, or N − 1 without itself; of equally near ones any may be taken.
    without_itself
        Whether `z` is the sample, and an event is not its own neighbour.
    """
    values, of_sample = np.asarray(z, dtype=np.float64), sample.astype(np.float64)
    found = np.empty((len(values), votes.shape[1]), dtype=np.float64)
    step = max(1, _AT_ONCE // len(sample))
    for start in range(0, len(values), step):
        apart = cdist(values[start : start + step], of_sample, "sqeuclidean")
        if without_itself:
            own = np.arange(len(apart))
            apart[own, start + own] = np.inf
        near = np.argpartition(apart, nearest - 1, axis=1)[:, :nearest]
        # In the order of the sample, so that the sum does not depend on how the nearest were found.
        near.sort(axis=1)
        weight = _weights(np.take_along_axis(apart, near, axis=1))
        found[start : start + step] = np.einsum("ns,nsk->nk", weight, votes[near], dtype=np.float64)
    return np.asarray(found / found.sum(axis=1, keepdims=True), dtype=np.float32)


def _weights(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1/d² (n, s) as shares of that of the nearest; where it lies at 0, 1 for those at 0, and 0 for others."""
    least = squared.min(axis=1, keepdims=True)
    at_nearest = np.where(squared == 0, 1.0, 0.0)
    return np.where(least > 0, least / np.where(squared > 0, squared, 1.0), at_nearest)
