"""What a model that becomes champion, or stands beside it, gets: labels of the training set, files of its own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ris_core import config
from ris_core.clustering.candidates import Candidate
from ris_core.clustering.champion_files import load_copy
from ris_core.clustering.cluster_model import ClusterModel
from ris_core.labels.labelling import LabelArrays, label_events
from ris_core.models.model_file import WeightsError, read_description
from ris_core.storage import spectrogram_file
from ris_core.storage.layout import Layout


def keep_copy(folder: Path, candidate: Candidate) -> None:
    """Write a model into a folder of its own, unless there is one that says the same and is sound.

    Training the same K again must not change the model that labels.
    """
    metadata = {**candidate.metadata, "normalisation": candidate.record.normalisation.model_dump(mode="json")}
    with suppress(OSError, WeightsError):
        load_copy(folder)
        said = read_description(folder)
        if (said.metadata, said.input) == (metadata, candidate.model.input):
            return
    candidate.model.save(folder, metadata)


def label_training_set(
    layout: Layout, model: ClusterModel, labelling: config.LabellingSettings, reconstruction: bool
) -> LabelArrays:
    """Return a model's labels of the current training set, in its order.

    Parameters
    ----------
    layout, model
        The data root, and the model.
    labelling
        Section `labelling`: `batch_size` and `device`.
    reconstruction
        Whether to compute the reconstruction errors.
    """
    return label_events(
        model,
        spectrogram_file.iterate_events(layout.training_set, labelling.batch_size, model.needs),
        batch_size=labelling.batch_size,
        device=labelling.device,
        reconstruction=reconstruction,
    )
