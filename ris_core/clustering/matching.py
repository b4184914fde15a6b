"""Clusters of two models matched by the events they share, so that class numbers survive a change of the model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

State = Literal["kept", "new", "back"]


@dataclass(frozen=True)
class Matching:
    """Class numbers of a model's clusters.

    Attributes
    ----------
    classes
        Class number of each of the K clusters, in their order.
    states
        Of each cluster: ``kept`` from the former model, ``new``, or ``back`` from a model before that.
    overlap
        Of each cluster with the former model's cluster of this class: events in both over events in either (Jaccard
        index); 0 if the former model has no such class.
    sizes
        Events of each cluster.
    lost
        Classes of the former model that no cluster keeps.
    next_class
        The smallest number that no class has had so far.
    """

    classes: tuple[int, ...]
    states: tuple[State, ...]
    overlap: tuple[float, ...]
    sizes: tuple[int, ...]
    lost: tuple[int, ...]
    next_class: int

    def until(self, next_class: int) -> Matching:
        """Return it with another smallest number that no class has had so far."""
        return replace(self, next_class=next_class)


def first_classes(clusters: NDArray[Any], k: int) -> Matching:
    """Return the classes 0 ... K − 1 of a first model, with its clusters (N,)."""
    sizes = tuple(np.bincount(clusters, minlength=k).tolist())
    return Matching(tuple(range(k)), tuple("new" for _ in range(k)), (0.0,) * k, sizes, (), k)


def match_clusters(
    before: NDArray[Any], after: NDArray[Any], classes: Sequence[int], k: int, next_class: int, least_overlap: float
) -> Matching:
    """Give each cluster of a model the class of the former model's cluster that holds the same events.

    Pairs are those of the greatest sum of Jaccard indices (Hungarian method: Kuhn 1955), each cluster in one pair at
    most; only pairs of at least `least_overlap` count. Clusters without a pair get new numbers, in their order.

    Parameters
    ----------
    before, after
        (N,) clusters of the same events by the former model and by this one, 0-based.
    classes
        Class number of each of the former model's clusters, in their order.
    k
        Number of clusters of this model.
    next_class
        The smallest number that no class has had so far.
    least_overlap
        Smallest Jaccard index of a pair.

    Raises
    ------
    ValueError
        The labels are not those of the same events, lie outside the clusters, or `next_class` is taken.
    """
    before, after = _checked(before, after, len(classes), k)
    if next_class <= max(classes, default=-1):
        raise ValueError(f"next_class is {next_class}, but the classes {sorted(classes)} are taken")
    overlap = jaccard(before, after, len(classes), k)
    # Pairs that do not count must not influence those that do.
    rows, columns = linear_sum_assignment(np.where(overlap >= least_overlap, overlap, 0.0), maximize=True)
    partner = {
        int(j): int(i) for i, j in zip(rows, columns, strict=True) if overlap[i, j] >= least_overlap and overlap[i, j]
    }
    numbers: list[int] = []
    for cluster in range(k):
        if cluster in partner:
            numbers.append(int(classes[partner[cluster]]))
        else:
            numbers.append(next_class)
            next_class += 1
    return Matching(
        classes=tuple(numbers),
        states=tuple("kept" if j in partner else "new" for j in range(k)),
        overlap=tuple(float(overlap[partner[j], j]) if j in partner else 0.0 for j in range(k)),
        sizes=tuple(np.bincount(after, minlength=k).tolist()),
        lost=tuple(sorted(set(map(int, classes)) - set(numbers))),
        next_class=next_class,
    )


def known_classes(
    before: NDArray[Any], after: NDArray[Any], classes: Sequence[int], own: Sequence[int], next_class: int
) -> Matching:
    """Return the matching of a model that labelled before and has classes of its `own`; else as `match_clusters`."""
    k = len(own)
    before, after = _checked(before, after, len(classes), k)
    overlap = jaccard(before, after, len(classes), k)
    row = {int(number): i for i, number in enumerate(classes)}
    return Matching(
        classes=tuple(map(int, own)),
        states=tuple("kept" if number in row else "back" for number in own),
        overlap=tuple(float(overlap[row[n], j]) if n in row else 0.0 for j, n in enumerate(own)),
        sizes=tuple(np.bincount(after, minlength=k).tolist()),
        lost=tuple(sorted(row.keys() - set(own))),
        next_class=next_class,
    )


def match_named(
    before: NDArray[Any],
    after: NDArray[Any],
    classes: Sequence[int],
    names: Sequence[str],
    known: Mapping[str, int],
    taken: Collection[int],
    next_class: int,
    least_overlap: float,
) -> Matching:
    """Give each cluster of a class model the number that its name has; those of new names are matched by their events.

    A number that belongs to another name is never taken, however many events are shared.

    Parameters
    ----------
    before, after, classes, next_class, least_overlap
        As for `match_clusters`; without a former model `classes` is empty and `before` is all zeros.
    names
        Name of each of this model's clusters, each once.
    known
        Number of each name that has one.
    taken
        Numbers that belong to names, also to those that this model does not have.

    Raises
    ------
    ValueError
        As `match_clusters`; or a number is that of two names, or is none so far.
    """
    before, after = _checked(before, after, max(len(classes), 1), len(names))
    if len(set(known.values())) < len(known) or any(not 0 <= number < next_class for number in known.values()):
        raise ValueError(f"each name must have a number of its own below {next_class}, got {dict(known)}")
    overlap = jaccard(before, after, max(len(classes), 1), len(names))
    numbers = [known.get(name) for name in names]
    taken = {*taken, *known.values()}
    rows = [i for i, number in enumerate(classes) if int(number) not in taken]
    columns = [j for j, number in enumerate(numbers) if number is None]
    free = overlap[np.ix_(rows, columns)]
    pairs = linear_sum_assignment(np.where(free >= least_overlap, free, 0.0), maximize=True)
    for i, j in zip(*pairs, strict=True):
        if free[i, j] and free[i, j] >= least_overlap:
            numbers[columns[j]] = int(classes[rows[i]])
    states: list[State] = []
    row = {int(number): i for i, number in enumerate(classes)}
    found: list[int] = []
    for number in numbers:
        states.append("new" if number is None else "kept" if number in row else "back")
        found.append(next_class if number is None else number)
        next_class += number is None
    return Matching(
        classes=tuple(found),
        states=tuple(states),
        overlap=tuple(float(overlap[row[n], j]) if n in row else 0.0 for j, n in enumerate(found)),
        sizes=tuple(np.bincount(after, minlength=len(names)).tolist()),
        lost=tuple(sorted(row.keys() - set(found))),
        next_class=next_class,
    )


def _checked(
    before: NDArray[Any], after: NDArray[Any], k_before: int, k_after: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    before, after = np.asarray(before), np.asarray(after)
    if before.shape != after.shape or before.ndim != 1:
        raise ValueError(f"labels of the same events are needed, got the shapes {before.shape} and {after.shape}")
    for name, labels, count in (("before", before, k_before), ("after", after, k_after)):
        if len(labels) and not 0 <= labels.min() <= labels.max() < count:
            raise ValueError(f"{name}: labels must lie between 0 and {count - 1}, got {labels.min()} to {labels.max()}")
    return before, after


def jaccard(before: NDArray[Any], after: NDArray[Any], k_before: int, k_after: int) -> NDArray[np.float64]:
    """Return the Jaccard index of every pair of clusters (K before, K after) of the same events; 0 for empty ones."""
    shared = np.bincount(before.astype(np.int64) * k_after + after, minlength=k_before * k_after)
    shared = shared.reshape(k_before, k_after)
    either = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    return np.asarray(shared / np.maximum(either, 1), dtype=np.float64)
