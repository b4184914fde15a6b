"""The files of a champion: its own copy of its model, and its novelty model."""

from __future__ import annotations

from pathlib import Path

from ris_core.clustering.cluster_model import ClusterModel
from ris_core.clustering.open_models import NoClustersError, open_model
from ris_core.models.model_file import JSON_FILE
from ris_core.storage.damage import MODEL_AGAIN, DamagedFileError
from ris_core.storage.layout import Layout


def novelty_path(layout: Layout, model_version: str, digest: str) -> Path:
    """Return the path of a champion's novelty model; one folder may hold several, of different settings."""
    return layout.champion_model(model_version) / f"novelty-{digest}.safetensors"


def load_copy(folder: Path, remedy: str = MODEL_AGAIN) -> ClusterModel:
    """Return the model of a champion from its folder, which is named after its version.

    Raises
    ------
    DamagedFileError
        Its files are damaged or gone, or hold another model. The message names them and the remedy.
    UnknownKindError
        Its representation or its clusterer is of a plug-in that is not installed here.
    """
    if not (folder / JSON_FILE).exists():
        raise DamagedFileError(folder, "the champion's copy of its model is gone", remedy)
    try:
        model, _ = open_model(folder, remedy)
    except NoClustersError as error:
        raise DamagedFileError(folder, "a model without clusters", remedy) from error
    if model.version != folder.name:
        raise DamagedFileError(folder, f"it holds another model, {model.version}", remedy)
    return model
