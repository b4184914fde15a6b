"""Events of a filter over time, by class: counts, rates per live hour, and when the stations were live."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ris_core.rates.exposure import HOUR_NS
from ris_explorer.answers import RefusedError
from ris_explorer.event_table import EventTable
from ris_explorer.live_time import LiveNow, LiveTime, per_hour, places, possible
from ris_explorer.selection import Selection
from ris_explorer.timeline.time_bins import DAY_NS, IntArray, bins_of, possible_widths

_WITH_INTERVALS = 60
"""Bins up to which rates have intervals: more of them cannot be seen apart."""
_LEAST_NS = 60 * 1_000_000_000


def timeline_answer(
    table: EventTable, selection: Selection, now: LiveNow, level: float, view: tuple[int | None, int | None], width: str
) -> dict[str, Any]:
    """Return what the timeline shows; times are seconds since 1970 UTC.

    Counts are by the time of the peak, as the filter has it. Rates are by the time of the trigger's onset, since live
    time is the time in which a trigger can begin; bins without live time have none.

    Parameters
    ----------
    table
        The events.
    selection
        The filter. Its time does not count, so that the timeline shows what lies around it.
    now
        What is known of live time.
    level
        Of the intervals of rates.
    view
        First and last time to be shown, ns since 1970 UTC; none: all.
    width
        Kind of the bins; empty: the shortest that is possible.

    Raises
    ------
    RefusedError
        There is no such station, class or kind of bin, or the view holds nothing.
    """
    around = replace(selection, first=None, end=None)
    extent = _extent(table, now.live)
    if extent is None:
        return {"extent": None, "live": now.said(), "classes": [], "edges": []}
    begin, end = _view(view, extent)
    kind, edges = bins_of(begin, end, width)
    rows = around.rows(table)
    counts = _counted(table.time[rows], table.class_index[rows], edges, len(table.classes))
    used = places(table, around)
    answer: dict[str, Any] = {
        "extent": [each / 1e9 for each in extent],
        "bin": {"name": kind.name, "possible": possible_widths(begin, end)},
        "edges": edges / 1e9,
        "events": len(rows),
        "shown": int(counts.sum()),
        "live": now.said(),
        "stations": [table.stations[place] for place in used],
        "classes": [{"number": each.number, "counts": n} for each, n in zip(table.classes, counts, strict=True)],
    }
    if now.live is not None:
        answer |= _of_live(table, rows, around, now.live, edges, used)
        _add_rates(answer, table, rows, now.live, edges, level)
        del answer["live_ns"]
    return answer


def _extent(table: EventTable, live: LiveTime | None) -> tuple[int, int] | None:
    """Return begin and end of the whole days that have events or live time."""
    times = [] if not len(table) else [int(table.time[0]), int(table.time[-1]) + 1]
    if live is not None and live.end > live.first:
        times += [live.first, live.end]
    if not times:
        return None
    return min(times) // DAY_NS * DAY_NS, -(-max(times) // DAY_NS) * DAY_NS


def _view(view: tuple[int | None, int | None], extent: tuple[int, int]) -> tuple[int, int]:
    begin = extent[0] if view[0] is None else max(view[0], extent[0])
    end = extent[1] if view[1] is None else min(view[1], extent[1])
    if end <= begin:
        between = " to ".join(str(np.datetime64(each, "ns"))[:10] for each in (extent[0], extent[1] - 1))
        raise RefusedError(f"there is nothing to be shown at this time; the events are from {between}")
    return begin, max(end, begin + _LEAST_NS)


def _counted(times: IntArray, classes: Any, edges: IntArray, number: int) -> IntArray:
    """Return how many times each bin has of each class, (K, B)."""
    place = np.searchsorted(edges, times, side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    flat = classes[inside].astype(np.int64) * (len(edges) - 1) + place[inside]
    return np.bincount(flat, minlength=number * (len(edges) - 1)).reshape(number, -1)


def _of_live(
    table: EventTable, rows: IntArray, selection: Selection, live: LiveTime, edges: IntArray, used: list[int]
) -> dict[str, Any]:
    """Return live hours and shares of the stations."""
    each = live.of_bins(used, edges, selection)
    can = possible(edges, selection)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(can > 0, each / can, 0.0)
    total = each.sum(axis=0)
    partial = int(((total > 0) & (total < can * len(used))).sum())
    return {
        "live_ns": total,
        "live_hours": (total / HOUR_NS).astype(np.float32),
        # Hundredths, rounded up, so that only a bin without live time has 0.
        "availability": [
            {"station": table.stations[place], "share": np.ceil(own * 100).astype(np.uint8)}
            for place, own in zip(used, share, strict=True)
        ],
        "partial_bins": partial,
        "absent_bins": int((total == 0).sum()),
        "outside_live": int((~live.in_live[rows]).sum()),
    }


def _add_rates(
    answer: dict[str, Any], table: EventTable, rows: IntArray, live: LiveTime, edges: IntArray, level: float
) -> None:
    counted = rows[live.in_live[rows]]
    counts = _counted(table.onset[counted], table.class_index[counted], edges, len(table.classes))
    rates, low, high = per_hour(counts, answer["live_ns"], level)
    answer["all_rates"] = per_hour(counts.sum(axis=0), answer["live_ns"], level)[0]
    few = len(edges) - 1 <= _WITH_INTERVALS
    answer["level"] = level if few else None
    for row, own in enumerate(answer["classes"]):
        own["rates"] = rates[row]
        if few:
            own |= {"low": low[row], "high": high[row]}
