"""The event that a request is about, read from its file, with words for what cannot be read."""

from __future__ import annotations

import threading
from collections import OrderedDict

from starlette.requests import Request

from ris_core.access import Event, UnknownEventError, read_event
from ris_core.contracts.event_identifier import possible_days
from ris_core.contracts.station_day import StationDay
from ris_explorer.answers import RefusedError
from ris_explorer.explorer import Explorer

_KEPT = 8
_Version = tuple[tuple[int, int, int], ...]


class OpenEvents:
    """Reads events; the last few are kept, since the parts of a view are asked for one by one.

    Parameters
    ----------
    explorer
        The explorer of the network.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._kept: OrderedDict[tuple[str, _Version], Event] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, event_id: str) -> Event:
        """Return an event of the catalogue.

        Raises
        ------
        RefusedError
            The catalogue has no such event, or its spectrogram is not there; the message says what to do.
        DamagedFileError
            The file of the spectrogram is damaged.
        """
        row_of(self._explorer, event_id)
        network = self._explorer.network
        key = event_id, self._version(event_id)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        try:
            event = read_event(network, event_id)
        except UnknownEventError as error:
            raise RefusedError(str(error.args[0]), 409) from error
        with self._lock:
            self._kept[key] = event
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return event

    def _version(self, event_id: str) -> _Version:
        paths = [self._explorer.network.layout.spectrograms(key) for key in possible_days(event_id)]
        stats = [path.stat() for path in paths if path.exists()]
        return tuple((stat.st_size, stat.st_mtime_ns, stat.st_ino) for stat in stats)


def row_of(explorer: Explorer, event_id: str) -> int:
    """Return the row of an event in the table; raises `RefusedError` if the catalogue does not have it."""
    row = explorer.table.row_of(event_id)
    if row is None:
        raise RefusedError(f"{event_id[:60]}: the catalogue has no such event", 404)
    return row


def station_day_of(explorer: Explorer, event_id: str) -> StationDay:
    """Return the station-day that an event of the catalogue belongs to: that of its onset."""
    onset = explorer.table.onset[row_of(explorer, event_id)].astype("datetime64[ns]").astype("datetime64[D]")
    return StationDay(event_id.split(".", 4)[1], onset.item())


def event_id_of(request: Request) -> str:
    """Return the identifier in the address of a request."""
    return str(request.path_params["event_id"])
