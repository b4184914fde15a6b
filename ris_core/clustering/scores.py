"""How good and how stable a partition is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import davies_bouldin_score, silhouette_score


def subsample(n: int, sample: int, seed: int) -> NDArray[np.int64]:
    """Return at most `sample` of the rows 0 ... n − 1, drawn without replacement, in ascending order."""
    if n <= sample:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, sample, replace=False))


def _flat(values: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
    if labels.shape != (len(values),):
        raise ValueError(f"labels must have the shape ({len(values)},), one for each event, got {labels.shape}")
    return values.reshape(len(values), math.prod(values.shape[1:]))


def _scorable(labels: NDArray[Any]) -> bool:
    return 2 <= len(np.unique(labels)) < len(labels)


def silhouette(values: NDArray[Any], labels: NDArray[Any], sample: int = 10_000, seed: int = 0) -> float:
    """Return the mean silhouette of a partition, Euclidean, from at most `sample` events drawn with `seed`.

    Parameters
    ----------
    values
        Latents (N, D), or spectrograms (N, F, T) for the silhouette in data space.
    labels
        (N,).

    Returns
    -------
    float
        Between −1 and 1; NaN if the sample holds fewer than two clusters or only clusters of one event.
    """
    flat = _flat(values, labels)
    rows = subsample(len(flat), sample, seed)
    if not _scorable(labels[rows]):
        return float("nan")
    return float(silhouette_score(flat[rows], labels[rows]))


def davies_bouldin(values: NDArray[Any], labels: NDArray[Any]) -> float:
    """Return the Davies-Bouldin index of a partition (lower is better); NaN if there are fewer than two clusters."""
    flat = _flat(values, labels)
    return float(davies_bouldin_score(flat, labels)) if _scorable(labels) else float("nan")


def label_change_table(before: NDArray[Any], after: NDArray[Any], k: int | None = None) -> pd.DataFrame:
    """Count the events that went from one label to another.

    Parameters
    ----------
    before, after
        0-based labels (N,) of the same events.
    k
        Number of clusters; by default the greatest label decides.

    Returns
    -------
    DataFrame
        (K, K) counts: rows are the labels before, columns the labels after; empty clusters have their row or column.

    Raises
    ------
    ValueError
        The labels do not belong together, are not whole numbers, or lie outside 0 ... K − 1.
    """
    before, after = np.asarray(before), np.asarray(after)
    if before.shape != after.shape or before.ndim != 1:
        raise ValueError(f"labels of the same events are needed, got the shapes {before.shape} and {after.shape}")
    both = np.concatenate([before, after])
    if not np.issubdtype(both.dtype, np.integer):
        raise ValueError(f"labels must be whole numbers, got {both.dtype}")
    n = k if k is not None else int(both.max(initial=-1)) + 1
    if len(both) and not 0 <= both.min() <= both.max() < n:
        raise ValueError(f"labels must lie between 0 and {n - 1}, got {both.min()} to {both.max()}")
    counts = np.bincount(before.astype(np.int64) * n + after, minlength=n * n).reshape(n, n)
    labels = pd.RangeIndex(n)
    return pd.DataFrame(counts, index=labels.rename("before"), columns=labels.rename("after"))
