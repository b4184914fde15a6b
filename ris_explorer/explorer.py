"""What all rooms of the explorer share: the network, its events in memory, reviews, and addresses of other servers."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ris_core.catalogue.station_positions import Position, positions
from ris_core.event_map.event_index import EventIndex
from ris_core.masking import masked
from ris_core.review.log import LogContent, ReviewLog
from ris_core.review.state import ReviewState
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError
from ris_explorer.current_table import CurrentTable, seen_of
from ris_explorer.event_table import EventTable
from ris_explorer.feature_reader import FeatureReader
from ris_explorer.live_time import LiveReader

logger = logging.getLogger(__name__)


class AddressError(ValueError):
    """An address of another server cannot be used; the message names it."""


@dataclass(frozen=True)
class Addresses:
    """Where other servers show the same network; empty if they are not known.

    Attributes
    ----------
    dagster, mlflow
        For links in the page, as a browser reaches them.
    dagster_here
        Where this server asks Dagster.
    """

    dagster: str = ""
    mlflow: str = ""
    dagster_here: str = ""

    @classmethod
    def of(cls, dagster: str, mlflow: str, dagster_here: str = "") -> Addresses:
        """Return addresses without a slash at the end; Dagster is asked where it is shown unless said otherwise.

        Raises
        ------
        AddressError
            One is neither empty nor a URL with http or https: a link to it could run code in the page.
        """
        for address in (dagster, mlflow, dagster_here):
            parts = urlsplit(address)
            if address and (parts.scheme not in ("http", "https") or not parts.netloc):
                raise AddressError(f"{masked(address)!r} is not an address like http://127.0.0.1:3000")
        found = [address.rstrip("/") for address in (dagster, mlflow, dagster_here or dagster)]
        return cls(*found)


@dataclass(eq=False)
class Explorer:
    """The explorer of one network.

    Attributes
    ----------
    network
        As `ris_core.access.open_network` returns it.
    addresses
        Of Dagster and MLflow.
    token
        What a request that changes something must send as `X-Explorer-Token`; the page has it.
    config
        The settings file, for commands that the page names; empty for the one by default.
    started
        Differs after each start of the server: a page that is older must be loaded again, since the token is another.
    live
        When the stations were live.
    """

    network: StationDays
    addresses: Addresses = Addresses()
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    config: str = ""
    started: str = field(default_factory=lambda: secrets.token_hex(4))
    live: LiveReader = field(init=False, repr=False)
    _events: CurrentTable = field(init=False, repr=False)
    _features: FeatureReader = field(init=False, repr=False)
    _positions: tuple[str, Mapping[str, Position], str] | None = field(default=None, repr=False)
    _log: tuple[str, tuple[LogContent, ReviewState]] | None = field(default=None, repr=False)
    _log_lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.live = LiveReader(self.network)
        self._events = CurrentTable(self.network, lambda: self.state)
        self._features = FeatureReader(self.network)

    @property
    def table(self) -> EventTable:
        """The events as they are now; while changed files are read in the background, the former events answer.

        Raises
        ------
        NoCatalogueError
            There is no catalogue yet (a `FileNotFoundError`).
        DamagedFileError
            A file is not what was written, and nothing was read before.
        """
        return self._events.now()

    @property
    def trouble(self) -> str:
        """Why the events are not those on disk, in words; empty if they are."""
        return self._events.trouble

    @property
    def positions(self) -> tuple[Mapping[str, Position], str]:
        """Latitude and longitude of the stations that have one, and why others have none where a file is damaged.

        They are looked for again when the catalogue changes.
        """
        version = self.table.version
        if self._positions is None or self._positions[0] != version:
            try:
                self._positions = version, positions(self.network.settings, self.network.layout), ""
            except DamagedFileError as error:
                self._positions = version, {}, str(error)
        return self._positions[1:]

    def reviewed_now(self) -> EventTable:
        """Return the events with all that was appended to the review log until now."""
        return self._events.with_reviews()

    @property
    def state(self) -> ReviewState:
        """What the reviews say now; raises the errors of `ReviewLog.read`."""
        return self.reviews[1]

    @property
    def reviews(self) -> tuple[LogContent, ReviewState]:
        """The review log and what it amounts to, read again when it has changed; raises as `ReviewLog.read`."""
        log = ReviewLog(self.network.layout.reviews)
        seen = seen_of([log.path, log.record])
        with self._log_lock:
            if self._log is None or self._log[0] != seen:
                content = log.read()
                state = ReviewState.of(content.decisions, self.network.settings.review.decider)
                self._log = seen, (content, state)
            return self._log[1]

    @property
    def index(self) -> EventIndex:
        """The features of all labelled events, to ask for the nearest ones; read again when labels change.

        Raises
        ------
        RefusedError
            They are being read just now.
        NoChampionError, NoLabelsOfChampionError, DamagedFileError
            As `ris_core.access.open_event_index`.
        """
        return self._features.of(self.table.version)

    def read_ahead(self) -> None:
        """Read all that is large, before it is asked for: events, then live time, then features."""
        table = self.table
        self.live.wait(table)
        self._features.begin(table.version)
