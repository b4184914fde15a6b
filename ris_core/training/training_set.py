"""The training set: a seeded sample of events over all processed station-days, split for validation."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core import config, versions
from ris_core.contracts.events import Events
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.memory import memory_named
from ris_core.progress import track
from ris_core.section import digest_of
from ris_core.storage import spectrogram_file
from ris_core.storage.atomic import this_process
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.head import check_bytes
from ris_core.storage.layout import Layout
from ris_core.storage.opened_file import open_checked
from ris_core.storage.scratch import ScratchArray
from ris_core.storage.spectrogram_file import SpectrogramInfo
from ris_core.storage.store import Store
from ris_core.training.samples import Samples, of_file

LEAST_EVENTS = 20
_BYTES_PER_GB = 1e9


class TooFewEventsError(ValueError):
    """There are not enough events to train on."""


@dataclass(frozen=True)
class TrainingSet:
    """The training set, normalised: in memory where it fits, else read when needed.

    Attributes
    ----------
    samples
        N normalised spectrograms (87, 100), each of unit L2 norm.
    event_id
        N identifiers.
    validation
        (N,) bool: held out from the training of the autoencoder.
    frequency, time
        (87,) Hz, (100,) s.
    digest
        Digest of content, draw, split and normalisation.
    normalisation
        How the spectrograms were normalised.
    """

    samples: Samples
    event_id: tuple[str, ...]
    validation: NDArray[np.bool_]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    digest: str
    normalisation: config.NormalisationSettings

    def __len__(self) -> int:
        return len(self.event_id)

    @property
    def train(self) -> Samples:
        """The training split."""
        return self.samples.subset(~self.validation)

    @property
    def val(self) -> Samples:
        """The validation split."""
        return self.samples.subset(self.validation)


def sources(store: Store, keys: Iterable[StationDay]) -> dict[StationDay, SpectrogramInfo]:
    """Return all station-days with events whose spectrograms are current, in the order of the keys.

    Stations that the settings hold out are left out.
    """
    held_out = store.settings.training_set.held_out_stations
    found = {}
    for key in keys:
        if key.station in held_out or not store.days.process.is_current(key):
            continue
        if (info := spectrogram_file.read_info(store.spectrograms(key))).events:
            found[key] = info
    return found


def draw(store: Store) -> dict[str, Any]:
    """Draw the training set, write it in random order, the training split first, and return what it consists of.

    Returns
    -------
    dict
        events, train, validation, of (events to choose from), station_days, outdated (station-days left out because
        their spectrograms are not current), damaged (what is damaged of station-days that are left out for it),
        by_station (events), digest, inputs.

    Raises
    ------
    TooFewEventsError
        Fewer than 20 events are processed.
    """
    settings = store.settings.training_set
    keys = list(store.station_days())
    available, damaged = _sound(store, sources(store, keys))
    outdated = sum(store.spectrograms(key).exists() and not store.days.process.is_current(key) for key in keys)
    total = sum(info.events for info in available.values())
    if total < LEAST_EVENTS:
        raise TooFewEventsError(
            f"{total} events are processed, at least {LEAST_EVENTS} are needed to train; process more station-days or "
            "lower detector.threshold_on"
        )
    rng = np.random.default_rng(settings.seed)
    chosen = _chosen(available, settings, rng)
    held_out = max(1, round(settings.validation_fraction * chosen.size))
    # Batches follow the order of the file where nothing shuffles them: it must not be that of stations and days. The
    # validation split comes last, so that a split that is read from the file is read in one piece.
    order = rng.permutation(chosen.size)
    validation = np.arange(chosen.size) >= chosen.size - held_out
    place = np.empty_like(order)
    place[order] = np.arange(chosen.size)
    by_station: dict[str, int] = {}
    in_memory = _gigabytes(chosen.size) <= settings.in_memory
    what = f"the training set ({_gigabytes(chosen.size):.2g} GB of spectrograms)"
    with (
        memory_named(what, settings.in_memory),
        _gathered(store, available, chosen, place, by_station, in_memory) as merged,
    ):
        drawn_from = {str(key): info.content for key, info in available.items()}
        stamp = Stamp(digest_of(settings.drawing_values()), versions.TRAINING_SET, digest_of(drawn_from))
        summary = {
            "drawn_from": drawn_from,
            "of": total,
            "seed": settings.seed,
            "by_station": by_station,
            "train": int(chosen.size - held_out),
        }
        content = spectrogram_file.write_spectrograms(
            store.training_set, merged, stamp, store.settings.processing_json(), summary, validation=validation
        )
    return {
        "events": int(chosen.size),
        "train": int(chosen.size - held_out),
        "validation": int(held_out),
        "of": total,
        "station_days": len(available),
        "outdated": outdated,
        "damaged": damaged,
        "by_station": by_station,
        "digest": _digest(content, validation, store.settings.normalisation),
        "inputs": stamp.inputs,
    }


def _sound(
    store: Store, current: Mapping[StationDay, SpectrogramInfo]
) -> tuple[dict[StationDay, SpectrogramInfo], list[str]]:
    """Return the station-days whose spectrograms are as they were written, and what is wrong with the others."""
    sound, damaged = {}, []
    for key in track(current, "looking at spectrograms", unit="station-day"):
        try:
            with open_checked(store.spectrograms(key)):
                sound[key] = current[key]
        except DamagedFileError as error:
            damaged.append(str(error))
    return sound, damaged


def _chosen(
    available: Mapping[StationDay, SpectrogramInfo], settings: config.TrainingSetSettings, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the numbers of the events that are drawn, ascending; events are counted over all station-days."""
    counts = np.array([info.events for info in available.values()], dtype=np.int64)
    total = int(counts.sum())
    if settings.stratify == "none":
        return np.sort(rng.choice(total, min(settings.events, total), replace=False))
    station = np.repeat([key.station for key in available], counts)
    drawn = []
    left = min(settings.events, total)
    # From the station of fewest events up: what one has not is shared by those that have more.
    groups = sorted((np.flatnonzero(station == code) for code in dict.fromkeys(station)), key=len)
    for number, rows in enumerate(groups):
        share = min(len(rows), left // (len(groups) - number))
        drawn.append(rng.choice(rows, share, replace=False))
        left -= share
    return np.sort(np.concatenate(drawn))


def _gigabytes(events: int) -> float:
    return events * 87 * 100 * 4 / _BYTES_PER_GB


@contextmanager
def _gathered(
    store: Store,
    available: Mapping[StationDay, SpectrogramInfo],
    chosen: NDArray[np.int64],
    place: NDArray[np.int64],
    by_station: dict[str, int],
    in_memory: bool,
) -> Iterator[Events]:
    """Give the chosen events of all station-days, each at its place; spectrograms in a file if they are too many.

    The file lies beside the training set, since the folder for temporary files may be in memory, and goes with the
    context.
    """
    counts = [info.events for info in available.values()]
    starts = np.concatenate(([0], np.cumsum(counts)))
    merged: Events | None = None
    store.training_set.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=store.training_set.parent, prefix=f".draw-{this_process()}-") as folder,
        ExitStack() as open_files,
    ):
        event_id = np.empty(chosen.size, dtype=object)
        for index, key in enumerate(track(available, "training set", unit="station-day")):
            span = slice(*np.searchsorted(chosen, starts[index : index + 2]))
            rows, to = chosen[span] - starts[index], place[span]
            if not rows.size:
                continue
            part = spectrogram_file.read_spectrograms(store.spectrograms(key), rows)
            if merged is None:
                shape = (chosen.size, *part.spectrogram.shape[1:])
                room: Any = np.empty(shape, np.float32) if in_memory else ScratchArray(Path(folder) / "x", shape)
                if not in_memory:
                    open_files.enter_context(room)
                merged = _room_for(part, chosen.size, room)
            merged.spectrogram[to], merged.waveform[to] = part.spectrogram, part.waveform
            merged.time_peak[to], merged.window_start[to] = part.time_peak, part.window_start
            event_id[to] = part.event_id
            by_station[key.station] = by_station.get(key.station, 0) + int(rows.size)
        if merged is None:
            raise TooFewEventsError("no event was drawn")
        yield replace(merged, event_id=tuple(event_id.tolist()))


def _room_for(part: Events, events: int, spectrogram: Any) -> Events:
    return replace(
        part,
        spectrogram=spectrogram,
        waveform=np.empty((events, *part.waveform.shape[1:]), part.waveform.dtype),
        time_peak=np.empty(events, part.time_peak.dtype),
        window_start=np.empty(events, part.window_start.dtype),
    )


def _digest(content: str, validation: NDArray[np.bool_], normalisation: config.NormalisationSettings) -> str:
    return digest_of([content, validation.astype(int).tolist(), normalisation.model_dump(mode="json")])


def load(
    layout: Layout, sampling: config.TrainingSetSettings, normalisation: config.NormalisationSettings
) -> TrainingSet:
    """Open the training set, in memory if it is small enough for that.

    Parameters
    ----------
    layout
        Where it is.
    sampling
        Section `training_set`: `in_memory`.
    normalisation
        Section `normalisation`.

    Raises
    ------
    FileNotFoundError
        There is no training set yet.
    SpectrogramError
        A spectrogram cannot be normalised.
    """
    path, digest = layout.training_set, digest_on_disk(layout, normalisation)
    size = _gigabytes(spectrogram_file.read_info(path).events)
    with memory_named(f"{path} ({size:.2g} GB of spectrograms)", sampling.in_memory):
        event_id = tuple(str(name) for name in spectrogram_file.read_column(path, "event_id"))
        found = TrainingSet(
            samples=of_file(path, normalisation, size <= sampling.in_memory, event_id),
            event_id=event_id,
            validation=validation_split(layout),
            frequency=spectrogram_file.read_column(path, "frequency"),
            time=spectrogram_file.read_column(path, "time"),
            digest=digest,
            normalisation=normalisation,
        )
    # Where another one was drawn while this one was read, they may be mixed.
    return found if digest_on_disk(layout, normalisation) == digest else load(layout, sampling, normalisation)


def validation_split(layout: Layout) -> NDArray[np.bool_]:
    """Return which events (N,) of the training set on disk are held out from the training of the autoencoder."""
    return spectrogram_file.read_column(layout.training_set, "validation").astype(bool)


def digest_on_disk(layout: Layout, normalisation: config.NormalisationSettings) -> str:
    """Return the digest of the training set without reading its spectrograms.

    Raises
    ------
    FileNotFoundError
        There is no training set yet.
    """
    path = layout.training_set
    if not path.exists():
        raise FileNotFoundError(f"{path}: not drawn yet; materialize training_set first")
    info = spectrogram_file.read_info(path)
    # The training split stands first: where its size is known, there is no need to look at all bytes for the column.
    train = info.summary.get("train")
    validation = validation_split(layout) if train is None else np.arange(info.events) >= train
    return _digest(info.content, validation, normalisation)


def is_current(store: Store) -> bool:
    """Return whether the training set was drawn with the settings of now from the station-days of now, and is sound.

    All bytes are read, if stamp and settings agree; those of earlier versions have no digest of them.
    """
    try:
        stamp = spectrogram_file.read_info(store.training_set).stamp
    except (FileNotFoundError, DamagedFileError):
        return False
    drawn_from = {str(key): info.content for key, info in sources(store, store.station_days()).items()}
    settings = digest_of(store.settings.training_set.drawing_values())
    if stamp != Stamp(settings, versions.TRAINING_SET, digest_of(drawn_from)):
        return False
    try:
        check_bytes(store.training_set)
    except DamagedFileError:
        return False
    return True


def changed_since(store: Store) -> dict[str, list[str]]:
    """Return which station-days came, went or changed since the training set was drawn."""
    then: dict[str, str] = spectrogram_file.read_info(store.training_set).summary["drawn_from"]
    now = {str(key): info.content for key, info in sources(store, store.station_days()).items()}
    return {
        "new": sorted(now.keys() - then.keys()),
        "gone": sorted(then.keys() - now.keys()),
        "changed": sorted(k for k in now.keys() & then.keys() if now[k] != then[k]),
    }
