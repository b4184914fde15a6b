"""What each station has of a filter: events by class, live time, rate, amplitude."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.rates.exposure import HOUR_NS
from ris_explorer.event_table import EventTable
from ris_explorer.live_time import LiveNow, per_hour, places
from ris_explorer.selection import Selection


def station_rows(table: EventTable, selection: Selection, now: LiveNow, level: float) -> dict[str, Any]:
    """Return a row for each station, in the order of the settings.

    The filter's own stations do not count, so that the others stay visible.

    Parameters
    ----------
    table
        The events.
    selection
        The filter.
    now
        What is known of live time.
    level
        Of the intervals of rates.

    Returns
    -------
    dict
        ``stations``: code, events, counts of the classes, median of the amplitude and in how many events it is known,
        and where live time is known live_hours, rate, low and high. ``outside_live``: events whose trigger did not
        begin in live time.

    Raises
    ------
    RefusedError
        There is no such station or class.
    """
    places(table, selection)
    kept = replace(selection, stations=()).mask(table)
    rows = np.flatnonzero(kept)
    number = len(table.stations)
    flat = table.station[rows].astype(np.int64) * len(table.classes) + table.class_index[rows]
    counts = np.bincount(flat, minlength=number * len(table.classes)).reshape(number, -1)
    median, known = _medians(table, rows)
    found: list[dict[str, Any]] = [
        {
            "station": code,
            "events": int(counts[place].sum()),
            "counts": counts[place],
            "amplitude": median[place],
            "amplitudes": known[place],
        }
        for place, code in enumerate(table.stations)
    ]
    answer: dict[str, Any] = {
        "stations": found,
        "classes": [each.number for each in table.classes],
        "live": now.said(),
        "amplitude_unit": table.amplitude_unit,
        "level": level,
    }
    if now.live is not None:
        in_live = rows[now.live.in_live[rows]]
        events = np.bincount(table.station[in_live], minlength=number)
        begin = now.live.first if selection.first is None else max(selection.first, now.live.first)
        end = now.live.end if selection.end is None else min(selection.end, now.live.end)
        live = np.zeros(number, np.int64)
        if end > begin:
            live = now.live.of_bins(range(number), np.array([begin, end], np.int64), selection)[:, 0]
        rates = per_hour(events, live, level)
        for place, own in enumerate(found):
            own["live_hours"] = live[place] / HOUR_NS
            own |= {name: values[place] for name, values in zip(("rate", "low", "high"), rates, strict=True)}
        answer["outside_live"] = len(rows) - len(in_live)
    return answer


def _medians(table: EventTable, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the median of the known amplitudes at each station, NaN without any, and their numbers."""
    amplitude = table.numbers["amplitude"][rows]
    there = np.isfinite(amplitude)
    station, amplitude = table.station[rows][there], amplitude[there]
    known = np.bincount(station, minlength=len(table.stations))
    ordered = amplitude[np.argsort(station, kind="stable")]
    parts = np.split(ordered, np.cumsum(known)[:-1])
    return np.array([np.median(part) if len(part) else np.nan for part in parts]), known
