"""The stage "label": every event of a station-day gets the champion's label."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ris_core import versions
from ris_core.labels.inference import label_spectrograms
from ris_core.models.networks import Dec
from ris_core.models.weights import load_model
from ris_core.processing.stage import process_is_current
from ris_core.station_day import StationDay
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.atomic import read_json
from ris_core.storage.stamp import Stamp
from ris_core.storage.store import Store

_READ_BLOCK = 2048


class NotProcessedError(FileNotFoundError):
    """Labels are asked for where spectrograms are missing or out of date."""

    def __init__(self, key: StationDay) -> None:
        super().__init__(f"{key}: its spectrograms are missing or out of date; materialize spectrograms for it first")


class NoChampionError(FileNotFoundError):
    """Labels are asked for before a model was chosen."""


def read_champion(store: Store) -> dict[str, Any]:
    """Return the champion's record (k, folder, model_version, …); raises `NoChampionError` where there is none."""
    if not store.champion.exists():
        raise NoChampionError(f"{store.champion}: there is no champion yet; materialize champion_model first")
    record: dict[str, Any] = read_json(store.champion)
    return record


@lru_cache(maxsize=2)
def _load(folder: Path, model_version: str) -> Dec:
    model, _ = load_model(folder)
    if not isinstance(model, Dec):
        raise TypeError(f"{folder}: {model_version} is not a DEC model")
    return model


def expected_stamp(store: Store, key: StationDay, champion: dict[str, Any]) -> Stamp:
    """Return the provenance that a label table by a champion would have; raises `NotProcessedError`."""
    if not process_is_current(store, key):
        raise NotProcessedError(key)
    content = spectrogram_file.read_info(store.spectrograms(key)).content
    return Stamp(champion["model_version"], versions.LABEL, content)


def labels_are_current(store: Store, key: StationDay) -> bool:
    """Return whether the label table was made by the champion of now from the spectrograms of now."""
    if not store.labels(key).exists() or not store.champion.exists():
        return False
    try:
        return _stamp_of(store.labels(key)) == expected_stamp(store, key, read_champion(store))
    except NotProcessedError:
        return False


def _stamp_of(path: Path) -> Stamp | None:
    try:
        return tables.read_stamp(path)[0]
    except OSError:
        return None


def label_station_day(store: Store, key: StationDay) -> dict[str, Any]:
    """Label every event of a processed station-day unless its label table is current.

    Returns
    -------
    dict
        labels, events, sizes (events per label), model_version, content digest, path, ``skipped``, ``seconds``.
    """
    started = time.perf_counter()
    champion = read_champion(store)
    stamp = expected_stamp(store, key, champion)
    path, source = store.labels(key), store.spectrograms(key)
    skipped = path.exists() and _stamp_of(path) == stamp
    if not skipped:
        model = _load(store.root / champion["folder"], champion["model_version"])
        settings = store.settings.labelling
        blocks = spectrogram_file.iterate_spectrograms(source, _READ_BLOCK)
        names = [str(name) for name in spectrogram_file.read_column(source, "event_id")]
        found = label_spectrograms(model, blocks, settings.batch_size, settings.device, names)
        n = len(found)
        frame = pd.DataFrame(
            {
                "event_id": names,
                "station": key.station,
                "time_peak": spectrogram_file.read_column(source, "time_peak"),
                "label": found.label,
                "probability": found.probability,
                "probabilities": list(found.probabilities),
                "latent": list(found.latent),
                "reconstruction_error": found.reconstruction_error,
                "novelty": pd.Series([None] * n, dtype=object),
                "assigned": pd.Series([None] * n, dtype=object),
                "model_version": champion["model_version"],
            }
        )
        k = int(champion["k"])
        tables.write_table(path, frame, tables.label_schema(k, found.latent.shape[1]), stamp)
    written = tables.read_table(path, ["label"])["label"].to_numpy(dtype=np.int64)
    sizes = np.bincount(written, minlength=int(champion["k"]))
    return {
        "labels": int(written.size),
        "events": spectrogram_file.read_info(source).events,
        "sizes": {str(label): int(size) for label, size in enumerate(sizes)},
        "model_version": champion["model_version"],
        "content": tables.read_stamp(path)[1],
        "path": store.relative(path),
        "skipped": skipped,
        "seconds": time.perf_counter() - started,
    }
