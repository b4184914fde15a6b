"""What reviewed events say of the events around them: classes that spread over a graph of neighbours.

With few reviews, trees know nothing of the events between the reviewed ones, and one wrong review spoils a class. The
graph of all events shows which of them lie together. Classes spread over it from the reviewed events (Zhou, Bousquet,
Lal, Weston & Schoelkopf 2004, Adv. Neural Inf. Process. Syst. 16), and a part of the trees is grown on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from ris_core.clustering.neighbour_graph import neighbour_graph
from ris_core.clustering.trees import Trees, fit_trees
from ris_core.config import ClassModelSettings
from ris_core.threads import one_thread

_NEIGHBOURS = 15
"""Of an event (ours, as in the consensus)."""
_KEPT = 0.95
"""Share of the classes of its neighbours that an event takes on in each step, alpha of Zhou et al. (ours)."""
_BALANCE = 0.5
"""A class of n reviews spreads from each with the weight n to the power of minus this (ours)."""
_ANOTHER_SEED = 10_000


@dataclass(frozen=True, eq=False)
class Surrounding:
    """The n reviewed events among others, and how far each of them reaches.

    Attributes
    ----------
    z
        (N, D) features: the n reviewed events, then the others.
    reach
        (N, n) how much of the word on each reviewed event arrives at each event.
    """

    z: NDArray[np.float32] = field(repr=False)
    reach: NDArray[np.float64] = field(repr=False)

    def classes(
        self, y: NDArray[np.int64], used: NDArray[np.bool_], n_classes: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the class (N,) of each event by the reviews that are used, and the share (N,) of it in what arrives.

        The share is 0 where nothing arrives. Events whose review is used keep the reviewer's class, with the share 1.

        Parameters
        ----------
        y, used
            Classes of the n reviewed events, and which of them are used.
        n_classes
            K.
        """
        counts = np.bincount(y[used], minlength=n_classes)
        words = np.zeros((len(y), n_classes))
        words[np.flatnonzero(used), y[used]] = counts[y[used]] ** -_BALANCE
        arrived = self.reach @ words
        total = arrived.sum(axis=1)
        found = np.asarray(arrived.argmax(axis=1), dtype=np.int64)
        share = np.where(total > 0, arrived.max(axis=1) / np.maximum(total, np.finfo(float).tiny), 0.0)
        mine = np.flatnonzero(used)
        found[mine], share[mine] = y[used], 1.0
        return found, share


def surrounding_of(
    z: NDArray[np.float32], population: NDArray[Any] | None, settings: ClassModelSettings, seed: int
) -> Surrounding | None:
    """Return the reviewed events (n, D) among at most `spread_sample` others; none if there are no others.

    Parameters
    ----------
    z
        Features of the reviewed events.
    population
        (N, D) features of all events, of which a sample is drawn; none if they are not known.
    settings
        Section `class_model`: `spread_reviews`, `spread_sample`.
    seed
        Of the sample.
    """
    if population is None or not settings.spread_reviews:
        return None
    drawn = np.random.default_rng(seed).permutation(len(population))[: settings.spread_sample]
    others = np.asarray(population, dtype=np.float32)[np.sort(drawn)]
    reviewed = {row.tobytes() for row in z}
    others = others[[row.tobytes() not in reviewed for row in others]]
    if not len(others):
        return None
    every = np.concatenate([z, others])
    with one_thread("blas"):  # the last digits would depend on the number of threads
        graph = neighbour_graph(every.astype(np.float64), _NEIGHBOURS)
        root = sp.diags(1.0 / np.sqrt(np.maximum(np.asarray(graph.sum(axis=1)).ravel(), np.finfo(float).tiny)))
        system = sp.identity(len(every), format="csc") - _KEPT * (root @ graph @ root).tocsc()
        reach = splu(system.tocsc()).solve(np.eye(len(every), len(z)))
    return Surrounding(every, np.maximum(reach, 0.0))


def grow(
    z: NDArray[np.float32],
    y: NDArray[np.int64],
    n_classes: int,
    settings: ClassModelSettings,
    seed: int,
    around: Surrounding | None,
    used: NDArray[np.bool_] | None = None,
) -> Trees:
    """Grow the trees of a class model: most of them on the reviewed events, the others on the events around them.

    Of n reviews, the share of the others is `spread_reviews` / (`spread_reviews` + n), so that many reviews speak for
    themselves.

    Parameters
    ----------
    z, y, n_classes
        Features (n, D) and classes (n,) of the reviewed events; K.
    settings
        Section `class_model`: `trees`, `spread_reviews`.
    seed
        Of all that is drawn.
    around
        The events around them; none: all trees are grown on the reviewed ones.
    used
        (n,) bool: reviews that may be used; none: all.
    """
    chosen = np.ones(len(y), dtype=bool) if used is None else used
    count = int(chosen.sum())
    of_others = 0
    if around is not None and len(np.unique(y[chosen])) > 1:
        of_others = min(
            round(settings.trees * settings.spread_reviews / (settings.spread_reviews + count)), settings.trees - 1
        )
    own = fit_trees(z[chosen], y[chosen], n_classes, settings.trees - of_others, seed)
    if around is None or not of_others:
        return own
    classes, share = around.classes(y, chosen, n_classes)
    known = share > 0
    others = fit_trees(around.z[known], classes[known], n_classes, of_others, seed + _ANOTHER_SEED, share[known])
    return Trees.joined([own, others])
