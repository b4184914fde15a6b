"""The files of a champion: its own copy of its model, and its novelty model."""

from __future__ import annotations

from pathlib import Path

from ris_core.clustering.champion import version_of
from ris_core.models.networks import Dec
from ris_core.models.weights import JSON_FILE, load_model, weights_digest
from ris_core.storage.damage import MODEL_AGAIN, DamagedFileError
from ris_core.storage.layout import Layout


def novelty_path(layout: Layout, model_version: str, digest: str) -> Path:
    """Return the path of a champion's novelty model; one folder may hold several, of different settings."""
    return layout.champion_model(model_version) / f"novelty-{digest}.safetensors"


def load_copy(folder: Path, remedy: str = MODEL_AGAIN) -> Dec:
    """Return the network of a champion from its folder, which is named after its model version.

    Raises
    ------
    DamagedFileError
        Its files are damaged or gone, or hold another model. The message names them and the remedy.
    """
    if not (folder / JSON_FILE).exists():
        raise DamagedFileError(folder, "the champion's copy of its model is gone", remedy)
    model, _ = load_model(folder, remedy=remedy)
    if not isinstance(model, Dec):
        raise DamagedFileError(folder, "an autoencoder without clusters", remedy)
    found = version_of(model.n_clusters, weights_digest(model))
    if found != folder.name:
        raise DamagedFileError(folder, f"it holds another model, {found}", remedy)
    return model
