"""Where clusters start: centroids and labels in latent space, before deep embedded clustering."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin
from sklearn.mixture import GaussianMixture

from ris_core import config
from ris_core.section import digest_of
from ris_core.threads import one_thread
from ris_core.training.floors import live_dimensions

logger = logging.getLogger(__name__)

Method = Literal["gmm", "kmeans", "random", "given"]

REGULARISATION = 1e-6
"""Added to the variances of the GMM, as a share of the mean variance of the live latent dimensions."""

_GMM_ITERATIONS = 500


@dataclass(frozen=True)
class Initialisation:
    """Initial clusters.

    Attributes
    ----------
    method
        ``gmm``, ``kmeans``, ``random`` or ``given``.
    centroids
        (K, D) float64, in the units of the latents.
    labels
        (N,) int32, 0-based; for ``gmm`` the most probable component, otherwise the nearest centroid.
    inertia
        Sum of squared distances from each event to the centroid of its label.
    sizes
        Events in each of the K clusters.
    """

    method: Method
    centroids: NDArray[np.float64] = field(repr=False)
    labels: NDArray[np.int32] = field(repr=False)
    inertia: float
    sizes: tuple[int, ...]


def _checked(z: NDArray[Any], k: int) -> NDArray[np.float64]:
    z = np.asarray(z, dtype=np.float64)
    if z.ndim != 2:
        raise ValueError(f"latents must have the shape (N, D), got {z.shape}")
    if not np.isfinite(z).all():
        raise ValueError(f"{int((~np.isfinite(z)).any(axis=1).sum())} of {len(z)} latents are not finite")
    if k < 1:
        raise ValueError(f"k must be 1 or more, got {k}")
    distinct = len(np.unique(z, axis=0))
    if distinct < k:
        raise ValueError(
            f"{k} clusters were requested, but the {len(z)} events have only {distinct} distinct latents; take a "
            "smaller K, more events, or a representation that tells them apart (an autoencoder whose latents are alive)"
        )
    return z


def _initialisation(
    method: Method, z: NDArray[np.float64], centroids: NDArray[np.float64], labels: NDArray[Any]
) -> Initialisation:
    return Initialisation(
        method=method,
        centroids=centroids,
        labels=labels.astype(np.int32),
        inertia=float(np.square(z - centroids[labels]).sum()),
        sizes=tuple(np.bincount(labels, minlength=len(centroids)).tolist()),
    )


def kmeans(z: NDArray[Any], k: int, n_init: int, seed: int) -> Initialisation:
    """Cluster latents (N, D) by k-means: the best of `n_init` k-means++ starts.

    Raises
    ------
    ValueError
        There are fewer distinct events than clusters, or a latent is not finite.
    """
    z = _checked(z, k)
    with one_thread():  # see fit_gmm
        fitted = KMeans(k, n_init=n_init, random_state=seed).fit(z)
    return _initialisation("kmeans", z, fitted.cluster_centers_, fitted.labels_)


def fit_gmm(z: NDArray[np.float64], start: Initialisation, share: float = REGULARISATION) -> GaussianMixture:
    """Fit a Gaussian mixture with full covariances to live latents (N, D), from the partition of a k-means.

    Means, weights and covariances start as those of the partition. The variances are raised by `share` times the mean
    variance of the dimensions.
    """
    k = len(start.centroids)
    regularisation = share * float(z.var(axis=0).mean())
    # One thread: with more, the order of a sum and its last digits depend on which thread is first; and more threads
    # are not faster on nine dimensions.
    with one_thread():
        precisions = _precisions(z, start, regularisation)
    mixture = GaussianMixture(
        k,
        covariance_type="full",
        reg_covar=regularisation,
        max_iter=_GMM_ITERATIONS,
        weights_init=np.asarray(start.sizes) / len(z),
        means_init=start.centroids,
        precisions_init=precisions,
        random_state=0,
    )
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(z)
    if not mixture.converged_:
        logger.warning("the GMM with K = %d has not converged after %d iterations", k, _GMM_ITERATIONS)
    return mixture


def _precisions(z: NDArray[np.float64], start: Initialisation, regularisation: float) -> NDArray[np.float64]:
    """Return the inverse covariances (K, D, D) of a partition, symmetric; the variances are raised."""
    precisions = np.empty((len(start.centroids), z.shape[1], z.shape[1]))
    for j, centroid in enumerate(start.centroids):
        deviation = z[start.labels == j] - centroid
        covariance = deviation.T @ deviation / max(len(deviation), 1) + regularisation * np.eye(z.shape[1])
        precisions[j] = np.linalg.inv(covariance)
    return (precisions + precisions.transpose(0, 2, 1)) / 2


def gmm(z: NDArray[Any], k: int, n_init: int, seed: int) -> Initialisation:
    """Cluster latents (N, D) by a Gaussian mixture that starts from the best of `n_init` k-means (J21).

    Dimensions that do not vary are left out of the fit; the centroids have their mean there.

    Raises
    ------
    ValueError
        There are fewer distinct events than clusters, or a latent is not finite.
    """
    found = fit_mixture(z, k, n_init, seed)
    z = np.asarray(z, dtype=np.float64)
    return _initialisation("gmm", z, found.centroids, found.mixture.predict(z[:, found.live]))


@dataclass(frozen=True)
class FittedMixture:
    """A Gaussian mixture of the live dimensions of latents.

    Attributes
    ----------
    mixture
        The mixture of L dimensions.
    live
        (D,) bool: dimensions that vary, L of them.
    centroids
        (K, D) means; that of all latents where a dimension does not vary.
    """

    mixture: GaussianMixture
    live: NDArray[np.bool_]
    centroids: NDArray[np.float64]


def fit_mixture(z: NDArray[Any], k: int, n_init: int, seed: int, share: float = REGULARISATION) -> FittedMixture:
    """Fit a Gaussian mixture to the live dimensions of latents (N, D); `share` as for `fit_gmm`; raises as `gmm`."""
    z = _checked(z, k)
    live = live_dimensions(z)
    if not live.any():
        raise ValueError(f"none of the {z.shape[1]} latent dimensions varies over the {len(z)} events: nothing to fit")
    mixture = fit_gmm(z[:, live], kmeans(z[:, live], k, n_init, seed), share)
    centroids = np.tile(z.mean(axis=0), (k, 1))
    centroids[:, live] = mixture.means_
    return FittedMixture(mixture, live, centroids)


def given(z: NDArray[Any], centroids: NDArray[Any]) -> Initialisation:
    """Label latents (N, D) by the nearest of given centroids (K, D)."""
    z = _checked(z, 1)
    centroids = np.array(centroids, dtype=np.float64)
    if centroids.ndim != 2 or centroids.shape[1] != z.shape[1] or len(centroids) == 0:
        raise ValueError(f"centroids must have the shape (K, {z.shape[1]}), got {centroids.shape}")
    if not np.isfinite(centroids).all():
        raise ValueError("centroids hold values that are not finite")
    return _initialisation("given", z, centroids, pairwise_distances_argmin(z, centroids))


def random(z: NDArray[Any], k: int, n_init: int, seed: int) -> Initialisation:
    """Take `k` distinct events of the latents (N, D) as centroids and label by the nearest.

    Of `n_init` random draws, the one with the smallest inertia is taken.
    """
    z = _checked(z, k)
    distinct = np.unique(z, axis=0)
    rng = np.random.default_rng(seed)
    best: Initialisation | None = None
    for _ in range(n_init):
        centroids = distinct[rng.choice(len(distinct), k, replace=False)]
        drawn = _initialisation("random", z, centroids, pairwise_distances_argmin(z, centroids))
        if best is None or drawn.inertia < best.inertia:
            best = drawn
    if best is None:
        raise ValueError(f"n_init must be 1 or more, got {n_init}")
    return best


def centroids_digest(settings: config.DecSettings) -> str:
    """Return the digest of the given centroids of every K of the settings; empty if none are given."""
    if settings.initialisation != "given":
        return ""
    paths = [_centroids_path(settings, k) for k in settings.k]
    return digest_of([path.read_text(encoding="utf-8", errors="replace") if path.exists() else None for path in paths])


def _centroids_path(settings: config.DecSettings, k: int) -> Path:
    return Path((settings.centroids or "").replace("{k}", str(k))).expanduser()


def read_centroids(settings: config.DecSettings, k: int) -> NDArray[np.float64]:
    """Read the given centroids (K, D) of a K from the CSV file that the settings name.

    Raises
    ------
    ValueError
        The file is absent, or is not a table of K rows of numbers. The message names it.
    """
    path = _centroids_path(settings, k)
    try:
        found = np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: the centroids for K = {k} cannot be read: {error}") from error
    if len(found) != k:
        raise ValueError(
            f"{path}: {len(found)} rows of centroids for K = {k}; give {k} rows, or a file for each K with {{k}} in "
            "the name of dec.centroids"
        )
    return found


def initialise(
    method: Method, z: NDArray[Any], k: int, n_init: int, seed: int, *, centroids: NDArray[Any] | None = None
) -> Initialisation:
    """Cluster latents (N, D) by the method of a name.

    Parameters
    ----------
    method
        ``gmm``, ``kmeans``, ``random`` or ``given``: see the functions of these names.
    z
        (N, D) latents.
    k
        Number of clusters.
    n_init, seed
        Number of starts, and the seed of their draw.
    centroids
        (K, D) for ``given``.

    Raises
    ------
    ValueError
        The method is not known, centroids are absent or not K of them, or the latents cannot be clustered.
    """
    if method == "gmm":
        return gmm(z, k, n_init, seed)
    if method == "kmeans":
        return kmeans(z, k, n_init, seed)
    if method == "random":
        return random(z, k, n_init, seed)
    if method != "given":
        raise ValueError(f"initialisation '{method}' is not known; use gmm, kmeans, random or given")
    if centroids is None or len(centroids) != k:
        raise ValueError(
            f"initialisation 'given' needs {k} centroids, got {0 if centroids is None else len(centroids)}"
        )
    return given(z, centroids)
