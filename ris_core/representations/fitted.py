"""Fitted representations on disk, with what is known about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ris_core import config, versions
from ris_core.models.model_file import JSON_FILE, REPRESENTATION, read_description, require_sound
from ris_core.models.model_parts import save_parts
from ris_core.representations.open_representations import open_representation
from ris_core.representations.representation import Representation
from ris_core.section import digest_of
from ris_core.storage import spectrogram_file
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.training.training_set import NoTrainingSetError, digest_on_disk

_NAME = "name"
FIT_AGAIN = "fit the representation again, or let `ris run` do it"


class NoRepresentationError(FileNotFoundError):
    """A representation has not been fitted yet."""


@dataclass(frozen=True)
class FittedRecord:
    """What is known about a fitted representation.

    Attributes
    ----------
    digest
        Of all that its features depend on.
    training_set
        Digest of the training set that it was fitted to.
    configuration
        Digest of all that decides about it (`fitted_configuration`).
    metrics
        Its scores by name; none for those that are not defined.
    """

    digest: str
    training_set: str
    configuration: str
    metrics: Mapping[str, float | None]


def fitted_configuration(layout: Layout, name: str, candidates: config.CandidatesSettings, training_set: str) -> str:
    """Return the digest of all that decides about a representation.

    Parameters
    ----------
    layout
        The data root: the digest of a training set says nothing of its context and noise spectra.
    name, candidates
        Name of the representation, and what it means.
    training_set
        Digest of the training set.
    """
    surroundings = spectrogram_file.read_info(layout.training_set).surroundings
    return digest_of(
        [versions.REPRESENTATION, training_set, surroundings, name, candidates.representation_digest(name)]
    )


def save_fitted(layout: Layout, name: str, fitted: Representation, metadata: Mapping[str, Any]) -> str:
    """Write a representation to its folder and return its digest.

    Parameters
    ----------
    layout, name, fitted
        Where, under which name, and what.
    metadata
        With ``training_set``, ``configuration`` and ``metrics``.
    """
    spec, said = {"kind": fitted.kind, "spec": dict(fitted.spec())}, {_NAME: name, **metadata}
    return save_parts(layout.representation(name), REPRESENTATION, None, fitted.arrays(), spec, said, fitted.input)


def read_fitted(layout: Layout, name: str) -> FittedRecord:
    """Return what is known about a fitted representation; its arrays are not read.

    Raises
    ------
    NoRepresentationError
        It has not been fitted.
    DamagedFileError
        The description is damaged, or is of another representation or another kind of model.
    """
    folder = layout.representation(name)
    if not (folder / JSON_FILE).exists():
        raise NoRepresentationError(f"{folder}: the representation {name} has not been fitted yet")
    description = read_description(folder, FIT_AGAIN)
    said = description.metadata
    if description.network != REPRESENTATION:
        raise DamagedFileError(folder / JSON_FILE, f"it is of a model of the kind {description.network}", FIT_AGAIN)
    if said.get(_NAME) != name:
        raise DamagedFileError(folder / JSON_FILE, f"it is of the representation {said.get(_NAME)}", FIT_AGAIN)
    return FittedRecord(
        description.digest, said.get("training_set", ""), said.get("configuration", ""), said.get("metrics", {})
    )


def load_fitted(layout: Layout, name: str) -> Representation:
    """Return a fitted representation.

    Raises
    ------
    NoRepresentationError
        It has not been fitted.
    UnknownKindError
        It is of a plug-in that is not installed here.
    DamagedFileError
        Its files are damaged.
    """
    read_fitted(layout, name)
    return open_representation(layout.representation(name), FIT_AGAIN)[0]


def representation_is_current(
    layout: Layout, name: str, candidates: config.CandidatesSettings, normalisation: config.NormalisationSettings
) -> bool:
    """Return whether a fitted representation is undamaged and what settings and training set would give now."""
    try:
        found = read_fitted(layout, name)
        training_set = digest_on_disk(layout, normalisation)
        if found.configuration != fitted_configuration(layout, name, candidates, training_set):
            return False
        require_sound(layout.representation(name), FIT_AGAIN)
    except (NoRepresentationError, NoTrainingSetError, DamagedFileError):
        return False
    return True
