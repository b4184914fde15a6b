"""Trained networks on disk: weights as safetensors beside a JSON that says what they are. Nothing is pickled."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from ris_core.models.networks import Aec, Dec, parameter_count
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.records import read_json, write_json

WEIGHTS_FILE = "model.safetensors"
JSON_FILE = "model.json"


class WeightsError(ValueError):
    """A file of weights cannot be used; the message names the file and what is wrong with it."""


def _canonical(model: Aec | Dec) -> dict[str, Tensor]:
    # Training may leave weights in channels-last memory order; files and digests must not depend on it.
    return {
        name: value.detach().cpu().contiguous(memory_format=torch.contiguous_format)
        for name, value in sorted(model.state_dict().items())
    }


def weights_digest(model: Aec | Dec) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 over names, types, shapes and little-endian values."""
    sha = hashlib.sha256()
    for name, value in _canonical(model).items():
        array = value.numpy()
        sha.update(f"{name} {array.dtype.name} {array.shape}\n".encode())
        sha.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return sha.hexdigest()[:12]


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


def save_model(folder: Path | str, model: Aec | Dec, metadata: Mapping[str, Any]) -> str:
    """Write a network to `folder` (``model.safetensors``, ``model.json``) and return the digest of its weights.

    Parameters
    ----------
    folder
        Made if it does not exist; an older model in it is replaced.
    model
        The network.
    metadata
        What is worth knowing of it: settings, metrics, acceptance. Numbers, text, lists and mappings; arrays become
        lists and values that are not finite become null.
    """
    folder = Path(folder)
    digest = weights_digest(model)
    aec = model.aec if isinstance(model, Dec) else model
    description = {
        "network": "dec" if isinstance(model, Dec) else "aec",
        "n_clusters": model.n_clusters if isinstance(model, Dec) else None,
        "latent": aec.latent,
        "gain": aec.gain,
        "parameters": parameter_count(model),
        "digest": digest,
        "metadata": _plain(metadata),
    }
    with replacing(folder / WEIGHTS_FILE) as temporary:
        temporary.write_bytes(safetensors.torch.save(_canonical(model)))
    write_json(folder / JSON_FILE, description)
    return digest


def read_description(folder: Path | str) -> dict[str, Any]:
    """Return the JSON of the model in `folder`: `network`, `n_clusters`, `parameters`, `digest` and `metadata`.

    Raises
    ------
    WeightsError
        The JSON is absent or describes something else.
    """
    path = Path(folder) / JSON_FILE
    try:
        description = read_json(path)
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: there is no such file; a model's folder holds {JSON_FILE}") from error
    except DamagedFileError as error:
        raise WeightsError(str(error)) from error
    needed = {"network", "n_clusters", "digest", "metadata"}
    if not isinstance(description, dict) or not needed <= description.keys():
        raise WeightsError(f"{path}: not the description of a model; the keys {', '.join(sorted(needed))} are needed")
    if description["network"] not in ("aec", "dec"):
        raise WeightsError(f"{path}: network is '{description['network']}'; expected aec or dec")
    return description


def load_model(folder: Path | str, device: torch.device | str = "cpu") -> tuple[Aec | Dec, dict[str, Any]]:
    """Return the network in `folder` and the metadata that it was saved with.

    Raises
    ------
    WeightsError
        A file is absent or is not what it should be, or weights and description do not belong together.
    """
    description = read_description(folder)
    path = Path(folder) / WEIGHTS_FILE
    latent = description.get("latent", "relu")
    if latent not in ("relu", "linear"):
        raise WeightsError(f"{Path(folder) / JSON_FILE}: latent is '{latent}'; expected relu or linear")
    gain = description.get("gain", 1.0)
    if not isinstance(gain, int | float) or not 0 < gain < math.inf:
        raise WeightsError(f"{Path(folder) / JSON_FILE}: gain is {gain!r}; expected a number greater than 0")
    kind: dict[str, Any] = {"latent": latent, "gain": float(gain)}
    model: Aec | Dec
    model = Aec(**kind) if description["network"] == "aec" else Dec(int(description["n_clusters"]), **kind)
    try:
        model.load_state_dict(safetensors.torch.load(path.read_bytes()))
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: there is no such file; a model's folder holds {WEIGHTS_FILE}") from error
    except (safetensors.SafetensorError, RuntimeError) as error:
        raise WeightsError(f"{path}: not the weights of this {description['network']}: {error}") from error
    digest = weights_digest(model)
    if digest != description["digest"]:
        raise WeightsError(
            f"{path}: the weights have the digest {digest}, but {JSON_FILE} describes {description['digest']}; "
            "the two files do not belong together, train the model again"
        )
    return model.to(device), description["metadata"]
