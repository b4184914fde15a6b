"""The order of the gallery: the events that pass a filter, sorted, page by page."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ris_explorer.answers import RefusedError
from ris_explorer.event_table import EventTable
from ris_explorer.selection import Selection

SORTS = ("time", "distance", "probability", "novelty", "snr")
"""Columns by which events are sorted; with ``-`` before it from great to small."""
PAGE = 60
"""Events of one page."""
_KEPT = 4


@dataclass(frozen=True, eq=False)
class Ordered:
    """The rows of the events that pass, in the order of the gallery.

    Attributes
    ----------
    rows
        (N,) int32, rows of the table.
    unknown
        Number of events without a value of the column, which are last.
    """

    rows: NDArray[np.int32]
    unknown: int

    @property
    def pages(self) -> int:
        """Number of pages; one if there are no events."""
        return max(1, -(-len(self.rows) // PAGE))

    def page(self, number: int) -> NDArray[np.int32]:
        """Return the rows of a page, from 1."""
        return self.rows[(number - 1) * PAGE : number * PAGE]

    def place(self, row: int) -> int | None:
        """Return the place of a row in this order, from 0; None if it does not pass."""
        found = np.flatnonzero(self.rows == row)
        return int(found[0]) if found.size else None


class Ordering:
    """Sorts the events that pass a filter; the last few orders are kept, so that paging does not sort again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, Selection, str], Ordered] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, table: EventTable, selection: Selection, sort: str) -> Ordered:
        """Return the events that pass, sorted; events of equal values are sorted by time.

        Parameters
        ----------
        table, selection
            The events, and which are meant.
        sort
            One of `SORTS`, or with ``-`` before it.

        Raises
        ------
        RefusedError
            There is no such column, or the filter cannot be used.
        """
        if sort.removeprefix("-") not in SORTS:
            raise RefusedError(
                f"sort = {sort[:40]!r} is none of {', '.join(SORTS)}; with - before it from great to small"
            )
        key = table.version, table.review_version, selection, sort
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = _ordered(table, selection.rows(table), sort)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made


def _ordered(table: EventTable, rows: NDArray[np.int64], sort: str) -> Ordered:
    column, sign = sort.removeprefix("-"), -1 if sort.startswith("-") else 1
    if column == "time":
        # Rows are sorted by time; equal times stay in the order of their names.
        order = np.argsort(sign * table.time[rows], kind="stable") if sign < 0 else slice(None)
        return Ordered(rows[order].astype(np.int32), 0)
    values = table.numbers[column][rows]
    return Ordered(rows[np.argsort(sign * values, kind="stable")].astype(np.int32), int(np.isnan(values).sum()))


def page_number(text: str) -> int:
    """Return the number of a page; raises `RefusedError`."""
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise RefusedError(f"page = {text[:40]!r} is not a number from 1 on")
    return int(text)


def parts_of(query: Iterable[tuple[str, str]], besides: tuple[str, ...]) -> tuple[Selection, dict[str, str]]:
    """Return the filter of a request, and its other parameters; raises `RefusedError`."""
    pairs = list(query)
    return Selection.of(pairs, besides), {name: value for name, value in pairs if name in besides}
