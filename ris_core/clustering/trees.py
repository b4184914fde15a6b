"""Extremely randomised trees as plain arrays: grown by scikit-learn, kept and evaluated without it.

Geurts, Ernst & Wehenkel (2006), doi 10.1007/s10994-006-6226-1. All trees of a forest lie one behind the other in the
same arrays, so that a file holds them as they are, and nothing is pickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.storage.tensors import Arrays

_AT_ONCE = 80_000
"""Pairs of an event and a tree that go down together: their numbers stay in a processor's cache."""
_NAMES = ("roots", "feature", "threshold", "child", "leaf", "values")


@dataclass(frozen=True, eq=False)
class Trees:
    """A forest of T trees with M nodes in all, for D features and K classes.

    Attributes
    ----------
    roots
        (T,) int32, the first node of each tree.
    feature
        (M,) int32, the feature that a node asks for; 0 in a leaf.
    threshold
        (M,) float32: an event whose feature is not greater goes left; infinite in a leaf.
    child
        (M, 2) int32, the left and the right child; a leaf is its own child.
    leaf
        (M,) int32, the row of a leaf in `values`; -1 in other nodes.
    values
        (L, K) float32, shares of the classes in each leaf.
    dimensions
        D.
    """

    roots: NDArray[np.int32] = field(repr=False)
    feature: NDArray[np.int32] = field(repr=False)
    threshold: NDArray[np.float32] = field(repr=False)
    child: NDArray[np.int32] = field(repr=False)
    leaf: NDArray[np.int32] = field(repr=False)
    values: NDArray[np.float32] = field(repr=False)
    dimensions: int

    def __post_init__(self) -> None:
        nodes, leaves = len(self.feature), len(self.values)
        shapes = (self.threshold.shape, self.child.shape, self.leaf.shape, self.values.ndim, self.roots.ndim)
        if shapes != ((nodes,), (nodes, 2), (nodes,), 2, 1) or not len(self.roots):
            raise ValueError(f"arrays of the shapes {shapes} are not those of a forest of {nodes} nodes")
        inside = (
            _within(self.roots, 0, nodes)
            and _within(self.child, 0, nodes)
            and _within(self.feature, 0, self.dimensions)
            and _within(self.leaf, -1, leaves)
        )
        if not inside or not np.isfinite(self.values).all() or np.isnan(self.threshold).any():
            raise ValueError("a node of the forest points outside of it, or a leaf has no values")
        # Every path must end: a child lies behind its parent, and only a leaf is its own child.
        number = np.arange(nodes)
        is_leaf = (self.child == number[:, None]).all(axis=1)
        if not ((self.child > number[:, None]).all(axis=1) | is_leaf).all() or not (is_leaf == (self.leaf >= 0)).all():
            raise ValueError("the nodes of the forest do not form trees")

    @property
    def n_classes(self) -> int:
        """K."""
        return int(self.values.shape[1])

    @classmethod
    def of(cls, forest: Any, n_classes: int) -> Self:
        """Return the trees of a fitted forest of scikit-learn.

        Parameters
        ----------
        forest
            `ExtraTreesClassifier` or `RandomForestClassifier`, fitted to classes that are numbers from 0 to K - 1.
        n_classes
            K; classes that the forest has not seen get the probability 0.
        """
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in _NAMES}
        nodes = leaves = 0
        columns = np.asarray(forest.classes_, dtype=np.int64)
        for grown in forest.estimators_:
            tree = grown.tree_
            left, right = tree.children_left, tree.children_right
            number, is_leaf = np.arange(tree.node_count), tree.children_left < 0
            shares = tree.value[is_leaf, 0, :]
            values = np.zeros((len(shares), n_classes), dtype=np.float32)
            values[:, columns] = shares / shares.sum(axis=1, keepdims=True)
            parts["roots"].append(np.array([nodes]))
            parts["feature"].append(np.where(is_leaf, 0, tree.feature))
            parts["threshold"].append(np.where(is_leaf, np.inf, _not_above(tree.threshold)))
            child = np.stack((np.where(is_leaf, number, left), np.where(is_leaf, number, right)), axis=1)
            parts["child"].append(child + nodes)
            parts["leaf"].append(np.where(is_leaf, leaves + np.cumsum(is_leaf) - 1, -1))
            parts["values"].append(values)
            nodes, leaves = nodes + tree.node_count, leaves + len(values)
        joined = {name: np.concatenate(found) for name, found in parts.items()}
        whole = {name: joined[name].astype(np.int32) for name in ("roots", "feature", "child", "leaf")}
        return cls(
            **whole,
            threshold=joined["threshold"].astype(np.float32),
            values=joined["values"],
            dimensions=int(forest.n_features_in_),
        )

    @classmethod
    def joined(cls, forests: Sequence[Trees]) -> Self:
        """Return one forest of the trees of several, all of the same features and classes."""
        nodes = np.cumsum([0, *(len(one.feature) for one in forests)])[:-1]
        leaves = np.cumsum([0, *(len(one.values) for one in forests)])[:-1]
        shifted = [
            {
                "roots": one.roots + first,
                "feature": one.feature,
                "threshold": one.threshold,
                "child": one.child + first,
                "leaf": np.where(one.leaf >= 0, one.leaf + leaf, -1),
                "values": one.values,
            }
            for one, first, leaf in zip(forests, nodes, leaves, strict=True)
        ]
        joined = {
            name: np.concatenate([one[name] for one in shifted]).astype(getattr(forests[0], name).dtype)
            for name in _NAMES
        }
        return cls(**joined, dimensions=forests[0].dimensions)

    def predict_proba(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean over the trees of the shares of the classes, (n, K), for features (n, D).

        It is that of scikit-learn to 1e-6. Raises `ValueError` for another number of features.
        """
        x = np.ascontiguousarray(x, dtype=np.float32)
        if x.ndim != 2 or x.shape[1] != self.dimensions:
            raise ValueError(f"features of the shape {x.shape}, but the trees were grown on {self.dimensions} features")
        found = np.empty((len(x), self.n_classes))
        step = max(1, _AT_ONCE // len(self.roots))
        for start in range(0, len(x), step):
            block = x[start : start + step]
            leaves = self.leaf[self._ends(block)]
            found[start : start + step] = self.values[leaves].mean(axis=1, dtype=np.float64)
        return found

    def _ends(self, block: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the node (n, T) in which each event ends in each tree."""
        n, trees = len(block), len(self.roots)
        ends = np.tile(self.roots, n)
        flat, first = block.ravel(), np.repeat(np.arange(n, dtype=np.int32) * self.dimensions, trees)
        children = self.child.ravel()
        going = np.flatnonzero(self.leaf[ends] < 0)
        node = ends[going]
        # Most paths are short: those that have ended are left out of the next step.
        while len(going):
            goes_right = flat[first[going] + self.feature[node]] > self.threshold[node]
            node = children[2 * node + goes_right]
            ends[going] = node
            inner = self.leaf[node] < 0
            going, node = going[inner], node[inner]
        return ends.reshape(n, trees)

    def arrays(self) -> Arrays:
        """Return the arrays by name, from which `build` makes the forest again."""
        return {name: getattr(self, name) for name in _NAMES} | {
            "dimensions": np.array([self.dimensions], dtype=np.int32)
        }

    @classmethod
    def build(cls, arrays: Arrays) -> Self:
        """Return the forest of these arrays; raises `KeyError` or `ValueError` if they are not those of one."""
        (dimensions,) = arrays["dimensions"].tolist()
        return cls(**{name: arrays[name] for name in _NAMES}, dimensions=int(dimensions))


def fit_trees(
    x: NDArray[Any],
    y: NDArray[Any],
    n_classes: int,
    trees: int,
    seed: int,
    weights: NDArray[Any] | None = None,
    smallest_leaf: int = 1,
) -> Trees:
    """Grow extremely randomised trees on all events, each class with the same total weight.

    Parameters
    ----------
    x
        Features (n, D).
    y
        Classes (n,), 0 to K - 1; some may be absent.
    n_classes
        K.
    trees
        Number of trees.
    seed
        Of all that is drawn; the same input and seed give the same trees.
    weights
        (n,) weights of the events beside those of their classes; by default all are the same.
    smallest_leaf
        Fewest events in a leaf.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    forest = ExtraTreesClassifier(
        trees, class_weight="balanced", min_samples_leaf=smallest_leaf, random_state=seed, n_jobs=1
    )
    forest.fit(np.asarray(x, dtype=np.float32), np.asarray(y), sample_weight=weights)
    return Trees.of(forest, n_classes)


def _within(values: NDArray[Any], low: int, end: int) -> bool:
    return values.size == 0 or bool(values.min() >= low and values.max() < end)


def _not_above(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the greatest float32 not above each threshold: the same float32 features lie on each side of it."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
