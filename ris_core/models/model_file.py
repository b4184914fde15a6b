"""What any trained model has on disk: arrays as safetensors beside a JSON that says what they are. Nothing is pickled.

Torch is not needed for this. `ris_core.models.weights` makes networks of them, `ris_core.representations` and
`ris_core.clustering` build representations and models of a representation and a clusterer from arrays and `spec`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.config import PAPER_INPUT
from ris_core.contracts.input_spec import InputSpec
from ris_core.section import digest_of
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.json_records import read_record
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
TRAIN_AGAIN = "train or import the model again"


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


def parts_digest(arrays: Mapping[str, NDArray[Any]], spec: Mapping[str, Any]) -> str:
    """Return the digest of a model that is no network: of its arrays and its `spec`."""
    return arrays_digest(arrays, digest_of(plain(spec)))


def read_parts(folder: Path | str, remedy: str = TRAIN_AGAIN) -> tuple[Arrays, ModelDescription]:
    """Return the arrays of any model and what is said of it, without building it; raises as `load_model`."""
    description = read_description(folder, remedy)
    return _read_weights(Path(folder) / WEIGHTS_FILE, description, remedy), description


def read_description(folder: Path | str, remedy: str = TRAIN_AGAIN) -> ModelDescription:
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


def require_sound(folder: Path | str, remedy: str = TRAIN_AGAIN) -> None:
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
