"""Trained models on disk: arrays as safetensors beside a JSON that says what they are. Nothing is pickled.

Networks (``aec``, ``dec``) are loaded here. Representations and models of a representation and a clusterer are kept in
the same files; `ris_core.representations` and `ris_core.clustering` build them from their arrays and `spec`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from ris_core.config import PAPER_INPUT
from ris_core.contracts.input_spec import InputSpec
from ris_core.models.networks import Aec, Dec, ShapeError, layers_for, parameter_count
from ris_core.section import digest_of
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.tensors import Arrays, arrays_digest, read_arrays

WEIGHTS_FILE = "model.safetensors"
JSON_FILE = "model.json"
AEC, DEC, REPRESENTATION, CLUSTERS, CLASSES = "aec", "dec", "representation", "clusters", "classes"
"""What a model can be: the two networks, a representation alone, with a clusterer, and with reviewed classes."""
_KINDS = (AEC, DEC, REPRESENTATION, CLUSTERS, CLASSES)
_WITH_CLUSTERS = (DEC, CLUSTERS, CLASSES)
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "network": str,
    "n_clusters": (int, type(None)),
    "digest": str,
    "metadata": dict,
}
Network = TypeVar("Network", Aec, Dec)
_REMEDY = "train or import the model again"


class WeightsError(ValueError):
    """There are no weights, or not the ones that are needed; the message names the file and the reason."""


class OtherNetworkError(WeightsError):
    """There is a network, but of another kind than the one that is needed."""


@dataclass(frozen=True)
class ModelDescription:
    """What ``model.json`` says of the model beside it.

    Attributes
    ----------
    network
        ``aec``, ``dec``, ``representation``, ``clusters`` or ``classes``.
    n_clusters
        Number of clusters; none for an autoencoder or another representation.
    latent, gain
        Of a network: see `ris_core.models.networks.Aec`.
    digest
        Of the weights; of a model that is no network, of its arrays and its `spec`.
    input
        What the model takes in; the paper's input where an earlier version did not write it.
    metadata
        What the model was saved with.
    spec
        What is needed beside the arrays to build a model that is no network; empty for a network.
    """

    network: str
    n_clusters: int | None
    latent: str
    gain: float
    digest: str
    input: InputSpec
    metadata: Mapping[str, Any]
    spec: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_clusters(self) -> bool:
        """Whether the model can label."""
        return self.n_clusters is not None

    @property
    def is_network(self) -> bool:
        """Whether `load_model` can load it."""
        return self.network in (AEC, DEC)

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


def plain(value: object) -> object:
    """Return a value as JSON has it: arrays as lists, and what is not finite as null."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no NaN
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
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
        "metadata": plain(metadata),
    }
    with replacing(folder / WEIGHTS_FILE) as temporary:
        temporary.write_bytes(safetensors.torch.save(_canonical(model)))
    write_json(folder / JSON_FILE, description)
    return digest


def parts_digest(arrays: Mapping[str, NDArray[Any]], spec: Mapping[str, Any]) -> str:
    """Return the digest of a model that is no network: of its arrays and its `spec`."""
    return arrays_digest(arrays, digest_of(plain(spec)))


def read_parts(folder: Path | str, remedy: str = _REMEDY) -> tuple[Arrays, ModelDescription]:
    """Return the arrays of any model and what is said of it, without building it; raises as `load_model`."""
    description = read_description(folder, remedy)
    return _read_weights(Path(folder) / WEIGHTS_FILE, description, remedy), description


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
    has_clusters = record["network"] in _WITH_CLUSTERS
    allowed = {
        "network": (record["network"] in _KINDS, ", ".join(_KINDS)),
        "spec": (isinstance(record.get("spec", {}), Mapping), "a mapping"),
        "n_clusters": (not has_clusters or (isinstance(clusters, int) and clusters > 0), "a number of 1 or more"),
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
        n_clusters=clusters if has_clusters else None,
        latent=record.get("latent", "relu"),
        gain=float(gain),
        digest=record["digest"],
        input=takes,
        metadata=record["metadata"],
        spec=record.get("spec", {}),
    )


def load_model(
    folder: Path | str, device: torch.device | str = "cpu", remedy: str = _REMEDY
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
        model = description.new_network()
        model.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
    except (RuntimeError, KeyError, ValueError) as error:
        why = f"not the weights of this {description.network}: {error}"
        raise DamagedFileError(path, why, remedy) from error
    return model.to(device), description


def load_network(folder: Path | str, kind: type[Network], remedy: str = _REMEDY) -> tuple[Network, ModelDescription]:
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


def require_sound(folder: Path | str, remedy: str = _REMEDY) -> None:
    """Read the model in `folder` without building it; raises as `load_model`."""
    read_parts(folder, remedy)


def _read_weights(path: Path, description: ModelDescription, remedy: str) -> Arrays:
    try:
        weights, _ = read_arrays(path, remedy)
    except FileNotFoundError as error:
        raise DamagedFileError(path, f"there is no such file, but {JSON_FILE} describes it", remedy) from error
    digest = arrays_digest(weights) if description.is_network else parts_digest(weights, description.spec)
    if digest != description.digest:
        why = (
            f"its weights have the digest {digest}, but {JSON_FILE} describes {description.digest}: it is damaged, or "
            "the two files do not belong together"
        )
        raise DamagedFileError(path, why, remedy)
    return weights
