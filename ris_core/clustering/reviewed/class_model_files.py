"""The class model on disk: one, of as many classes as the reviews have, in the folder of its number of classes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ris_core import versions
from ris_core.clustering.features import inputs_of
from ris_core.clustering.latents import ClusteringInputs
from ris_core.clustering.model_record import KeptModel, record_of
from ris_core.clustering.open_models import open_model
from ris_core.clustering.reviewed.class_model_reading import (
    CLASS_MODEL_AGAIN,
    FOLDER,
    class_model_folder,
    existing_class_model,
)
from ris_core.clustering.reviewed.reviewed_model import ReviewedModel
from ris_core.config import Settings
from ris_core.contracts.candidate_name import CandidateName
from ris_core.models.model_file import JSON_FILE, ModelDescription, WeightsError, read_description, require_sound
from ris_core.section import digest_of
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.layout import Layout


def read_class_model(layout: Layout, name: CandidateName) -> KeptModel | None:
    """Return digest and record of the class model; none if it has not been trained.

    Raises
    ------
    DamagedFileError
        The description is damaged, or is of another model.
    """
    folder = class_model_folder(layout, name)
    return None if folder is None else _kept(folder, name)


def load_class_model(layout: Layout, name: CandidateName) -> tuple[ReviewedModel, ModelDescription]:
    """Return the class model and what is said of it.

    Raises
    ------
    NoClassModelError
        It has not been trained.
    UnknownKindError
        A representation is of a plug-in that is not installed here.
    DamagedFileError
        Its files are damaged, or of another model.
    """
    folder = existing_class_model(layout, name)
    _kept(folder, name)
    model, description = open_model(folder, CLASS_MODEL_AGAIN)
    if not isinstance(model, ReviewedModel):
        raise DamagedFileError(
            folder / JSON_FILE, f"it is a model of the kind {description.network}", CLASS_MODEL_AGAIN
        )
    return model, description


def write_class_model(layout: Layout, model: ReviewedModel, metadata: Mapping[str, Any]) -> Path:
    """Write the class model, remove those of other numbers of classes, and return its folder.

    A model that has been champion is kept apart (`models/champions`).
    """
    folder = layout.candidate(model.name, model.n_clusters)
    model.save(folder, metadata)
    for other in folder.parent.glob("k=*"):
        if other != folder and FOLDER.fullmatch(other.name):
            shutil.rmtree(other)
    return folder


def class_inputs(layout: Layout, settings: Settings) -> ClusteringInputs:
    """Return what a class model would be trained from now; raises as `class_model_configuration`.

    Of several representations the digest is that of their digests.
    """
    found = [inputs_of(layout, name, settings.normalisation) for name in settings.class_representations]
    digests = [one.representation for one in found]
    return ClusteringInputs(digests[0] if len(digests) == 1 else digest_of(digests), found[0].training_set)


def class_model_configuration(layout: Layout, settings: Settings, reviews: str) -> str:
    """Return the digest of all that decides about the class model.

    Parameters
    ----------
    layout, settings
        The data root and the settings.
    reviews
        Digest of the reviews.

    Raises
    ------
    FileNotFoundError
        A representation has not been fitted (no autoencoder is chosen), or there is no training set.
    DamagedFileError
        A record is damaged.
    """
    inputs = [inputs_of(layout, name, settings.normalisation) for name in settings.class_representations]
    return digest_of(
        [
            versions.CLASS_MODEL,
            [[name, of.representation] for name, of in zip(settings.class_representations, inputs, strict=True)],
            inputs[0].training_set,
            settings.class_model.model_dump(mode="json"),
            reviews,
        ]
    )


def class_model_is_current(layout: Layout, settings: Settings, reviews: str) -> bool:
    """Return whether the class model is undamaged and what reviews, representations and settings would give now."""
    name = settings.class_model_name
    try:
        folder = class_model_folder(layout, name)
        if folder is None:
            return False
        if _kept(folder, name).record.configuration != class_model_configuration(layout, settings, reviews):
            return False
        require_sound(folder, CLASS_MODEL_AGAIN)
    except (FileNotFoundError, WeightsError, DamagedFileError):
        return False
    return True


def _kept(folder: Path, name: CandidateName) -> KeptModel:
    path = folder / JSON_FILE
    description = read_description(folder, CLASS_MODEL_AGAIN)
    if folder.name != f"k={description.n_clusters}":
        raise DamagedFileError(path, f"it has {description.n_clusters} classes", CLASS_MODEL_AGAIN)
    with damage_named(path, CLASS_MODEL_AGAIN):
        record = record_of(description.metadata)
    if record.name != name:
        raise DamagedFileError(path, f"it is of the candidate {record.name}", CLASS_MODEL_AGAIN)
    return KeptModel(description.digest, record)
