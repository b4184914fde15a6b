"""Trained networks on disk: weights as safetensors beside a JSON that says what they are. Nothing is pickled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from ris_core.config import PAPER_INPUT
from ris_core.contracts.input_spec import InputSpec
from ris_core.models.networks import Aec, Dec, ShapeError, layers_for, parameter_count
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.tensors import Arrays, arrays_digest, read_arrays

WEIGHTS_FILE = "model.safetensors"
JSON_FILE = "model.json"
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "network": str,
    "n_clusters": (int, type(None)),
    "digest": str,
    "metadata": dict,
}
_REMEDY = "train or import the model again"


class WeightsError(ValueError):
    """There are no weights, or not the ones that are needed; the message names the file and the reason."""


@dataclass(frozen=True)
class ModelDescription:
    """What ``model.json`` says of the network beside it.

    Attributes
    ----------
    network
        ``aec`` or ``dec``.
    n_clusters
        Number of clusters of a DEC; none for an autoencoder.
    latent, gain
        See `ris_core.models.networks.Aec`.
    digest
        Of the weights.
    input
        What the network takes in; the paper's input where an earlier version did not write it.
    metadata
        What the model was saved with.
    """

    network: str
    n_clusters: int | None
    latent: str
    gain: float
    digest: str
    input: InputSpec
    metadata: Mapping[str, Any]

    def new_network(self) -> Aec | Dec:
        """Return a network of this kind with weights that are still to be loaded."""
        kind: dict[str, Any] = {"latent": self.latent, "gain": self.gain, "shape": self.input.network_shape}
        return Aec(**kind) if self.n_clusters is None else Dec(self.n_clusters, **kind)


def _canonical(model: Aec | Dec) -> dict[str, Tensor]:
    # Weights may be in channels-last memory order after training; files and digests must not depend on it.
    return {
        name: value.detach().cpu().contiguous(memory_format=torch.contiguous_format)
        for name, value in sorted(model.state_dict().items())
    }


def weights_digest(model: Aec | Dec) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 over names, types, shapes and little-endian values."""
    return arrays_digest({name: value.numpy() for name, value in _canonical(model).items()})


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no NaN
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


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
        "metadata": _plain(metadata),
    }
    with replacing(folder / WEIGHTS_FILE) as temporary:
        temporary.write_bytes(safetensors.torch.save(_canonical(model)))
    write_json(folder / JSON_FILE, description)
    return digest


def read_description(folder: Path | str, remedy: str = _REMEDY) -> ModelDescription:
    """Return what is said of the model in `folder`; its weights are not read.

    Raises
    ------
    WeightsError
        There is no model.
    DamagedFileError
        The description is damaged; names it and the `remedy`.
    """
    path = Path(folder) / JSON_FILE
    try:
        record = read_record(path, _FIELDS, remedy)
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: there is no such file, and so no model; {remedy}") from error
    # A description without a digest of its own, as earlier versions wrote it, may say anything.
    clusters, gain = record["n_clusters"], record.get("gain", 1.0)
    is_dec = record["network"] == "dec"
    allowed = {
        "network": (record["network"] in ("aec", "dec"), "aec or dec"),
        "n_clusters": (not is_dec or (isinstance(clusters, int) and clusters > 0), "a number of 1 or more"),
        "latent": (record.get("latent", "relu") in ("relu", "linear"), "relu or linear"),
        "gain": (isinstance(gain, int | float) and 0 < gain < math.inf, "a number greater than 0"),
    }
    for name, (is_good, expected) in allowed.items():
        if not is_good:
            raise DamagedFileError(path, f"{name} is {str(record[name])[:100]}; expected {expected}", remedy)
    with damage_named(path, remedy):
        takes = InputSpec.from_record(record["input"]) if "input" in record else PAPER_INPUT
    return ModelDescription(
        network=record["network"],
        n_clusters=clusters if is_dec else None,
        latent=record.get("latent", "relu"),
        gain=float(gain),
        digest=record["digest"],
        input=takes,
        metadata=record["metadata"],
    )


def load_model(
    folder: Path | str, device: torch.device | str = "cpu", remedy: str = _REMEDY
) -> tuple[Aec | Dec, ModelDescription]:
    """Return the network in `folder` and what is said of it.

    Raises
    ------
    WeightsError
        There is no model.
    DamagedFileError
        A file of it is damaged or missing, or weights and description do not belong together; names it and the
        `remedy`.
    """
    description = read_description(folder, remedy)
    path = Path(folder) / WEIGHTS_FILE
    weights = _read_weights(path, description.digest, remedy)
    try:
        if description.n_clusters is not None and len(weights["clustering.centroids"]) != description.n_clusters:
            raise ValueError(f"it has not {description.n_clusters} centroids")
        _require_shape(weights, description.input)
        model = description.new_network()
        model.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
    except (RuntimeError, KeyError, ValueError) as error:
        why = f"not the weights of this {description.network}: {error}"
        raise DamagedFileError(path, why, remedy) from error
    return model.to(device), description


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


def require_sound(folder: Path | str, remedy: str = _REMEDY) -> None:
    """Read the model in `folder` without building it; raises as `load_model`."""
    _read_weights(Path(folder) / WEIGHTS_FILE, read_description(folder, remedy).digest, remedy)


def _read_weights(path: Path, wanted: str, remedy: str) -> Arrays:
    try:
        weights, _ = read_arrays(path, remedy)
    except FileNotFoundError as error:
        raise DamagedFileError(path, f"there is no such file, but {JSON_FILE} describes it", remedy) from error
    digest = arrays_digest(weights)
    if digest != wanted:
        why = (
            f"its weights have the digest {digest}, but {JSON_FILE} describes {wanted}: it is damaged, or the two "
            "files do not belong together"
        )
        raise DamagedFileError(path, why, remedy)
    return weights
