"""Whether a class model may label: one function for the check of its training and for the choice of the champion."""

from __future__ import annotations

from collections.abc import Mapping

from ris_core import config
from ris_core.clustering.candidates import Requirement
from ris_core.clustering.model_record import ModelRecord
from ris_core.config import SyntheticSettings
from ris_core.contracts.reviewed_classes import ReviewedClasses
from ris_core.training.acceptance import Acceptance


def accept_classes(
    classes: ReviewedClasses,
    metrics: Mapping[str, float | None],
    settings: config.ClassModelSettings,
    is_synthetic: bool,
) -> Acceptance:
    """Judge a class model by the reviews that it was trained on, and by its cross-validation.

    Parameters
    ----------
    classes
        Its classes and reviews.
    metrics
        Its scores by name; `tested_reviews`, `tested_classes` and `cv_balanced_accuracy` are judged.
    settings
        Section `class_model`: `fewest_reviews`.
    is_synthetic
        Whether the network is synthetic, where reviews may be simulated.
    """
    reasons = []
    k, reviews = len(classes.names), len(classes.reviewed)
    tested = int(metrics.get("tested_reviews") or 0)
    if k < 2:
        reasons.append(f"{k} class(es) were reviewed; at least two must be: review events of other classes")
    if reviews < settings.fewest_reviews:
        reasons.append(
            f"{reviews} events were reviewed, fewer than {settings.fewest_reviews} (class_model.fewest_reviews): "
            "review more of the queue"
        )
    elif k >= 2 and tested < settings.fewest_reviews:
        reasons.append(
            f"only {tested} of {reviews} reviewed events could be tested, fewer than {settings.fewest_reviews} "
            "(class_model.fewest_reviews): the others were named as a group, have no features, or all are of one block "
            "of time; look at more events of other times one by one"
        )
    if classes.simulated and not is_synthetic:
        reasons.append(
            "some of its reviews are simulated, but the network is not synthetic: withdraw them and train again"
        )
    accuracy = metrics.get("cv_balanced_accuracy")
    of_tested = int(metrics.get("tested_classes") or k)  # models of earlier versions do not say it
    if k >= 2 and accuracy is None:
        reasons.append("it could not be cross-validated: look at events of several blocks of time one by one")
    elif k >= 2 and of_tested < 2:
        reasons.append(
            f"only one of {k} classes could be tested, since all events of the others were named as a group: look at "
            "events of at least two classes one by one"
        )
    elif k >= 2 and accuracy is not None and not accuracy > 1 / of_tested:
        of_which = f" of the {of_tested} of {k} classes that could be tested" if of_tested < k else ""
        reasons.append(
            f"its balanced accuracy{of_which} in the cross-validation, {accuracy:.2f}, is not above that of a guess, "
            f"{1 / of_tested:.2f}: review more events of each class"
        )
    return Acceptance(not reasons, tuple(reasons))


def class_requirement(record: ModelRecord, classes: ReviewedClasses, settings: config.Settings) -> Requirement:
    """Return what a class model must fulfil to label, judged by the current settings."""
    is_synthetic = isinstance(settings.source, SyntheticSettings)
    judged = accept_classes(classes, record.metrics, settings.class_model, is_synthetic)
    return Requirement("reviews", str(len(classes.names)), judged.passed, "; ".join(judged.reasons))
