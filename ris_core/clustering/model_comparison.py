"""What two models say of the same events: cross-tabulation, agreement, which events changed, accuracy by reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from ris_core.clustering.matching import match_clusters
from ris_core.clustering.reviewed.intervals import Share, share_of


@dataclass(frozen=True, eq=False)
class LabelComparison:
    """Labels of N events by two models.

    Attributes
    ----------
    before_numbers, after_numbers
        Class numbers of the rows and columns of `counts`: those of both models first, in the same order, so that equal
        labels lie on the diagonal; then those that only this model has.
    counts
        (R, C) events of a class before and a class after.
    changed
        (N,) bool: whether the two class numbers differ.
    adjusted_rand, mutual_information
        See the functions of these names; they do not depend on numbers. NaN without an event.
    """

    before_numbers: tuple[int, ...]
    after_numbers: tuple[int, ...]
    counts: NDArray[np.int64] = field(repr=False)
    changed: NDArray[np.bool_] = field(repr=False)
    adjusted_rand: float
    mutual_information: float


def compare_labels(before: NDArray[Any], after: NDArray[Any]) -> LabelComparison:
    """Compare class numbers (N,) of the same events by two models; the numbers mean the same classes in both."""
    if before.shape != after.shape or before.ndim != 1:
        raise ValueError(f"labels of the same events are needed, got the shapes {before.shape} and {after.shape}")
    in_before, in_after = set(np.unique(before).tolist()), set(np.unique(after).tolist())
    shared = sorted(in_before & in_after)
    rows, columns = [*shared, *sorted(in_before - in_after)], [*shared, *sorted(in_after - in_before)]
    counts = np.zeros((len(rows), len(columns)), np.int64)
    np.add.at(counts, (_places(before, rows), _places(after, columns)), 1)
    return LabelComparison(
        tuple(rows),
        tuple(columns),
        counts,
        np.asarray(before != after),
        adjusted_rand(counts),
        mutual_information(counts),
    )


def adjusted_rand(counts: NDArray[np.int64]) -> float:
    """Return the adjusted Rand index (Hubert & Arabie 1985) of two partitions from their cross-tabulation (R, C).

    It is computed here, and not by scikit-learn, because a server that compares models should not grow by a library.
    NaN without an event; 1 if both partitions put all events into one class.
    """
    events = int(counts.sum())
    if not events:
        return float("nan")

    def pairs(of: NDArray[np.int64]) -> float:
        return float((of * (of - 1.0)).sum() / 2)

    both, rows, columns = pairs(counts), pairs(counts.sum(axis=1)), pairs(counts.sum(axis=0))
    by_chance = rows * columns / max(events * (events - 1) / 2, 1)
    most = (rows + columns) / 2
    return 1.0 if most == by_chance else (both - by_chance) / (most - by_chance)


def mutual_information(counts: NDArray[np.int64]) -> float:
    """Return the mutual information of two partitions over the mean of their entropies, from their cross-tabulation.

    NaN without an event; 1 if both partitions put all events into one class.
    """
    events = int(counts.sum())
    if not events:
        return float("nan")
    share = counts / events

    def entropy(of: NDArray[np.float64]) -> float:
        return float(-xlogy(of, of).sum())

    rows, columns = entropy(share.sum(axis=1)), entropy(share.sum(axis=0))
    mean = (rows + columns) / 2
    return 1.0 if mean == 0 else (rows + columns - entropy(share)) / mean


def numbers_like(
    labels: NDArray[Any], clusters: NDArray[Any], k: int, next_number: int, least_overlap: float
) -> tuple[int, ...]:
    """Return the class number that each cluster of a model would have after another model, (K,).

    These are the numbers that it would get if it became champion after a champion with these labels.

    Parameters
    ----------
    labels
        (N,) class numbers by the other model.
    clusters
        (N,) clusters of the same events by this one, 0 ... K − 1.
    k
        Number of its clusters.
    next_number
        The smallest number that no class has had so far.
    least_overlap
        As for `match_clusters`.
    """
    numbers, places = np.unique(labels, return_inverse=True)
    first = max(next_number, int(numbers.max(initial=-1)) + 1)
    return match_clusters(places, clusters, numbers.tolist(), k, first, least_overlap).classes


def accuracy_by_reviews(labels: NDArray[Any], words: Sequence[str], scored: NDArray[np.bool_] | None = None) -> Share:
    """Return how often labels without names say the class that a reviewer gave, with its interval.

    An event counts as right if most of the other reviewed events of its label have its reviewed class: no event has a
    say about itself. An event that is alone in its label, or where another class has as many, is wrong.

    Parameters
    ----------
    labels
        (n,) labels of reviewed events.
    words
        Their n classes by the reviewers.
    scored
        (n,) bool: which of them are counted; all have a say about others. By default all.
    """
    wanted = np.ones(len(labels), bool) if scored is None else scored
    if not wanted.any():
        return share_of(0, 0)
    _, label = np.unique(labels, return_inverse=True)
    _, word = np.unique(np.array(words, dtype=str), return_inverse=True)
    counts = np.zeros((label.max() + 1, word.max() + 1), np.int64)
    np.add.at(counts, (label, word), 1)
    others = counts[label]
    own = np.arange(len(label))
    others[own, word] -= 1
    mine = others[own, word].copy()
    others[own, word] = 0
    right = mine > others.max(axis=1)
    return share_of(int(right[wanted].sum()), int(wanted.sum()))


def _places(labels: NDArray[Any], numbers: Sequence[int]) -> NDArray[np.int64]:
    order = np.argsort(numbers)
    return np.asarray(order[np.searchsorted(np.array(numbers)[order], labels)], np.int64)
