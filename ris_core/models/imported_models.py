"""Models that were not trained here: weight files taken into the data root, and found there by name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ris_core.config import PAPER_INPUT, NormalisationSettings
from ris_core.models.model_file import JSON_FILE, ModelDescription, WeightsError, read_description, require_sound
from ris_core.models.networks import Aec, Dec
from ris_core.models.published_weights import import_published
from ris_core.models.weights import load_model, load_network, save_model
from ris_core.storage.layout import Layout

IMPORT_AGAIN = "remove its folder, and import its weight file again: ris import-h5 --weights FILE"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class UnknownModelError(KeyError):
    """There is no imported model of this name."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would show quotes around it


@dataclass(frozen=True)
class WeightFile:
    """The model in a published weight file.

    Attributes
    ----------
    name
        Of the model: the name of the file without its suffix.
    network
        The network with its weights.
    file, sha256
        Name and digest of the file.
    normalisation
        How spectrograms are normalised for the network.
    """

    name: str
    network: Aec | Dec = field(repr=False)
    file: str
    sha256: str
    normalisation: NormalisationSettings

    def metadata(self) -> Mapping[str, Any]:
        """Return what the model is saved with."""
        return {
            "imported": self.name,
            "file": self.file,
            "sha256": self.sha256,
            "normalisation": self.normalisation.model_dump(mode="json"),
        }


def imported_models(layout: Layout) -> dict[str, ModelDescription]:
    """Return what is said of every imported model, by name.

    Raises
    ------
    DamagedFileError
        A description is damaged.
    """
    return {name: read_description(layout.imported(name), IMPORT_AGAIN) for name in imported_names(layout)}


def imported_names(layout: Layout) -> list[str]:
    """Return the names of all imported models."""
    return sorted(path.parent.name for path in layout.imported("").glob(f"*/{JSON_FILE}"))


def read_imported(layout: Layout, name: str) -> ModelDescription | None:
    """Return what is said of an imported model whose files are sound, none if there is no such model.

    Raises
    ------
    DamagedFileError
        Its files are damaged.
    """
    folder = layout.imported(name)
    if not (folder / JSON_FILE).exists():
        return None
    require_sound(folder, IMPORT_AGAIN)
    return read_description(folder, IMPORT_AGAIN)


def load_imported(layout: Layout, name: str) -> tuple[Aec | Dec, ModelDescription]:
    """Return an imported network and what is said of it; its metadata are those of `WeightFile.metadata`.

    Raises
    ------
    UnknownModelError
        There is no model of this name; names those that there are.
    DamagedFileError
        Its files are damaged.
    """
    return load_model(imported_folder(layout, name), remedy=IMPORT_AGAIN)


def load_imported_aec(layout: Layout, name: str) -> tuple[Aec, ModelDescription]:
    """Return an imported autoencoder and what is said of it.

    Raises
    ------
    UnknownModelError
        There is no model of this name.
    OtherNetworkError
        It is no autoencoder.
    DamagedFileError
        Its files are damaged.
    """
    return load_network(imported_folder(layout, name), Aec, IMPORT_AGAIN)


def imported_folder(layout: Layout, name: str) -> Path:
    """Return the folder of an imported model; raises `UnknownModelError` as `load_imported`."""
    if not _NAME.fullmatch(name) or not (layout.imported(name) / JSON_FILE).exists():
        known = ", ".join(imported_names(layout)) or "none"
        raise UnknownModelError(
            f"imported = {name!r}: there is no imported model of this name (there are: {known}); import a weight file "
            "with: ris import-h5 --weights FILE"
        )
    return layout.imported(name)


def read_weights(path: Path) -> WeightFile:
    """Read a published weight file, without keeping it.

    Raises
    ------
    WeightsError
        The file is not a published weight file, or its name cannot be a model's.
    """
    network = import_published(path)
    if not _NAME.fullmatch(path.stem):
        raise WeightsError(f"{path}: a model is named after its file: letters, digits, '_', '.' and '-' are allowed")
    # The published code gives every spectrogram unit L2 norm on a linear scale, for any settings here.
    normalisation = NormalisationSettings(scale="linear")
    return WeightFile(path.stem, network, path.name, hashlib.sha256(path.read_bytes()).hexdigest(), normalisation)


def is_kept(layout: Layout, weights: WeightFile) -> bool:
    """Return whether the model of a weight file is in the data root.

    Raises
    ------
    WeightsError
        Another model is there under its name.
    DamagedFileError
        The model that is there is damaged.
    """
    found = read_imported(layout, weights.name)
    if found is None:
        return False
    kept = str(found.metadata.get("sha256"))
    if kept != weights.sha256:
        raise WeightsError(
            f"{layout.imported(weights.name)}: another file's model is kept under this name (sha256 {kept[:12]}, this "
            f"one has {weights.sha256[:12]}); give the weight file another name, or remove the folder"
        )
    return True


def keep_weights(layout: Layout, weights: WeightFile) -> None:
    """Write the model of a weight file to ``models/imported/NAME`` unless it is there; raises as `is_kept`."""
    if not is_kept(layout, weights):
        save_model(layout.imported(weights.name), weights.network, weights.metadata(), PAPER_INPUT)
