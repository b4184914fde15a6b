"""All events of the catalogue as columns in memory, sorted by time: what filters, counts and the map work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ris_core.access import read_catalogue, read_event_map
from ris_core.catalogue.catalogue_schema import NO_CLASS, NO_LABEL
from ris_core.figures.palette import cluster_style
from ris_core.memory import give_back_memory
from ris_core.review.state import ReviewState
from ris_core.station_days.station_days import StationDays

_COLUMNS = (
    "event_id",
    "station",
    "time_peak",
    "time_on",
    "label",
    "class_name",
    "probability",
    "probability_kind",
    "novelty",
    "assigned",
    "peak_counts",
    "peak_acceleration",
    "snr",
    "peak_frequency",
    "centroid_frequency",
    "duration",
    "distance",
    "source_id",
)
_GREY = "#7f7f7f"
NOT_REVIEWED = -1
"""Code in `EventTable.reviewed` of an event without a final word."""


@dataclass(frozen=True)
class EventClass:
    """A class of the champion.

    Attributes
    ----------
    number
        Class number of the catalogue; -1 for events without a label.
    name
        As in the catalogue.
    colour
        As in the figures, ``#rrggbb``.
    events
        Number of its events.
    """

    number: int
    name: str
    colour: str
    events: int


@dataclass(frozen=True, eq=False)
class EventTable:
    """N events, sorted by time of the peak and then by identifier; a *row* is a place in this order.

    Attributes
    ----------
    event_id
        (N,) identifiers, ASCII.
    time
        (N,) int64, time of the peak, ns since 1970 UTC.
    onset
        (N,) int64, time of trigger on, ns since 1970 UTC; live time is the time in which this can be.
    station
        (N,) uint16, place in `stations`.
    class_index
        (N,) uint8, place in `classes`.
    numbers
        Columns of float32 by name: probability, novelty, amplitude, snr, peak_frequency, centroid_frequency, duration,
        distance, x, y (place on the map of events). NaN where unknown.
    assigned
        (N,) bool.
    source
        (N,) int32: row of the earliest event of the same source; -1 if no other station heard it.
    reviewed
        (N,) int16, place in `reviewed_names`; `NOT_REVIEWED` without a final word.
    audit
        (N,) bool: reviewed, and drawn at random.
    stations
        Codes, in the order of the settings.
    classes
        In the order of their numbers; events without a label last.
    reviewed_names
        Classes that reviewers have named.
    amplitude_unit
        ``m/s^2``, or ``counts`` where no event has an acceleration.
    probability_kind
        As in the catalogue: calibrated, membership, or both with a comma.
    notes
        In words what is not there, like the map of events, and what to do.
    version
        Changes with the catalogue and the map.
    review_version
        Changes with the review log.
    """

    event_id: NDArray[np.bytes_] = field(repr=False)
    time: NDArray[np.int64] = field(repr=False)
    onset: NDArray[np.int64] = field(repr=False)
    station: NDArray[np.uint16] = field(repr=False)
    class_index: NDArray[np.uint8] = field(repr=False)
    numbers: Mapping[str, NDArray[np.float32]] = field(repr=False)
    assigned: NDArray[np.bool_] = field(repr=False)
    source: NDArray[np.int32] = field(repr=False)
    reviewed: NDArray[np.int16] = field(repr=False)
    audit: NDArray[np.bool_] = field(repr=False)
    stations: tuple[str, ...]
    classes: tuple[EventClass, ...]
    reviewed_names: tuple[str, ...]
    amplitude_unit: str
    probability_kind: str
    notes: tuple[str, ...]
    version: str
    review_version: str
    _by_name: NDArray[np.int32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.event_id)

    def row_of(self, event_id: str) -> int | None:
        """Return the row of an event, or None if the catalogue has no such event."""
        found = self.rows_of([event_id])
        return int(found[0]) if found[0] >= 0 else None

    def rows_of(self, event_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each identifier; -1 for those that the catalogue does not have."""
        width = self.event_id.dtype.itemsize
        usable = [name.encode() if name.isascii() and 0 < len(name) <= width else b"" for name in event_ids]
        return self.rows_of_names(np.array(usable, dtype=self.event_id.dtype))

    def rows_of_names(self, wanted: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """Return the row of each identifier, as `rows_of`."""
        if not len(self):
            return np.full(len(wanted), -1)
        place = np.searchsorted(self.event_id, wanted, sorter=self._by_name).clip(max=len(self) - 1)
        rows = self._by_name[place].astype(np.int64)
        return np.where(self.event_id[rows] == wanted, rows, -1)

    def name(self, row: int) -> str:
        """Return the identifier of the event of a row."""
        return str(self.event_id[row].decode())

    def with_reviews(self, state: ReviewState) -> EventTable:
        """Return the same events with the words of other reviews."""
        reviewed, audit, names = _reviews(self, state)
        return replace(self, reviewed=reviewed, audit=audit, reviewed_names=names, review_version=state.digest)


def load_event_table(network: StationDays, state: ReviewState, version: str) -> EventTable:
    """Return the events of a network's catalogue with their places on the map and what reviewers say.

    Parameters
    ----------
    network
        As `open_network` returns it.
    state
        The reviews.
    version
        What the table is to be called (`EventTable.version`).

    Raises
    ------
    NoCatalogueError
        There is no catalogue yet (a `FileNotFoundError`).
    DamagedFileError
        A file is not what was written; the message names it.
    """
    frame = read_catalogue(network, columns=_COLUMNS)
    event_id = _names(frame["event_id"])
    by_name = np.argsort(event_id, kind="stable").astype(np.int32)
    stations = tuple(dict.fromkeys([*network.stations, *frame["station"].unique()]))
    classes, class_index = _classes(frame)
    amplitude, unit = _amplitude(frame)
    numbers = {
        name: frame[name].to_numpy(np.float32, na_value=np.nan)
        for name in ("probability", "novelty", "snr", "peak_frequency", "centroid_frequency", "duration", "distance")
    }
    table = EventTable(
        event_id=event_id,
        time=frame["time_peak"].to_numpy("datetime64[ns]").astype(np.int64),
        onset=frame["time_on"].to_numpy("datetime64[ns]").astype(np.int64),
        station=pd.Categorical(frame["station"], stations).codes.astype(np.uint16),
        class_index=class_index,
        numbers=numbers | {"amplitude": amplitude},
        assigned=frame["assigned"].to_numpy(bool),
        source=np.full(len(frame), -1, np.int32),
        reviewed=np.full(len(frame), NOT_REVIEWED, np.int16),
        audit=np.zeros(len(frame), bool),
        stations=stations,
        classes=classes,
        reviewed_names=(),
        amplitude_unit=unit,
        probability_kind=", ".join(sorted(set(frame["probability_kind"].unique()) - {""})),
        notes=(),
        version=version,
        review_version="",
        _by_name=by_name,
    )
    x, y, notes = _places(network, table)
    sources = table.rows_of_names(_names(frame["source_id"])).astype(np.int32)
    del frame
    pa.default_memory_pool().release_unused()
    give_back_memory()
    return replace(table, numbers={**table.numbers, "x": x, "y": y}, source=sources, notes=notes).with_reviews(state)


def _names(texts: pd.Series[Any]) -> NDArray[np.bytes_]:
    """Return identifiers, ASCII without NUL, as bytes of one width; quick for hundreds of thousands."""
    names = pa.array(texts, pa.large_string())
    names = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    width = max(pc.max(pc.binary_length(names)).as_py() or 0, 1)
    padded = pc.ascii_rpad(names, width, padding="\0").cast(pa.large_binary()).cast(pa.binary(width))
    return np.frombuffer(padded.buffers()[1], f"S{width}", len(padded), padded.offset * width)


def _classes(frame: pd.DataFrame) -> tuple[tuple[EventClass, ...], NDArray[np.uint8]]:
    known = frame[["label", "class_name"]].drop_duplicates("label").sort_values("label")
    events = frame["label"].value_counts()
    found = [
        EventClass(int(number), str(name), cluster_style(int(number))[0], int(events[number]))
        for number, name in zip(known["label"], known["class_name"], strict=True)
        if number != NO_LABEL
    ]
    found.append(EventClass(NO_LABEL, NO_CLASS, _GREY, int(events.get(NO_LABEL, 0))))
    place = {each.number: index for index, each in enumerate(found)}
    return tuple(found), np.asarray(frame["label"].map(place), np.uint8)


def _amplitude(frame: pd.DataFrame) -> tuple[NDArray[np.float32], str]:
    acceleration = frame["peak_acceleration"].abs().to_numpy(np.float32)
    if np.isfinite(acceleration).any():
        return acceleration, "m/s^2"
    return frame["peak_counts"].abs().to_numpy(np.float32), "counts"


def _places(
    network: StationDays, table: EventTable
) -> tuple[NDArray[np.float32], NDArray[np.float32], tuple[str, ...]]:
    x, y = np.full(len(table), np.nan, np.float32), np.full(len(table), np.nan, np.float32)
    try:
        places = read_event_map(network)
    except FileNotFoundError as error:
        return x, y, (str(error),)
    rows = table.rows_of_names(_names(places["event_id"]))
    there = rows >= 0
    x[rows[there]], y[rows[there]] = places["x"].to_numpy()[there], places["y"].to_numpy()[there]
    missing = int(np.isnan(x).sum())
    notes = (f"{missing:,} of {len(table):,} events have no place on the map of events",) if missing else ()
    return x, y, notes


def _reviews(table: EventTable, state: ReviewState) -> tuple[NDArray[np.int16], NDArray[np.bool_], tuple[str, ...]]:
    final = state.final
    events, names = list(final), state.classes
    reviewed, audit = np.full(len(table), NOT_REVIEWED, np.int16), np.zeros(len(table), bool)
    rows = table.rows_of(events)
    there = rows >= 0
    reviewed[rows[there]] = pd.Categorical(list(final.values()), names).codes[there]
    audit[rows[there]] = np.array([event in state.audits for event in events], bool)[there]
    return reviewed, audit, names
