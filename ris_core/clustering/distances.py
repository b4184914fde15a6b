"""Distances of events to the centroids of their clusters, and examples from near to far."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def own_distance(z: NDArray[Any], centroids: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.float64]:
    """Return the Euclidean distance (N,) of latents (N, D) to the centroid (K, D) that their label names."""
    return np.asarray(np.linalg.norm(np.asarray(z, dtype=np.float64) - np.asarray(centroids)[labels], axis=1))


def near_to_far(distance: NDArray[Any], labels: NDArray[Any], k: int, count: int) -> dict[int, NDArray[np.int64]]:
    """Return rows of at most `count` events of each of K clusters: the nearest, the farthest, and between them evenly.

    Parameters
    ----------
    distance
        (N,) to the own centroid.
    labels
        (N,), 0 ... K − 1.
    """
    examples = {}
    for label in range(k):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(distance[rows], kind="stable")]
        places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
        examples[label] = rows[places].astype(np.int64)
    return examples
