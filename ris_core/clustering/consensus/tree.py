"""The consensus of a sample of events: the votes, the tree that joins them, and its clusters for each K."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.consensus.co_association import average_linkage, cluster_similarity, co_association
from ris_core.clustering.consensus.dendrogram import cut, lifetimes, longest_lived
from ris_core.clustering.consensus.votes import Votes, vote
from ris_core.clustering.scores import subsample
from ris_core.config import ConsensusSettings
from ris_core.storage.tensors import Arrays


@dataclass(frozen=True, eq=False)
class ConsensusTree:
    """What several algorithms agree on, for a sample of n events.

    Attributes
    ----------
    rows
        The sample: rows (n,) of the features, ascending.
    votes
        The partitions of the sample.
    linkage
        The tree (n − 1, 4): average linkage of 1 − co-association, as `scipy.cluster.hierarchy.linkage` gives it.
    """

    rows: NDArray[np.int64] = field(repr=False)
    votes: Votes
    linkage: NDArray[np.float64] = field(repr=False)

    @cached_property
    def similarity(self) -> NDArray[np.float32]:
        """The co-association (n, n); see `co_association`."""
        return co_association(self.votes.partitions, self.votes.algorithms)

    def labels(self, k: int) -> NDArray[np.int32]:
        """Return the K clusters (n,) of the sample; see `cut`."""
        return cut(self.linkage, k)

    def memberships(self, k: int) -> NDArray[np.float32]:
        """Return the mean co-association (n, K) of the sample with its K clusters, with the sum 1 for each event."""
        return cluster_similarity(self.similarity, self.labels(k), k)

    def lifetime(self, k: int) -> float:
        """Return the lifetime of any K of 2 … n; 0 of one cluster, which has no end."""
        return lifetimes(self.linkage, (k,)).get(k, 0.0)

    @cached_property
    def lifetimes(self) -> dict[int, float]:
        """The lifetime of each K of 2 … 20 (or n), as its curve shows them; see `dendrogram.lifetimes`."""
        return lifetimes(self.linkage, range(2, 21))

    def best_k(self, counts: Any) -> int:
        """Return the K of `counts` with the longest lifetime, the smallest of equal ones."""
        return longest_lived(lifetimes(self.linkage, counts))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of the votes, and why."""
        return self.votes.left_out

    def arrays(self) -> Arrays:
        """Return its arrays by name."""
        return {"rows": self.rows, "partitions": self.votes.partitions, "linkage": self.linkage}

    def about(self) -> dict[str, str]:
        """Return what is needed beside the arrays."""
        return {name: json.dumps(getattr(self.votes, name)) for name in ("algorithms", "names", "left_out")}

    @classmethod
    def build(cls, arrays: Arrays, about: Mapping[str, str]) -> ConsensusTree:
        """Return the tree of `arrays` and `about`; raises `KeyError` or `ValueError` if they do not fit."""
        said = {name: tuple(json.loads(about[name])) for name in ("algorithms", "names", "left_out")}
        partitions, linkage, rows = arrays["partitions"], arrays["linkage"], arrays["rows"]
        n, shape = len(rows), (len(said["algorithms"]), len(rows))
        if partitions.shape != shape or linkage.shape != (n - 1, 4):
            raise ValueError(f"partitions {partitions.shape} and a tree {linkage.shape} are not of {n} events")
        return cls(rows, Votes(partitions, **said), linkage)


def consensus_tree(z: NDArray[Any], settings: ConsensusSettings, seed: int) -> ConsensusTree:
    """Return the consensus of features (N, D), computed from a sample of at most `settings.sample` of them.

    Memory grows with the square of the sample: about 30 bytes for each pair.

    Raises
    ------
    NoConsensusError
        There are partitions of fewer than two algorithms.
    ValueError
        A feature is not finite, or fewer than three events differ.
    """
    values = np.asarray(z)
    if values.ndim != 2 or len(values) < 3:
        raise ValueError(f"features (N, D) of three events or more are needed, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).any(axis=1).sum())} of {len(values)} features are not finite")
    rows = subsample(len(values), settings.sample, seed)
    distinct = len(np.unique(values[rows], axis=0))
    if distinct < 3:
        raise ValueError(
            f"the {len(rows)} events of the sample have only {distinct} distinct features, and a tree needs 3; draw a "
            "larger training set, or take a representation that tells events apart"
        )
    votes = vote(values[rows], settings, seed)
    return ConsensusTree(rows, votes, average_linkage(co_association(votes.partitions, votes.algorithms)))
