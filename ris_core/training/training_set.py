"""The training set: a seeded, uniform sample of events over all processed station-days, split for validation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core import versions
from ris_core.processing.chain import Spectrograms
from ris_core.processing.stage import process_is_current
from ris_core.progress import track
from ris_core.section import digest_of
from ris_core.station_day import StationDay
from ris_core.storage import spectrogram_file
from ris_core.storage.stamp import Stamp
from ris_core.storage.store import Store
from ris_core.training.normalise import normalise

LEAST_EVENTS = 20


class TooFewEventsError(ValueError):
    """There are not enough events to train on."""


@dataclass(frozen=True)
class TrainingSet:
    """The training set in memory, normalised.

    Attributes
    ----------
    x
        (N, 87, 100) float32, each of unit L2 norm.
    event_id
        N identifiers.
    validation
        (N,) bool: held out from the training of the autoencoder.
    frequency, time
        (87,) Hz, (100,) s.
    digest
        Digest of content, draw and split.
    """

    x: NDArray[np.float32]
    event_id: tuple[str, ...]
    validation: NDArray[np.bool_]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    digest: str

    @property
    def x_train(self) -> NDArray[np.float32]:
        """The training split."""
        return self.x[~self.validation]

    @property
    def x_val(self) -> NDArray[np.float32]:
        """The validation split."""
        return self.x[self.validation]


def sources(store: Store, keys: Iterable[StationDay]) -> dict[StationDay, spectrogram_file.SpectrogramInfo]:
    """Return all station-days with events whose spectrograms are current, in the order of the keys."""
    found = {}
    for key in keys:
        if process_is_current(store, key) and (info := spectrogram_file.read_info(store.spectrograms(key))).events:
            found[key] = info
    return found


def draw(store: Store) -> dict[str, Any]:
    """Draw the training set, write it in random order, and return what it consists of.

    Returns
    -------
    dict
        events, train, validation, of (events to choose from), station_days, outdated (station-days left out because
        their spectrograms are not current), by_station (events), digest, inputs.

    Raises
    ------
    TooFewEventsError
        Fewer than 20 events are processed.
    """
    settings = store.settings.training_set
    keys = list(store.station_days())
    available = sources(store, keys)
    outdated = sum(store.spectrograms(key).exists() and not process_is_current(store, key) for key in keys)
    counts = np.array([info.events for info in available.values()], dtype=np.int64)
    total = int(counts.sum())
    if total < LEAST_EVENTS:
        raise TooFewEventsError(
            f"{total} events are processed, at least {LEAST_EVENTS} are needed to train; process more station-days or "
            "lower detector.threshold_on"
        )
    rng = np.random.default_rng(settings.seed)
    chosen = np.sort(rng.choice(total, min(settings.events, total), replace=False))
    validation = np.zeros(chosen.size, dtype=bool)
    held_out = max(1, round(settings.validation_fraction * chosen.size))
    validation[rng.choice(chosen.size, held_out, replace=False)] = True

    starts = np.concatenate(([0], np.cumsum(counts)))
    parts = []
    by_station: dict[str, int] = {}
    for index, key in enumerate(track(available, "training set", unit="station-day")):
        rows = chosen[(chosen >= starts[index]) & (chosen < starts[index + 1])] - starts[index]
        if rows.size:
            parts.append(spectrogram_file.read_spectrograms(store.spectrograms(key), rows))
            by_station[key.station] = by_station.get(key.station, 0) + int(rows.size)
    # Batches follow the order of the file where nothing shuffles them: it must not be that of stations and days.
    order = rng.permutation(chosen.size)
    merged = _take(_concatenate(parts), order)
    validation = validation[order]
    drawn_from = {str(key): info.content for key, info in available.items()}
    stamp = Stamp(settings.digest(), versions.TRAINING_SET, digest_of(drawn_from))
    summary = {"drawn_from": drawn_from, "of": total, "seed": settings.seed, "by_station": by_station}
    content = spectrogram_file.write_spectrograms(
        store.training_set, merged, stamp, store.settings_json(), summary, validation=validation
    )
    return {
        "events": int(chosen.size),
        "train": int(chosen.size - held_out),
        "validation": int(held_out),
        "of": total,
        "station_days": len(available),
        "outdated": outdated,
        "by_station": by_station,
        "digest": _digest(content, validation),
        "inputs": stamp.inputs,
    }


def _digest(content: str, validation: NDArray[np.bool_]) -> str:
    return digest_of([content, validation.astype(int).tolist()])


def _concatenate(parts: list[Spectrograms]) -> Spectrograms:
    first = parts[0]
    return Spectrograms(
        spectrogram=np.concatenate([p.spectrogram for p in parts]),
        waveform=np.concatenate([p.waveform for p in parts]),
        frequency=first.frequency,
        time=first.time,
        event_id=tuple(name for p in parts for name in p.event_id),
        time_peak=np.concatenate([p.time_peak for p in parts]),
        window_start=np.concatenate([p.window_start for p in parts]),
        sampling_rate=first.sampling_rate,
        unit=first.unit,
    )


def _take(data: Spectrograms, order: NDArray[np.int64]) -> Spectrograms:
    return replace(
        data,
        spectrogram=data.spectrogram[order],
        waveform=data.waveform[order],
        event_id=tuple(data.event_id[i] for i in order),
        time_peak=data.time_peak[order],
        window_start=data.window_start[order],
    )


def load(store: Store) -> TrainingSet:
    """Read the training set and normalise it; raises `FileNotFoundError` where it was not drawn yet."""
    path = store.training_set
    if not path.exists():
        raise FileNotFoundError(f"{path}: not drawn yet; materialize training_set first")
    data = spectrogram_file.read_spectrograms(path)
    validation = spectrogram_file.read_column(path, "validation").astype(bool)
    return TrainingSet(
        x=normalise(data.spectrogram, data.event_id, out=data.spectrogram),
        event_id=data.event_id,
        validation=validation,
        frequency=data.frequency,
        time=data.time,
        digest=digest_on_disk(store),
    )


def digest_on_disk(store: Store) -> str:
    """Return the digest of the training set without reading its spectrograms."""
    path = store.training_set
    if not path.exists():
        raise FileNotFoundError(f"{path}: not drawn yet; materialize training_set first")
    validation = spectrogram_file.read_column(path, "validation").astype(bool)
    return _digest(spectrogram_file.read_info(path).content, validation)


def is_current(store: Store) -> bool:
    """Return whether the training set was drawn with the settings of now from the station-days of now."""
    if not store.training_set.exists():
        return False
    drawn_from = {str(key): info.content for key, info in sources(store, store.station_days()).items()}
    wanted = Stamp(store.settings.training_set.digest(), versions.TRAINING_SET, digest_of(drawn_from))
    return spectrogram_file.read_info(store.training_set).stamp == wanted


def changed_since(store: Store) -> dict[str, list[str]]:
    """Return which station-days came, went or changed since the training set was drawn."""
    then: dict[str, str] = spectrogram_file.read_info(store.training_set).summary["drawn_from"]
    now = {str(key): info.content for key, info in sources(store, store.station_days()).items()}
    return {
        "new": sorted(now.keys() - then.keys()),
        "gone": sorted(then.keys() - now.keys()),
        "changed": sorted(k for k in now.keys() & then.keys() if now[k] != then[k]),
    }
