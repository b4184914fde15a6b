"""The events in memory follow the files on disk: while they are read again, the former ones answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ris_core.catalogue.catalogue_reading import months_on_disk
from ris_core.event_map.event_map_schema import TABLE as EVENT_MAP
from ris_core.review.state import ReviewState
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError
from ris_explorer.event_table import EventTable, load_event_table

LOOK_S = 2.0
"""Time between two looks at the disk, s."""
_UNREST_S = 60.0
_AGAIN_S = 60.0
logger = logging.getLogger(__name__)


class CurrentTable:
    """The events of a network as they are on disk; several threads may ask at once.

    Only who asks first waits for the files. When these change later, they are read by another thread once they rest:
    an update of the catalogue writes one month after the other. Where they cannot be read, the events stay, and
    `trouble` says why.

    Parameters
    ----------
    network
        As `ris_core.access.open_network` returns it.
    state
        Returns what the reviews say now.
    """

    def __init__(self, network: StationDays, state: Callable[[], ReviewState]) -> None:
        self._network, self._state = network, state
        self._lock, self._first = threading.Lock(), threading.Lock()
        self._table: EventTable | None = None
        self._reviews, self._looked, self._reading = "", 0.0, False
        self._changed: tuple[str, float] | None = None
        self._refused: tuple[tuple[str, str], float] | None = None
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why the events are not those on disk, in words; empty if they are, or are being read."""
        return self._trouble

    def now(self) -> EventTable:
        """Return the events; raises as `load_event_table` and `ReviewLog.read` while none were ever read."""
        table = self._table
        if table is None:
            with self._first:
                if self._table is None:
                    self._load()
                return self._known()
        if time.monotonic() - self._looked > LOOK_S:
            self._look(table)
        return self._known()

    def with_reviews(self) -> EventTable:
        """Return the events with all reviews until now; raises as `ReviewLog.read`, and as `now`."""
        self.now()
        return self._follow_reviews()

    def _known(self) -> EventTable:
        if self._table is None:
            raise RuntimeError("the events were not read")
        return self._table

    def _look(self, table: EventTable) -> None:
        """Begin to read what has changed, if it rests."""
        with self._lock:
            now = time.monotonic()
            if self._reading or now - self._looked <= LOOK_S:
                return
            self._looked = now
            seen, reviews = self._seen(), self._seen_reviews()
            if seen == table.version:
                self._changed = None
                if reviews == self._reviews:
                    self._trouble = ""
                    return
            elif self._changed is None or self._changed[0] != seen:
                since = now if self._changed is None else self._changed[1]
                self._changed = seen, since
                if now - since < _UNREST_S:
                    return
            if self._refused is not None and self._refused[0] == (seen, reviews) and now - self._refused[1] < _AGAIN_S:
                return
            self._reading = True
        work = self._follow_reviews if seen == table.version else self._load
        threading.Thread(target=self._read, args=(work, (seen, reviews)), daemon=True).start()

    def _read(self, work: Callable[[], object], seen: tuple[str, str]) -> None:
        words = ""
        try:
            work()
        except (OSError, ValueError, DamagedFileError) as error:
            words = str(error)
        except Exception as error:
            logger.exception("the events cannot be read again")
            words = f"{type(error).__name__}; the explorer's log has more"
        with self._lock:
            self._reading = False
            self._refused = (seen, time.monotonic()) if words else None
            self._trouble = (
                f"what is shown is older than what is on disk, which cannot be read: {words}" if words else ""
            )
        if words:
            logger.warning("%s", self._trouble)

    def _load(self) -> None:
        seen, reviews = self._seen(), self._seen_reviews()
        table = load_event_table(self._network, self._state(), seen)
        with self._lock:
            self._table, self._reviews, self._looked, self._changed = table, reviews, time.monotonic(), None

    def _follow_reviews(self) -> EventTable:
        while True:
            table, reviews = self._known(), self._seen_reviews()
            if reviews == self._reviews:
                return table
            renewed = table.with_reviews(self._state())
            with self._lock:
                if self._table is table:
                    self._table, self._reviews = renewed, reviews

    def _seen(self) -> str:
        layout = self._network.layout
        months = [layout.catalogue(*month) for month in months_on_disk(layout)]
        return seen_of([*months, layout.analysis(EVENT_MAP), layout.champion])

    def _seen_reviews(self) -> str:
        return seen_of([self._network.layout.reviews])


def seen_of(files: Iterable[Path]) -> str:
    """Return a digest of name, size and times of files, those that are absent included."""
    found = []
    for path in sorted(files):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        found.append([str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino])
    return digest_of(found)
