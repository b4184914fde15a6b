"""The networks ``aec`` and ``dec`` on disk, in the files of `model_file`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
import torch
from torch import Tensor

from ris_core.contracts.input_spec import InputSpec
from ris_core.models.model_file import (
    JSON_FILE,
    TRAIN_AGAIN,
    WEIGHTS_FILE,
    ModelDescription,
    OtherNetworkError,
    WeightsError,
    plain,
    read_parts,
)
from ris_core.models.networks import Aec, Dec, ShapeError, layers_for, parameter_count
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import write_json
from ris_core.storage.tensors import Arrays, arrays_digest

Network = TypeVar("Network", Aec, Dec)


def _canonical(model: Aec | Dec) -> dict[str, Tensor]:
    # Weights may be in channels-last memory order after training; files and digests must not depend on it.
    return {
        name: value.detach().cpu().contiguous(memory_format=torch.contiguous_format)
        for name, value in sorted(model.state_dict().items())
    }


def weights_digest(model: Aec | Dec) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 over names, types, shapes and little-endian values."""
    return arrays_digest({name: value.numpy() for name, value in _canonical(model).items()})


def save_model(folder: Path | str, model: Aec | Dec, metadata: Mapping[str, Any], takes: InputSpec) -> str:
    """Write a network to `folder` (``model.safetensors``, ``model.json``) and return the digest of its weights.

    Parameters
    ----------
    folder
        Made if it does not exist; an older model in it is replaced.
    model
        The network.
    metadata
        What else is worth keeping: settings, metrics, acceptance. Numbers, text, lists and mappings; arrays become
        lists, and values that are not finite become null.
    takes
        What the network takes in.

    Raises
    ------
    ShapeError
        The network takes in events of another shape.
    """
    folder = Path(folder)
    digest = weights_digest(model)
    aec = model.aec if isinstance(model, Dec) else model
    if aec.shape != takes.network_shape:
        raise ShapeError(f"the network is for events of the shape {aec.shape}, not {takes.network_shape}")
    description = {
        "network": "dec" if isinstance(model, Dec) else "aec",
        "n_clusters": model.n_clusters if isinstance(model, Dec) else None,
        "latent": aec.latent,
        "gain": aec.gain,
        "parameters": parameter_count(model),
        "digest": digest,
        "input": takes.as_record(),
        "metadata": plain(metadata),
    }
    with replacing(folder / WEIGHTS_FILE) as temporary:
        temporary.write_bytes(safetensors.torch.save(_canonical(model)))
    write_json(folder / JSON_FILE, description)
    return digest


def new_network(of: ModelDescription) -> Aec | Dec:
    """Return a network as described, with weights that are still to be loaded."""
    kind: dict[str, Any] = {"latent": of.latent, "gain": of.gain, "shape": of.input.network_shape}
    return Aec(**kind) if of.n_clusters is None else Dec(of.n_clusters, **kind)


def load_model(
    folder: Path | str, device: torch.device | str = "cpu", remedy: str = TRAIN_AGAIN
) -> tuple[Aec | Dec, ModelDescription]:
    """Return the network in `folder` and what is said of it.

    Raises
    ------
    WeightsError
        There is no model, or it is no network.
    DamagedFileError
        A file of it is damaged or missing, or weights and description do not belong together; names it and the
        `remedy`.
    """
    weights, description = read_parts(folder, remedy)
    path = Path(folder) / WEIGHTS_FILE
    if not description.is_network:
        raise WeightsError(f"{path.parent}: holds no network but a model of the kind {description.network}")
    try:
        if description.n_clusters is not None and len(weights["clustering.centroids"]) != description.n_clusters:
            raise ValueError(f"it has not {description.n_clusters} centroids")
        _require_shape(weights, description.input)
        model = new_network(description)
        model.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
    except (RuntimeError, KeyError, ValueError) as error:
        why = f"not the weights of this {description.network}: {error}"
        raise DamagedFileError(path, why, remedy) from error
    return model.to(device), description


def load_network(
    folder: Path | str, kind: type[Network], remedy: str = TRAIN_AGAIN
) -> tuple[Network, ModelDescription]:
    """Return the network in `folder`, which must be an `Aec` or a `Dec`, and what is said of it.

    Raises
    ------
    OtherNetworkError
        It is of another kind.
    WeightsError, DamagedFileError
        As for `load_model`.
    """
    model, description = load_model(folder, remedy=remedy)
    if not isinstance(model, kind):
        raise OtherNetworkError(f"{folder}: holds the network {description.network}, not {kind.__name__.lower()}")
    return model, description


def _require_shape(weights: Arrays, takes: InputSpec) -> None:
    """Raise `ValueError` if weights are not those of a network for this input, before one of any size is made."""
    prefix = "aec." if "aec.expand.0.weight" in weights else ""
    components, *size = takes.network_shape
    wanted = components, layers_for((size[0], size[1])).encoded_values
    found = weights[f"{prefix}encoder.0.weight"].shape[1], len(weights[f"{prefix}expand.0.weight"])
    if found != wanted:
        raise ValueError(
            f"{found[0]} components and {found[1]} encoded values, but its input {takes.network_shape} needs "
            f"{wanted[0]} and {wanted[1]}"
        )
