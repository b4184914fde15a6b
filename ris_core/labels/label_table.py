"""The label table of a station-day, by the champion."""

from __future__ import annotations

from collections.abc import Sequence
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
from ris_core.labels.class_columns import class_columns, class_summary
from ris_core.labels.labelling import LabelArrays, label_events
from ris_core.representations.file_events import FileEvents
from ris_core.storage import spectrogram_file, table_schemas
from ris_core.storage.layout import Layout


class NoReconstructionError(ValueError):
    """The champion's novelty is the reconstruction error, which the settings switch off."""


@lru_cache(maxsize=4)
def model_at(folder: Path) -> ClusterModel:
    """Return the model of a champion from its folder; it is read once in a process."""
    return load_copy(folder)


@lru_cache(maxsize=2)
def _novelty(path: Path, digest: str) -> NoveltyModel:
    return NoveltyModel.load(path, digest)


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
    source = layout.spectrograms(key)
    model, novelty = models_of(layout, champion)
    if novelty is not None and novelty.needs_reconstruction and not settings.reconstruction_error:
        raise NoReconstructionError(
            "labelling.reconstruction_error is switched off, but the champion's novelty is the reconstruction error; "
            "choose the champion again with another novelty.score, or switch it on"
        )
    names = [str(name) for name in spectrogram_file.read_column(source, "event_id")]
    found = _labels(model, source, names, settings, settings.reconstruction_error)
    scores, assigned = found.judged(novelty)
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
            "assigned": assigned,
            "model_version": champion.model_version,
        }
    )
    summary: dict[str, Any] = {"classes": list(champion.classes)}
    if novelty is not None:
        said = {"novelty_score": novelty.score, "novelty_threshold": repr(novelty.threshold)}
        return frame, schema_of(model), summary | said
    beside = None
    if (companion := champion.companion) is not None:
        other = model_at(layout.champion_model(companion.model_version))
        clusters = _labels(other, source, names, settings, reconstruction=False).cluster
        beside = np.array(companion.classes, dtype=np.int32)[clusters]
    columns = class_columns(champion, model, found, names, beside)
    return frame.assign(**columns), schema_of(model), summary | class_summary(champion, model)


def models_of(layout: Layout, champion: Champion) -> tuple[ClusterModel, NoveltyModel | None]:
    """Return the model of a champion and its novelty model, none for a class model; raises `DamagedFileError`."""
    version = champion.model_version
    model = model_at(layout.champion_model(version))
    if champion.reviewed:
        return model, None
    return model, _novelty(novelty_path(layout, version, champion.novelty), champion.novelty)


def _labels(
    model: ClusterModel, source: Path, names: Sequence[str], settings: LabellingSettings, reconstruction: bool
) -> LabelArrays:
    if names:  # an empty file does not say of which components it is
        require_input(model, source)
    return label_events(
        model,
        spectrogram_file.iterate_events(source, settings.batch_size, model.needs),
        batch_size=settings.batch_size,
        device=settings.device,
        reconstruction=reconstruction,
    )


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
    if model.classes is not None:
        return table_schemas.class_label_schema(model.n_clusters, model.dimensions, model.membership_words)
    said = {"probability": model.membership_words}
    if model.has_reconstruction:
        said["reconstruction_error"] = model.error_words
    return table_schemas.label_schema(model.n_clusters, model.dimensions, said)


def _errors(found: LabelArrays) -> pd.Series[Any]:
    if found.reconstruction_error is None:
        return pd.Series([None] * len(found), dtype=object)
    return pd.Series(found.reconstruction_error)
