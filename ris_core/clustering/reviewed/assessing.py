"""A classifier of reviewed events is assessed by its cross-validation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.reviewed.assessment import Assessment, ClassAssessment, CrossValidated
from ris_core.clustering.reviewed.intervals import Share, share_in_groups, share_of

RELIABILITY_BINS = 10


def assess(
    names: tuple[str, ...],
    found: CrossValidated | None,
    y: NDArray[np.int64],
    audit: NDArray[np.bool_],
    groups: int,
    promised: float,
    limits: tuple[str, ...],
    losses: tuple[float, float] | None = None,
    calibrated: bool = False,
    threshold: float = math.inf,
) -> Assessment:
    """Return the assessment.

    Parameters
    ----------
    names
        The K classes.
    found
        The cross-validation; none if there could be none.
    y, audit
        Classes and audits (n,) of all reviewed events.
    groups
        Number of groups.
    promised
        Promised coverage.
    limits
        What cannot be said.
    losses
        Log loss, calibrated and as the trees give it; none without cross-validation.
    calibrated, threshold
        As in `Assessment`.
    """
    k = len(names)
    classes = tuple(_of_class(i, name, found, y, audit) for i, name in enumerate(names))
    recalls = [one.recall.value for one in classes if one.recall.value is not None]
    shared: dict[str, Any] = {
        "reviews": len(y),
        "tested": 0 if found is None else len(found.y),
        "audits": int(audit.sum()),
        "groups": groups,
        "classes": classes,
        "accuracy": _share(found, lambda of: of.predicted == of.y, None),
        "audit_accuracy": _share(found, lambda of: of.predicted == of.y, lambda of: of.audit),
        "balanced_accuracy": float(np.mean(recalls)) if recalls else None,
        "confusion": confusion_of(found, k),
        "audit_confusion": confusion_of(found, k, audits_only=True),
        "calibrated": calibrated,
        "threshold": threshold,
        "promised": promised,
        "limits": limits,
    }
    if found is None or losses is None:
        return Assessment(
            **shared,
            parts=0,
            weighted_accuracy=None,
            log_loss=None,
            log_loss_uncalibrated=None,
            calibration_error=None,
            reliability=(),
            coverage=None,
            audit_coverage=share_of(0, 0),
            set_sizes=(),
            coverage_by_size=(),
            assigned=None,
        )
    covered, size = found.sets[np.arange(len(found.y)), found.y], found.sets.sum(axis=1)
    weights = found.weights / found.weights.sum()
    sizes = np.bincount(size, weights, minlength=k + 1)
    bins = reliability_of(found)
    return Assessment(
        **shared,
        parts=int(found.part.max()) + 1,
        weighted_accuracy=float(weights[found.predicted == found.y].sum()),
        log_loss=losses[0],
        log_loss_uncalibrated=losses[1],
        calibration_error=float(sum(weight * abs(said - right) for said, right, weight in bins)),
        reliability=bins,
        coverage=float(weights[covered].sum()),
        audit_coverage=share_in_groups(covered[found.audit], found.groups[found.audit]),
        set_sizes=tuple(float(value) for value in sizes),
        coverage_by_size=tuple(share_in_groups(covered[size == n], found.groups[size == n]) for n in range(1, k + 1)),
        assigned=float(sizes[1]),
    )


def _of_class(
    number: int, name: str, found: CrossValidated | None, y: NDArray[np.int64], audit: NDArray[np.bool_]
) -> ClassAssessment:
    """Return what is known of a class; `y` and `audit` are those of all reviewed events."""

    def right(of: CrossValidated) -> NDArray[np.bool_]:
        return np.asarray((of.y == number) & (of.predicted == number))

    return ClassAssessment(
        name,
        reviewed=int((y == number).sum()),
        audits=int((audit & (y == number)).sum()),
        precision=_share(found, right, lambda of: of.predicted == number),
        recall=_share(found, right, lambda of: of.y == number),
        audit_precision=_share(found, right, lambda of: of.audit & (of.predicted == number)),
        audit_recall=_share(found, right, lambda of: of.audit & (of.y == number)),
    )


_Rows = Callable[[CrossValidated], NDArray[np.bool_]]


def _share(found: CrossValidated | None, right: _Rows, among: _Rows | None) -> Share:
    """Return the share of events that are right among some, or among all; of no event without a cross-validation."""
    if found is None:
        return share_of(0, 0)
    rows = np.ones(len(found.y), dtype=bool) if among is None else among(found)
    return share_in_groups(right(found)[rows], found.groups[rows])


def confusion_of(found: CrossValidated | None, k: int, audits_only: bool = False) -> NDArray[np.int64]:
    """Return the counts (K, K) of events by the reviewers' class (rows) and the model's (columns)."""
    table = np.zeros((k, k), dtype=np.int64)
    if found is not None:
        rows = found.audit if audits_only else slice(None)
        np.add.at(table, (found.y[rows], found.predicted[rows]), 1)
    return table


def reliability_of(found: CrossValidated) -> tuple[tuple[float, float, float], ...]:
    """Return mean greatest probability, weighted share that is right, and weight of the events of each bin."""
    greatest, right = found.probabilities.max(axis=1), found.predicted == found.y
    which = np.minimum((greatest * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    weights = found.weights / found.weights.sum()
    bins = []
    for own in (which == number for number in range(RELIABILITY_BINS)):
        if weight := float(weights[own].sum()):
            said, true = (float((weights[own] * values[own]).sum() / weight) for values in (greatest, right))
            bins.append((said, true, weight))
    return tuple(bins)
