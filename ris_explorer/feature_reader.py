"""The features of all labelled events, by which events are alike: read in the background, kept in memory."""

from __future__ import annotations

import logging
import threading
import time

from ris_core.access import open_event_index
from ris_core.event_map.event_index import EventIndex
from ris_core.memory import give_back_memory
from ris_core.station_days.station_days import StationDays
from ris_explorer.answers import RefusedError

_PATIENCE_S = 2.0
_AGAIN_S = 60.0
logger = logging.getLogger(__name__)


class FeatureReader:
    """Reads the features of a network in the background, again when its labels have changed.

    Parameters
    ----------
    network
        As `ris_core.access.open_network` returns it.
    """

    def __init__(self, network: StationDays) -> None:
        self._network = network
        self._changed = threading.Condition()
        self._index: EventIndex | None = None
        self._version, self._read_at, self._reading = "", 0.0, False
        self._trouble: Exception | None = None

    def begin(self, version: str) -> None:
        """Begin to read, unless that of a version of the events was read, or is being read."""
        with self._changed:
            old = self._version != version
            again = self._trouble is not None and time.monotonic() - self._read_at > _AGAIN_S
            if self._reading or not (old or again):
                return
            self._reading, self._version = True, version
            # Two of them at once would take the memory of two.
            self._index, self._trouble = None, None
        threading.Thread(target=self._read, daemon=True).start()

    def of(self, version: str) -> EventIndex:
        """Return the features for a version of the events.

        Raises
        ------
        RefusedError
            They are still being read after two seconds; the message says so (status 503).
        NoChampionError, NoLabelsOfChampionError, DamagedFileError
            As `ris_core.access.open_event_index`.
        """
        self.begin(version)
        with self._changed:
            self._changed.wait_for(lambda: not self._reading, _PATIENCE_S)
            if self._index is not None:
                return self._index
            if self._trouble is not None:
                raise self._trouble
        raise RefusedError("the features of the events are being read, to find alike ones; ask again in a minute", 503)

    def _read(self) -> None:
        index, trouble = None, None
        begun = time.monotonic()
        try:
            index = open_event_index(self._network)
            give_back_memory()
            logger.info("features of %s events, %.0f s", f"{len(index):,}", time.monotonic() - begun)
        except Exception as error:  # noqa: BLE001 - who asks for alike events is told
            trouble = error
        with self._changed:
            self._index, self._trouble, self._reading, self._read_at = index, trouble, False, time.monotonic()
            self._changed.notify_all()
