"""The draw of the training set: a seeded sample of events over all processed station-days."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.config import NormalisationSettings, TrainingSetSettings
from ris_core.contracts.events import PER_EVENT, Events
from ris_core.contracts.station_day import StationDay
from ris_core.memory import memory_named
from ris_core.progress import track
from ris_core.storage import spectrogram_file
from ris_core.storage.atomic import this_process
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.storage.opened_file import open_checked
from ris_core.storage.scratch import ScratchArray
from ris_core.storage.spectrogram_file import SpectrogramInfo
from ris_core.training.event_sources import EventSources, draw_stamp
from ris_core.training.training_set import digest_of_parts, gigabytes

LEAST_EVENTS = 20
_IN_FILES = ("spectrogram", "context")


class TooFewEventsError(ValueError):
    """There are not enough events to train on."""


@dataclass(frozen=True)
class DrawnTrainingSet:
    """What a training set consists of.

    Attributes
    ----------
    events, train, validation
        Number of events, and of those in each split.
    of
        Number of events that there were to choose from.
    station_days
        Number of station-days with such events.
    outdated
        Number of station-days that were left out because their spectrograms are not up to date.
    damaged
        What is damaged of the station-days that were left out because of it.
    by_station
        Number of events of each station.
    digest
        See `ris_core.training.training_set.TrainingSet`.
    """

    events: int
    train: int
    validation: int
    of: int
    station_days: int
    outdated: int
    damaged: tuple[str, ...]
    by_station: Mapping[str, int]
    digest: str


def draw(
    layout: Layout,
    sources: EventSources,
    sampling: TrainingSetSettings,
    normalisation: NormalisationSettings,
    processing_json: str,
) -> DrawnTrainingSet:
    """Draw the training set and write it in random order, the training split first.

    Parameters
    ----------
    layout
        Where to.
    sources
        The station-days to draw from; those that are damaged are left out.
    sampling, normalisation
        Sections `training_set` and `normalisation`.
    processing_json
        The settings that made the spectrograms (`Settings.processing_json`), kept in the file.

    Raises
    ------
    TooFewEventsError
        There are fewer than 20 events.
    """
    available, damaged = _sound(layout, sources.current)
    total = sum(info.events for info in available.values())
    if total < LEAST_EVENTS:
        raise TooFewEventsError(
            f"{total} events are processed, at least {LEAST_EVENTS} are needed to train; process more station-days or "
            "lower detector.threshold_on"
        )
    rng = np.random.default_rng(sampling.seed)
    chosen = _chosen(available, sampling, rng)
    held_out = max(1, round(sampling.validation_fraction * chosen.size))
    # Where nothing shuffles the events, batches follow their order in the file: it must not be that of stations and
    # days. The validation split comes last, so that each split can be read in one piece.
    order = rng.permutation(chosen.size)
    validation = np.arange(chosen.size) >= chosen.size - held_out
    place = np.empty_like(order)
    place[order] = np.arange(chosen.size)
    by_station: dict[str, int] = {}
    size = gigabytes(chosen.size, spectrogram_file.shape_of_one(layout.spectrograms(next(iter(available)))))
    what = f"the training set ({size:.2g} GB of spectrograms)"
    with (
        memory_named(what, sampling.in_memory),
        _gathered(layout, available, chosen, place, by_station, size <= sampling.in_memory) as merged,
    ):
        drawn_from = EventSources(available, 0)
        summary = {
            "drawn_from": drawn_from.contents(),
            "of": total,
            "seed": sampling.seed,
            "by_station": by_station,
            "train": int(chosen.size - held_out),
        }
        if surroundings := drawn_from.surroundings():
            summary["surroundings"] = surroundings
        stamp = draw_stamp(sampling, drawn_from)
        content = spectrogram_file.write_spectrograms(
            layout.training_set, merged, stamp, processing_json, summary, validation=validation
        )
    return DrawnTrainingSet(
        events=int(chosen.size),
        train=int(chosen.size - held_out),
        validation=int(held_out),
        of=total,
        station_days=len(available),
        outdated=sources.outdated,
        damaged=damaged,
        by_station=by_station,
        digest=digest_of_parts(content, validation, normalisation),
    )


def _sound(
    layout: Layout, current: Mapping[StationDay, SpectrogramInfo]
) -> tuple[dict[StationDay, SpectrogramInfo], tuple[str, ...]]:
    """Return the station-days whose spectrograms are as they were written, and what is wrong with the others."""
    sound, damaged = {}, list[str]()
    for key in track(current, "looking at spectrograms", unit="station-day"):
        try:
            with open_checked(layout.spectrograms(key)):
                sound[key] = current[key]
        except DamagedFileError as error:
            damaged.append(str(error))
    return sound, tuple(damaged)


def _chosen(
    available: Mapping[StationDay, SpectrogramInfo], sampling: TrainingSetSettings, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the numbers of the events that are drawn, ascending; events are counted over all station-days."""
    counts = np.array([info.events for info in available.values()], dtype=np.int64)
    total = int(counts.sum())
    if sampling.stratify == "none":
        return np.sort(rng.choice(total, min(sampling.events, total), replace=False))
    station = np.repeat([key.station for key in available], counts)
    drawn = []
    left = min(sampling.events, total)
    # From the station with fewest events up: a share that one station cannot fill goes to those that have more.
    groups = sorted((np.flatnonzero(station == code) for code in dict.fromkeys(station)), key=len)
    for number, rows in enumerate(groups):
        share = min(len(rows), left // (len(groups) - number))
        drawn.append(rng.choice(rows, share, replace=False))
        left -= share
    return np.sort(np.concatenate(drawn))


@contextmanager
def _gathered(
    layout: Layout,
    available: Mapping[StationDay, SpectrogramInfo],
    chosen: NDArray[np.int64],
    place: NDArray[np.int64],
    by_station: dict[str, int],
    in_memory: bool,
) -> Iterator[Events]:
    """Give the chosen events of all station-days, each at its place.

    Spectrograms and context are in memory or in files. These lie beside the training set, since the folder for
    temporary files may be in memory, and are removed at the end. The events of each station are counted in
    `by_station`.
    """
    counts = [info.events for info in available.values()]
    starts = np.concatenate(([0], np.cumsum(counts)))
    merged: Events | None = None
    layout.training_set.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=layout.training_set.parent, prefix=f".draw-{this_process()}-") as folder,
        ExitStack() as open_files,
    ):
        event_id = np.empty(chosen.size, dtype=object)
        for index, key in enumerate(track(available, "training set", unit="station-day")):
            span = slice(*np.searchsorted(chosen, starts[index : index + 2]))
            rows, to = chosen[span] - starts[index], place[span]
            if not rows.size:
                continue
            path = layout.spectrograms(key)
            part = spectrogram_file.read_spectrograms(path, rows)
            if merged is None:
                merged = _room_for(part, chosen.size, None if in_memory else Path(folder), open_files)
            _check_alike(part, merged, path)
            for name in PER_EVENT:
                if (room := getattr(merged, name)) is not None:
                    room[to] = getattr(part, name)
            event_id[to] = part.event_id
            by_station[key.station] = by_station.get(key.station, 0) + int(rows.size)
        if merged is None:
            raise TooFewEventsError("no event was drawn")
        yield replace(merged, event_id=tuple(event_id.tolist()))


def _room_for(part: Events, events: int, folder: Path | None, open_files: ExitStack) -> Events:
    """Return room for so many events like these: all in memory, or the greatest arrays in files of a folder."""
    room: dict[str, Any] = {}
    for name in PER_EVENT:
        if (values := getattr(part, name)) is not None:
            shape = (events, *values.shape[1:])
            if folder is not None and name in _IN_FILES:
                room[name] = open_files.enter_context(ScratchArray(folder / name, shape))
            else:
                room[name] = np.empty(shape, values.dtype)
    return replace(part, **room)


def _check_alike(part: Events, merged: Events, path: Path) -> None:
    """Raise `ValueError` if the events of a station-day have other arrays than those of the ones before it."""
    for name in PER_EVENT:
        one, other = getattr(part, name), getattr(merged, name)
        if (one is None) != (other is None) or (one is not None and one.shape[1:] != other.shape[1:]):
            raise ValueError(
                f"{path}: its {name} has another shape than that of the station-days before it, or one of them has "
                "none; process these station-days again"
            )
    if (part.components, part.context_lead) != (merged.components, merged.context_lead):
        raise ValueError(
            f"{path}: its components or the place of its context differ from those of the station-days before it; "
            "process these station-days again"
        )
