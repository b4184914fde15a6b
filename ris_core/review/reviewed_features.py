"""Features of reviewed events, wherever they are: in the training set, or in the files of their station-days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.event_identifier import possible_days
from ris_core.contracts.events import PARTS, MissingPartError
from ris_core.contracts.input_spec import InputMismatchError
from ris_core.contracts.station_day import StationDay
from ris_core.representations.file_events import FileEvents
from ris_core.representations.representation import Representation
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.storage.spectrogram_file import read_column, read_spectrograms
from ris_core.threads import one_thread


@dataclass(frozen=True, eq=False)
class ReviewedFeatures:
    """Features of reviewed events.

    Attributes
    ----------
    event_id
        The n events that have features, in the order in which they were asked for.
    z
        (n, D), those of all representations side by side.
    left_out
        Why an event has none, by its identifier.
    """

    event_id: tuple[str, ...]
    z: NDArray[np.float32] = field(repr=False)
    left_out: Mapping[str, str] = field(default_factory=dict)


def reviewed_features(
    layout: Layout,
    event_ids: Sequence[str],
    representations: Sequence[Representation],
    known: Mapping[str, NDArray[np.float32]],
) -> ReviewedFeatures:
    """Return the features of events by their identifiers.

    Parameters
    ----------
    layout
        The data root.
    event_ids
        The events, each once.
    representations
        Fitted ones.
    known
        Features (D,) of events of the training set, by event; the others are computed from the spectrogram files of
        their station-days.
    """
    found = {name: known[name] for name in event_ids if name in known}
    left_out: dict[str, str] = {}
    by_day: dict[StationDay, set[str]] = defaultdict(set)
    for name in event_ids:
        if name not in found:
            _note_days(layout, name, by_day, left_out)
    for key in sorted(by_day):
        _of_day(layout, key, by_day[key] - found.keys(), representations, found, left_out)
    for name in event_ids:
        if name in found:
            left_out.pop(name, None)
        else:
            left_out.setdefault(name, "no spectrogram of this event is in the data root; process its station-day")
    kept = tuple(name for name in event_ids if name in found)
    dimensions = sum(one.dimensions for one in representations)
    z = np.stack([found[name] for name in kept]) if kept else np.empty((0, dimensions), np.float32)
    return ReviewedFeatures(kept, z, {name: left_out[name] for name in event_ids if name in left_out})


def _note_days(layout: Layout, name: str, by_day: dict[StationDay, set[str]], left_out: dict[str, str]) -> None:
    """Note the station-days with a file in which an event may be."""
    try:
        days = possible_days(name)
        for key in days:
            if layout.spectrograms(key).exists():
                by_day[key].add(name)
    except ValueError as error:
        left_out[name] = str(error)


def _of_day(
    layout: Layout,
    key: StationDay,
    wanted: set[str],
    representations: Sequence[Representation],
    found: dict[str, NDArray[np.float32]],
    left_out: dict[str, str],
) -> None:
    """Add the features of the wanted events of a station-day, or why they have none."""
    path = layout.spectrograms(key)
    try:
        names = read_column(path, "event_id")
        rows = np.flatnonzero(np.isin(names, sorted(wanted)))
        if not len(rows):
            return
        source = FileEvents(path)
        for one in representations:
            one.require(source)
        needed = {part for one in representations for part in one.needs}
        parts = tuple(part for part in PARTS if part in needed)
        events = read_spectrograms(path, rows, parts)
        events.require(*parts, where=str(path))
    except (FileNotFoundError, DamagedFileError, InputMismatchError, MissingPartError) as error:
        left_out.update(dict.fromkeys(wanted, str(error)))
        return
    with one_thread("blas"):  # as for the features of the training set
        z = np.concatenate([one.features(events) for one in representations], axis=1)
    found.update(zip(events.event_id, z, strict=True))
