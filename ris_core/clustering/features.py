"""The features of the training set on disk: what a representation makes of every event."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from ris_core import config, versions
from ris_core.clustering.latents import ClusteringInputs, Latents, OutOfStepError, current_inputs, read_latents
from ris_core.config import NormalisationSettings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.contracts.stamp import Stamp
from ris_core.representations.aec import AecRepresentation
from ris_core.representations.file_events import FileEvents
from ris_core.representations.fitted import (
    FIT_AGAIN,
    NoRepresentationError,
    load_fitted,
    read_fitted,
    representation_is_current,
)
from ris_core.representations.representation import FloatArray, Representation
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.layout import Layout
from ris_core.threads import one_thread
from ris_core.training.aec_choice import chosen_aec
from ris_core.training.training_set import TrainingSet, digest_on_disk


class FeaturesOutOfStepError(OutOfStepError):
    """The features are out of step."""


def feature_schema(dimensions: int) -> pa.Schema:
    """Return the schema of the table of features of so many dimensions."""
    return pa.schema(
        [
            pa.field("event_id", pa.string(), False, {"description": "As in the detection table"}),
            pa.field("validation", pa.bool_(), False, {"description": "Held out from the fit of the representation"}),
            pa.field(
                "features", pa.list_(pa.float32(), dimensions), False, {"description": "Features of the representation"}
            ),
        ]
    )


def inputs_of(layout: Layout, representation: str, normalisation: config.NormalisationSettings) -> ClusteringInputs:
    """Return the digests of a representation, by its name, and of the training set on disk.

    Raises
    ------
    FileNotFoundError
        The representation has not been fitted (no autoencoder is chosen), or there is no training set.
    DamagedFileError
        A record is damaged.
    """
    if representation == AEC_DEC.representation:
        return current_inputs(layout, normalisation)
    return ClusteringInputs(read_fitted(layout, representation).digest, digest_on_disk(layout, normalisation))


def load_representation(layout: Layout, representation: str, normalisation: NormalisationSettings) -> Representation:
    """Return a representation by its name: ``aec`` is the chosen autoencoder, all others are fitted.

    Raises
    ------
    FileNotFoundError
        It has not been fitted, or no autoencoder is chosen.
    DamagedFileError
        Its files are damaged.
    """
    if representation == AEC_DEC.representation:
        aec = chosen_aec(layout)
        return AecRepresentation(aec.network, normalisation, aec.input)
    return load_fitted(layout, representation)


def make_features(
    layout: Layout, data: TrainingSet, name: str, fitted: Representation
) -> tuple[FloatArray, FloatArray | None]:
    """Compute the features of the training set.

    Parameters
    ----------
    layout, data
        The data root, and the training set.
    name, fitted
        The representation.

    Returns
    -------
    tuple
        The features (N, D), and the reconstruction error of each event (N,); none if the representation has none.

    Raises
    ------
    OutOfStepError
        Another training set was drawn meanwhile.
    MissingPartError
        The training set lacks arrays that the representation needs.
    ImpossibleValuesError
        The representation gives features or reconstruction errors that cannot be.
    """
    parts, errors = [], []
    with one_thread("blas"):  # as in label_events
        for block in FileEvents(layout.training_set).blocks(fitted.needs):
            z = fitted.features(block)
            parts.append(z)
            error = fitted.errors(block, z)
            if error is not None:
                errors.append(error)
    if digest_on_disk(layout, data.normalisation) != data.digest:
        raise FeaturesOutOfStepError(
            f"{layout.training_set}: another training set was drawn meanwhile; fit the representation {name} again"
        )
    return np.concatenate(parts), np.concatenate(errors) if errors else None


def write_features(layout: Layout, data: TrainingSet, name: str, digest: str, z: FloatArray) -> Latents:
    """Write the features of the training set as a table.

    Parameters
    ----------
    layout, data
        The data root, and the training set.
    name, digest
        Name and digest of the representation.
    z
        (N, D) features.
    """
    inputs = ClusteringInputs(digest, data.digest)
    frame = pd.DataFrame({"event_id": data.event_id, "validation": data.validation, "features": list(z)})
    stamp = Stamp(inputs.representation, versions.REPRESENTATION, inputs.training_set)
    tables.write_table(layout.features(name), frame, feature_schema(z.shape[1]), stamp)
    return Latents(z, inputs)


def read_features(layout: Layout, name: str, normalisation: config.NormalisationSettings) -> Latents:
    """Return the features of the current training set by a representation, by its name.

    Raises
    ------
    FileNotFoundError
        They have not been computed yet.
    OutOfStepError
        They are of another representation or another training set.
    DamagedFileError
        The table is damaged.
    """
    if name == AEC_DEC.representation:
        return read_latents(layout, normalisation)
    path = layout.features(name)
    if not path.exists():
        raise NoRepresentationError(f"{path}: the representation {name} has not been fitted yet")
    stamp, inputs = tables.read_stamp(path)[0], inputs_of(layout, name, normalisation)
    if stamp is None or ClusteringInputs(stamp.settings, stamp.inputs) != inputs:
        raise FeaturesOutOfStepError(
            f"{path}: these features are not of the current representation {name} ({inputs.representation}) and the "
            f"current training set ({inputs.training_set})"
        )
    with damage_named(path, FIT_AGAIN):
        return Latents(np.stack(tables.read_table(path, ["features"])["features"].tolist()), inputs)


def features_are_current(
    layout: Layout, name: str, candidates: config.CandidatesSettings, normalisation: config.NormalisationSettings
) -> bool:
    """Return whether a representation and its features are undamaged and what the settings would give now."""
    try:
        read_features(layout, name, normalisation)
    except (FileNotFoundError, OutOfStepError, DamagedFileError):
        return False
    return representation_is_current(layout, name, candidates, normalisation)
