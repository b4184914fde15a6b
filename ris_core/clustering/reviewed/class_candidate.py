"""The class model as one that may become champion."""

from __future__ import annotations

from collections.abc import Callable

from ris_core.clustering.candidates import Candidate, NoTrainedModelError, require
from ris_core.clustering.class_acceptance import class_requirement
from ris_core.clustering.model_states import ModelState
from ris_core.clustering.reviewed.class_model_files import (
    NoClassModelError,
    class_inputs,
    class_model_is_current,
    load_class_model,
)
from ris_core.config import Settings
from ris_core.registry import UnknownKindError
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import NoAcceptedModelError


def candidate_of_reviews(layout: Layout, settings: Settings) -> Candidate:
    """Return the class model, if it was trained from the current representations and training set.

    Reviews that came after its training do not matter.

    Raises
    ------
    NoClassModelError
        None has been trained.
    NoTrainedModelError
        It was trained from others than the current ones.
    FileNotFoundError
        A representation has not been fitted, or there is no training set.
    UnknownKindError
        A representation is of a plug-in that is not installed here.
    DamagedFileError
        Its files are damaged.
    """
    name = settings.class_model_name
    model, said = load_class_model(layout, name)
    candidate = Candidate(f"trained here on reviews, {name}, K = {model.n_clusters}", model, said.metadata)
    if candidate.record.inputs != class_inputs(layout, settings):
        raise NoTrainedModelError(
            f"the class model {model.version} was trained from another representation or training set than the current "
            "ones; train it again"
        )
    return candidate


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


def class_model_state(layout: Layout, settings: Settings, reviews: str) -> ModelState:
    """Return the state of the class model.

    Parameters
    ----------
    layout, settings
        The data root, and all settings.
    reviews
        Digest of the reviews, of which the class model is out of date if it was trained on others.
    """
    try:
        candidate = candidate_of_reviews(layout, settings)
        if candidate.model.classes is None:
            raise NoTrainedModelError(f"{candidate.model.version} was not trained on reviews")
    except NoClassModelError:
        return ModelState(False, False, "not trained")
    except (OSError, ValueError) as error:
        return ModelState(False, True, str(error))
    judged = class_requirement(candidate.record, candidate.model.classes, settings)
    current = class_model_is_current(layout, settings, reviews)
    doubts = () if current else ("out of date: the reviews or its settings have changed since its training",)
    return ModelState(True, True, "", judged.passed is True, judged.reasons, doubts, candidate.record.metrics)
