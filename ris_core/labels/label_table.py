"""The label table of a station-day, by the champion."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ris_core.clustering.champion import Champion
from ris_core.clustering.champion_files import load_copy, novelty_path
from ris_core.clustering.novelty import NoveltyModel
from ris_core.config import LabellingSettings
from ris_core.contracts.station_day import StationDay
from ris_core.labels.labelling import LabelArrays, label_spectrograms
from ris_core.models.networks import Dec
from ris_core.storage import spectrogram_file
from ris_core.storage.layout import Layout


class NoReconstructionError(ValueError):
    """The champion's novelty is the reconstruction error, which the settings switch off."""


@lru_cache(maxsize=2)
def _load(folder: Path, novelty: Path, digest: str) -> tuple[Dec, NoveltyModel]:
    return load_copy(folder), NoveltyModel.load(novelty, digest)


def label_table(
    layout: Layout, key: StationDay, champion: Champion, settings: LabellingSettings
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the label table of a station-day and the summary for its file.

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
    found = label_spectrograms(
        model,
        spectrogram_file.iterate_spectrograms(source, settings.batch_size),
        champion.normalisation_settings(),
        batch_size=settings.batch_size,
        device=settings.device,
        reconstruction=settings.reconstruction_error,
        event_ids=names,
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
    return frame, summary


def _errors(found: LabelArrays) -> pd.Series[Any]:
    if found.reconstruction_error is None:
        return pd.Series([None] * len(found), dtype=object)
    return pd.Series(found.reconstruction_error)
