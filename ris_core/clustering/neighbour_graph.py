"""The graph of nearest neighbours among events."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.neighbors import kneighbors_graph


def neighbour_graph(z: NDArray[np.float64], neighbours: int) -> sp.csr_matrix:
    """Return the weights (n, n) between events and their nearest neighbours, symmetric.

    w = exp(−2 d² / (s s′)), with s the distance of an event to its farthest neighbour and s′ that of the other
    (local scales: Zelnik-Manor & Perona 2004, Adv. Neural Inf. Process. Syst. 17); the mean of both directions.
    """
    graph = kneighbors_graph(z, min(neighbours, len(z) - 1), mode="distance").tocoo()
    scale = np.zeros(len(z))
    np.maximum.at(scale, graph.row, graph.data)
    product = np.maximum(scale[graph.row] * scale[graph.col], np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        weight = np.exp(-2.0 * np.square(graph.data) / product)
    directed = sp.csr_matrix((weight, (graph.row, graph.col)), shape=graph.shape)
    return sp.csr_matrix((directed + directed.T) / 2.0)
