"""Many small clusters: an over-clustering, which shows what there is to review."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.kmeans_clusterer import KMeansClusterer
from ris_core.config import MicroSettings
from ris_core.section import Section


class MicroClusterer(KMeansClusterer):
    """Clusters of Ward's tree or of k-means; memberships are those of `KMeansClusterer` around their centroids.

    Ward 1963, J. Am. Stat. Assoc. 58, 236-244.
    """

    kind: ClassVar[str] = "micro"
    membership_words: ClassVar[str] = (
        "Greatest membership: posterior of equally frequent round Gaussians around the means of the micro-clusters"
    )

    @classmethod
    def fit(cls, z: NDArray[Any], k: int, settings: Section, seed: int) -> Self:
        """Fit K centroids; see `Clusterer`."""
        from ris_core.clustering.initialise import given

        if not isinstance(settings, MicroSettings):
            raise TypeError(f"settings of the kind micro are needed, got {type(settings).__name__}")
        centroids = micro_centroids(z, k, settings, seed)
        found = given(z, centroids)
        events, dimensions = np.shape(z)
        variance = found.inertia / (dimensions * max(events - k, 1))
        return cls(np.ascontiguousarray(centroids), max(variance, float(np.finfo(np.float64).tiny)))


def micro_centroids(z: NDArray[Any], k: int, settings: MicroSettings, seed: int) -> NDArray[np.float64]:
    """Return the means (K, D) of the micro-clusters of features (N, D).

    Ward's tree is of at most `settings.sample` events, drawn by the seed.

    Raises
    ------
    ValueError
        There are fewer distinct events than clusters, or a feature is not finite.
    """
    # What only a fit needs is imported by it: a package labels without it.
    from scipy.cluster.hierarchy import linkage

    from ris_core.clustering.consensus.dendrogram import cut
    from ris_core.clustering.initialise import kmeans
    from ris_core.clustering.scores import subsample
    from ris_core.threads import one_thread

    if settings.method == "kmeans":
        return kmeans(z, k, settings.n_init, seed).centroids
    values = np.asarray(z, dtype=np.float64)[subsample(len(z), settings.sample, seed)]
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).any(axis=1).sum())} of {len(values)} features are not finite")
    distinct = len(np.unique(values, axis=0))
    if distinct < k:
        raise ValueError(
            f"{k} clusters were requested, but the {len(values)} events have only {distinct} distinct features; "
            "take a smaller K, or more events"
        )
    with one_thread():
        labels = cut(linkage(values, "ward"), k)
    return np.stack([values[labels == cluster].mean(axis=0) for cluster in range(k)])
