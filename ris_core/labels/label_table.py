"""The label table of a station-day, by the champion."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ris_core.clustering.champion import Champion
from ris_core.clustering.champion_files import load_copy, novelty_path
from ris_core.clustering.cluster_model import ClusterModel
from ris_core.clustering.novelty import NoveltyModel
from ris_core.config import LabellingSettings
from ris_core.contracts.input_spec import InputMismatchError
from ris_core.contracts.station_day import StationDay
from ris_core.labels.labelling import LabelArrays, label_events
from ris_core.representations.file_events import FileEvents
from ris_core.storage import spectrogram_file, table_schemas
from ris_core.storage.layout import Layout


class NoReconstructionError(ValueError):
    """The champion's novelty is the reconstruction error, which the settings switch off."""


@lru_cache(maxsize=2)
def _load(folder: Path, novelty: Path, digest: str) -> tuple[ClusterModel, NoveltyModel]:
    return load_copy(folder), NoveltyModel.load(novelty, digest)


def label_table(
    layout: Layout, key: StationDay, champion: Champion, settings: LabellingSettings
) -> tuple[pd.DataFrame, pa.Schema, dict[str, Any]]:
    """Return the label table of a station-day, its schema, and the summary for its file.

    Parameters
    ----------
    layout, key
        The data root, and the station-day.
    champion
        The model that labels.
    settings
        Batch size, device, and whether there is a reconstruction error.

    Raises
    ------
    NoReconstructionError
        The champion's novelty needs a reconstruction error.
    InputMismatchError
        The events are not what the model takes in. The message names what differs.
    MissingPartError
        The events lack an array that the model needs.
    DamagedFileError
        A file of the champion, or the spectrograms, are damaged.
    """
    version, source = champion.model_version, layout.spectrograms(key)
    model, novelty = _load(
        layout.champion_model(version), novelty_path(layout, version, champion.novelty), champion.novelty
    )
    if novelty.needs_reconstruction and not settings.reconstruction_error:
        raise NoReconstructionError(
            "labelling.reconstruction_error is switched off, but the champion's novelty is the reconstruction error; "
            "choose the champion again with another novelty.score, or switch it on"
        )
    names = [str(name) for name in spectrogram_file.read_column(source, "event_id")]
    if names:  # an empty file does not say of which components it is
        require_input(model, source)
    found = label_events(
        model,
        spectrogram_file.iterate_events(source, settings.batch_size, model.needs),
        batch_size=settings.batch_size,
        device=settings.device,
        reconstruction=settings.reconstruction_error,
    )
    scores = novelty.novelty(found.latent, found.probabilities, found.reconstruction_error)
    frame = pd.DataFrame(
        {
            "event_id": names,
            "station": key.station,
            "time_peak": spectrogram_file.read_column(source, "time_peak"),
            "label": np.array(champion.classes, dtype=np.int32)[found.cluster],
            "probability": found.probability,
            "probabilities": list(found.probabilities),
            "latent": list(found.latent),
            "reconstruction_error": _errors(found),
            "novelty": scores,
            "assigned": novelty.assigned(scores),
            "model_version": version,
        }
    )
    summary = {
        "classes": list(champion.classes),
        "novelty_score": novelty.score,
        "novelty_threshold": repr(novelty.threshold),
    }
    return frame, schema_of(model), summary


def require_input(model: ClusterModel, source: Path) -> None:
    """Raise `InputMismatchError`, naming the file, unless its events are what a model takes in."""
    try:
        model.require(FileEvents(source))
    except InputMismatchError as error:
        raise error.named(
            f"{source}: its events are not such as the model {model.version} was trained on (set the settings back and "
            "process these days again, or train models on such events and choose a champion)"
        ) from None


def schema_of(model: ClusterModel) -> pa.Schema:
    """Return the schema of a label table by a model."""
    said = {"probability": model.membership_words}
    if model.has_reconstruction:
        said["reconstruction_error"] = model.error_words
    return table_schemas.label_schema(model.n_clusters, model.dimensions, said)


def _errors(found: LabelArrays) -> pd.Series[Any]:
    if found.reconstruction_error is None:
        return pd.Series([None] * len(found), dtype=object)
    return pd.Series(found.reconstruction_error)
