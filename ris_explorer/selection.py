"""Which events are meant: a filter, as the address of the page writes it, and the rows that pass it.

The page and every request use the same parameters, so an address can be shared:

- ``station=S01,S02``, ``class=0,3,-1`` (numbers of the catalogue; -1: without a label), ``reviewed_class=NAME``
- ``from=2015-01-01T06:00Z``, ``to=…``: UTC, from inclusive, to exclusive
- ``hours=22-4``: hours of the day UTC, both inclusive; may go over midnight. ``months=11-2`` likewise
- ``snr=3..``, ``amplitude=..1e-6``, ``probability=.2...9``, ``frequency=5..10`` and others (`RANGES`):
  both ends inclusive
- ``assigned=yes|no``, ``reviewed=yes|no|audit``, ``source=yes|no|EVENT`` (that source)
- ``lasso=x,y;x,y;…``: a polygon on the map of events; ``events=ID,ID``: these events
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_explorer.answers import RefusedError
from ris_explorer.event_table import NOT_REVIEWED, EventTable
from ris_explorer.filter_values import (
    cycle_of,
    event_or_word,
    events_of,
    listed,
    one_of,
    polygon_of,
    range_of,
    time_of,
    whole_number,
)

RANGES = {
    "snr": "snr",
    "amplitude": "amplitude",
    "probability": "probability",
    "novelty": "novelty",
    "frequency": "peak_frequency",
    "duration": "duration",
}
"""Parameters that are ranges, and their columns."""
NAMES = (
    "station",
    "class",
    "reviewed_class",
    "from",
    "to",
    "hours",
    "months",
    *RANGES,
    "assigned",
    "reviewed",
    "source",
    "lasso",
    "events",
)
"""All parameters of a filter."""


@dataclass(frozen=True)
class Selection:
    """A filter; what is None or empty does not restrict.

    Attributes
    ----------
    stations, classes
        Codes; class numbers.
    first, end
        ns since 1970 UTC; first inclusive, end exclusive.
    hours, months
        First and last, inclusive.
    ranges
        Column, least and greatest value, inclusive.
    assigned, reviewed, source
        As written in the address.
    reviewed_class
        Final word of the reviewers.
    lasso
        Corners (x, y) on the map of events.
    events
        Identifiers.
    """

    stations: tuple[str, ...] = ()
    classes: tuple[int, ...] = ()
    first: int | None = None
    end: int | None = None
    hours: tuple[int, int] | None = None
    months: tuple[int, int] | None = None
    ranges: tuple[tuple[str, float, float], ...] = ()
    assigned: str = ""
    reviewed: str = ""
    source: str = ""
    reviewed_class: str = ""
    lasso: tuple[tuple[float, float], ...] = ()
    events: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: Iterable[tuple[str, str]], besides: Collection[str] = ()) -> Selection:
        """Return the filter of a request.

        Parameters
        ----------
        query
            Names and values of its parameters, decoded.
        besides
            Other parameters that the request may have.

        Raises
        ------
        RefusedError
            A parameter is not known, comes twice or cannot be read; the message says what would be right.
        """
        found: dict[str, str] = {}
        for name, value in query:
            if name in besides:
                continue
            if name not in NAMES:
                known = ", ".join([*NAMES, *besides])
                raise RefusedError(f"{name[:40]!r} is no parameter of this request; known: {known}")
            if name in found:
                raise RefusedError(f"{name} is there twice; several values are one parameter with commas")
            found[name] = value
        return cls(
            stations=listed(found.get("station", "")),
            classes=tuple(whole_number("class", text) for text in listed(found.get("class", ""))),
            first=time_of("from", found.get("from", "")),
            end=time_of("to", found.get("to", "")),
            hours=cycle_of("hours", found.get("hours", ""), 0, 23),
            months=cycle_of("months", found.get("months", ""), 1, 12),
            ranges=tuple((column, *range_of(name, found[name])) for name, column in RANGES.items() if found.get(name)),
            assigned=one_of("assigned", found.get("assigned", ""), ("yes", "no")),
            reviewed=one_of("reviewed", found.get("reviewed", ""), ("yes", "no", "audit")),
            source=event_or_word("source", found.get("source", "")),
            reviewed_class=found.get("reviewed_class", ""),
            lasso=polygon_of(found.get("lasso", "")),
            events=events_of(found.get("events", "")),
        )

    def mask(self, table: EventTable) -> NDArray[np.bool_]:
        """Return which rows of a table pass, (N,).

        Raises
        ------
        RefusedError
            The table has no such station, class or source.
        """
        kept = np.ones(len(table), bool)
        for narrow in (self._by_place, self._by_time, self._by_value, self._by_review, self._by_choice):
            narrow(table, kept)
        return kept

    def rows(self, table: EventTable) -> NDArray[np.int64]:
        """Return the rows that pass, ascending; raises as `mask`."""
        return np.flatnonzero(self.mask(table))

    def notes(self, table: EventTable) -> list[str]:
        """Return in words which events of a table cannot pass, whatever the ends of ranges, for want of a value."""
        found = []
        for column, _, _ in self.ranges:
            if unknown := int(np.isnan(table.numbers[column]).sum()):
                said = column.replace("_", " ")
                found.append(f"{unknown:,} of {len(table):,} events have no {said}, so no range of it contains them")
        if self.lasso and (unknown := int(np.isnan(table.numbers["x"]).sum())):
            found.append(f"{unknown:,} of {len(table):,} events have no place on the map, so no lasso contains them")
        return found

    def _by_place(self, table: EventTable, kept: NDArray[np.bool_]) -> None:
        if self.stations:
            codes = [place_of("station", code, table.stations) for code in self.stations]
            kept &= np.isin(table.station, codes)
        if self.classes:
            numbers = [each.number for each in table.classes]
            kept &= np.isin(table.class_index, [place_of("class", number, numbers) for number in self.classes])

    def _by_time(self, table: EventTable, kept: NDArray[np.bool_]) -> None:
        start = 0 if self.first is None else np.searchsorted(table.time, self.first)
        stop = len(table) if self.end is None else np.searchsorted(table.time, self.end)
        kept[:start] = False
        kept[stop:] = False
        if self.hours is not None:
            kept &= within(hours_of(table.time), self.hours)
        if self.months is not None:
            kept &= within(months_of(table.time), self.months)

    def _by_value(self, table: EventTable, kept: NDArray[np.bool_]) -> None:
        for column, least, greatest in self.ranges:
            values = table.numbers[column]
            kept &= (values >= least) & (values <= greatest)  # NaN passes neither
        if self.assigned:
            kept &= table.assigned == (self.assigned == "yes")

    def _by_review(self, table: EventTable, kept: NDArray[np.bool_]) -> None:
        if self.reviewed == "audit":
            kept &= table.audit
        elif self.reviewed:
            kept &= (table.reviewed != NOT_REVIEWED) == (self.reviewed == "yes")
        if self.reviewed_class:
            known = table.reviewed_names
            kept &= table.reviewed == (known.index(self.reviewed_class) if self.reviewed_class in known else -2)

    def _by_choice(self, table: EventTable, kept: NDArray[np.bool_]) -> None:
        if self.source in ("yes", "no"):
            kept &= (table.source >= 0) == (self.source == "yes")
        elif self.source:
            if (row := table.row_of(self.source)) is None:
                raise RefusedError(f"source = {self.source!r}: the catalogue has no such event", 404)
            kept &= table.source == row
        if self.lasso:
            kept &= _inside(table.numbers["x"], table.numbers["y"], self.lasso)
        if self.events:
            chosen = np.zeros(len(table), bool)
            rows = table.rows_of(list(self.events))
            chosen[rows[rows >= 0]] = True
            kept &= chosen


def hours_of(time: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the hour of the day UTC of times in ns since 1970."""
    return (time // 3_600_000_000_000 % 24).astype(np.uint8)


def months_of(time: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the month, 1 to 12, of times in ns since 1970 UTC."""
    return (time.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64) % 12 + 1).astype(np.uint8)


def within(values: NDArray[np.uint8], ends: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which values lie between both ends, inclusive; a range whose first end is greater goes over the turn."""
    first, last = ends
    if first <= last:
        return (values >= first) & (values <= last)
    return (values >= first) | (values <= last)


def _inside(
    x: NDArray[np.float32], y: NDArray[np.float32], corners: tuple[tuple[float, float], ...]
) -> NDArray[np.bool_]:
    """Return which points lie inside a polygon: a ray from each crosses its edges an odd number of times."""
    edge_x, edge_y = np.array(corners).T
    near = np.flatnonzero((x >= edge_x.min()) & (x <= edge_x.max()) & (y >= edge_y.min()) & (y <= edge_y.max()))
    px, py = x[near].astype(np.float64), y[near].astype(np.float64)
    odd = np.zeros(len(near), bool)
    for x1, y1, x2, y2 in zip(edge_x, edge_y, np.roll(edge_x, -1), np.roll(edge_y, -1), strict=True):
        if y1 != y2:
            odd ^= ((py < y1) != (py < y2)) & (px < x1 + (py - y1) * (x2 - x1) / (y2 - y1))
    inside = np.zeros(len(x), bool)
    inside[near[odd]] = True
    return inside


def place_of(what: str, value: Any, known: Collection[Any]) -> int:
    """Return the place of a value among those that are known; raises `RefusedError` (404) with these."""
    if value not in known:
        raise RefusedError(f"{what} = {value!r}: there is none; there are {', '.join(map(str, known))}", 404)
    return list(known).index(value)
