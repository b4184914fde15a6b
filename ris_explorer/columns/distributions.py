"""How the numbers of a selection are distributed, for the controls that choose ranges of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_explorer.event_table import EventTable
from ris_explorer.selection import RANGES

_BINS = 40
_WHOLE = (0.001, 0.999)
_LOGARITHMIC = "amplitude"
_NO_BIN = 255


@dataclass(frozen=True, eq=False)
class Binned:
    """A number of all events in bins.

    Attributes
    ----------
    edges
        (B + 1,) ascending; of the amplitude in equal ratios. What lies outside is in the first or last bin.
    place
        (N,) bin of each event; 255 without a value.
    """

    edges: NDArray[np.float64] = field(repr=False)
    place: NDArray[np.uint8] = field(repr=False)


class Distributions:
    """The distributions of a table; bins are chosen once for each version of the events."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version: str | None = None
        self._binned: dict[str, Binned] = {}

    def of(self, table: EventTable, kept: NDArray[np.bool_]) -> dict[str, dict[str, Any]]:
        """Return bins and counts by the name of the parameter.

        Parameters
        ----------
        table
            N events.
        kept
            (N,) which of them are meant.

        Returns
        -------
        dict
            Of each parameter of `RANGES` that any event has: ``edges`` (B + 1), ``counts`` (B) of the meant events,
            ``all`` (B) of all, ``unknown``: meant events without a value, which no range contains.
        """
        found = {}
        for name, binned in self._of_table(table).items():
            counts = np.bincount(binned.place[kept], minlength=_NO_BIN + 1)
            everything = np.bincount(binned.place, minlength=_NO_BIN + 1)
            bins = len(binned.edges) - 1
            found[name] = {
                "edges": binned.edges,
                "counts": counts[:bins],
                "all": everything[:bins],
                "unknown": int(counts[_NO_BIN]),
            }
        return found

    def _of_table(self, table: EventTable) -> dict[str, Binned]:
        with self._lock:
            if self._version != table.version:
                made = {name: _binned(table.numbers[column], name) for name, column in RANGES.items()}
                self._binned = {name: each for name, each in made.items() if each is not None}
                self._version = table.version
            return self._binned


def _binned(values: NDArray[np.float32], name: str) -> Binned | None:
    logarithmic = name == _LOGARITHMIC
    known = values[np.isfinite(values) & (values > 0)] if logarithmic else values[np.isfinite(values)]
    if not len(known):
        return None
    least, greatest = (float(each) for each in np.quantile(known, _WHOLE))
    if not least < greatest:
        least, greatest = least - (abs(least) or 1) * 0.5, least + (abs(least) or 1) * 0.5
    edges = np.geomspace(least, greatest, _BINS + 1) if logarithmic else np.linspace(least, greatest, _BINS + 1)
    place = (np.searchsorted(edges, values, side="right") - 1).clip(0, _BINS - 1).astype(np.uint8)
    place[~np.isfinite(values)] = _NO_BIN
    return Binned(edges, place)
