"""A small clusterer, complete: its settings, and how it finds clusters. `register` makes it known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.special import softmax

from ris_core.clustering.clusterer import Clusterer, FloatArray
from ris_core.config import CLUSTERERS
from ris_core.section import Section
from ris_core.storage.tensors import Arrays


class WardSettings(Section):
    """The tree of Ward (1963), which joins the two clusters whose union adds least to the squared distances."""

    kind: Literal["ward"] = "ward"
    at_most: int = Field(
        5000, ge=2, description="Events in the tree, drawn by the seed; memory grows with the square of their number."
    )


class WardClusterer(Clusterer):
    """Clusters of Ward's tree; an event belongs to them by its distances to their centroids.

    Parameters
    ----------
    centroids
        (K, D).
    variance
        Mean squared distance of the events to their centroid, divided by D.
    """

    kind: ClassVar[str] = "ward"
    membership_words: ClassVar[str] = "Greatest membership: exp(−d²/2σ²) of the distance to the centroid, by their sum"

    def __init__(self, centroids: NDArray[Any], variance: float) -> None:
        if centroids.ndim != 2 or not variance > 0:
            raise ValueError(f"centroids {centroids.shape} and a variance above 0 are needed, got {variance}")
        self._centroids, self._variance = centroids, variance

    @classmethod
    def fit(cls, z: NDArray[Any], k: int, settings: Section, seed: int) -> Self:
        """Cut the tree of the features into K clusters; see `Clusterer`."""
        if not isinstance(settings, WardSettings):
            raise TypeError(f"settings of the kind ward are needed, got {type(settings).__name__}")
        if len(z) > settings.at_most:
            z = z[np.sort(np.random.default_rng(seed).choice(len(z), settings.at_most, replace=False))]
        values = np.asarray(z, dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError("a feature is not finite")
        if len(np.unique(values, axis=0)) < k:
            raise ValueError(f"there are fewer than {k} distinct events")
        labels = fcluster(linkage(values, "ward"), k, "maxclust") - 1
        if labels.max() + 1 < k:
            raise ValueError(f"the tree cannot be cut into {k} clusters: some distances in it are equal")
        centroids = np.stack([values[labels == cluster].mean(axis=0) for cluster in range(k)])
        variance = float(np.square(values - centroids[labels]).mean())
        # Events that all lie on their centroids belong to them alone.
        return cls(centroids, max(variance, float(np.finfo(np.float64).tiny)))

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
        nearest = squared.min(axis=1, keepdims=True)
        with np.errstate(over="ignore"):  # a distant centroid has the membership 0
            return np.asarray(softmax((nearest - squared) / (2 * self._variance), axis=1), dtype=np.float32)

    def arrays(self) -> Arrays:
        """Return centroids and variance."""
        return {"centroids": self._centroids, "variance": np.array([self._variance])}

    @classmethod
    def build(cls, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the stored clusterer."""
        return cls(arrays["centroids"], float(arrays["variance"][0]))


def register() -> None:
    """Add the clusterer; the entry point of a plug-in names this function."""
    CLUSTERERS.add(WardSettings, f"{__name__}:WardClusterer")
