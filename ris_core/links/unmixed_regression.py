"""Regression of counts that were unmixed from a known confusion of classes, and what not knowing it well adds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ris_core.links.link_design import LinkDesign
from ris_core.links.negative_binomial import (
    LARGEST_STEP,
    RIDGE,
    Fit,
    NotFittedError,
    finished,
    fit_negative_binomial,
    mean_of,
    quick_information,
)
from ris_core.rates.confusion import Confusion

Floats = NDArray[np.float64]
_MOST_STEPS = 80
_TOLERANCE = 3e-6


def unmixings(confusion: Confusion, draws: int, seed: int) -> Floats:
    """Return M⁻¹ for the expected confusion M and for draws of it, shape (1 + draws, K, K), the expected one first.

    Draws that cannot be inverted are left out.
    """
    shares = np.concatenate([confusion.shares[None], confusion.drawn(np.random.default_rng(seed), draws)])
    good = np.linalg.cond(shares) < 1e6
    good[0] = True
    return np.linalg.inv(shares[good])


def labelled_variances(design: LinkDesign, labelled: Floats) -> tuple[Floats, list[Fit | None]]:
    """Return the variance of each labelled count, shape (N, K), and the regressions that it comes from.

    It is μ + αμ² of a negative binomial regression of each class as labelled; of a class without one, its mean.
    """
    variances, fits = np.empty_like(labelled), []
    for place in range(labelled.shape[1]):
        own = labelled[:, place]
        try:
            fit = fit_negative_binomial(design.matrix, own, design.offset, design.penalised)
        except (NotFittedError, np.linalg.LinAlgError):
            fit = None
        fits.append(fit)
        variances[:, place] = own.mean() if fit is None else fit.variance
    return variances, fits


def fit_unmixed(design: LinkDesign, counts: Floats, variance: Floats, start: Fit) -> Fit:
    """Fit ln μ = offset + X β to unmixed counts, by least squares with the inverse variances as weights.

    Unmixed counts are unbiased but may be negative, and what other classes lent varies where the class itself has no
    event at all. A likelihood of counts does not know such numbers, and the weights μ² / (μ + αμ²) would trust hours
    that hold nothing but the noise of other classes.

    Parameters
    ----------
    design
        The regression of the station.
    counts : array of shape (N,)
        Unmixed counts of one class.
    variance : array of shape (N,)
        Theirs: Σⱼ (M⁻¹)ⱼₖ² vⱼ, with v of `labelled_variances`.
    start
        The regression of the labelled counts of the class.

    Raises
    ------
    NotFittedError
        There are no events, or the steps do not converge.
    """
    if counts.sum() <= 0:
        raise NotFittedError("no events are left after unmixing")
    matrix, offset = design.matrix, design.offset
    penalty = np.where(design.penalised, RIDGE, 0.0)
    beta = start.beta.copy()
    mean = mean_of(matrix, beta, offset)
    value = _loss(counts, mean, variance, beta, penalty)
    single = matrix.astype(np.float32)
    for step in range(1, _MOST_STEPS + 1):
        factor = mean / variance
        information = quick_information(single, factor * mean, penalty)
        change = np.linalg.solve(information, matrix.T @ (factor * (counts - mean)) - penalty * beta)
        size = min(1.0, LARGEST_STEP / max(float(np.abs(change).max()), 1e-12))
        for _ in range(15):
            tried = beta + size * change
            tried_mean = mean_of(matrix, tried, offset)
            loss = _loss(counts, tried_mean, variance, tried, penalty)
            if loss <= value:
                break
            size *= 0.5
        else:
            return _made(design, counts, beta, mean, variance, penalty, step)
        better = value - loss
        beta, mean, value = tried, tried_mean, loss
        if better < _TOLERANCE * (1.0 + abs(value)) ** 0.5:
            return _made(design, counts, beta, mean, variance, penalty, step)
    raise NotFittedError(f"no end after {_MOST_STEPS} steps")


def _made(
    design: LinkDesign, counts: Floats, beta: Floats, mean: Floats, variance: Floats, penalty: Floats, steps: int
) -> Fit:
    weights = mean**2 / variance
    return finished(design.matrix, counts, beta, np.nan, mean, variance, weights, penalty, np.nan, steps)


def _loss(counts: Floats, mean: Floats, variance: Floats, beta: Floats, penalty: Floats) -> float:
    return 0.5 * float(np.sum((counts - mean) ** 2 / variance)) + 0.5 * float(penalty @ beta**2)


def confusion_covariance(fit: Fit, design: Floats, labelled: Floats, inverses: Floats, place: int) -> Floats:
    """Return the covariance of coefficients that comes from not knowing the confusion.

    The estimating equations are linear in the counts, and unmixed counts in M⁻¹. So another M changes the
    coefficients, to first order, by A⁻¹ Xᵀ diag(μ / v) Y (M'⁻¹ − M⁻¹), with Y the labelled counts: no draw needs a fit.
    The mean of the squares over the draws is added to the errors of the weeks, as between imputations (Rubin 1987).

    Parameters
    ----------
    fit
        Of the unmixed counts of one class.
    design : array of shape (N, P)
        Its columns.
    labelled : array of shape (N, K)
        Counts as labelled.
    inverses : array of shape (1 + D, K, K)
        From `unmixings`.
    place
        Number of the class.
    """
    effect_of_counts = np.linalg.solve(fit.information, design.T @ (labelled * fit.factor[:, None]))
    other = (inverses[1:, :, place] - inverses[0, :, place]) @ effect_of_counts.T
    covariance: Floats = other.T @ other / max(len(other), 1)
    return covariance
