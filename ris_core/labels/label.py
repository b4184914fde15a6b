"""The stage "label": every event of a station-day gets the champion's label."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ris_core import versions
from ris_core.clustering.champion import Champion, label_digest, read_champion
from ris_core.clustering.champion_files import load_copy, novelty_path
from ris_core.clustering.novelty import NoveltyModel
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.labels.labelling import LabelArrays, label_spectrograms
from ris_core.models.networks import Dec
from ris_core.processing.process import process_is_current
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.store import Store, read_acquisition

_COUNTED = ["label", "assigned"]


class NotProcessedError(FileNotFoundError):
    """Labels are asked for where spectrograms are missing or out of date."""

    def __init__(self, key: StationDay) -> None:
        super().__init__(
            f"{key}: its spectrograms are missing, damaged or out of date; materialize spectrograms for it first"
        )


@lru_cache(maxsize=2)
def _load(folder: Path, novelty: Path, digest: str) -> tuple[Dec, NoveltyModel]:
    return load_copy(folder), NoveltyModel.load(novelty, digest)


def expected_stamp(store: Store, key: StationDay, champion: Champion) -> Stamp:
    """Return the provenance that a label table by a champion would have; raises `NotProcessedError`."""
    if not process_is_current(store, key):
        read_acquisition(store, key)  # a damaged record says so itself
        raise NotProcessedError(key)
    content = spectrogram_file.read_info(store.spectrograms(key)).content
    return Stamp(label_digest(champion, store.settings.labelling), versions.LABEL, content)


def labels_are_current(store: Store, key: StationDay) -> bool:
    """Return whether the label table was made by the champion of now from the spectrograms of now."""
    if not store.labels(key).exists() or not store.champion.exists():
        return False
    try:
        return _stamp_of(store.labels(key)) == expected_stamp(store, key, read_champion(store))
    except (NotProcessedError, DamagedFileError):
        return False


def _stamp_of(path: Path) -> Stamp | None:
    try:
        return tables.read_stamp(path)[0]
    except OSError:
        return None


def _standing(path: Path, stamp: Stamp) -> pd.DataFrame | None:
    """Return what is counted of a label table that stands and is current; none where it is damaged."""
    with suppress(FileNotFoundError, DamagedFileError):
        if tables.read_stamp(path)[0] == stamp:
            return tables.read_table(path, _COUNTED)
    return None


def label_station_day(store: Store, key: StationDay) -> dict[str, Any]:
    """Label every event of a processed station-day unless its label table is current.

    Returns
    -------
    dict
        labels, events, assigned, sizes (events per class), k, model_version, content digest, path, ``skipped``,
        ``seconds``.
    """
    started = time.perf_counter()
    champion = read_champion(store)
    stamp = expected_stamp(store, key, champion)
    path, source = store.labels(key), store.spectrograms(key)
    written = _standing(path, stamp)
    skipped = written is not None
    if written is None:
        frame, summary = _labelled(store, key, champion)
        tables.write_table(path, frame, tables.label_schema(champion.k), stamp, summary)
        written = tables.read_table(path, _COUNTED)
    return {
        "labels": len(written),
        "events": spectrogram_file.read_info(source).events,
        "assigned": int(written["assigned"].sum()),
        "sizes": {str(number): int((written["label"] == number).sum()) for number in sorted(champion.classes)},
        "k": champion.k,
        "model_version": champion.model_version,
        "content": tables.read_stamp(path)[1],
        "path": store.relative(path),
        "skipped": skipped,
        "seconds": time.perf_counter() - started,
    }


def _labelled(store: Store, key: StationDay, champion: Champion) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the label table of a station-day and what its file says of its making."""
    version, settings, source = champion.model_version, store.settings.labelling, store.spectrograms(key)
    novelty_file = novelty_path(store, version, champion.novelty)
    model, novelty = _load(store.champion_model(version), novelty_file, champion.novelty)
    if novelty.needs_reconstruction and not settings.reconstruction_error:
        raise ValueError(
            "labelling.reconstruction_error is switched off, but the champion's novelty is the reconstruction error; "
            "materialize champion_model again with the novelty.score of now"
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
