"""Models that label, from their folders: the registry of what a file with clusters can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ris_core.clustering.cluster_model import ClusterModel
from ris_core.clustering.clustered import Clustered
from ris_core.clustering.dec_model import DecModel
from ris_core.clustering.reviewed.reviewed_model import ReviewedModel
from ris_core.models.model_file import CLASSES, CLUSTERS, DEC, ModelDescription, WeightsError, read_parts
from ris_core.models.model_parts import build_model
from ris_core.storage.damage import MODEL_AGAIN
from ris_core.storage.tensors import Arrays

CLUSTER_MODELS: Mapping[str, Callable[[ModelDescription, Arrays], ClusterModel]] = {
    DEC: DecModel.build,
    CLUSTERS: Clustered.build,
    CLASSES: ReviewedModel.build,
}
"""How the model of each kind (`ModelDescription.network`) is built."""


class NoClustersError(WeightsError):
    """A model has no clusters, so it cannot label."""


def open_model(folder: Path, remedy: str = MODEL_AGAIN) -> tuple[ClusterModel, ModelDescription]:
    """Return the model in a folder, on the CPU, and what is said of it.

    Raises
    ------
    WeightsError
        There is none.
    NoClustersError
        It has no clusters.
    UnknownKindError
        Its representation or its clusterer is of a plug-in that is not installed here.
    DamagedFileError
        It is damaged. The message names the file and the remedy.
    """
    arrays, description = read_parts(folder, remedy)
    build = CLUSTER_MODELS.get(description.network)
    if build is None:
        raise NoClustersError(f"{folder}: holds a model without clusters ({description.network}), which cannot label")
    return build_model(folder, build, description, arrays, remedy), description
