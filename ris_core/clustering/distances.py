"""Distances of events to the centroids of their clusters, and examples from near to far."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def own_distance(
    z: NDArray[Any], centroids: NDArray[Any] | None, labels: NDArray[Any], membership: NDArray[Any]
) -> NDArray[np.float64]:
    """Return how far events lie from the centre of their cluster, (N,).

    Parameters
    ----------
    z, centroids, labels
        Latents (N, D), centroids (K, D) and labels (N,): the distance is Euclidean. Clusters may have no centroids.
    membership
        (N,) the membership in the own cluster: without centroids, the distance is one minus it.
    """
    if centroids is None:
        return np.asarray(1.0 - membership, dtype=np.float64)
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
