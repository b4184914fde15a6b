"""Consensus of several algorithms as a clusterer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.clusterer import Clusterer, FloatArray, Shared
from ris_core.clustering.consensus.neighbour_votes import nearest_votes
from ris_core.config import ConsensusSettings
from ris_core.section import Section
from ris_core.storage.tensors import Arrays

if TYPE_CHECKING:
    # What only a fit needs is imported by it: a package labels without it.
    from ris_core.clustering.consensus.tree import ConsensusTree


class ConsensusClusterer(Clusterer):
    """Clusters of the tree of a consensus; an event belongs to them as its nearest events of the sample do.

    The memberships of an event of the sample are its mean co-associations with the clusters, with the sum 1
    (`ConsensusTree.memberships`). Those of any event are the mean over its nearest events of the sample, weighted by
    distance (`nearest_votes`): a classifier by nearest neighbours that is trained on shares instead of labels, so that
    it hands on how sure the consensus is.

    Parameters
    ----------
    sample
        Features (n, D) of the sample.
    votes
        Memberships (n, K) of the sample.
    centroids
        (K, D) means of the events of the sample.
    nearest
        Number of neighbours.
    metrics
        Of the fit; see `metrics`.
    """

    kind: ClassVar[str] = "consensus"
    membership_words: ClassVar[str] = (
        "Greatest mean co-association of the nearest events of the sample with the clusters, as a share of their sum"
    )

    def __init__(
        self,
        sample: NDArray[np.float32],
        votes: NDArray[np.float32],
        centroids: NDArray[np.float64],
        nearest: int,
        metrics: Mapping[str, float],
    ) -> None:
        (n, d), (_, k) = sample.shape, votes.shape
        if votes.shape != (n, k) or centroids.shape != (k, d) or not 1 <= nearest <= n:
            raise ValueError(
                f"a sample {sample.shape}, memberships {votes.shape}, centroids {centroids.shape} and {nearest} "
                "neighbours do not belong together"
            )
        self._sample, self._votes, self._centroids = sample, votes, centroids
        self._nearest, self._metrics = nearest, dict(metrics)

    @classmethod
    def share(cls, z: NDArray[Any], settings: Section, seed: int) -> ConsensusTree:
        """Return the tree of the consensus; see `Clusterer.share`."""
        from ris_core.clustering.consensus.tree import consensus_tree

        return consensus_tree(z, _own(settings), seed)

    @classmethod
    def build_shared(cls, about: Mapping[str, str], arrays: Arrays) -> ConsensusTree:
        """Return the stored tree."""
        from ris_core.clustering.consensus.tree import ConsensusTree

        return ConsensusTree.build(arrays, about)

    @classmethod
    def fit(cls, z: NDArray[Any], k: int, settings: Section, seed: int) -> Self:
        """Cut the tree of the consensus of the features into K clusters; see `Clusterer`."""
        return cls.fit_shared(None, z, k, settings, seed)

    @classmethod
    def fit_shared(cls, shared: Shared | None, z: NDArray[Any], k: int, settings: Section, seed: int) -> Self:
        """Cut the tree of the consensus into K clusters; see `Clusterer`."""
        from ris_core.clustering.consensus.tree import ConsensusTree, consensus_tree

        own = _own(settings)
        tree = shared if isinstance(shared, ConsensusTree) else consensus_tree(z, own, seed)
        sample = np.ascontiguousarray(np.asarray(z, dtype=np.float32)[tree.rows])
        distinct = len(np.unique(sample, axis=0))
        if distinct < k:
            raise ValueError(
                f"{k} clusters were requested, but the {len(sample)} events of the sample have only {distinct} "
                "distinct features; take a smaller K, or more events"
            )
        labels, votes = tree.labels(k), tree.memberships(k)
        nearest = min(own.nearest, len(sample) - 1)
        by_others = nearest_votes(sample, sample, votes, nearest, without_itself=True)
        metrics = {
            "lifetime": tree.lifetime(k),
            "left_out_agreement": float((by_others.argmax(axis=1) == labels).mean()),
            "mean_margin": float(margin(by_others).mean()),
            "partitions": float(len(tree.votes.partitions)),
            "left_out_partitions": float(len(tree.votes.left_out)),
        }
        centroids = np.stack([sample[labels == cluster].mean(axis=0, dtype=np.float64) for cluster in range(k)])
        return cls(sample, votes, centroids, nearest, metrics)

    @property
    def n_clusters(self) -> int:
        """K, the number of clusters."""
        return len(self._centroids)

    @property
    def centroids(self) -> NDArray[np.float64]:
        """The means (K, D) of the events of the sample."""
        return self._centroids

    def metrics(self) -> Mapping[str, float]:
        """Return what is known of the fit.

        `lifetime` of K in the tree; `left_out_agreement`, the share of events of the sample that their nearest others
        assign to their cluster of the tree; `mean_margin` of these assignments (see `margin`); `partitions` that voted,
        and `left_out_partitions`.
        """
        return self._metrics

    def memberships(self, z: NDArray[Any]) -> FloatArray:
        """Return the memberships (n, K) of features (n, D)."""
        return nearest_votes(z, self._sample, self._votes, self._nearest)

    def spec(self) -> Mapping[str, Any]:
        """Return the number of neighbours, and the metrics of the fit."""
        return {"nearest": self._nearest, "metrics": self._metrics}

    def arrays(self) -> Arrays:
        """Return the sample, its memberships and the centroids."""
        return {"sample": self._sample, "votes": self._votes, "centroids": self._centroids}

    @classmethod
    def build(cls, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the stored clusterer."""
        sample, votes, centroids = (arrays[name] for name in ("sample", "votes", "centroids"))
        return cls(sample, votes, centroids, int(spec["nearest"]), spec["metrics"])


def margin(memberships: NDArray[Any]) -> NDArray[np.float64]:
    """Return the greatest membership minus the second greatest (n,), between 0 and 1, of memberships (n, K)."""
    ordered = np.sort(np.asarray(memberships, dtype=np.float64), axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2]) if ordered.shape[1] > 1 else ordered[:, -1]


def _own(settings: Section) -> ConsensusSettings:
    if not isinstance(settings, ConsensusSettings):
        raise TypeError(f"settings of the kind consensus are needed, got {type(settings).__name__}")
    return settings
