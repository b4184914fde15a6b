"""Groups of events that must not be torn apart by a cross-validation, and its parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

_NS = 1_000_000_000


def groups_of(time_peak: NDArray[np.int64], block: float, source: NDArray[Any] | None = None) -> NDArray[np.int64]:
    """Return the group (n,), 0, 1, ..., of each event: the connected components of common blocks and common sources.

    Events of one source, recorded at several stations, and of one block resemble each other more than others do. If
    one of them is reviewed, the rest would be too easy a test.

    Parameters
    ----------
    time_peak
        (n,) ns since 1970 UTC.
    block
        Length of the blocks, s; the same at all stations.
    source
        (n,) what is the same for the events of one source; none if that is not known.
    """
    n = len(time_peak)
    keys = [np.asarray(time_peak, dtype=np.int64) // round(block * _NS)]
    if source is not None:
        keys.append(np.asarray(source))
    rows, columns, nodes = [], [], n
    for key in keys:
        own = np.unique(key, return_inverse=True)[1].reshape(-1)
        rows.append(np.arange(n))
        columns.append(nodes + own)
        nodes += n
    edges = np.concatenate(rows), np.concatenate(columns)
    graph = coo_matrix((np.ones(len(edges[0]), dtype=bool), edges), shape=(nodes, nodes))
    found = connected_components(graph, directed=False)[1][:n]
    return np.unique(found, return_inverse=True)[1].reshape(-1).astype(np.int64)


def parts_of(groups: NDArray[Any], y: NDArray[np.int64], parts: int, seed: int) -> NDArray[np.int64]:
    """Return the part (n,) of a cross-validation that each event is in: 0 ... at most `parts` - 1.

    No group is torn apart. The groups, drawn in random order and the largest first, go each to the part that has the
    fewest events of its classes, counted as shares of these classes, and then the fewest events.

    Parameters
    ----------
    groups, y
        Groups and classes (n,), both numbers from 0.
    parts
        Number of parts; as many as there are groups if these are fewer.
    seed
        Of the random order.
    """
    names, group = np.unique(groups, return_inverse=True)
    table = np.zeros((len(names), int(y.max(initial=0)) + 1))
    np.add.at(table, (group, y), 1)
    share = table / np.maximum(table.sum(axis=0), 1)
    drawn = np.random.default_rng(seed).permutation(len(names))
    order = drawn[np.argsort(-table[drawn].sum(axis=1), kind="stable")]
    number = min(parts, len(names))
    held, part = np.zeros((number, table.shape[1])), np.empty(len(names), dtype=np.int64)
    for one in order:
        of_its_classes = held @ (share[one] > 0)
        part[one] = np.lexsort((held.sum(axis=1), of_its_classes))[0]
        held[part[one]] += share[one]
    return part[group]
