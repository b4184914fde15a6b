"""Models that were not trained here: weight files taken into the store, and found there by name."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from ris_core import config
from ris_core.models.networks import Aec, Dec
from ris_core.models.published_weights import import_published
from ris_core.models.weights import (
    JSON_FILE,
    WeightsError,
    load_model,
    read_description,
    require_sound,
    save_model,
)
from ris_core.storage.store import Store

IMPORT_AGAIN = "remove its folder, and import its weight file again: ris import-h5 --weights FILE"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class UnknownModelError(KeyError):
    """There is no imported model of this name."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would show quotes around it


def imported_models(store: Store) -> dict[str, dict[str, Any]]:
    """Return the description of every imported model by name: `network` (aec, dec), `n_clusters`, `digest`, `metadata`.

    Raises
    ------
    DamagedFileError
        A description is damaged.
    """
    return {name: read_description(store.imported(name), IMPORT_AGAIN) for name in imported_names(store)}


def imported_names(store: Store) -> list[str]:
    """Return the names of all imported models."""
    return sorted(path.parent.name for path in store.imported("").glob(f"*/{JSON_FILE}"))


def read_imported(store: Store, name: str) -> dict[str, Any] | None:
    """Return the description of an imported model whose files are sound, none if there is no such model.

    Raises
    ------
    DamagedFileError
        Its files are damaged.
    """
    folder = store.imported(name)
    if not (folder / JSON_FILE).exists():
        return None
    require_sound(folder, IMPORT_AGAIN)
    return read_description(folder, IMPORT_AGAIN)


def load_imported(store: Store, name: str) -> tuple[Aec | Dec, dict[str, Any]]:
    """Return an imported network and its metadata.

    Returns
    -------
    tuple
        The network, and a mapping with `imported` (its name), `file`, `sha256` (of the file it came from) and
        `normalisation` (that it was trained with).

    Raises
    ------
    UnknownModelError
        There is none of this name; names those that there are.
    DamagedFileError
        Its files are damaged.
    """
    if not _NAME.fullmatch(name) or not (store.imported(name) / JSON_FILE).exists():
        known = ", ".join(imported_names(store)) or "none"
        raise UnknownModelError(
            f"imported = {name!r}: there is no imported model of this name (there are: {known}); take a weight file in "
            "with: ris import-h5 --weights FILE"
        )
    return load_model(store.imported(name), remedy=IMPORT_AGAIN)


def read_weights(path: Path) -> tuple[str, Aec | Dec, dict[str, Any]]:
    """Return name, network and metadata of a published weight file, without keeping it.

    Raises
    ------
    WeightsError
        The file is not a published weight file, or its name cannot be a model's.
    """
    model = import_published(path)
    if not _NAME.fullmatch(path.stem):
        raise WeightsError(f"{path}: a model is named after its file: letters, digits, '_', '.' and '-' are allowed")
    # The published code gives every spectrogram unit L2 norm on a linear scale, whatever the settings here say.
    normalisation = config.NormalisationSettings(scale="linear")
    metadata = {
        "imported": path.stem,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "normalisation": normalisation.model_dump(mode="json"),
    }
    return path.stem, model, metadata


def is_kept(store: Store, name: str, metadata: dict[str, Any]) -> bool:
    """Return whether the model that `read_weights` gave is in the store.

    Raises
    ------
    WeightsError
        Another one is there under its name.
    DamagedFileError
        The one that is there is damaged.
    """
    folder = store.imported(name)
    found = read_imported(store, name)
    if found is None:
        return False
    kept = found["metadata"]
    if kept.get("sha256") != metadata["sha256"]:
        raise WeightsError(
            f"{folder}: another file's model is kept under this name (sha256 {str(kept.get('sha256'))[:12]}, this one "
            f"has {metadata['sha256'][:12]}); give the weight file another name, or remove the folder"
        )
    return True


def keep_weights(store: Store, name: str, model: Aec | Dec, metadata: dict[str, Any]) -> None:
    """Write what `read_weights` gave to ``models/imported/NAME`` unless it is there; raises as `is_kept`."""
    if not is_kept(store, name, metadata):
        save_model(store.imported(name), model, metadata)
