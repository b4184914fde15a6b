"""A Gaussian mixture as a clusterer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.clusterer import Clusterer, FloatArray
from ris_core.clustering.kmeans_clusterer import posterior
from ris_core.config import GmmSettings
from ris_core.section import Section
from ris_core.storage.tensors import Arrays


class GmmClusterer(Clusterer):
    """A mixture of Gaussians with full covariances; memberships are its posterior probabilities.

    Features that did not vary over the events of the fit are left out of the distances.

    Parameters
    ----------
    centroids
        (K, D) means; the common mean where a feature does not vary.
    live
        (D,) bool: features that vary, L of them.
    weights
        (K,) shares of the components, which sum to 1.
    whitening
        (K, L, L): W of each component; W Wᵀ is the inverse of its covariance, and W is triangular.
    """

    kind: ClassVar[str] = "gmm"
    membership_words: ClassVar[str] = "Greatest posterior probability of the Gaussian mixture"

    def __init__(
        self,
        centroids: NDArray[np.float64],
        live: NDArray[np.bool_],
        weights: NDArray[np.float64],
        whitening: NDArray[np.float64],
    ) -> None:
        k, d = centroids.shape
        size = int(live.sum())
        if (live.shape, weights.shape, whitening.shape) != ((d,), (k,), (k, size, size)):
            raise ValueError(
                f"means {centroids.shape}, live features {live.shape} ({size} of them), weights {weights.shape} and "
                f"whitening matrices {whitening.shape} do not belong together"
            )
        self._centroids, self._live, self._weights, self._whitening = centroids, live, weights, whitening
        diagonals = np.abs(np.diagonal(whitening, axis1=1, axis2=2))
        with np.errstate(divide="ignore"):
            self._log_weights = np.log(weights) + np.log(diagonals).sum(axis=1)

    @classmethod
    def fit(cls, z: NDArray[Any], k: int, settings: Section, seed: int) -> Self:
        """Fit the mixture from the partition of a k-means; see `Clusterer`."""
        from ris_core.clustering.initialise import fit_mixture

        if not isinstance(settings, GmmSettings):
            raise TypeError(f"settings of the kind gmm are needed, got {type(settings).__name__}")
        found = fit_mixture(z, k, settings.n_init, seed, settings.regularisation)
        return cls(
            np.ascontiguousarray(found.centroids),
            found.live,
            np.ascontiguousarray(found.mixture.weights_),
            np.ascontiguousarray(found.mixture.precisions_cholesky_),
        )

    @property
    def n_clusters(self) -> int:
        """K, the number of components."""
        return len(self._centroids)

    @property
    def centroids(self) -> NDArray[np.float64]:
        """The means (K, D)."""
        return self._centroids

    def memberships(self, z: NDArray[Any]) -> FloatArray:
        """Return the posterior probabilities (n, K) of features (n, D)."""
        live = np.asarray(z, dtype=np.float64)[:, self._live]
        squared = np.empty((len(live), self.n_clusters))
        for j, (mean, matrix) in enumerate(zip(self._centroids[:, self._live], self._whitening, strict=True)):
            squared[:, j] = np.square((live - mean) @ matrix).sum(axis=1)
        return posterior(self._log_weights - squared / 2)

    def arrays(self) -> Arrays:
        """Return means, live features, weights and whitening matrices."""
        return {
            "centroids": self._centroids,
            "live": self._live,
            "weights": self._weights,
            "whitening": self._whitening,
        }

    @classmethod
    def build(cls, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the stored clusterer."""
        return cls(*(arrays[name] for name in ("centroids", "live", "weights", "whitening")))
