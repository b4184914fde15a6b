"""How much better a regression foretells weeks that it has not seen when it knows a term."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ris_core.links.negative_binomial import Fit, quasi_likelihood

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def folds_of(hour: Ints, folds: int, days: float) -> Ints:
    """Return the fold of each hour: blocks of some days take turns."""
    return np.asarray((hour // round(24 * days)) % folds, dtype=np.int64)


def gain(fit: Fit, design: Floats, counts: Floats, offset: Floats, columns: Ints, fold: Ints) -> float:
    """Return by how much a term raises the log likelihood of hours that were left out, nats per event.

    Coefficients without a fold, and without the term, are found by single steps from those of all hours, so that no
    regression is repeated. The dispersion is that of all hours. Zero or less: the term foretells nothing.

    Parameters
    ----------
    fit
        The regression with the term.
    design, counts, offset
        As for `fit_negative_binomial`.
    columns
        The term's columns.
    fold : int array of shape (N,)
        From `folds_of`.
    """
    others = np.setdiff1d(np.arange(design.shape[1]), columns)
    inverse = np.linalg.inv(fit.information)
    share = np.linalg.solve(inverse[np.ix_(columns, columns)], fit.beta[columns])
    reduced = (fit.beta - inverse[:, columns] @ share)[others]
    without, alpha = design[:, others], fit.dispersion
    for _ in range(2):
        reduced = reduced + _step(without, counts, offset, reduced, alpha)
    with_term = _left_out(design, counts, offset, fit.beta, alpha, fold)
    no_term = _left_out(without, counts, offset, reduced, alpha, fold)
    return (with_term - no_term) / max(float(counts.sum()), 1.0)


def _mean(design: Floats, offset: Floats, beta: Floats) -> Floats:
    return np.asarray(np.exp(np.clip(offset + design @ beta, -40.0, 25.0)))


def _information(design: Floats, mean: Floats, alpha: float) -> Floats:
    found: Floats = (design * (mean / (1.0 + alpha * mean))[:, None]).T @ design
    return np.asarray(found + 1e-6 * np.diag(found).max() * np.eye(len(found)), dtype=np.float64)


def _step(design: Floats, counts: Floats, offset: Floats, beta: Floats, alpha: float) -> Floats:
    mean = _mean(design, offset, beta)
    change = np.linalg.solve(_information(design, mean, alpha), design.T @ ((counts - mean) / (1.0 + alpha * mean)))
    return np.asarray(change * min(1.0, 1.0 / max(float(np.abs(change).max()), 1e-12)))


def _left_out(design: Floats, counts: Floats, offset: Floats, beta: Floats, alpha: float, fold: Ints) -> float:
    """Return the quasi-likelihood of each fold by coefficients that do not know it."""
    mean = _mean(design, offset, beta)
    score = (counts - mean) / (1.0 + alpha * mean)
    information = _information(design, mean, alpha)
    total = 0.0
    for number in np.unique(fold):
        own = fold == number
        part = design[own]
        weights = (mean[own] / (1.0 + alpha * mean[own]))[:, None]
        change = np.linalg.solve(information - (part * weights).T @ part, part.T @ score[own])
        change *= min(1.0, 1.0 / max(float(np.abs(change).max()), 1e-12))
        total += quasi_likelihood(counts[own], _mean(part, offset[own], beta - change), alpha)
    return total
