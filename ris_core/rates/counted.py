"""Events and live time of each hour, from which all bins are summed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.rates.exposure import IntArray, intervals_of, is_live, live_ns, nanoseconds


@dataclass(frozen=True, eq=False)
class CountedEvents:
    """Events and live time of S stations in m hours.

    Attributes
    ----------
    stations
        Codes.
    numbers, names
        Numbers and names of the K classes.
    edges
        (m + 1,) ns since 1970 UTC.
    events, assigned
        (S, m, K) all events of a class, and its clear members.
    of_model, of_reviewers
        (S, m, K) events whose class the model gave, and those that reviewers named, by the reviewers' class.
    live
        (S, m) live time in ns; none of imported events.
    outside
        Events outside of these hours or, where it is known, of live time.
    """

    stations: tuple[str, ...]
    numbers: tuple[int, ...]
    names: tuple[str, ...]
    edges: IntArray = field(repr=False)
    events: IntArray = field(repr=False)
    assigned: IntArray = field(repr=False)
    of_model: IntArray = field(repr=False)
    of_reviewers: IntArray = field(repr=False)
    live: IntArray | None = field(repr=False)
    outside: int = 0


def count_by_hour(
    events: pd.DataFrame,
    live: pd.DataFrame | None,
    stations: Sequence[str],
    edges: IntArray,
    classes: Mapping[int, str] | None = None,
) -> CountedEvents:
    """Return events and live time of each hour.

    An event counts where its trigger began, since live time is the time in which a trigger could begin.

    Parameters
    ----------
    events
        Labelled events: station, time_on, label, class_name, assigned, reviewed.
    live
        station, start, end; none of imported events.
    stations
        Codes, also of stations without events.
    edges
        (m + 1,) as `ris_core.rates.calendar_bins.hour_edges` returns them.
    classes
        Names of classes by number, also of those without an event; by default those of the events.
    """
    known = events.drop_duplicates("label")
    called = dict(zip(known["label"].tolist(), known["class_name"].astype(str), strict=True)) | dict(classes or {})
    numbers = np.array(sorted(called), np.int64)
    names = [called[int(number)] for number in numbers]
    place = {name: number for number, name in enumerate(names)}
    hours = len(edges) - 1
    shape = (len(stations), hours, len(numbers))
    found = {name: np.zeros(shape, np.int64) for name in ("events", "assigned", "of_model", "of_reviewers")}
    exposure = None if live is None else np.zeros(shape[:2], np.int64)
    outside = len(events) - int(events["station"].isin(list(stations)).sum())
    for row, station in enumerate(stations):
        own = events[events["station"] == station]
        if live is not None and exposure is not None:
            exposure[row] = live_ns(intervals_of(live, station), edges)
        hour = _hour(own, edges)
        column = np.searchsorted(numbers, own["label"].to_numpy(np.int64))
        counts = hour >= 0
        if live is not None:
            counts &= is_live(nanoseconds(own["time_on"]), intervals_of(live, station))
        outside += int((~counts).sum())
        named = own["reviewed"].map(place).to_numpy(float, na_value=np.nan)
        reviewed = own["reviewed"].notna().to_numpy(bool)
        assigned = own["assigned"].to_numpy(bool)
        np.add.at(found["events"][row], (hour[counts], column[counts]), 1)
        np.add.at(found["assigned"][row], (hour[counts & assigned], column[counts & assigned]), 1)
        np.add.at(found["of_model"][row], (hour[counts & ~reviewed], column[counts & ~reviewed]), 1)
        sure = counts & ~np.isnan(named)
        np.add.at(found["of_reviewers"][row], (hour[sure], named[sure].astype(np.int64)), 1)
    return CountedEvents(
        stations=tuple(stations),
        numbers=tuple(int(number) for number in numbers),
        names=tuple(names),
        edges=edges,
        live=exposure,
        outside=outside,
        **found,
    )


def _hour(events: pd.DataFrame, edges: IntArray) -> NDArray[np.int64]:
    """Return the number of each event's hour; -1 outside of all hours."""
    hour = np.searchsorted(edges, nanoseconds(events["time_on"]), side="right") - 1
    return np.where((hour >= 0) & (hour < len(edges) - 1), hour, -1)


def series_of(counted: CountedEvents, stations: Sequence[str], labels: Sequence[int]) -> pd.DataFrame:
    """Return hourly counts of stations and classes as rows, of hours with live time only.

    Columns: station, label, class_name, time (start of the hour, UTC), events, live_hours. Of imported events there are
    rows of hours with an event of the station only, and live_hours is NaN.
    """
    parts = []
    for row, station in enumerate(counted.stations):
        if station not in stations:
            continue
        there = counted.events[row].sum(axis=1) > 0 if counted.live is None else counted.live[row] > 0
        for column, number in enumerate(counted.numbers):
            if number not in labels:
                continue
            parts.append(
                pd.DataFrame(
                    {
                        "station": station,
                        "label": number,
                        "class_name": counted.names[column],
                        "time": pd.DatetimeIndex(counted.edges[:-1][there], tz="UTC"),
                        "events": counted.events[row, there, column].astype(np.int64),
                        "live_hours": np.nan if counted.live is None else counted.live[row, there] / 3.6e12,
                    }
                )
            )
    columns = ["station", "label", "class_name", "time", "events", "live_hours"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
