"""The classifier of reviewed events: trees, calibrated probabilities, conformal sets and what is new."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.reviewed.assessing import assess
from ris_core.clustering.reviewed.assessment import Assessment, CrossValidated
from ris_core.clustering.reviewed.calibration import Calibration, fit_calibration, log_loss, no_calibration
from ris_core.clustering.reviewed.conformal import left_out_thresholds, scores_of, sets_of, weighted_threshold
from ris_core.clustering.reviewed.groups import parts_of
from ris_core.clustering.reviewed.spreading import Surrounding, grow, surrounding_of
from ris_core.clustering.reviewed.unlike import Unlike, fit_unlike
from ris_core.clustering.reviewed.weights import standing_for
from ris_core.clustering.trees import Trees
from ris_core.config import ClassModelSettings
from ris_core.storage.tensors import Arrays

_TREES, _UNLIKE = "trees.", "unlike."


@dataclass(frozen=True, eq=False)
class FittedClasses:
    """A classifier of events by K reviewed classes. Several threads may ask it at once.

    Attributes
    ----------
    names
        The classes, in alphabetical order.
    trees, calibration
        What gives the probabilities.
    threshold
        Score (1 minus probability) above which a class is not in the conformal set; infinite with too few reviews, so
        that every set has all classes.
    unlike
        What tells new events.
    assessment
        What is known of it; none if it was read from a file, which has its record.
    cross_validated
        What models that had not seen its group say of each reviewed event; none if there could be no cross-validation,
        or if it was read from a file.
    """

    names: tuple[str, ...]
    trees: Trees = field(repr=False)
    calibration: Calibration = field(repr=False)
    threshold: float
    unlike: Unlike = field(repr=False)
    assessment: Assessment | None = field(default=None, repr=False)
    cross_validated: CrossValidated | None = field(default=None, repr=False)

    def probabilities(self, z: NDArray[Any]) -> NDArray[np.float64]:
        """Return the calibrated probabilities (n, K) of the classes for features (n, D)."""
        return self.calibration(self.trees.predict_proba(z))

    def sets(self, z: NDArray[Any]) -> NDArray[np.bool_]:
        """Return whether each class (n, K) is in the conformal set of each event."""
        return sets_of(self.probabilities(z), self.threshold)

    def novelty(self, z: NDArray[Any]) -> NDArray[np.float32]:
        """Return the distance (n,) to the nearest reviewed event."""
        return self.unlike.distances(z)

    def novel(self, z: NDArray[Any]) -> NDArray[np.bool_]:
        """Return whether events (n,) are unlike every reviewed event."""
        return np.asarray(self.novelty(z) > self.unlike.threshold)

    def arrays(self) -> Arrays:
        """Return its arrays by name."""
        return {
            **{_TREES + name: values for name, values in self.trees.arrays().items()},
            **{_UNLIKE + name: values for name, values in self.unlike.arrays().items()},
            "threshold": np.array([self.threshold]),
        }

    def spec(self) -> Mapping[str, Any]:
        """Return what is needed beside the arrays to build it again."""
        return {"names": list(self.names), "calibration": self.calibration.as_spec()}

    @classmethod
    def build(cls, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the classifier of a spec and arrays; raises `KeyError`, `TypeError` or `ValueError`."""
        own = {
            part: {name.removeprefix(part): values for name, values in arrays.items() if name.startswith(part)}
            for part in (_TREES, _UNLIKE)
        }
        (threshold,) = arrays["threshold"].tolist()
        names = tuple(str(name) for name in spec["names"])
        trees, calibration = Trees.build(own[_TREES]), Calibration.of_spec(spec["calibration"])
        unlike = Unlike.build(own[_UNLIKE])
        if not (len(names) == trees.n_classes == len(calibration.prior)) or len(unlike.scale) != trees.dimensions:
            raise ValueError(f"{len(names)} names, but trees for {trees.n_classes} classes")
        return cls(names, trees, calibration, float(threshold), unlike)


def fit_classes(
    z: NDArray[Any],
    names: Sequence[str],
    groups: NDArray[Any],
    audit: NDArray[np.bool_],
    settings: ClassModelSettings,
    seed: int,
    population: NDArray[Any] | None = None,
    single: NDArray[np.bool_] | None = None,
) -> FittedClasses:
    """Fit a classifier to reviewed events, calibrate it, and say what is known of it.

    The same input and seed give the same arrays. One thread is used.

    Parameters
    ----------
    z
        Features (n, D) of the reviewed events.
    names
        (n,) their classes.
    groups
        (n,) numbers; events of one group are never on both sides of a cross-validation (`groups.groups_of`).
    audit
        (n,) bool: drawn uniformly at random from the events that were not reviewed.
    settings
        Section `class_model`.
    seed
        Of the trees and of the cross-validation.
    population
        (N, D) features of all events, as far as they are known: what the reviewed events stand for, and what lies
        around them. None: each reviewed event stands for as many, and all trees are grown on the reviewed events.
    single
        (n,) bool: events that a reviewer looked at one by one. Others, named as a group, train the trees, but
        nothing is calibrated or assessed on them. None: all.

    Raises
    ------
    ValueError
        There is no event, the arrays do not belong together, or a feature is not finite.
    """
    values, audit = np.asarray(z, dtype=np.float32), np.asarray(audit, dtype=bool)
    if values.ndim != 2 or not len(values) or {len(names), len(groups), len(audit)} != {len(values)}:
        raise ValueError(
            f"features {values.shape}, {len(names)} classes, {len(groups)} groups and {len(audit)} audits: one of each "
            "is needed for every reviewed event, and one event at least"
        )
    if not np.isfinite(values).all():
        raise ValueError("a feature of a reviewed event is not finite")
    classes, y = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    known, y = tuple(str(name) for name in classes), np.asarray(y, dtype=np.int64).reshape(-1)
    group = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1).astype(np.int64)
    looked_at = np.ones(len(y), dtype=bool) if single is None else np.asarray(single, dtype=bool)
    around = surrounding_of(values, population, settings, seed)
    trees = grow(values, y, len(known), settings, seed, around)
    weights = standing_for(values[looked_at], population)
    unlike, distances = fit_unlike(values, group, looked_at, weights, settings.false_alarms, population)
    limits = limits_of(known, y[looked_at], audit[looked_at], group[looked_at], weights, settings)
    count = len(np.unique(group))
    if len(known) < 2 or count < 2 or not looked_at.any():
        assessment = assess(known, None, y, audit & looked_at, count, settings.coverage, limits)
        return FittedClasses(known, trees, no_calibration(len(known)), math.inf, unlike, assessment)
    part = parts_of(group, y, settings.folds, seed)
    shares = cross_validated_shares(values, y, len(known), part, settings, seed, around)[looked_at]
    found, calibration, threshold = _calibrated(
        shares, y[looked_at], weights, audit[looked_at], group[looked_at], part[looked_at], distances, settings
    )
    losses = log_loss(found.probabilities, found.y, weights), log_loss(found.uncalibrated, found.y, weights)
    assessment = assess(
        known,
        found,
        y,
        audit & looked_at,
        count,
        settings.coverage,
        limits,
        losses,
        calibration.fitted,
        threshold,
    )
    return FittedClasses(known, trees, calibration, threshold, unlike, assessment, found)


def _calibrated(
    shares: NDArray[np.float64],
    y: NDArray[np.int64],
    weights: NDArray[np.float64],
    audit: NDArray[np.bool_],
    group: NDArray[np.int64],
    part: NDArray[np.int64],
    distances: NDArray[np.float32],
    settings: ClassModelSettings,
) -> tuple[CrossValidated, Calibration, float]:
    """Return the cross-validation, the calibration and the threshold of the conformal sets."""
    k = shares.shape[1]
    enough = len(y) >= settings.fewest_reviews
    calibration = fit_calibration(shares, y, weights) if enough else no_calibration(k)
    probabilities = calibration(shares)
    scores = scores_of(probabilities, y)
    thresholds = left_out_thresholds(scores, weights, group, settings.coverage)
    found = CrossValidated(
        y=y,
        predicted=probabilities.argmax(axis=1),
        probabilities=probabilities,
        uncalibrated=no_calibration(k)(shares),
        sets=sets_of(probabilities, thresholds[:, None]),
        distances=distances,
        weights=weights,
        audit=audit,
        groups=group,
        part=part,
    )
    return found, calibration, weighted_threshold(scores, weights, settings.coverage)


def cross_validated_shares(
    z: NDArray[np.float32],
    y: NDArray[np.int64],
    n_classes: int,
    part: NDArray[np.int64],
    settings: ClassModelSettings,
    seed: int,
    around: Surrounding | None,
) -> NDArray[np.float64]:
    """Return the shares (n, K) of trees that were grown with the reviews of the other parts (n,) of the events."""
    found = np.empty((len(y), n_classes))
    for number in range(int(part.max()) + 1):
        own = part == number
        found[own] = grow(z, y, n_classes, settings, seed + 1 + number, around, ~own).predict_proba(z[own])
    return found


def limits_of(
    names: tuple[str, ...],
    y: NDArray[np.int64],
    audit: NDArray[np.bool_],
    groups: NDArray[np.int64],
    weights: NDArray[np.float64],
    settings: ClassModelSettings,
) -> tuple[str, ...]:
    """Return in words what cannot be said with so few reviews, and what would help."""
    said = []
    if len(names) < 2:
        said.append(f"all reviewed events are of one class, {names[0]}: review events of another one")
    if not len(y):
        said.append("all reviewed events were named as groups, so nothing can be tested: look at some one by one")
    elif len(np.unique(groups)) < 2:
        said.append("all reviewed events are of one source or one block of time, so nothing can be cross-validated")
    if len(y) < settings.fewest_reviews:
        said.append(
            f"{len(y)} reviewed events are too few for calibrated probabilities; review "
            f"{settings.fewest_reviews - len(y)} more"
        )
    counts = np.bincount(y, minlength=len(names))
    if len(y) and (untested := [name for name, count in zip(names, counts, strict=True) if not count]):
        said.append(
            f"classes of which every event was named as part of a group are not tested, and not in the balanced "
            f"accuracy: {', '.join(untested)}; look at some of their events one by one"
        )
    few = [f"{name} ({count})" for name, count in zip(names, counts, strict=True) if 0 < count < settings.fewest]
    if few:
        said.append(
            f"precision and recall of classes with fewer than {settings.fewest} events say little: {', '.join(few)}"
        )
    single = weights[counts[y] == 1].sum() / max(weights.sum(), 1e-9)
    if single > 1 - settings.coverage:
        # What was seen once is as frequent as what was never seen (Good 1953, doi 10.1093/biomet/40.3-4.237).
        said.append(
            f"about {single:.0%} of all events may be of classes that nobody has reviewed yet, so that sets of "
            f"reviewed classes cannot cover {settings.coverage:.0%}; review more"
        )
    if not audit.any():
        said.append(
            "no audits: accuracy by cross-validation is that of the events that were chosen for the review, not of all"
        )
    return tuple(said)
