"""Products for a notebook: tables of many station-days, and spectrogram and waveform of one event.

>>> from ris_core.access import open_store, read_labels, read_event
>>> store = open_store("config/demo.yaml")
>>> labels = read_labels(store, stations=["S01"])
>>> event = read_event(store, labels.event_id[0])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.clustering.champion import class_names
from ris_core.config import load_settings
from ris_core.station_day import StationDay
from ris_core.storage import tables
from ris_core.storage.spectrogram_file import read_column, read_spectrograms
from ris_core.storage.store import Store

if TYPE_CHECKING:
    from obspy import Stream, Trace


class UnknownEventError(KeyError):
    """There is no spectrogram of this event in the store."""


@dataclass(frozen=True)
class Event:
    """One event.

    Attributes
    ----------
    event_id
        NET.STA.LOC.CHAN.time of the peak.
    spectrogram
        (87, 100) float32, ``unit``²/Hz.
    frequency, time
        (87,) Hz; (100,) s from the first column.
    waveform
        (218,) float32, conditioned samples behind the spectrogram, ``unit``; (199,) of an imported event.
    sampling_rate
        Of the waveform, Hz.
    unit
        ``counts``, or m/s or m/s^2 where the settings ask for spectrograms of ground motion.
    time_peak, window_start
        ns since 1970 UTC.
    """

    event_id: str
    spectrogram: NDArray[np.float32]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    waveform: NDArray[np.float32]
    sampling_rate: float
    unit: str
    time_peak: int
    window_start: int

    def trace(self) -> Trace:
        """Return the conditioned waveform as an ObsPy trace."""
        from obspy import Trace, UTCDateTime

        network, station, location, channel, _ = self.event_id.split(".", 4)
        header: dict[str, object] = {"network": network, "station": station, "location": location, "channel": channel}
        header |= {"sampling_rate": self.sampling_rate, "starttime": UTCDateTime(ns=self.window_start)}
        return Trace(self.waveform, header=header)


def open_store(config: Path | str | None = None) -> Store:
    """Return the store of the network that a settings file (by default RIS_CONFIG) describes."""
    return Store(load_settings(config))


def _paths(
    store: Store,
    path: Callable[[StationDay], Path],
    stations: Sequence[str] | None,
    first: date | None,
    last: date | None,
) -> list[tuple[StationDay, Path]]:
    for code in stations or ():
        store.settings.station(code)
    found = [
        (key, path(key))
        for key in store.station_days()
        if (stations is None or key.station in stations)
        and (first is None or key.day >= first)
        and (last is None or key.day <= last)
        and path(key).exists()
    ]
    if not found:
        raise FileNotFoundError(f"{store.root}: there are no such tables for these stations and days yet")
    return found


def _tables(
    store: Store,
    path: Callable[[StationDay], Path],
    stations: Sequence[str] | None,
    first: date | None,
    last: date | None,
) -> pd.DataFrame:
    found = [tables.read_table(file) for _, file in _paths(store, path, stations, first, last)]
    filled = [frame for frame in found if len(frame)] or found[:1]
    return pd.concat(filled, ignore_index=True)


def read_detections(
    store: Store, stations: Sequence[str] | None = None, first: date | None = None, last: date | None = None
) -> pd.DataFrame:
    """Return the detection tables of stations and days (inclusive; by default all) as one.

    Raises
    ------
    KeyError
        A station is not in the settings.
    FileNotFoundError
        No such table was made yet.
    """
    return _tables(store, store.detections, stations, first, last)


def read_live_time(
    store: Store, stations: Sequence[str] | None = None, first: date | None = None, last: date | None = None
) -> pd.DataFrame:
    """Return for each processed station-day in how many seconds a detection could start; raises as `read_detections`.

    Columns: station, day, live_seconds. Rates of events are per live time, days without events included.
    """
    rows = []
    for key, file in _paths(store, store.detections, stations, first, last):
        summary = tables.read_summary(file)
        if "live_seconds" not in summary:
            raise ValueError(f"{file}: made by an earlier version, without its live time; process {key} again")
        rows.append((key.station, key.day, float(summary["live_seconds"])))
    return pd.DataFrame(rows, columns=["station", "day", "live_seconds"])


def read_labels(
    store: Store, stations: Sequence[str] | None = None, first: date | None = None, last: date | None = None
) -> pd.DataFrame:
    """Return the label tables of stations and days (inclusive; by default all) as one; raises as `read_detections`.

    `label` is the class number, which a new champion keeps where its clusters hold the same events; `class_name` is
    what `champion.names` of the settings calls it, else the number. Events that are not `assigned` are like none of the
    clusters.
    """
    frame = _tables(store, store.labels, stations, first, last)
    names = class_names(store.settings.champion, frame["label"].unique())
    frame.insert(list(frame.columns).index("label") + 1, "class_name", frame["label"].map(names))
    return frame


def read_event(store: Store, event_id: str) -> Event:
    """Return spectrogram and waveform of an event.

    Raises
    ------
    ValueError
        The identifier is not one.
    UnknownEventError
        There is no such spectrogram in the store.
    """
    key, row = _find(store, event_id)
    data = read_spectrograms(store.spectrograms(key), slice(row, row + 1))
    return Event(
        event_id=event_id,
        spectrogram=data.spectrogram[0],
        frequency=data.frequency,
        time=data.time,
        waveform=data.waveform[0],
        sampling_rate=data.sampling_rate,
        unit=data.unit,
        time_peak=int(data.time_peak[0]),
        window_start=int(data.window_start[0]),
    )


def read_raw(store: Store, event_id: str, before: float = 5.0, after: float = 10.0) -> Stream:
    """Return the raw samples around the peak of an event, counts.

    A raw file that was dropped after processing is fetched again, and stored.

    Parameters
    ----------
    store, event_id
        As in `read_event`.
    before, after
        Seconds before and after the peak.
    """
    from obspy import Stream, Trace, UTCDateTime

    from ris_core.waveforms.acquire import read_segments

    key, row = _find(store, event_id)
    peak = UTCDateTime(ns=int(read_column(store.spectrograms(key), "time_peak")[row]))
    network, station, location, channel, _ = event_id.split(".", 4)
    header = {"network": network, "station": station, "location": location, "channel": channel}
    stream = Stream(
        [
            Trace(s.samples, header | {"sampling_rate": s.sampling_rate, "starttime": UTCDateTime(ns=s.start_ns)})
            for s in read_segments(store, key)
        ]
    )
    return stream.slice(peak - before, peak + after)


def _find(store: Store, event_id: str) -> tuple[StationDay, int]:
    parts = event_id.split(".", 4)
    try:
        peak = datetime.strptime(parts[4].split("_")[0], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"'{event_id}' is not an event id; it reads NET.STA.LOC.CHAN.YYYYMMDDTHHMMSS.ffffff"
        ) from error
    # A detection belongs to the day of its onset; its peak may lie after midnight.
    for day in (peak.date(), peak.date() - timedelta(days=1)):
        key = StationDay(parts[1], day)
        if not store.spectrograms(key).exists():
            continue
        rows = np.flatnonzero(read_column(store.spectrograms(key), "event_id") == event_id)
        if rows.size:
            return key, int(rows[0])
    raise UnknownEventError(f"{event_id}: no spectrogram of this event in {store.root}")
