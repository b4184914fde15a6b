"""When the stations were live: read from thousands of small files in the background, then asked by every view."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.catalogue.catalogue_reading import catalogue_days
from ris_core.rates.exposure import HOUR_NS, is_live, live_ns
from ris_core.rates.live_reading import NoLiveTimeError, live_files
from ris_core.rates.poisson import poisson_interval
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_explorer.event_table import EventTable
from ris_explorer.selection import Selection, hours_of, months_of, place_of, within

_AGAIN_S = 30.0
IntArray = NDArray[np.int64]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LiveTime:
    """Live time of the S stations of a table of events, on the station-days that the catalogue is made of.

    Attributes
    ----------
    intervals
        Of each station, (n, 2): start, and the end, which does not belong to the interval; ns since 1970 UTC.
    in_live
        (N,) whether the trigger of an event began in live time of its station.
    first, end
        Of all intervals, ns since 1970 UTC; both 0 without any.
    """

    intervals: tuple[IntArray, ...] = field(repr=False)
    in_live: NDArray[np.bool_] = field(repr=False)
    first: int
    end: int

    def of_bins(self, stations: Sequence[int], edges: IntArray, selection: Selection) -> IntArray:
        """Return the live time of stations in each bin, ns, in the hours and months of a filter alone.

        Parameters
        ----------
        stations
            (S,) their places in `EventTable.stations`.
        edges
            (B + 1,) ascending, ns since 1970 UTC.
        selection
            Of which only `hours` and `months` count.

        Returns
        -------
        ndarray
            (S, B).
        """
        return _in_cycles([self.intervals[station] for station in stations], edges, selection)


@dataclass(frozen=True, eq=False)
class LiveNow:
    """What is known of live time now.

    Attributes
    ----------
    live
        None where nothing is known.
    reading
        Whether it is being read.
    words
        Why it is not known; empty if it is.
    """

    live: LiveTime | None
    reading: bool
    words: str

    def said(self) -> dict[str, Any]:
        """Return it for an answer."""
        return {"known": self.live is not None, "reading": self.reading, "words": self.words}


class LiveReader:
    """Reads the live time of a network in the background, again when the catalogue has changed.

    Files that did not change are not read again.

    Parameters
    ----------
    network
        As `ris_core.access.open_network` returns it.
    """

    def __init__(self, network: StationDays) -> None:
        self._network = network
        self._lock = threading.Lock()
        self._files: dict[Path, tuple[tuple[int, int, int], IntArray]] = {}
        self._version: str | None = None
        self._now = LiveNow(None, False, "")
        self._failed: float | None = None
        self._done, self._all = 0, 0

    def of(self, table: EventTable) -> LiveNow:
        """Return what is known now for the events of a table; begins to read if that is needed, and does not wait."""
        with self._lock:
            if not self._now.reading and self._is_old(table):
                self._version, self._failed, self._done, self._all = table.version, None, 0, 0
                self._now = LiveNow(None, True, "")
                threading.Thread(target=self._read, args=(table,), daemon=True).start()
            if not self._now.reading:
                return self._now
            share = f" ({self._done:,} of {self._all:,} station-days)" if self._all else ""
            return LiveNow(None, True, f"live time is being read{share}; until then there are no rates")

    def wait(self, table: EventTable) -> LiveNow:
        """Return what is known once it has been read."""
        while (now := self.of(table)).reading:
            time.sleep(0.02)
        return now

    def _is_old(self, table: EventTable) -> bool:
        retry = self._failed is not None and time.monotonic() - self._failed > _AGAIN_S
        return self._version != table.version or retry

    def _read(self, table: EventTable) -> None:
        now, failed = LiveNow(None, False, ""), None
        try:
            now = LiveNow(self._live(table), False, "")
        except (NoLiveTimeError, DamagedFileError, FileNotFoundError) as error:
            now, failed = LiveNow(None, False, str(error)), time.monotonic()
        except Exception as error:
            logger.exception("live time cannot be read")
            words = f"live time cannot be read: {type(error).__name__}; the explorer's log has more"
            now, failed = LiveNow(None, False, words), time.monotonic()
        with self._lock:
            self._now, self._failed = now, failed

    def _live(self, table: EventTable) -> LiveTime:
        network = self._network
        paths = live_files(network, [] if network.settings.imported else catalogue_days(network.layout))
        self._all = len(paths)
        kept = {}
        parts: dict[str, list[IntArray]] = {code: [] for code in table.stations}
        for path in paths:
            kept[path] = self._of_file(path)
            self._done += 1
            if (own := parts.get(path.parent.name.removeprefix("station="))) is not None:
                own.append(kept[path][1])
        self._files = kept
        intervals = tuple(np.concatenate(own) if own else np.empty((0, 2), np.int64) for own in parts.values())
        in_live = np.zeros(len(table), bool)
        for place, own_intervals in enumerate(intervals):
            rows = np.flatnonzero(table.station == place)
            in_live[rows] = is_live(table.onset[rows], own_intervals)
        filled = [each for each in intervals if len(each)]
        first = min((int(each[:, 0].min()) for each in filled), default=0)
        return LiveTime(intervals, in_live, first, max((int(each[:, 1].max()) for each in filled), default=0))

    def _of_file(self, path: Path) -> tuple[tuple[int, int, int], IntArray]:
        status = path.stat()
        seen = status.st_size, status.st_mtime_ns, status.st_ino
        known = self._files.get(path)
        if known is not None and known[0] == seen:
            return known
        found = tables.read_arrow(path, ["start", "end"])
        pair = [found[name].to_numpy().astype("datetime64[ns]").astype(np.int64) for name in ("start", "end")]
        intervals: IntArray = np.column_stack(pair).reshape(-1, 2)
        return seen, intervals


def possible(edges: IntArray, selection: Selection) -> IntArray:
    """Return how much of each bin (B,), ns, lies in the hours and months of a filter; as `LiveTime.of_bins`."""
    found: IntArray = _in_cycles([np.array([[edges[0], edges[-1]]], np.int64)], edges, selection)[0]
    return found


def _in_cycles(intervals: Sequence[IntArray], edges: IntArray, selection: Selection) -> IntArray:
    found = np.empty((len(intervals), len(edges) - 1), np.int64)
    if selection.hours is None and selection.months is None:
        for row, own in enumerate(intervals):
            found[row] = live_ns(own, edges)
        return found
    grid = np.arange(edges[0] // HOUR_NS * HOUR_NS, edges[-1], HOUR_NS, dtype=np.int64)
    fine = np.union1d(edges, grid[grid > edges[0]])
    kept = np.ones(len(fine) - 1, bool)
    if selection.hours is not None:
        kept &= within(hours_of(fine[:-1]), selection.hours)
    if selection.months is not None:
        kept &= within(months_of(fine[:-1]), selection.months)
    first = np.searchsorted(fine, edges[:-1])
    for row, own in enumerate(intervals):
        found[row] = np.add.reduceat(live_ns(own, fine) * kept, first)
    return found


def places(table: EventTable, selection: Selection) -> list[int]:
    """Return the places in `EventTable.stations` of the stations of a filter; all where it names none.

    Raises
    ------
    RefusedError
        There is no such station.
    """
    return [place_of("station", code, table.stations) for code in selection.stations or table.stations]


def per_hour(
    events: NDArray[Any], live: IntArray, level: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return events per live hour and the ends of their Poisson interval; NaN without live time.

    Parameters
    ----------
    events
        (…, B) numbers of events whose trigger began in live time.
    live
        (B,) live time, ns.
    level
        Of the interval.
    """
    hours = np.where(live > 0, live / HOUR_NS, np.nan)
    low, high = poisson_interval(events, level)
    rates = [(values / hours).astype(np.float32) for values in (events, low, high)]
    return rates[0], rates[1], rates[2]
