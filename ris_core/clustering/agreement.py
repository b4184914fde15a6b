"""How far partitions of the same events agree: pairwise, in a consensus, and over bootstraps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from ris_core.clustering.scores import label_change_table
from ris_core.threads import in_threads

_MOST_ROUNDS = 20


def pairwise_ari(partitions: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """Return the adjusted Rand index of every pair (M, M) of partitions (N,); 1 on the diagonal.

    ARI is the share of pairs of events that both treat alike, corrected for chance: 1 if they are the same apart from
    the numbers of their clusters, 0 on average for unrelated ones (Hubert & Arabie 1985, J. Classification 2, 193-218).
    """
    ari = np.eye(len(partitions))
    for i, j in combinations(range(len(partitions)), 2):
        ari[i, j] = ari[j, i] = adjusted_rand_score(partitions[i], partitions[j])
    return ari


def mean_of_pairs(ari: NDArray[np.float64]) -> float:
    """Return the mean over all pairs of a symmetric matrix (M, M), without its diagonal; NaN for less than a pair."""
    above = ari[np.triu_indices(len(ari), 1)]
    return float(above.mean()) if above.size else float("nan")


def renamed(partition: NDArray[Any], like: NDArray[Any], k: int) -> NDArray[np.int32]:
    """Return a partition (N,) whose clusters 0 ... K − 1 get the numbers of the most similar clusters of another.

    Each cluster gets another number, such that as many events as possible have the same number in both (Hungarian
    method: Kuhn 1955, Nav. Res. Logist. Q. 2, 83-97).
    """
    shared = label_change_table(partition, like, k).to_numpy()
    _, names = linear_sum_assignment(shared, maximize=True)
    out: NDArray[np.int32] = np.asarray(names, dtype=np.int32)[partition]
    return out


@dataclass(frozen=True)
class Consensus:
    """What several partitions have in common.

    Attributes
    ----------
    labels
        (N,) int32: the label that most partitions give each event, with the numbers of the first partition.
    agreement
        (N,) share of the partitions that give it.
    """

    labels: NDArray[np.int32] = field(repr=False)
    agreement: NDArray[np.float64] = field(repr=False)


def consensus(partitions: Sequence[NDArray[Any]], k: int) -> Consensus:
    """Return the majority vote of partitions (N,) into clusters 0 ... K − 1.

    Clusters are matched with those of the partition that agrees most with the others (by ARI), the vote is taken, and
    all are matched with the vote until it no longer changes (voting after Dimitriadou, Weingessel & Hornik
    2002, Int. J. Pattern Recognit. Artif. Intell. 16, 901-912). A tied vote goes to that partition's label if it is
    among the tied ones, else to the lowest number. Memory grows with N · K, not with N².
    """
    if not partitions:
        raise ValueError("there is no partition to take a consensus of")
    central = int(np.argmax(pairwise_ari(partitions).sum(axis=0)))
    vote = np.asarray(partitions[central], dtype=np.int32)
    rows = np.arange(len(vote))
    for _ in range(_MOST_ROUNDS):
        votes = np.zeros((len(vote), k))
        for number, partition in enumerate(partitions):
            votes[rows, renamed(partition, vote, k)] += 1.5 if number == central else 1.0
        before, vote = vote, votes.argmax(axis=1).astype(np.int32)
        if np.array_equal(before, vote):
            break
    aligned = np.stack([renamed(partition, vote, k) for partition in partitions])
    return Consensus(renamed(vote, np.asarray(partitions[0]), k), (aligned == vote).mean(axis=0))


def bootstrap_stability(x: NDArray[Any], k: int, repeats: int, n_init: int, seed: int) -> float:
    """Return how stable k-means with K clusters is: mean ARI over all pairs of bootstraps.

    Each bootstrap draws N of the vectors (N, D) with replacement and clusters them, with a seed of its own; its
    centroids then label all N vectors, on which the pairs are compared (Dolnicar & Leisch 2010, Market. Lett. 21,
    83-101; Fang & Wang 2012, Comput. Stat. Data Anal. 56, 468-477, who count the pairs of events instead of the ARI).
    """

    def partition(repeat: int) -> NDArray[np.int32]:
        drawn = np.random.default_rng([seed, repeat]).integers(len(x), size=len(x))
        labels: NDArray[np.int32] = KMeans(k, n_init=n_init, random_state=seed + repeat).fit(x[drawn]).predict(x)
        return labels

    partitions = list(in_threads(partition, range(repeats)))
    return mean_of_pairs(pairwise_ari(partitions))
