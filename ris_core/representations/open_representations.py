"""Representations from their folders: the registry of what a file without clusters can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from ris_core.config import NormalisationSettings
from ris_core.models.model_file import AEC, REPRESENTATION, ModelDescription, WeightsError, read_parts
from ris_core.models.model_parts import build_model
from ris_core.models.networks import Aec
from ris_core.models.weights import new_network
from ris_core.representations.aec import AecRepresentation
from ris_core.representations.representation import Representation, representation_class
from ris_core.storage.damage import REMADE
from ris_core.storage.tensors import Arrays


def _autoencoder(description: ModelDescription, arrays: Arrays) -> Representation:
    network = new_network(description)
    if not isinstance(network, Aec):
        raise ValueError("it is no autoencoder")
    try:
        network.load_state_dict({name: torch.from_numpy(values) for name, values in arrays.items()})
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    normalisation = NormalisationSettings.model_validate(description.metadata.get("normalisation", {}))
    return AecRepresentation(network.eval(), normalisation, description.input)


def _fitted(description: ModelDescription, arrays: Arrays) -> Representation:
    kind = representation_class(description.spec["kind"])
    return kind.build(description.input, description.spec["spec"], arrays)


REPRESENTATION_FILES: Mapping[str, Callable[[ModelDescription, Arrays], Representation]] = {
    AEC: _autoencoder,
    REPRESENTATION: _fitted,
}
"""How the representation of each kind of file (`ModelDescription.network`) is built."""


def open_representation(folder: Path, remedy: str = REMADE) -> tuple[Representation, ModelDescription]:
    """Return the representation in a folder, on the CPU, and what is said of it.

    Raises
    ------
    WeightsError
        There is none, or the model in the folder has clusters.
    UnknownKindError
        It is of a plug-in that is not installed here.
    DamagedFileError
        It is damaged. The message names the file and the remedy.
    """
    arrays, description = read_parts(folder, remedy)
    build = REPRESENTATION_FILES.get(description.network)
    if build is None:
        raise WeightsError(f"{folder}: holds a model with clusters ({description.network}), not a representation")
    return build_model(folder, build, description, arrays, remedy), description
