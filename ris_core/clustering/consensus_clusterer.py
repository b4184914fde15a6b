"""Consensus of several algorithms as a clusterer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.clusterer import Clusterer, FloatArray, Shared
from ris_core.clustering.consensus.tree import ConsensusTree, consensus_tree
from ris_core.clustering.trees import Trees
from ris_core.config import ConsensusSettings
from ris_core.section import Section
from ris_core.storage.tensors import Arrays

_TREES = "trees."


class ConsensusClusterer(Clusterer):
    """Clusters of the tree of a consensus; other events belong to them by a classifier that is trained on the sample.

    Parameters
    ----------
    centroids
        (K, D) means of the events of the sample.
    trees
        The classifier of D features and K clusters.
    metrics
        Of the fit; see `metrics`.
    """

    kind: ClassVar[str] = "consensus"
    membership_words: ClassVar[str] = (
        "Greatest share of the randomised trees that are trained on the clusters of the consensus"
    )

    def __init__(self, centroids: NDArray[np.float64], trees: Trees, metrics: Mapping[str, float]) -> None:
        if centroids.shape != (trees.n_classes, trees.dimensions):
            raise ValueError(
                f"centroids {centroids.shape} do not belong to trees of {trees.dimensions} features and "
                f"{trees.n_classes} clusters"
            )
        self._centroids, self._trees, self._metrics = centroids, trees, dict(metrics)

    @classmethod
    def share(cls, z: NDArray[Any], settings: Section, seed: int) -> ConsensusTree:
        """Return the tree of the consensus; see `Clusterer.share`."""
        return consensus_tree(z, _own(settings), seed)

    @classmethod
    def build_shared(cls, about: Mapping[str, str], arrays: Arrays) -> ConsensusTree:
        """Return the stored tree."""
        return ConsensusTree.build(arrays, about)

    @classmethod
    def fit(cls, z: NDArray[Any], k: int, settings: Section, seed: int) -> Self:
        """Cut the tree of the consensus of the features into K clusters; see `Clusterer`."""
        return cls.fit_shared(cls.share(z, settings, seed), z, k, settings, seed)

    @classmethod
    def fit_shared(cls, shared: Shared | None, z: NDArray[Any], k: int, settings: Section, seed: int) -> Self:
        """Cut the tree of the consensus into K clusters, and train the classifier; see `Clusterer`."""
        from sklearn.ensemble import ExtraTreesClassifier

        own = _own(settings)
        tree = shared if isinstance(shared, ConsensusTree) else consensus_tree(z, own, seed)
        sample = np.asarray(z, dtype=np.float32)[tree.rows]
        distinct = len(np.unique(sample, axis=0))
        if distinct < k:
            raise ValueError(
                f"{k} clusters were requested, but the {len(sample)} events of the sample have only {distinct} "
                "distinct features; take a smaller K, or more events"
            )
        labels = tree.labels(k)
        forest = ExtraTreesClassifier(
            own.trees, class_weight="balanced", bootstrap=True, oob_score=True, random_state=seed, n_jobs=1
        ).fit(sample, labels)
        unseen = forest.oob_decision_function_
        known = np.isfinite(unseen).all(axis=1)
        metrics = {
            "lifetime": tree.lifetimes.get(k, 0.0),
            "out_of_bag_agreement": float((unseen.argmax(axis=1) == labels)[known].mean()),
            "mean_margin": float(margin(tree.memberships(k)).mean()),
            "partitions": float(len(tree.votes.partitions)),
            "left_out": float(len(tree.votes.left_out)),
        }
        centroids = np.stack([sample[labels == cluster].mean(axis=0, dtype=np.float64) for cluster in range(k)])
        return cls(centroids, Trees.of(forest, k), metrics)

    @property
    def n_clusters(self) -> int:
        """K, the number of clusters."""
        return len(self._centroids)

    @property
    def centroids(self) -> NDArray[np.float64]:
        """The means (K, D) of the events of the sample."""
        return self._centroids

    def metrics(self) -> Mapping[str, float]:
        """Return lifetime, out-of-bag agreement, mean margin in the tree, and how many partitions voted."""
        return self._metrics

    def memberships(self, z: NDArray[Any]) -> FloatArray:
        """Return the shares (n, K) of the trees for features (n, D)."""
        found = self._trees.predict_proba(z)
        return np.asarray(found / found.sum(axis=1, keepdims=True), dtype=np.float32)

    def spec(self) -> Mapping[str, Any]:
        """Return the metrics of the fit."""
        return {"metrics": self._metrics}

    def arrays(self) -> Arrays:
        """Return centroids and trees."""
        return {"centroids": self._centroids} | {f"{_TREES}{name}": of for name, of in self._trees.arrays().items()}

    @classmethod
    def build(cls, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the stored clusterer."""
        own = {name.removeprefix(_TREES): of for name, of in arrays.items() if name.startswith(_TREES)}
        return cls(arrays["centroids"], Trees.build(own), spec["metrics"])


def margin(memberships: NDArray[Any]) -> NDArray[np.float64]:
    """Return the greatest membership minus the second greatest (n,), between 0 and 1, of memberships (n, K)."""
    ordered = np.sort(np.asarray(memberships, dtype=np.float64), axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2]) if ordered.shape[1] > 1 else ordered[:, -1]


def _own(settings: Section) -> ConsensusSettings:
    if not isinstance(settings, ConsensusSettings):
        raise TypeError(f"settings of the kind consensus are needed, got {type(settings).__name__}")
    return settings
