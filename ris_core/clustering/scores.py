"""How good and how stable a partition is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import davies_bouldin_score

from ris_core.training.samples import Samples, as_samples

_BLOCK_VALUES = 8_000_000
"""Largest number of distances that are held in memory at once."""
DATA_SAMPLE = 5_000
"""Spectrograms used for a silhouette in data space: distances between 10,000 of them take a core about a minute."""


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
    return float(np.mean(silhouettes(flat[rows], [labels[rows]])[0])) if len(rows) else float("nan")


def silhouettes(values: NDArray[Any], partitions: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """Return the silhouette of every event in each of several partitions, Euclidean (Rousseeuw 1987).

    s = (b − a) / max(a, b), with a the mean distance to the other events of its cluster and b the least mean distance
    to those of another cluster; 0 in a cluster of one event, and if a and b are 0: such an event is no nearer to its
    own cluster than to the other. Distances are computed once for all partitions.

    Parameters
    ----------
    values
        (N, D).
    partitions
        P arrays of labels (N,).

    Returns
    -------
    ndarray
        (P, N); NaN for a partition of fewer than two clusters, or of single events only.
    """
    n = len(values)
    out = np.full((len(partitions), n), np.nan)
    codes = [np.unique(labels, return_inverse=True)[1] for labels in partitions]
    usable = [p for p, labels in enumerate(partitions) if _scorable(labels)]
    if not usable:
        return out
    members = [np.eye(codes[p].max() + 1)[codes[p]] for p in usable]
    columns = np.cumsum([0, *(m.shape[1] for m in members)])
    everything = np.concatenate(members, axis=1)
    # In the precision of the values: single precision loses digits of the closest pairs only, and double precision
    # would take twice the time in 8,700 dimensions. Values around their mean lose less.
    values = np.asarray(values, dtype=np.result_type(values, np.float32))
    values = values - values.mean(axis=0, dtype=np.float64).astype(values.dtype)
    norms = np.einsum("nd,nd->n", values, values, dtype=np.float64)
    step = max(1, _BLOCK_VALUES // n)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        sums = _distances(values, norms, rows) @ everything
        for p, m, first, last in zip(usable, members, columns[:-1], columns[1:], strict=True):
            out[p, rows] = _silhouettes_of(sums[:, first:last], m.sum(axis=0), codes[p][rows])
    return out


def _distances(values: NDArray[Any], norms: NDArray[np.float64], rows: slice) -> NDArray[np.float64]:
    """Return the distances (n, N) of some events to all, from the values (N, D) and their squared norms (N,)."""
    both = norms[rows, None] + norms
    squared = both - 2.0 * (values[rows] @ values.T)
    # For the closest pairs this difference is mostly rounding: identical events would lie apart.
    one, other = np.nonzero(squared <= np.sqrt(np.finfo(values.dtype).eps) * both)
    of_block = values[rows]
    step = max(1, _BLOCK_VALUES // max(1, values.shape[1]))
    for start in range(0, len(one), step):
        i, j = one[start : start + step], other[start : start + step]
        apart = of_block[i] - values[j]
        squared[i, j] = np.einsum("nd,nd->n", apart, apart, dtype=np.float64)
    return np.asarray(np.sqrt(squared, out=squared))


def _silhouettes_of(sums: NDArray[Any], sizes: NDArray[Any], own: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return silhouettes (n,) from the sums of distances to the events of each cluster (n, K) and its own cluster."""
    rows = np.arange(len(own))
    inside = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    mean = sums / sizes
    mean[rows, own] = np.inf
    outside = mean.min(axis=1)
    greater = np.maximum(inside, outside)
    s: NDArray[np.float64] = np.where(
        (sizes[own] > 1) & (greater > 0), (outside - inside) / np.where(greater > 0, greater, 1.0), 0.0
    )
    return s


def class_means(samples: Samples | NDArray[Any], labels: NDArray[Any], k: int) -> NDArray[np.float32]:
    """Return the mean event (K, F, T) of each class, zero if a class is empty; events (N, F, T), labels (N,)."""
    return _Sums(as_samples(samples), labels, k).mean.astype(np.float32)


def class_table(
    samples: Samples | NDArray[Any], labels: NDArray[Any], k: int, sample: int = DATA_SAMPLE, seed: int = 0
) -> pd.DataFrame:
    """Describe each class of a partition in data space, in two passes over the events.

    Parameters
    ----------
    samples
        N normalised spectrograms.
    labels
        (N,), 0 ... K − 1.
    k
        Number of classes.
    sample, seed
        Largest number of events used for the silhouette, and the seed of their draw.

    Returns
    -------
    DataFrame
        Index `label`. `size` and `share` of the events; `inner_product`, mean over the members x of ⟨x, m/‖m‖⟩ with the
        class mean m, 1 if all have one shape; `mse` and `mae`, means over members and pixels of (x − m)² and |x − m|;
        `silhouette`, mean over the `sampled` members. NaN if a class is empty.

        For members of unit norm the inner product is ‖m‖, the mean resultant length (Mardia & Jupp 2000), and the MSE
        is (1 − ‖m‖²) over the number of pixels: both carry the same information.
    """
    samples = as_samples(samples)
    sums = _Sums(samples, labels, k)
    mean = sums.mean.reshape(k, -1)
    some = np.where(sums.sizes > 0, sums.sizes, np.nan)
    norm = np.linalg.norm(mean, axis=1) * (some / some)
    absolute = np.zeros(k)
    single = mean.astype(np.float32)
    for rows, block in samples.blocks():
        own = labels[rows]
        deviation = np.abs(block.reshape(len(block), -1) - single[own]).mean(axis=1, dtype=np.float64)
        absolute += np.bincount(own, deviation, minlength=k)
    drawn = subsample(len(samples), sample, seed)
    scores = silhouettes(samples.take(drawn).reshape(len(drawn), -1), [labels[drawn]])[0]
    sampled = np.bincount(labels[drawn], minlength=k)
    with np.errstate(invalid="ignore", divide="ignore"):
        table = pd.DataFrame(
            {
                "size": sums.sizes,
                "share": sums.sizes / max(len(samples), 1),
                "inner_product": norm,
                "mse": np.maximum(sums.squares / some - norm**2, 0.0) / mean.shape[1],
                "mae": absolute / some,
                "silhouette": np.bincount(labels[drawn], scores, minlength=k) / sampled,
                "sampled": sampled,
            }
        )
    return table.rename_axis("label")


def overall(table: pd.DataFrame) -> dict[str, float]:
    """Return the means over all events of what `class_table` gives for each class.

    `silhouette`, `inner_product`, `mse_to_mean`, `mae_to_mean`; and `smallest_cluster`, the least share of events.
    """

    def mean(column: str, weight: str) -> float:
        counted = table[table[weight] > 0]
        return float(np.average(counted[column], weights=counted[weight])) if len(counted) else float("nan")

    return {
        "silhouette": mean("silhouette", "sampled"),
        "inner_product": mean("inner_product", "size"),
        "mse_to_mean": mean("mse", "size"),
        "mae_to_mean": mean("mae", "size"),
        "smallest_cluster": float(table["share"].min()),
    }


class _Sums:
    """Sums over the members of each class, from one pass over the events.

    Attributes
    ----------
    sizes
        (K,) members.
    mean
        (K, F, T) mean member; 0 if there is none.
    squares
        (K,) sum of the squared norms.
    """

    def __init__(self, samples: Samples, labels: NDArray[Any], k: int) -> None:
        if labels.shape != (len(samples),):
            raise ValueError(f"labels must have the shape ({len(samples)},), one for each event, got {labels.shape}")
        if len(labels) and not 0 <= labels.min() <= labels.max() < k:
            raise ValueError(f"labels must lie between 0 and {k - 1}, got {labels.min()} to {labels.max()}")
        self.sizes = np.bincount(labels, minlength=k)
        self.squares = np.zeros(k)
        total: NDArray[np.float64] | None = None
        shape: tuple[int, ...] = ()
        for rows, block in samples.blocks():
            flat, shape = block.reshape(len(block), -1), block.shape[1:]
            if total is None:
                total = np.zeros((k, flat.shape[1]))
            members = np.eye(k, dtype=np.float32)[:, labels[rows]]
            total += members @ flat
            self.squares += members @ np.einsum("nd,nd->n", flat, flat, dtype=np.float64)
        if total is None:
            raise ValueError("there are no events to describe")
        self.mean = (total / np.maximum(self.sizes, 1)[:, None]).reshape(k, *shape)


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
