"""Trees of merges: how they are cut into K clusters, and for how long each number of clusters lives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def cut(linkage: NDArray[Any], k: int) -> NDArray[np.int32]:
    """Return the labels (n,) of the K clusters that remain when the last K − 1 merges of a tree are undone.

    Ties are cut in the order of the tree, so there are K clusters even where no height separates them.

    Parameters
    ----------
    linkage
        Merges (n − 1, 4) as `scipy.cluster.hierarchy.linkage` gives them.
    k
        Number of clusters.

    Returns
    -------
    ndarray
        int32, 0-based, numbered in the order of their first event.

    Raises
    ------
    ValueError
        K is not between 1 and n.
    """
    n = len(linkage) + 1
    if not 1 <= k <= n:
        raise ValueError(f"a tree of {n} events cannot be cut into {k} clusters; K lies between 1 and {n}")
    above = np.arange(2 * n - 1)
    for merge, (one, other) in enumerate(linkage[: n - k, :2].astype(np.int64)):
        above[one] = above[other] = n + merge
    # A merge has a greater number than what it merges.
    for node in range(2 * n - 2, -1, -1):
        above[node] = above[above[node]]
    _, first, of = np.unique(above[:n], return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[of], dtype=np.int32)


def lifetimes(linkage: NDArray[Any], counts: Iterable[int]) -> dict[int, float]:
    """Return the lifetime of each number of clusters K: the range of heights at which the tree has K clusters.

    With h₁ ≤ … ≤ h₍ₙ₋₁₎ the heights of the merges of n events, there are K clusters from the merge number n − K, which
    leaves K of them, up to the next one: L(K) = h₍ₙ₋ₖ₊₁₎ − h₍ₙ₋ₖ₎, with h₀ = 0 (Fred & Jain 2005, IEEE Trans. Pattern
    Anal. Mach. Intell. 27, 835-850, section 3.3).

    Parameters
    ----------
    linkage
        Merges (n − 1, 4) as `scipy.cluster.hierarchy.linkage` gives them.
    counts
        The K: 2 or more. Those above n are left out.
    """
    heights = np.concatenate([[0.0], np.maximum.accumulate(linkage[:, 2])])
    n = len(heights)
    return {k: float(heights[n - k + 1] - heights[n - k]) for k in counts if 2 <= k <= n}


def longest_lived(lifetime: dict[int, float]) -> int:
    """Return the K with the longest lifetime, the smallest of equal ones; raises `ValueError` if there is none."""
    if not lifetime:
        raise ValueError("there is no number of clusters to choose from")
    return min(lifetime, key=lambda k: (-lifetime[k], k))
