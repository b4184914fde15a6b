"""The protocol of a source of waveforms."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ris_core.contracts.acquisition import Exchange

if TYPE_CHECKING:
    from obspy import Inventory, Stream


class WaveformSource(Protocol):
    """A source of the samples of a station-day and the station's response."""

    in_place: bool
    """Whether samples are read in place; otherwise they are copied into the data root."""

    def fetch(self, station: str, day: date) -> Stream:
        """Return the samples of [day − padding, day + 1 + padding), one trace per contiguous piece; empty if none."""

    def inventory(self, station: str) -> Inventory | None:
        """Return the station's metadata with response, or none if there is none."""


@dataclass(frozen=True)
class Fetched:
    """The samples of a padded station-day, with details of the request.

    Attributes
    ----------
    stream
        The result of `WaveformSource.fetch`.
    reason
        Why there are no samples, if the source gives a reason.
    exchange
        Figures of the request over the network.
    files
        Paths of the archive's files of the day, or of the expected one.
    """

    stream: Stream
    reason: str = ""
    exchange: Exchange = field(default_factory=Exchange)
    files: tuple[str, ...] = ()


@runtime_checkable
class RemoteSource(WaveformSource, Protocol):
    """A source over the network: it may fail temporarily, and later have fewer data than before."""

    def request(self, station: str, day: date) -> Fetched:
        """Return the result of `fetch`, with figures of the request."""

    def newer_inventory(self, station: str, day: date, stored: Path) -> Inventory | None:
        """Return the station's metadata if those stored at a path are absent or must be fetched again, else none."""


def fetch_from(source: WaveformSource, station: str, day: date) -> Fetched:
    """Return the samples of a padded station-day from any source."""
    if isinstance(source, RemoteSource):
        return source.request(station, day)
    stream = source.fetch(station, day)
    return Fetched(stream, getattr(stream, "reason", ""), files=tuple(getattr(stream, "files", ())))
