"""The gap statistic: how much tighter k-means clusters are than those of data that have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from ris_core.progress import track
from ris_core.threads import in_threads, one_thread

Reference = Literal["box", "pca"]

_ROUNDING = 1e-12
"""Sums of squares below this share of their total are zero except for rounding."""


@dataclass(frozen=True)
class Gap:
    """The gap statistic over K.

    Attributes
    ----------
    k
        Cluster counts (M,), consecutive.
    gap
        (M,) mean over the references of ln W*(K), minus ln W(K); NaN if W is zero.
    s
        (M,) standard deviation of ln W*(K) over the B references, times √(1 + 1/B).
    """

    k: tuple[int, ...]
    gap: NDArray[np.float64] = field(repr=False)
    s: NDArray[np.float64] = field(repr=False)

    @property
    def margin(self) -> NDArray[np.float64]:
        """Gap(K) − [Gap(K + 1) − s(K + 1)] (M,); NaN for the last K, which has no next one."""
        return np.append(self.gap[:-1] - (self.gap[1:] - self.s[1:]), np.nan)


def gap_statistic(
    x: NDArray[Any], k: Sequence[int], reference: Reference, references: int, n_init: int, seed: int
) -> Gap:
    """Compute the gap statistic of k-means on vectors (N, D).

    ln W(K) is compared with its mean over `references` sets of N vectors without clusters; W is the sum of squared
    distances to the centroids (Tibshirani, Walther & Hastie 2001, J. R. Stat. Soc. B 63, 411-423). Vectors and
    references get the same number of k-means starts: with more for one of them the gap would be biased.

    Parameters
    ----------
    x
        (N, D), finite.
    k
        Consecutive cluster counts; 1 may be among them.
    reference
        Uniform over ``box``, the range of each dimension, or ``pca``, the ranges along the principal components.
    references, n_init, seed
        Reference sets B, k-means starts for each, and the seed of both.

    Raises
    ------
    ValueError
        The cluster counts are not consecutive.
    """
    if list(k) != list(range(k[0], k[-1] + 1)):
        raise ValueError(f"the gap statistic compares each K with the next: K must be consecutive, got {list(k)}")
    x = np.asarray(x, dtype=np.float64)
    if reference == "pca":
        # A rotation changes no distance, so the vectors are turned once and the references are not turned back.
        centred = x - x.mean(axis=0)
        with one_thread():
            x = centred @ np.linalg.svd(centred, full_matrices=False)[2].T
    low, high = x.min(axis=0), x.max(axis=0)
    rng = np.random.default_rng(seed)
    sets = [x, *(rng.uniform(low, high, x.shape) for _ in range(references))]
    found = in_threads(lambda of_set: _log_w(of_set, k, n_init, seed), sets)
    data, *others = track(found, f"Gap statistic, {reference}", unit="set", total=len(sets))
    log_w = np.stack(others)
    gap = np.where(np.isfinite(data), log_w.mean(axis=0) - data, np.nan)
    return Gap(tuple(k), gap, log_w.std(axis=0) * np.sqrt(1 + 1 / references))


def _log_w(x: NDArray[np.float64], k: Sequence[int], n_init: int, seed: int) -> NDArray[np.float64]:
    total = float(np.square(x - x.mean(axis=0)).sum())

    def w(n: int) -> float:
        within = total if n == 1 else float(KMeans(n, n_init=n_init, random_state=seed).fit(x).inertia_)
        return within if within > _ROUNDING * total else 0.0

    with np.errstate(divide="ignore"):
        return np.log([w(n) for n in k])
