"""The class model from the reviews to its file: features read, classifier fitted, assessed, drawn, logged and kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.clustering.features import load_representation, read_features
from ris_core.clustering.latents import ClusteringInputs
from ris_core.clustering.model_record import KeptModel, ModelRecord
from ris_core.clustering.reviewed.assessment import Assessment
from ris_core.clustering.reviewed.class_model_files import class_model_configuration, write_class_model
from ris_core.clustering.reviewed.fitted_classes import FittedClasses, fit_classes
from ris_core.clustering.reviewed.groups import groups_of
from ris_core.clustering.reviewed.reviewed_model import ReviewedModel
from ris_core.config import REPRESENTATIONS, Settings
from ris_core.contracts.event_identifier import peak_of
from ris_core.contracts.reviewed_classes import ReviewedClasses
from ris_core.contracts.run_log import RunLog
from ris_core.figures import class_figures
from ris_core.review.reviewed_features import ReviewedFeatures, reviewed_features
from ris_core.review.state import ReviewState
from ris_core.section import digest_of
from ris_core.storage.layout import Layout
from ris_core.training.training_set import TrainingSet


class NoReviewsError(ValueError):
    """No reviewed event can be used; the message says what to do."""


@dataclass(frozen=True)
class FinishedClassModel:
    """The class model that was trained and written.

    Attributes
    ----------
    kept
        Digest and record of its file.
    classes, assessment
        Its classes and reviews, and what is known of it.
    left_out
        Why a reviewed event could not be used, by its identifier.
    path
        The folder of its files.
    """

    kept: KeptModel
    classes: ReviewedClasses = field(repr=False)
    assessment: Assessment = field(repr=False)
    left_out: Mapping[str, str] = field(repr=False)
    path: Path

    def doubts_of_reviews(self) -> tuple[str, ...]:
        """Return in words what cannot be said, and how many reviewed events could not be used."""
        lost = len(self.left_out)
        return (*self.assessment.limits, *((f"{lost} reviewed event(s) could not be used",) if lost else ()))


def review_digest(state: ReviewState) -> str:
    """Return the digest of what the class model takes from the reviews: words, names, and which are simulated."""
    words = state.reviewed()
    simulated = words.loc[words["simulated"], "event_id"].tolist()
    return digest_of([state.digest, sorted(state.names.items()), simulated])


def train_class_model(
    layout: Layout,
    data: TrainingSet,
    state: ReviewState,
    settings: Settings,
    about: Mapping[str, Any],
    log: RunLog,
) -> FinishedClassModel:
    """Fit a classifier to all reviewed events, assess it, and write it as a model that labels.

    Parameters
    ----------
    layout, data
        The data root and the training set.
    state
        The reviews.
    settings
        Sections `class_model` and those of the representations.
    about
        Parameters that describe the training set (`data_parameters`).
    log
        Gets parameters, metrics, tags, the tables ``classes.csv``, ``confusion.csv`` and ``left_out.csv``, and the
        figures ``confusion``, ``audit_confusion``, ``reliability``, ``coverage`` and ``class_scores``.

    Raises
    ------
    NoReviewsError
        There is no reviewed event with features.
    FileNotFoundError
        A representation has not been fitted, or no autoencoder is chosen.
    OutOfStepError
        Features are not of the present representation and training set.
    """
    started = time.perf_counter()
    names = settings.class_representations
    digest = review_digest(state)
    configuration = class_model_configuration(layout, settings, digest)
    representations = [load_representation(layout, name, settings.normalisation) for name in names]
    latents = [read_features(layout, name, settings.normalisation) for name in names]
    population = np.concatenate([of.z for of in latents], axis=1)
    words = state.reviewed().set_index("event_id")
    rows = {name: row for row, name in enumerate(data.event_id)}
    known = {name: population[rows[name]] for name in words.index if name in rows}
    found = reviewed_features(layout, list(words.index), representations, known)
    _require(words, found)
    used = words.loc[list(found.event_id)]
    fitted = fit_classes(
        found.z,
        used["class_name"].tolist(),
        groups_of(np.array([peak_of(name) for name in found.event_id], dtype=np.int64), settings.class_model.block),
        used["audit"].to_numpy(),
        settings.class_model,
        settings.class_model.seed,
        population,
        ~used["bulk"].to_numpy(),
    )
    assessment = _assessment(fitted)
    model = ReviewedModel(settings.class_model_name, representations, fitted, _classes(fitted, words, state))
    inputs = ClusteringInputs(_representation_digest([of.inputs.representation for of in latents]), data.digest)
    predicted = fitted.probabilities(population).argmax(axis=1)
    simulated = int(words["simulated"].sum())
    metrics = {
        **assessment.metrics(),
        "simulated_reviews": float(simulated),
        "left_out": float(len(found.left_out)),
        "seconds": time.perf_counter() - started,
    }
    record = ModelRecord(
        inputs=inputs,
        configuration=configuration,
        metrics=metrics,
        sizes=tuple(int(size) for size in np.bincount(predicted, minlength=len(fitted.names))),
        coinciding=(),
        stations=(),
        stopped="",
        updates=(),
        normalisation=data.normalisation,
        links=log.links,
        name=settings.class_model_name,
    )
    metadata = {
        **record.as_metadata(len(fitted.names)),
        "class_names": list(fitted.names),
        "reviews": digest,
        "simulated": bool(simulated),
        "assessment": assessment.as_record(),
        "left_out": dict(found.left_out),
        **_plugins(model),
    }
    _log(log, settings, record, assessment, found, about)
    path = write_class_model(layout, model, metadata)
    return FinishedClassModel(KeptModel(model.digest, record), model.classes, assessment, found.left_out, path)


def _require(words: pd.DataFrame, found: ReviewedFeatures) -> None:
    """Raise `NoReviewsError` unless there is a reviewed event with features."""
    if not len(words):
        raise NoReviewsError(
            "no event has been reviewed yet; review some with `ris review`, then train the class model"
        )
    if not found.event_id:
        name, why = next(iter(found.left_out.items()))
        raise NoReviewsError(f"none of the {len(words)} reviewed events has features; of {name}: {why}")


def _assessment(fitted: FittedClasses) -> Assessment:
    if fitted.assessment is None:
        raise ValueError("a classifier that was fitted here has an assessment")
    return fitted.assessment


def _classes(fitted: FittedClasses, words: pd.DataFrame, state: ReviewState) -> ReviewedClasses:
    return ReviewedClasses(
        names=fitted.names,
        reviewed={str(event): str(name) for event, name in words["class_name"].items()},
        renames=state.renames,
        simulated=state.simulated,
    )


def _representation_digest(digests: list[str]) -> str:
    """Return the digest of one representation, or one of several."""
    return digests[0] if len(digests) == 1 else digest_of(digests)


def _plugins(model: ReviewedModel) -> dict[str, list[str]]:
    """Return the plug-ins that made a model, for the metadata of its file; nothing if it was made by none."""
    found = (REPRESENTATIONS.plugin(one.kind) for one in model.representations)
    named = list(dict.fromkeys(str(plugin) for plugin in found if plugin is not None))
    return {"plugins": named} if named else {}


def _log(
    log: RunLog,
    settings: Settings,
    record: ModelRecord,
    assessment: Assessment,
    found: ReviewedFeatures,
    about: Mapping[str, Any],
) -> None:
    k, names = len(assessment.classes), [one.name for one in assessment.classes]
    log.parameters(
        {
            "k": k,
            "candidate": str(settings.class_model_name),
            **settings.class_model.model_dump(mode="json"),
            "representations": list(settings.class_representations),
            **about,
        }
    )
    log.metrics({name: value for name, value in record.metrics.items() if value is not None})
    log.tags({"simulated": str(bool(record.metrics["simulated_reviews"])).lower()})
    log.text(class_table(assessment).to_csv(), "classes.csv")
    log.text(_counts(assessment.confusion, names).to_csv(), "confusion.csv")
    log.text(pd.Series(found.left_out, name="why", dtype=object).to_csv(index_label="event_id"), "left_out.csv")
    for line in assessment.limits:
        log.note(line)
    for called, drawn in _figures(assessment, names):
        log.figure(drawn, called)


def _counts(counts: NDArray[np.int64], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(counts, index=pd.Index(names, name="reviewed"), columns=names)


def class_table(assessment: Assessment) -> pd.DataFrame:
    """Return reviews, precision and recall of each class, with their intervals."""
    rows = []
    for one in assessment.classes:
        row: dict[str, Any] = {"class": one.name, "reviewed": one.reviewed, "audits": one.audits}
        for called in ("precision", "recall", "audit_precision", "audit_recall"):
            share = getattr(one, called)
            row |= {called: share.value, f"{called}_low": share.low, f"{called}_high": share.high}
        rows.append(row)
    return pd.DataFrame(rows).set_index("class")


def _figures(assessment: Assessment, names: list[str]) -> Iterator[tuple[str, Figure]]:
    yield "confusion", class_figures.confusion_matrix(assessment.confusion, names, "Cross-validated, all reviews")
    yield "audit_confusion", class_figures.confusion_matrix(assessment.audit_confusion, names, "Audits alone")
    yield "reliability", class_figures.reliability_curve(assessment.reliability, "Reliability of the probabilities")
    shares = [(one.value, one.low, one.high) for one in assessment.coverage_by_size]
    yield (
        "coverage",
        class_figures.coverage_by_size(shares, assessment.set_sizes, assessment.promised, "Conformal sets"),
    )
    precision, recall = (
        [(share.value, share.low, share.high) for share in (getattr(one, called) for one in assessment.classes)]
        for called in ("precision", "recall")
    )
    yield "class_scores", class_figures.class_scores(names, precision, recall, "Cross-validated, all reviews")
