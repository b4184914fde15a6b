"""The algorithms whose partitions vote in a consensus."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh
from sklearn.cluster import HDBSCAN
from sklearn.decomposition import PCA

from ris_core.clustering.consensus.dendrogram import cut
from ris_core.clustering.initialise import fit_mixture, kmeans
from ris_core.clustering.neighbour_graph import neighbour_graph
from ris_core.config import ConsensusSettings

Values = NDArray[np.float64]
Labels = NDArray[np.integer[Any]]
Votes = Iterator[tuple[str, Callable[[], Labels]]]
"""What a partition is called, and what gives its labels (n,)."""

_REGULARISATION = 1e-3
"""Added to the variances of a mixture, as a share of their mean (as `clusterers.gmm`)."""
_DENSE = 300
"""Events up to which all eigenvectors of a graph are computed: fewer than K + 1 do not suffice for the sparse way."""
_UMAP_DIMENSIONS = 5
_HDBSCAN_SHARES = (0.01, 0.02, 0.04)
"""Smallest clusters of HDBSCAN, as shares of the events."""
_HDBSCAN_LEAST = 5


class AlgorithmError(ValueError):
    """An algorithm cannot vote. The message says why."""


def principal_components(z: Values, components: int, seed: int) -> Values:
    """Return the first principal components (n, d) of features (n, D), of which one varies or more."""
    d = min(components, z.shape[1], len(z))
    # Signs and order are fixed by the full decomposition; a random one would depend on more than the values.
    return np.asarray(PCA(d, svd_solver="full", random_state=seed).fit_transform(z))


def spectral_coordinates(graph: sp.csr_matrix, dimensions: int, seed: int) -> Values:
    """Return the eigenvectors (n, d) of the normalised graph D^−½ W D^−½ with the greatest eigenvalues, in their order.

    Ng, Jordan & Weiss 2001, Adv. Neural Inf. Process. Syst. 14.
    """
    degree = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), np.finfo(float).tiny)
    root = sp.diags(1.0 / np.sqrt(degree))
    normalised = root @ graph @ root
    n = graph.shape[0]
    if n <= max(_DENSE, 3 * dimensions):
        _, vectors = eigh(normalised.toarray(), subset_by_index=(n - min(dimensions, n), n - 1))
        return np.asarray(vectors[:, ::-1])
    start = np.random.default_rng(seed).random(n)
    values, vectors = eigsh(normalised, k=dimensions, which="LA", v0=start)
    return np.asarray(vectors[:, np.argsort(-values)])


def umap_coordinates(z: Values, neighbours: int, seed: int) -> Values:
    """Return the coordinates (n, 5) of UMAP (McInnes, Healy & Melville 2018, arXiv 1802.03426).

    Raises
    ------
    AlgorithmError
        umap-learn is not installed, or there are too few events.
    """
    if len(z) <= neighbours:
        raise AlgorithmError(f"{len(z)} events are too few for UMAP of {neighbours} neighbours")
    try:
        # Its import takes seconds, and it is not among the dependencies: a name that tools do not follow.
        umap = importlib.import_module("umap")
    except ImportError as error:
        raise AlgorithmError(f"umap-learn cannot be imported ({error}); install the extra umap") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread, and that a graph is not connected
        found = umap.UMAP(
            n_neighbors=neighbours, n_components=_UMAP_DIMENSIONS, min_dist=0.0, random_state=seed, n_jobs=1
        ).fit_transform(z.astype(np.float32))
    found = np.asarray(found, dtype=np.float64)
    if not np.isfinite(found).all():
        raise AlgorithmError("UMAP gave coordinates that are not finite")
    return found


def _kmeans(z: Values, settings: ConsensusSettings, seed: int) -> Votes:
    def labels(k: int) -> Labels:
        return kmeans(z, k, settings.n_init, seed).labels

    for k in settings.member_k:
        yield f"K = {k}", partial(labels, k)


def _ward(z: Values, settings: ConsensusSettings, seed: int) -> Votes:
    tree = linkage(z, "ward")
    for k in settings.member_k:
        yield f"K = {k}", partial(cut, tree, k)


def _spectral(z: Values, settings: ConsensusSettings, seed: int) -> Votes:
    coordinates = spectral_coordinates(neighbour_graph(z, settings.neighbours), max(settings.member_k), seed)

    def labels(k: int) -> Labels:
        own = coordinates[:, :k]
        length = np.linalg.norm(own, axis=1, keepdims=True)
        return kmeans(own / np.maximum(length, np.finfo(float).tiny), k, settings.n_init, seed).labels

    for k in settings.member_k:
        yield f"K = {k}", partial(labels, k)


def _mixtures(coordinates: Values, settings: ConsensusSettings, seed: int) -> Votes:
    def labels(k: int) -> Labels:
        found = fit_mixture(coordinates, k, settings.n_init, seed, _REGULARISATION)
        if not found.mixture.converged_:
            raise AlgorithmError("the mixture has not converged")
        return np.asarray(found.mixture.predict(coordinates[:, found.live]))

    for k in settings.member_k:
        yield f"K = {k}", partial(labels, k)


def _gmm(z: Values, settings: ConsensusSettings, seed: int) -> Votes:
    yield from _mixtures(principal_components(z, settings.components, seed), settings, seed)


def _umap(z: Values, settings: ConsensusSettings, seed: int) -> Votes:
    yield from _mixtures(umap_coordinates(z, settings.neighbours, seed), settings, seed)


def _hdbscan(z: Values, settings: ConsensusSettings, seed: int) -> Votes:
    coordinates = principal_components(z, settings.components, seed)

    def labels(least: int) -> Labels:
        found = np.asarray(HDBSCAN(min_cluster_size=least, copy=True).fit(coordinates).labels_)
        if len(np.unique(found[found >= 0])) < 2:
            raise AlgorithmError("it finds fewer than two clusters")
        return found

    for least in sorted({max(_HDBSCAN_LEAST, round(share * len(z))) for share in _HDBSCAN_SHARES}):
        yield f"clusters of {least} events or more", partial(labels, least)


ALGORITHMS: Mapping[str, Callable[[Values, ConsensusSettings, int], Votes]] = {
    "kmeans": _kmeans,
    "ward": _ward,
    "spectral": _spectral,
    "gmm": _gmm,
    "umap": _umap,
    "hdbscan": _hdbscan,
}
"""What votes, by its name in the settings. HDBSCAN: Campello, Moulavi & Sander 2013, Lect. Notes Comput. Sci. 7819."""
