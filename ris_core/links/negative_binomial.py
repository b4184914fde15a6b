"""Negative binomial regression (NB2, log link) of counts by the hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

RIDGE = 0.1
"""Weight of the penalty on standardised covariates: a normal prior of standard deviation 3.2 (ours). It keeps
harmonics finite where a class has no event for months."""
MAX_DISPERSION = 1e3
_MOST_STEPS = 60
_TOLERANCE = 1e-8
LARGEST_STEP = 3.0
_LEAST_ETA, _GREATEST_ETA = -40.0, 25.0


class NotFittedError(ValueError):
    """A regression did not come to an end."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted regression.

    Attributes
    ----------
    beta : array of shape (P,)
        Coefficients.
    dispersion
        α of the variance μ + αμ².
    mean : array of shape (N,)
        Expected counts.
    variance : array of shape (N,)
        Of the counts: μ + αμ², or what is known of that of unmixed counts.
    factor : array of shape (N,)
        μ / variance.
    weights : array of shape (N,)
        How much each hour tells: the observed curvature μ (1 + αy) / (1 + αμ)², of unmixed counts μ² / variance. With
        the expected curvature, errors are too small for swarms in less than two years (measured).
    score : array of shape (N,)
        (y − μ) μ / variance; its products with the columns are the estimating functions.
    information : array of shape (P, P)
        Xᵀ W X with the penalty.
    log_likelihood
        Of the counts, without the penalty; of unmixed counts NaN.
    steps
        Number of steps.
    """

    beta: Floats
    dispersion: float
    mean: Floats
    variance: Floats
    factor: Floats
    weights: Floats
    score: Floats
    information: Floats
    log_likelihood: float
    steps: int


def quasi_likelihood(counts: Floats, mean: Floats, dispersion: float) -> float:
    """Return Σ y ln(μ / (1 + αμ)) − ln(1 + αμ) / α, the part of the NB2 log likelihood that knows the mean.

    Its derivative is (y − μ) / (μ + αμ²).
    """
    grown = np.log1p(dispersion * mean)
    flat = mean if dispersion < 1e-10 else grown / dispersion
    return float(np.sum(counts * (np.log(mean) - grown) - flat))


def log_likelihood(counts: Floats, mean: Floats, dispersion: float) -> float:
    """Return the NB2 log likelihood of whole counts (Cameron & Trivedi 2013, eq. 3.29); of α = 0 that of Poisson."""
    constant = -float(gammaln(counts + 1.0).sum())
    if dispersion >= 1e-10:
        size = 1.0 / dispersion
        values, times = np.unique(counts, return_counts=True)
        rising = gammaln(values + size) - gammaln(size) - values * np.log(size)
        constant += float(times @ rising)
    return quasi_likelihood(counts, mean, dispersion) + constant


def fit_negative_binomial(
    design: Floats,
    counts: Floats,
    offset: Floats,
    penalised: NDArray[np.bool_] | None = None,
    start: Fit | None = None,
) -> Fit:
    """Fit ln μ = offset + X β by Newton's steps, in turns with the dispersion.

    statsmodels' `NegativeBinomial` gives the same estimates (a test compares them) in ten times the time and more, has
    no penalty, and fails where a class has no event for months.

    Parameters
    ----------
    design : array of shape (N, P)
        Columns; one is constant.
    counts : array of shape (N,)
        Whole numbers.
    offset : array of shape (N,)
        ln of the live hours.
    penalised : bool array of shape (P,)
        Columns with the penalty `RIDGE`; they should have unit variance.
    start
        A fit of similar data.

    Raises
    ------
    NotFittedError
        There are no events, or the steps do not converge.
    """
    total = float(counts.sum())
    if total <= 0:
        raise NotFittedError("no events")
    penalty = np.zeros(design.shape[1]) if penalised is None else np.where(penalised, RIDGE, 0.0)
    if start is None:
        beta = np.zeros(design.shape[1])
        constant = int(np.argmin(np.ptp(design, axis=0)))
        beta[constant] = (np.log(total) - np.log(np.exp(offset).sum())) / design[0, constant]
        dispersion = 0.1
    else:
        beta, dispersion = start.beta.copy(), start.dispersion
    mean = mean_of(design, beta, offset)
    value = _target(counts, mean, dispersion, beta, penalty)
    single = design.astype(np.float32)
    for step in range(1, _MOST_STEPS + 1):
        score = (counts - mean) / (1.0 + dispersion * mean)
        # The observed curvature, which is never negative: with the expected one, steps go to and fro for swarms.
        information = quick_information(single, _curvature(counts, mean, dispersion), penalty)
        change: Floats = np.asarray(np.linalg.solve(information, design.T @ score - penalty * beta), dtype=np.float64)
        beta, mean, gain = _stepped(design, counts, offset, dispersion, beta, change, penalty, value)
        settled = step > 2 and step % 2 == 0
        if step <= 4 or settled:
            before = dispersion
            dispersion = _dispersion(counts, mean)
            value = _target(counts, mean, dispersion, beta, penalty)
            if settled and gain < _TOLERANCE * len(counts) and abs(before - dispersion) < 1e-4 + 1e-3 * dispersion:
                return _made(design, counts, beta, dispersion, mean, penalty, step)
        else:
            value += gain
    raise NotFittedError(f"no end after {_MOST_STEPS} steps")


def mean_of(design: Floats, beta: Floats, offset: Floats) -> Floats:
    """Return the expected counts."""
    return np.exp(np.clip(offset + design @ beta, _LEAST_ETA, _GREATEST_ETA))


def information_of(design: Floats, weights: Floats, penalty: Floats) -> Floats:
    """Return Xᵀ W X with the penalty, and a trifle that makes it invertible."""
    weighted = design * np.sqrt(weights)[:, None]
    found: Floats = weighted.T @ weighted
    return found + np.diag(penalty + 1e-9 * np.diag(found).max())


def quick_information(design: Singles, weights: Floats, penalty: Floats) -> Floats:
    """Return about the same in single precision, in half the time: a step needs no more."""
    weighted = design * np.sqrt(weights).astype(np.float32)[:, None]
    found = (weighted.T @ weighted).astype(np.float64)
    return np.asarray(found + np.diag(penalty + 1e-6 * np.diag(found).max()), dtype=np.float64)


def _target(counts: Floats, mean: Floats, dispersion: float, beta: Floats, penalty: Floats) -> float:
    return quasi_likelihood(counts, mean, dispersion) - 0.5 * float(penalty @ beta**2)


def _stepped(
    design: Floats,
    counts: Floats,
    offset: Floats,
    dispersion: float,
    beta: Floats,
    change: Floats,
    penalty: Floats,
    value: float,
) -> tuple[Floats, Floats, float]:
    """Return coefficients and means after a step that does not make the target worse, and by how much it is better."""
    size = min(1.0, LARGEST_STEP / max(float(np.abs(change).max()), 1e-12))
    for _ in range(12):
        tried = beta + size * change
        mean = mean_of(design, tried, offset)
        gain = _target(counts, mean, dispersion, tried, penalty) - value
        if gain >= -1e-9 * abs(value):
            return tried, mean, max(gain, 0.0)
        size *= 0.5
    return beta, mean_of(design, beta, offset), 0.0


def _dispersion(counts: Floats, mean: Floats) -> float:
    values, times = np.unique(counts, return_counts=True)

    def negative(log_alpha: float) -> float:
        alpha = float(np.exp(log_alpha))
        size = 1.0 / alpha
        rising = float(times @ (gammaln(values + size) - gammaln(size) - values * np.log(size)))
        return -quasi_likelihood(counts, mean, alpha) - rising

    found = minimize_scalar(
        negative, bounds=(np.log(1e-6), np.log(MAX_DISPERSION)), method="bounded", options={"xatol": 1e-4}
    )
    alpha = float(np.exp(found.x))
    return 0.0 if alpha < 2e-6 else alpha


def _made(
    design: Floats, counts: Floats, beta: Floats, dispersion: float, mean: Floats, penalty: Floats, steps: int
) -> Fit:
    variance = mean + dispersion * mean**2
    value = log_likelihood(counts, mean, dispersion)
    curvature = _curvature(counts, mean, dispersion)
    return finished(design, counts, beta, dispersion, mean, variance, curvature, penalty, value, steps)


def _curvature(counts: Floats, mean: Floats, dispersion: float) -> Floats:
    found: Floats = mean * (1.0 + dispersion * counts) / (1.0 + dispersion * mean) ** 2
    return found


def finished(
    design: Floats,
    counts: Floats,
    beta: Floats,
    dispersion: float,
    mean: Floats,
    variance: Floats,
    weights: Floats,
    penalty: Floats,
    value: float,
    steps: int,
) -> Fit:
    """Return a fit with all that follows from its means, variances and weights."""
    factor = mean / variance
    score = factor * (counts - mean)
    information = information_of(design, weights, penalty)
    return Fit(beta, dispersion, mean, variance, factor, weights, score, information, value, steps)
