"""What is known of a classifier of reviewed events, and what cannot be said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.reviewed.intervals import Share

TOLERANCE = 0.05
"""By how much coverage may miss what is promised where there are no audits."""


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """What models that had not seen its group say of each of n reviewed events that was looked at by itself.

    Attributes
    ----------
    y, predicted
        (n,) the class by the reviewers, and the most probable one.
    probabilities
        (n, K) calibrated.
    uncalibrated
        (n, K) as the trees give them.
    sets
        (n, K) bool: conformal sets with thresholds of the other groups.
    distances
        (n,) to the nearest reviewed event of another group.
    weights
        (n,) share of all events that each stands for.
    audit
        (n,) bool: drawn uniformly at random for the review.
    groups, part
        (n,) groups, and parts of the cross-validation.
    """

    y: NDArray[np.int64] = field(repr=False)
    predicted: NDArray[np.int64] = field(repr=False)
    probabilities: NDArray[np.float64] = field(repr=False)
    uncalibrated: NDArray[np.float64] = field(repr=False)
    sets: NDArray[np.bool_] = field(repr=False)
    distances: NDArray[np.float32] = field(repr=False)
    weights: NDArray[np.float64] = field(repr=False)
    audit: NDArray[np.bool_] = field(repr=False)
    groups: NDArray[np.int64] = field(repr=False)
    part: NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True)
class ClassAssessment:
    """What is known of one class.

    Attributes
    ----------
    name
        Of the class.
    reviewed, audits
        Number of its reviewed events, and of the audits among them.
    precision, recall
        By cross-validation of all reviewed events. The queue prefers events that are hard to tell.
    audit_precision, audit_recall
        By the audits alone.
    """

    name: str
    reviewed: int
    audits: int
    precision: Share
    recall: Share
    audit_precision: Share
    audit_recall: Share


@dataclass(frozen=True, eq=False)
class Assessment:
    """What is known of a classifier.

    Attributes
    ----------
    reviews, tested, audits, groups, parts
        Numbers of reviewed events, of those that were looked at one by one and took part in the cross-validation, of
        audits among them, of groups, and of parts of the cross-validation.
    classes
        Each class.
    accuracy
        By cross-validation of all reviewed events, counted as they were chosen.
    audit_accuracy
        By the audits, each by models that had not seen its group: without the bias of chosen events.
    weighted_accuracy
        By cross-validation, each event with the weight of the events that it stands for; none without one.
    balanced_accuracy
        Mean recall by cross-validation of the classes that can be tested; none if no class can be. Classes that were
        only named as groups cannot.
    confusion, audit_confusion
        (K, K) counts by cross-validation, and of the audits alone: rows are the classes by the reviewers, columns those
        by the model.
    log_loss, log_loss_uncalibrated, calibration_error
        Weighted, by cross-validation; the last one is the expected calibration error (Naeini et al. 2015). None without
        cross-validation.
    reliability
        Bins of the greatest probability: mean probability, share that is right, weight. Empty without cross-validation.
    calibrated
        Whether the probabilities are calibrated.
    threshold
        Score above which a class is not in a set; infinite if each set holds all classes.
    promised, coverage, audit_coverage
        Promised coverage of the conformal sets, the one found with thresholds of other groups (weighted), and by
        audits alone. None without cross-validation.
    set_sizes
        Weighted share of events by the size of their set, 0 ... K.
    coverage_by_size
        Share of events, by the size of their set, 1 ... K, whose class is in it.
    assigned
        Weighted share of events with one class in their set; none without cross-validation.
    limits
        What cannot be said, and what would help.
    """

    reviews: int
    tested: int
    audits: int
    groups: int
    parts: int
    classes: tuple[ClassAssessment, ...]
    accuracy: Share
    audit_accuracy: Share
    weighted_accuracy: float | None
    balanced_accuracy: float | None
    confusion: NDArray[np.int64] = field(repr=False)
    audit_confusion: NDArray[np.int64] = field(repr=False)
    log_loss: float | None
    log_loss_uncalibrated: float | None
    calibration_error: float | None
    reliability: tuple[tuple[float, float, float], ...] = field(repr=False)
    calibrated: bool
    threshold: float
    promised: float
    coverage: float | None
    audit_coverage: Share
    set_sizes: tuple[float, ...]
    coverage_by_size: tuple[Share, ...] = field(repr=False)
    assigned: float | None
    limits: tuple[str, ...]

    @property
    def tested_classes(self) -> int:
        """Number of classes that have events in the cross-validation: those that the balanced accuracy is of."""
        return sum(one.recall.value is not None for one in self.classes)

    def metrics(self) -> dict[str, float]:
        """Return the numbers that are known, by the names in MLflow and in the model's record."""
        values = {
            "reviews": self.reviews,
            "tested_reviews": self.tested,
            "audits": self.audits,
            "classes": len(self.classes),
            "tested_classes": self.tested_classes,
            "reviews_of_smallest_class": min((one.reviewed for one in self.classes), default=0),
            "cv_accuracy": self.accuracy.value,
            "cv_weighted_accuracy": self.weighted_accuracy,
            "cv_balanced_accuracy": self.balanced_accuracy,
            "cv_log_loss": self.log_loss,
            "cv_log_loss_uncalibrated": self.log_loss_uncalibrated,
            "calibration_error": self.calibration_error,
            "promised_coverage": self.promised,
            "cv_coverage": self.coverage,
            "audit_coverage": self.audit_coverage.value,
            "audit_accuracy": self.audit_accuracy.value,
            "audit_accuracy_low": self.audit_accuracy.low if self.audits else None,
            "audit_accuracy_high": self.audit_accuracy.high if self.audits else None,
            "assigned": self.assigned,
        }
        return {name: float(value) for name, value in values.items() if value is not None}

    def doubts_of_calibration(self) -> tuple[str, ...]:
        """Return in words what speaks against the probabilities."""
        if self.log_loss is None or self.log_loss_uncalibrated is None:
            return ("without a cross-validation the probabilities are not calibrated",)
        if not self.calibrated:
            return ("there are too few reviewed events to calibrate the probabilities",)
        if self.log_loss > self.log_loss_uncalibrated:
            return (
                f"the log loss in the cross-validation rose from {self.log_loss_uncalibrated:.3f} to "
                f"{self.log_loss:.3f} by the calibration",
            )
        return ()

    def doubts_of_coverage(self) -> tuple[str, ...]:
        """Return in words what speaks against the promised coverage of the conformal sets."""
        if self.coverage is None:
            return ("without a cross-validation each set holds all classes",)
        if not math.isfinite(self.threshold):
            return ("there are too few reviewed events for sets of less than all classes",)
        audited = self.audit_coverage
        if audited.count and not audited.low <= self.promised <= audited.high:
            return (f"coverage of the audits is {audited}, but {self.promised:g} is promised",)
        if not audited.count and self.coverage < self.promised - TOLERANCE:
            return (f"coverage in the cross-validation is {self.coverage:.2f}, but {self.promised:g} is promised",)
        return ()

    def as_record(self) -> dict[str, Any]:
        """Return all of it as plain values, for the model's file; `confusion` has the rows of the reviewers."""
        of_class: list[Mapping[str, Any]] = [
            {
                "name": one.name,
                "reviewed": one.reviewed,
                "audits": one.audits,
                "precision": one.precision.as_record(),
                "recall": one.recall.as_record(),
                "audit_precision": one.audit_precision.as_record(),
                "audit_recall": one.audit_recall.as_record(),
            }
            for one in self.classes
        ]
        return {
            "classes": of_class,
            "accuracy": self.accuracy.as_record(),
            "audit_accuracy": self.audit_accuracy.as_record(),
            "confusion": self.confusion.tolist(),
            "audit_confusion": self.audit_confusion.tolist(),
            "reliability": [list(one) for one in self.reliability],
            "audit_coverage": self.audit_coverage.as_record(),
            "set_sizes": list(self.set_sizes),
            "coverage_by_size": [share.as_record() for share in self.coverage_by_size],
            "groups": self.groups,
            "parts": self.parts,
            "limits": list(self.limits),
        }
