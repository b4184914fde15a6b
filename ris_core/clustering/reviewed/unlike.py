"""How unlike every reviewed event an event is: the distance to the nearest of them.

The distance is the mean absolute difference of the scaled features. In trials on synthetic networks, with all reviews
of one class left out, it told the events of this class from others better than the Euclidean distance and those with
covariances (mean area under the curve 0.82 against 0.80 and 0.70 to 0.74).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from ris_core.clustering.reviewed.conformal import weighted_threshold
from ris_core.storage.tensors import Arrays

_BLOCK = 2_000


@dataclass(frozen=True, eq=False)
class Unlike:
    """The reviewed events, and the distance to them above which an event counts as new.

    Attributes
    ----------
    reviewed
        (n, D) float32 scaled features of the reviewed events.
    scale
        (D,) float32 standard deviations by which features are divided.
    threshold
        Distance that events of the reviewed classes rarely exceed; infinite if there are too few to say.
    """

    reviewed: NDArray[np.float32] = field(repr=False)
    scale: NDArray[np.float32] = field(repr=False)
    threshold: float

    def distances(self, z: NDArray[Any]) -> NDArray[np.float32]:
        """Return the distance (n,) of features (n, D) to the nearest reviewed event, in standard deviations."""
        return _nearest(np.asarray(z, dtype=np.float32) / self.scale, self.reviewed)

    def arrays(self) -> Arrays:
        """Return its arrays by name."""
        return {"reviewed": self.reviewed, "scale": self.scale, "threshold": np.array([self.threshold])}

    @classmethod
    def build(cls, arrays: Arrays) -> Self:
        """Return that of the arrays; raises `KeyError` or `ValueError`."""
        (threshold,) = arrays["threshold"].tolist()
        reviewed, scale = arrays["reviewed"], arrays["scale"]
        if reviewed.ndim != 2 or scale.shape != reviewed.shape[1:] or not (scale > 0).all() or not len(reviewed):
            raise ValueError(f"reviewed events {reviewed.shape} and scales {scale.shape} do not belong together")
        return cls(reviewed, scale, float(threshold))


def fit_unlike(
    z: NDArray[Any],
    groups: NDArray[Any],
    judged: NDArray[np.bool_],
    weights: NDArray[Any],
    false_alarms: float,
    population: NDArray[Any] | None = None,
) -> tuple[Unlike, NDArray[np.float32]]:
    """Return what tells new events, and the distance (m,) of m reviewed events to those of other groups.

    Parameters
    ----------
    z, groups
        Features (n, D) and groups (n,) of the reviewed events.
    judged, weights
        (n,) bool: the m events that the threshold is calibrated on; (m,) their weights.
    false_alarms
        Share of further events of the reviewed classes that may exceed the threshold.
    population
        (N, D) features of all events, from which the scale is taken; none: of the reviewed ones.
    """
    of_scale = z if population is None else population
    scale = np.asarray(of_scale, dtype=np.float64).std(axis=0)
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    reviewed = np.asarray(z, dtype=np.float32) / scale
    found = np.full(len(z), np.inf, dtype=np.float32)
    for group in np.unique(groups):
        own = groups == group
        if not own.all():
            found[own] = _nearest(reviewed[own], reviewed[~own])
    found = found[judged]
    known = np.isfinite(found)
    threshold = weighted_threshold(found[known], weights[known], 1 - false_alarms) if known.any() else math.inf
    return Unlike(reviewed, scale, threshold), found


def _nearest(z: NDArray[np.float32], reviewed: NDArray[np.float32]) -> NDArray[np.float32]:
    found = np.empty(len(z), dtype=np.float32)
    for start in range(0, len(z), _BLOCK):
        found[start : start + _BLOCK] = cdist(z[start : start + _BLOCK], reviewed, "cityblock").min(axis=1)
    return found / np.float32(z.shape[1])
