"""The latents of the training set on disk: the chosen autoencoder's code of every event."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ris_core import config, versions
from ris_core.contracts.stamp import Stamp
from ris_core.models.inference import encode
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.layout import Layout
from ris_core.training.aec_choice import chosen_aec, read_choice
from ris_core.training.training_set import TrainingSet, digest_on_disk

_ENCODE_AGAIN = "encode the training set again, or let `ris run` do it"

LATENT_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), False, {"description": "As in the detection table"}),
        pa.field("validation", pa.bool_(), False, {"description": "Held out from the autoencoder's training"}),
        pa.field("latent", pa.list_(pa.float32(), 9), False, {"description": "Latent vector of the autoencoder"}),
    ]
)


class NoLatentsError(FileNotFoundError):
    """The training set has not been encoded yet."""


class OutOfStepError(ValueError):
    """A product was made from another autoencoder or another training set than the current ones."""


class LatentsOutOfStepError(OutOfStepError):
    """The latents are out of step."""


@dataclass(frozen=True)
class ClusteringInputs:
    """What clusters are made from.

    Attributes
    ----------
    representation
        Digest of the representation: of the autoencoder's weights, or of what was fitted.
    training_set
        Digest of the training set.
    """

    representation: str
    training_set: str


@dataclass(frozen=True, eq=False)
class Latents:
    """The latents of the training set, or the features of another representation.

    Attributes
    ----------
    z
        (N, D) float32, in the order of the training set; D is 9 for the autoencoder.
    inputs
        What they were made from.
    """

    z: NDArray[np.float32] = field(repr=False)
    inputs: ClusteringInputs


def current_inputs(layout: Layout, normalisation: config.NormalisationSettings) -> ClusteringInputs:
    """Return the digests of the chosen autoencoder and of the training set on disk.

    Raises
    ------
    FileNotFoundError
        No autoencoder has been chosen, or there is no training set.
    DamagedFileError
        The record of the choice or the training set is damaged.
    """
    return ClusteringInputs(read_choice(layout).digest, digest_on_disk(layout, normalisation))


def make_latents(layout: Layout, data: TrainingSet) -> Latents:
    """Encode the training set with the chosen autoencoder and write the latents as a table.

    Raises
    ------
    NoChosenAecError
        No autoencoder has been chosen.
    InputMismatchError
        The autoencoder takes in other spectrograms than those of the training set.
    DamagedFileError
        The files of the autoencoder are damaged.
    """
    aec = chosen_aec(layout)
    aec.input.require(data.input)
    z = encode(aec.network, data.samples)
    frame = pd.DataFrame({"event_id": data.event_id, "validation": data.validation, "latent": list(z)})
    inputs = ClusteringInputs(aec.choice.digest, data.digest)
    stamp = Stamp(inputs.representation, versions.LATENTS, inputs.training_set)
    tables.write_table(layout.latent_features, frame, LATENT_SCHEMA, stamp)
    return Latents(z, inputs)


def read_latents(layout: Layout, normalisation: config.NormalisationSettings) -> Latents:
    """Return the latents of the current training set by the chosen autoencoder.

    Raises
    ------
    NoLatentsError
        The training set has not been encoded yet.
    LatentsOutOfStepError
        They are of another autoencoder or another training set.
    DamagedFileError
        The table is damaged.
    """
    path = layout.latent_features
    if not path.exists():
        raise NoLatentsError(f"{path}: the training set has not been encoded yet")
    stamp = tables.read_stamp(path)[0]
    inputs = current_inputs(layout, normalisation)
    if stamp is None or ClusteringInputs(stamp.settings, stamp.inputs) != inputs:
        raise LatentsOutOfStepError(
            f"{path}: these latents are not of the current autoencoder ({inputs.representation}) and the current "
            f"training set ({inputs.training_set})"
        )
    with damage_named(path, _ENCODE_AGAIN):
        return Latents(np.stack(tables.read_table(path, ["latent"])["latent"].tolist()), inputs)


def latents_are_current(layout: Layout, normalisation: config.NormalisationSettings) -> bool:
    """Return whether the latents are undamaged and of the current autoencoder and training set."""
    try:
        read_latents(layout, normalisation)
    except (FileNotFoundError, OutOfStepError, DamagedFileError):
        return False
    return True
