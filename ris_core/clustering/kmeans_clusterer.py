"""k-means as a clusterer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.clusterer import Clusterer, FloatArray
from ris_core.config import KMeansSettings
from ris_core.section import Section
from ris_core.storage.tensors import Arrays


class KMeansClusterer(Clusterer):
    """Clusters around centroids.

    k-means is the limit of a mixture of K equally frequent round Gaussians whose common variance goes to 0 (Bishop
    2006, section 9.3.2). The memberships are the posterior probabilities of that mixture with the variance that the
    events have: σ² = Σ‖z − c‖² / (D (N − K)), over all N events and D features, c being the nearest centroid. So the
    greatest membership is that of the nearest centroid, as in k-means, and the unit of the features has no influence.

    Parameters
    ----------
    centroids
        (K, D).
    variance
        σ², common to all clusters and features.
    """

    kind: ClassVar[str] = "kmeans"
    membership_words: ClassVar[str] = (
        "Greatest membership: posterior of equally frequent round Gaussians around the centroids of k-means"
    )

    def __init__(self, centroids: NDArray[np.float64], variance: float) -> None:
        if centroids.ndim != 2 or not variance > 0:
            raise ValueError(f"centroids {centroids.shape} and a variance above 0 are needed, got {variance}")
        self._centroids, self._variance = centroids, variance

    @classmethod
    def fit(cls, z: NDArray[Any], k: int, settings: Section, seed: int) -> Self:
        """Fit K centroids; see `Clusterer`."""
        from ris_core.clustering.initialise import kmeans

        if not isinstance(settings, KMeansSettings):
            raise TypeError(f"settings of the kind kmeans are needed, got {type(settings).__name__}")
        start = kmeans(z, k, settings.n_init, seed)
        events, dimensions = z.shape
        variance = start.inertia / (dimensions * max(events - k, 1))
        # Events that all lie on their centroids belong to them alone.
        return cls(np.ascontiguousarray(start.centroids), max(variance, float(np.finfo(np.float64).tiny)))

    @property
    def n_clusters(self) -> int:
        """K, the number of clusters."""
        return len(self._centroids)

    @property
    def centroids(self) -> NDArray[np.float64]:
        """The centroids (K, D)."""
        return self._centroids

    def memberships(self, z: NDArray[Any]) -> FloatArray:
        """Return the memberships (n, K) of features (n, D)."""
        difference = np.asarray(z, dtype=np.float64)[:, None, :] - self._centroids
        squared = np.square(difference).sum(axis=2)
        # Relative to the nearest one, whose quotient is 0; others may be too great for a number.
        with np.errstate(over="ignore"):
            return posterior((squared.min(axis=1, keepdims=True) - squared) / (2 * self._variance))

    def arrays(self) -> Arrays:
        """Return centroids and variance."""
        return {"centroids": self._centroids, "variance": np.array([self._variance])}

    @classmethod
    def build(cls, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the stored clusterer."""
        return cls(arrays["centroids"], float(arrays["variance"][0]))


def posterior(log_weights: NDArray[np.float64]) -> FloatArray:
    """Return probabilities (n, K), float32, from their logarithms up to a constant of each event (n, K)."""
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
