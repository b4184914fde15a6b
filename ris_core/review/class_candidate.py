"""The class model as one that may become champion."""

from __future__ import annotations

from collections.abc import Callable

from ris_core.clustering.candidates import Candidate, NoTrainedModelError, require
from ris_core.clustering.class_acceptance import class_requirement
from ris_core.clustering.model_states import ModelState
from ris_core.clustering.reviewed.class_model_files import class_inputs, class_model_is_current, load_class_model
from ris_core.clustering.reviewed.class_model_reading import NoClassModelError
from ris_core.clustering.reviewed.reviewed_model import ReviewedModel
from ris_core.config import Settings
from ris_core.registry import UnknownKindError
from ris_core.review.class_model_run import review_digest
from ris_core.review.state import ReviewState, read_state
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import NoAcceptedModelError


def candidate_of_reviews(layout: Layout, settings: Settings) -> Candidate:
    """Return the class model, if it was trained from the current representations and training set.

    Reviews that came after its training do not matter, unless all that it was trained on are withdrawn.

    Raises
    ------
    NoClassModelError
        None has been trained.
    NoTrainedModelError
        It was trained from others than the current ones.
    NoAcceptedModelError
        None of the reviews that it was trained on counts any more.
    FileNotFoundError
        A representation has not been fitted, or there is no training set.
    UnknownKindError
        A representation is of a plug-in that is not installed here.
    DamagedFileError
        Its files, or the review log, are damaged.
    """
    name = settings.class_model_name
    model, said = load_class_model(layout, name)
    candidate = Candidate(f"trained here on reviews, {name}, K = {model.n_clusters}", model, said.metadata)
    if candidate.record.inputs != class_inputs(layout, settings):
        raise NoTrainedModelError(
            f"the class model {model.version} was trained from another representation or training set than the current "
            "ones; train it again"
        )
    _require_reviews(model, read_state(layout, settings.review))
    return candidate


def _require_reviews(model: ReviewedModel, state: ReviewState) -> None:
    """Raise `NoAcceptedModelError` if no event that a class model was trained on has a final word any more."""
    if not model.classes.reviewed.keys() & set(state.reviewed()["event_id"]):
        raise NoAcceptedModelError(
            f"none of the {len(model.classes.reviewed)} reviews that the class model {model.version} was trained on "
            "counts any more: they were withdrawn, or reviewers differ; review events, and train it again"
        )


def accepted_class_model(layout: Layout, settings: Settings, say: Callable[[str], None]) -> Candidate | None:
    """Return the class model if it may label; none if there is none, or it may not.

    Parameters
    ----------
    layout, settings
        The data root, and all settings.
    say
        Gets a line that says why a class model that there is may not label.
    """
    try:
        candidate = candidate_of_reviews(layout, settings)
        if candidate.model.classes is not None:
            require([class_requirement(candidate.record, candidate.model.classes, settings)], candidate)
    except NoClassModelError:
        return None
    except (FileNotFoundError, DamagedFileError, UnknownKindError, NoAcceptedModelError) as error:
        say(f"the class model cannot be champion: {error}")
        return None
    return candidate


def class_model_state(layout: Layout, settings: Settings) -> ModelState:
    """Return the state of the class model, which is out of date if it was trained on other reviews than the present."""
    try:
        candidate = candidate_of_reviews(layout, settings)
        if candidate.model.classes is None:
            raise NoTrainedModelError(f"{candidate.model.version} was not trained on reviews")
    except NoClassModelError:
        return ModelState(False, False, "not trained")
    except (OSError, ValueError) as error:
        return ModelState(False, True, str(error))
    judged = class_requirement(candidate.record, candidate.model.classes, settings)
    reviews = review_digest(read_state(layout, settings.review))
    current = class_model_is_current(layout, settings, reviews)
    doubts = () if current else ("out of date: the reviews or its settings have changed since its training",)
    return ModelState(True, True, "", judged.passed is True, judged.reasons, doubts, candidate.record.metrics)
