"""Probabilities of trees that are made to mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

FLOOR = 1e-3
"""Added to every share of the trees, so that a class that no tree names is not impossible."""
_BOUNDS = ((np.log(0.2), np.log(5.0)), (0.0, 1.0), (np.log(1e-4), np.log(0.5)))
_START = (0.0, 0.0, np.log(FLOOR))


@dataclass(frozen=True)
class Calibration:
    """What turns shares of the trees into probabilities.

    The probability of class k is proportional to π_k^γ (p_k + ε)^(1/T): T a temperature (Guo et al. 2017,
    arXiv:1706.04599), ε a floor, and π the frequencies of the classes, which balanced trees do not know (the part of
    the bias in Kull et al. 2019, arXiv:1910.12656, with one parameter).

    Attributes
    ----------
    temperature, prior_power, floor
        T, γ and ε; 1, 0 and `FLOOR` if they were not fitted.
    prior
        (K,) π.
    fitted
        Whether they were fitted to reviewed events that the trees had not seen.
    """

    temperature: float
    prior_power: float
    floor: float
    prior: tuple[float, ...]
    fitted: bool

    def __call__(self, shares: NDArray[Any]) -> NDArray[np.float64]:
        """Return the probabilities (n, K) for shares of the trees (n, K)."""
        prior = np.asarray(self.prior)
        return _calibrated(shares, prior, self.temperature, self.prior_power, self.floor)

    def as_spec(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "temperature": self.temperature,
            "prior_power": self.prior_power,
            "floor": self.floor,
            "prior": list(self.prior),
            "fitted": self.fitted,
        }

    @classmethod
    def of_spec(cls, spec: Any) -> Calibration:
        """Return that of plain values; raises `KeyError`, `TypeError` or `ValueError`."""
        numbers = {name: float(spec[name]) for name in ("temperature", "prior_power", "floor")}
        if not (numbers["temperature"] > 0 and numbers["floor"] > 0):
            raise ValueError(f"temperature and floor must be above 0: {numbers}")
        return cls(**numbers, prior=tuple(float(value) for value in spec["prior"]), fitted=bool(spec["fitted"]))


def no_calibration(n_classes: int) -> Calibration:
    """Return what leaves shares nearly as they are."""
    return Calibration(1.0, 0.0, FLOOR, (1 / n_classes,) * n_classes, fitted=False)


def fit_calibration(shares: NDArray[Any], y: NDArray[np.int64], weights: NDArray[np.float64]) -> Calibration:
    """Return the calibration with the smallest log loss of events that the trees had not seen.

    Parameters
    ----------
    shares
        (n, K) of the trees.
    y
        (n,) classes.
    weights
        (n,) share of all events that each stands for.
    """
    k = shares.shape[1]
    share = weights / weights.sum()
    prior = np.bincount(y, share, minlength=k) * len(y) + 1
    prior = prior / prior.sum()

    def loss(values: NDArray[np.float64]) -> float:
        found = _calibrated(shares, prior, np.exp(values[0]), values[1], np.exp(values[2]))
        # A weak pull towards what was not fitted, as strong as one event.
        pull = (values[0] ** 2 + values[1] ** 2 + 0.1 * (values[2] - _START[2]) ** 2) / len(y)
        return float(-(share * np.log(found[np.arange(len(y)), y])).sum() + pull)

    best = minimize(loss, np.array(_START), method="L-BFGS-B", bounds=_BOUNDS)
    temperature, power, floor = (float(v) for v in best.x)
    return Calibration(float(np.exp(temperature)), power, float(np.exp(floor)), tuple(prior.tolist()), fitted=True)


def log_loss(probabilities: NDArray[Any], y: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    """Return the weighted mean of −log of the probability of the true class."""
    of_truth = probabilities[np.arange(len(y)), y]
    return float(-(weights / weights.sum() * np.log(np.maximum(of_truth, 1e-12))).sum())


def _calibrated(
    shares: NDArray[Any], prior: NDArray[np.float64], temperature: float, power: float, floor: float
) -> NDArray[np.float64]:
    logs = np.log(np.asarray(shares, dtype=np.float64) + floor) / temperature + power * np.log(prior)
    found = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True))
