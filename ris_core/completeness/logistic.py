"""The probability of a detection as a logistic function of the logarithm of the amplitude, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEPS, _CLOSE, _LONGEST_STEP = 100, 1e-9, 5.0


@dataclass(frozen=True)
class LogisticFit:
    """The fit logit p = intercept + slope · (log₁₀ amplitude − centre).

    Attributes
    ----------
    intercept, slope, centre
        Its parameters.
    covariance
        (2, 2), of intercept and slope.
    """

    intercept: float
    slope: float
    centre: float
    covariance: NDArray[np.float64]

    @property
    def rises(self) -> bool:
        """Whether detection becomes more probable with the amplitude: else no amplitude belongs to a probability."""
        return self.slope > 0

    def probability(self, amplitude: NDArray[Any]) -> NDArray[np.float64]:
        """Return the probability of a detection at amplitudes (n,)."""
        x = np.log10(np.asarray(amplitude, np.float64)) - self.centre
        return _expit(self.intercept + self.slope * x)

    def amplitude_at(self, probability: float, confidence: float) -> tuple[float, float, float]:
        """Return the amplitude that is detected with a probability, and the ends of its interval.

        The interval is that of log₁₀ amplitude by the delta method.

        Parameters
        ----------
        probability
            For example 0.5 or 0.9.
        confidence
            Of the interval, for example 0.95.

        Raises
        ------
        ValueError
            The probability does not rise with the amplitude.
        """
        if not self.rises:
            raise ValueError("the probability of a detection does not rise with the amplitude")
        from scipy.stats import norm

        logit = math.log(probability / (1 - probability))
        x = (logit - self.intercept) / self.slope
        gradient = np.array([-1.0, -x]) / self.slope
        reach = float(norm.ppf(0.5 + confidence / 2)) * math.sqrt(float(gradient @ self.covariance @ gradient))
        # Beyond float's range an amplitude says no more than infinity does.
        low, value, high = (10.0 ** min(max(self.centre + at, -300.0), 300.0) for at in (x - reach, x, x + reach))
        return value, low, high


def fit_logistic(amplitude: NDArray[Any], detected: NDArray[Any]) -> LogisticFit:
    """Fit the probability of a detection to log₁₀ amplitude by Firth's penalised likelihood.

    Firth's penalty (Jeffreys' prior) removes the first-order bias, and gives finite estimates where detected and
    missed amplitudes do not overlap, as happens with few templates or a steep detector.

    Parameters
    ----------
    amplitude
        (n,), greater than 0, of at least two values.
    detected
        (n,) bool.

    Raises
    ------
    ValueError
        There are fewer than two different amplitudes, or one is not greater than 0.

    Notes
    -----
    Firth (1993), Biometrika 80, doi 10.1093/biomet/80.1.27; Heinze & Schemper (2002), Statistics in Medicine 21,
    doi 10.1002/sim.1047.
    """
    amplitude = np.asarray(amplitude, np.float64)
    if not (amplitude > 0).all() or np.unique(amplitude).size < 2:
        raise ValueError("amplitudes must be greater than 0, and there must be two different ones at least")
    logs = np.log10(amplitude)
    centre = float(logs.mean())
    design = np.column_stack([np.ones(logs.size), logs - centre])
    y = np.asarray(detected, np.float64)
    beta = np.zeros(2)
    value = _penalised(design, y, beta)
    for _ in range(_STEPS):
        p = _expit(design @ beta)
        weight = p * (1 - p)
        covariance = np.linalg.inv(_information(design, weight))
        leverage = weight * np.einsum("ij,jk,ik->i", design, covariance, design)
        step = covariance @ (design.T @ (y - p + leverage * (0.5 - p)))
        size = float(np.abs(step).max())
        step *= min(1.0, _LONGEST_STEP / size) if size > 0 else 1.0
        # Half as far while the penalised likelihood falls: Newton's step may lead over its maximum.
        while (there := _penalised(design, y, beta + step)) < value - _CLOSE and float(np.abs(step).max()) > _CLOSE:
            step /= 2
        beta, value = beta + step, there
        if float(np.abs(step).max()) < _CLOSE:
            break
    p = _expit(design @ beta)
    final: NDArray[np.float64] = np.linalg.inv(_information(design, p * (1 - p))).astype(np.float64)
    return LogisticFit(float(beta[0]), float(beta[1]), centre, final)


def _information(design: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    # A trace of the identity keeps it invertible where every probability is 0 or 1 in double precision.
    return design.T @ (design * weight[:, None]) + 1e-12 * np.eye(2)


def _penalised(design: NDArray[np.float64], y: NDArray[np.float64], beta: NDArray[np.float64]) -> float:
    eta = design @ beta
    p = _expit(eta)
    _, logarithm = np.linalg.slogdet(_information(design, p * (1 - p)))
    return float((y * eta - np.logaddexp(0.0, eta)).sum() + 0.5 * logarithm)


def _expit(eta: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(eta, -700, 700))))
