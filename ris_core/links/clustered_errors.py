"""Errors of coefficients that do not trust the model: the jackknife over weeks, and how many weeks really tell."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ris_core.links.negative_binomial import Fit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClusteredErrors:
    """Errors of all coefficients of a fit.

    Attributes
    ----------
    covariance : array of shape (P, P)
        Of the coefficients.
    effective : array of shape (P,)
        Effective number of clusters of each coefficient.
    clusters
        Number of clusters with live time.
    """

    covariance: Floats
    effective: Floats
    clusters: int


def clustered_errors(fit: Fit, design: Floats, cluster: Ints) -> ClusteredErrors:
    """Return errors that hold when hours of one cluster depend on each other in any way (CR3).

    Each cluster is left out in turn, with one step of the regression; the sum of squared changes of the coefficients
    times (G − 1) / G is their covariance (Bell & McCaffrey 2002; Cameron & Miller 2015, doi 10.3368/jhr.50.2.317).
    A cluster that alone decides a coefficient changes it much when left out, and so the interval is wide.

    The effective number of clusters is (Σ v)² / Σ v², with v the part of a cluster in the variance of a coefficient
    under the model: G / (1 + Γ) of Carter, Schnepel & Steigerwald (2017, doi 10.1162/REST_a_00639). Events of one
    summer are few clusters, however long the catalogue is.

    Parameters
    ----------
    fit
        The regression.
    design : array of shape (N, P)
        Its columns.
    cluster : int array of shape (N,)
        Ascending number of the cluster of each hour.
    """
    _, first = np.unique(cluster, return_index=True)
    bounds = np.append(first, len(cluster))
    inverse = np.linalg.inv(fit.information)
    weighted = design * np.sqrt(fit.weights)[:, None]
    squares = np.empty((len(first), *fit.information.shape))
    sums, part = (np.empty((len(first), len(fit.beta))) for _ in range(2))
    for place, (low, high) in enumerate(pairwise(bounds)):
        own = weighted[low:high]
        squares[place] = own.T @ own
        sums[place] = design[low:high].T @ fit.score[low:high]
        part[place] = np.sum((own @ inverse) ** 2, axis=0)
    deleted = -_solved(fit.information - squares, sums)
    number = len(first)
    covariance = (number - 1) / number * deleted.T @ deleted
    effective = part.sum(axis=0) ** 2 / np.maximum((part**2).sum(axis=0), 1e-300)
    return ClusteredErrors(covariance, effective, number)


def _solved(matrices: Floats, vectors: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.solve(matrices, vectors[:, :, None])[:, :, 0])
    except np.linalg.LinAlgError:
        # Without one of the clusters a coefficient is not determined.
        pairs = zip(matrices, vectors, strict=True)
        return np.array([np.linalg.pinv(matrix) @ vector for matrix, vector in pairs])


@dataclass(frozen=True)
class Effect:
    """An estimate with its interval and p value.

    Attributes
    ----------
    value, error, low, high
        Estimate, standard error and 95 % interval.
    p
        Two-sided, of Student's t with the effective number of clusters less one as degrees of freedom.
    effective
        Effective number of clusters.
    """

    value: float
    error: float
    low: float
    high: float
    p: float
    effective: float


def effect(value: float, variance: float, effective: float, level: float = 0.95) -> Effect:
    """Return an estimate with its interval; the degrees of freedom are Satterthwaite's, effective clusters less one."""
    freedom = max(1.0, effective - 1.0)
    error = float(np.sqrt(max(variance, 0.0)))
    half = float(stats.t.ppf(0.5 + 0.5 * level, freedom)) * error
    p = float(2.0 * stats.t.sf(abs(value) / error, freedom)) if error > 0 else 1.0
    return Effect(value, error, value - half, value + half, p, effective)
