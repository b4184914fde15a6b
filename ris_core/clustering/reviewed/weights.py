"""How many of all events each reviewed event stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.threads import one_thread

_BLOCK = 4_096


def standing_for(z: NDArray[Any], population: NDArray[Any] | None) -> NDArray[np.float64]:
    """Return the weight (n,) of each reviewed event, with the mean 1: the events that are nearer to it than to others.

    Events are chosen for review because they are odd or hard to tell, so that their scores, counted as they come, are
    worse than those of other events. With these weights they count like the events around them (covariate shift:
    Tibshirani et al. 2019, arXiv:1904.06019; the weights are those of nearest neighbours: Loog 2012).

    Parameters
    ----------
    z
        (n, D) features of the reviewed events, on one scale.
    population
        (N, D) of all events; none if they are not known, and then all weights are 1.
    """
    if population is None or not len(z):
        return np.ones(len(z))
    reviewed = np.asarray(z, dtype=np.float64)
    norms, counts = np.square(reviewed).sum(axis=1), np.zeros(len(z))
    with one_thread("blas"):  # the last digits would depend on the number of threads
        for start in range(0, len(population), _BLOCK):
            block = np.asarray(population[start : start + _BLOCK], dtype=np.float64)
            counts += np.bincount((norms - 2 * block @ reviewed.T).argmin(axis=1), minlength=len(z))
    counts = np.maximum(counts, 1.0)  # an event stands for itself
    return np.asarray(counts / counts.mean())
