"""Events of a filter by hour of the day, month of the year and phase of a tide, and their rates per live hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.links.tidal_phase import LEAST_DAYS
from ris_core.rates.exposure import HOUR_NS
from ris_explorer.calendar.cycles import Cycle, IntArray, clock, season, solar_offset, tide
from ris_explorer.event_table import EventTable
from ris_explorer.live_time import LiveNow, LiveTime, per_hour, places
from ris_explorer.selection import Selection

_DAY_NS = 24 * HOUR_NS


def calendar_answer(
    table: EventTable,
    selection: Selection,
    now: LiveNow,
    level: float,
    longitudes: Mapping[str, float] | None = None,
    constituent: str = "",
) -> dict[str, Any]:
    """Return what the roses show.

    The hours do not count the filter's own hours, the months not its own months, so that each shows what lies around.

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
    longitudes
        Degrees east, by station: hours are of mean solar time. None: hours are UTC.
    constituent
        A tidal constituent; empty: no tide.

    Raises
    ------
    RefusedError
        There is no such station or class.
    """
    answer: dict[str, Any] = {"live": now.said(), "level": level, "notes": []}
    span = _span(table, selection, now.live)
    answer["span"] = None if span is None else [each / 1e9 for each in span]
    if span is None:
        return answer
    counting = _Counting(table, now.live, level)
    free = replace(selection, hours=None)
    if longitudes is None:
        answer["clock"] = counting.of(free, [(clock(*span), places(table, free))])
    else:
        known = [place for place in places(table, free) if table.stations[place] in longitudes]
        cycles = [(clock(*span, solar_offset(longitudes[table.stations[place]])), [place]) for place in known]
        answer["clock"] = counting.of(free, cycles)
        if left_out := answer["clock"]["left_out"]:
            answer["notes"].append(
                f"{left_out:,} events are left out of the hours: the longitude of their station is not known"
            )
    free = replace(selection, months=None)
    answer["season"] = counting.of(free, [(season(*span), places(table, free))])
    if constituent:
        answer["tide"] = counting.of(selection, [(tide(*span, constituent), places(table, selection))])
        if (days := (span[1] - span[0]) / _DAY_NS) < LEAST_DAYS:
            answer["notes"].append(f"{days:.0f} of {LEAST_DAYS:.0f} days that are needed: nothing can be said of tides")
    return answer


def _span(table: EventTable, selection: Selection, live: LiveTime | None) -> tuple[int, int] | None:
    """Return begin and end of the time that is counted: of the filter, and within that of events and live time."""
    ends = [] if not len(table) else [(int(table.time[0]), int(table.time[-1]) + 1)]
    if live is not None and live.end > live.first:
        ends.append((live.first, live.end))
    if not ends:
        return None
    begin, end = min(each[0] for each in ends), max(each[1] for each in ends)
    begin = begin if selection.first is None else max(begin, selection.first)
    end = end if selection.end is None else min(end, selection.end)
    return (begin, end) if end > begin else None


class _Counting:
    """Counts events and live time in the parts of cycles."""

    def __init__(self, table: EventTable, live: LiveTime | None, level: float) -> None:
        self._table, self._live, self._level = table, live, level

    def of(self, selection: Selection, cycles: list[tuple[Cycle, list[int]]]) -> dict[str, Any]:
        """Return counts, live hours and rates of the parts; each cycle is that of some stations."""
        table, kept = self._table, selection.mask(self._table)
        names = cycles[0][0].names if cycles else ()
        counts = np.zeros((len(table.classes), len(names)), np.int64)
        in_live, hours, counted = counts.copy(), np.zeros(len(names), np.int64), 0
        for cycle, stations in cycles:
            mine = kept if len(stations) == len(table.stations) else kept & np.isin(table.station, stations)
            rows = np.flatnonzero(mine)
            counted += len(rows)
            counts += self._by_class(cycle, table.time[rows], rows)
            if self._live is not None:
                rows = rows[self._live.in_live[rows]]
                in_live += self._by_class(cycle, table.onset[rows], rows)
                hours += cycle.sums(self._live.of_bins(stations, cycle.edges, selection).sum(axis=0))
        answer: dict[str, Any] = {
            "names": names,
            "counts": counts,
            "classes": [each.number for each in table.classes],
            "events": int(counts.sum()),
            "left_out": int(kept.sum()) - counted,
        }
        if self._live is not None:
            rates = per_hour(in_live, hours, self._level)[0]
            total, low, high = per_hour(in_live.sum(axis=0), hours, self._level)
            answer |= {
                "live_hours": (hours / HOUR_NS).astype(np.float32),
                "rates": rates,
                "all_rates": total,
                "low": low,
                "high": high,
                "outside_live": int(kept.sum()) - answer["left_out"] - int(in_live[:, hours > 0].sum()),
            }
        return answer

    def _by_class(self, cycle: Cycle, times: IntArray, rows: IntArray) -> NDArray[np.int64]:
        part = cycle.parts_of(times)
        inside, n = part >= 0, len(cycle.names)
        flat = self._table.class_index[rows][inside].astype(np.int64) * n + part[inside]
        return np.bincount(flat, minlength=len(self._table.classes) * n).reshape(-1, n)
