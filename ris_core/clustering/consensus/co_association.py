"""How often events share a cluster, over many partitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from ris_core.threads import one_thread


def co_association(partitions: NDArray[Any], algorithms: Sequence[str]) -> NDArray[np.float32]:
    """Return the share of partitions in which two events have the same cluster, (n, n), float32.

    The mean over the partitions of an algorithm, and then over algorithms, so that one with more partitions does not
    count more (evidence accumulation: Fred & Jain 2005; Strehl & Ghosh 2002, J. Mach. Learn. Res. 3, 583-617, call
    the matrix that of the cluster-based similarity).

    Parameters
    ----------
    partitions
        Labels (P, n); an event with a negative label shares its cluster with none but itself.
    algorithms
        The algorithm of each of the P partitions.
    """
    n = partitions.shape[1]
    out = np.zeros((n, n), dtype=np.float32)
    names = list(dict.fromkeys(algorithms))
    for name in names:
        own = [labels for labels, of in zip(partitions, algorithms, strict=True) if of == name]
        shared = np.zeros((n, n), dtype=np.float32)
        for labels in own:
            member = (labels[:, None] == np.arange(max(int(labels.max()), 0) + 1)).astype(np.float32)
            # Counts are whole numbers, so the order of the sum has no influence.
            shared += member @ member.T
        out += shared / np.float32(len(own) * len(names))
    np.fill_diagonal(out, 1.0)
    return out


def average_linkage(similarity: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the tree (n − 1, 4) of average linkage of the distances 1 − s of n events from similarities (n, n)."""
    with one_thread():
        apart = squareform(np.maximum(1.0 - similarity.astype(np.float64), 0.0), checks=False)
        return np.asarray(linkage(apart, "average"))


def cluster_similarity(similarity: NDArray[np.float32], labels: NDArray[Any], k: int) -> NDArray[np.float32]:
    """Return the memberships (n, K) of events by their mean similarity to the events of each cluster, with the sum 1.

    Parameters
    ----------
    similarity
        Co-association (n, n); an event's own of 1 counts in its own cluster.
    labels
        Clusters (n,) 0 ... K − 1, none of them empty.
    k
        Number of clusters.
    """
    member = (labels[:, None] == np.arange(k)).astype(np.float64)
    with one_thread():
        mean = (similarity.astype(np.float64) @ member) / member.sum(axis=0)
    return np.asarray(mean / mean.sum(axis=1, keepdims=True), dtype=np.float32)
