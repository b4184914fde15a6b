"""Whether the catalogue holds what the label tables hold: every labelled event once, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ris_core.catalogue.catalogue_reading import CATALOGUE_AGAIN, Month, load_catalogue
from ris_core.catalogue.month_inputs import days_of
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables

_NAMED = 5


def labelled_events_missing(network: StationDays, months: Iterable[Month]) -> list[str]:
    """Return in words what differs between the catalogue of some months and the label tables of their station-days.

    Label tables that are not of the present spectrograms do not count. All their identifiers are read.

    Raises
    ------
    DamagedFileError
        A file is damaged.
    """
    found = []
    for month in months:
        wanted = [
            name for path in _label_tables(network, month) for name in tables.read_table(path, ["event_id"])["event_id"]
        ]
        frame = tables.read_table(network.layout.catalogue(*month), ["event_id", "label"])
        there = frame["event_id"][frame["label"] >= 0].tolist()
        found += _difference(f"{month[0]}-{month[1]:02d}", "not in the catalogue", set(wanted) - set(there))
        found += _difference(f"{month[0]}-{month[1]:02d}", "without a label table", set(there) - set(wanted))
    return found


def _label_tables(network: StationDays, month: Month) -> list[Path]:
    """Return the label tables of a month that are of the present spectrograms."""
    with network.look() as seen:
        return [
            seen.layout.labels(key)
            for key in (StationDay(station, day) for day in days_of(month) for station in seen.stations)
            if seen.files.exists(seen.layout.labels(key)) and seen.label.follows_its_input(key)
        ]


def _difference(month: str, what: str, names: set[str]) -> list[str]:
    if not names:
        return []
    some = ", ".join(sorted(names)[:_NAMED])
    return [f"{month}: {len(names)} labelled events are {what} ({some}); {CATALOGUE_AGAIN}"]


def doubled_or_unsorted(network: StationDays) -> tuple[list[str], list[str]]:
    """Return in words which identifiers come twice in the catalogue, and which months are not in the order of time."""
    frame = load_catalogue(network.layout, columns=["event_id", "time_peak"])
    twice = frame["event_id"][frame["event_id"].duplicated()].tolist()
    doubled = [f"{len(twice)} events come twice ({', '.join(twice[:_NAMED])})"] if twice else []
    time = frame["time_peak"].to_numpy(dtype="datetime64[ns]").astype(np.int64)
    names = frame["event_id"].to_numpy(dtype=str)
    wrong = (np.diff(time) < 0) | ((np.diff(time) == 0) & (names[1:] < names[:-1]))
    unsorted = [f"{int(wrong.sum())} events come before an earlier one"] if wrong.any() else []
    return doubled, unsorted
