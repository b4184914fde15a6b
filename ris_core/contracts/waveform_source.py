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
    """Gives the samples of a station-day and the station's response."""

    in_place: bool
    """Whether samples stay where they are; else they are copied into the data root."""

    def fetch(self, station: str, day: date) -> Stream:
        """Return the samples of [day − padding, day + 1 + padding), one trace per contiguous piece; empty if none."""

    def inventory(self, station: str) -> Inventory | None:
        """Return the station's metadata with response, or none where there is none."""


@dataclass(frozen=True)
class Fetched:
    """The samples of a padded station-day, and what it took to get them.

    Attributes
    ----------
    stream
        As `WaveformSource.fetch` returns it.
    reason
        Why there are no samples, if there are none and the source says it.
    exchange
        What it took to get them over the network.
    files
        Paths of the archive's files of the day, or of the one that was looked for.
    """

    stream: Stream
    reason: str = ""
    exchange: Exchange = field(default_factory=Exchange)
    files: tuple[str, ...] = ()


@runtime_checkable
class RemoteSource(WaveformSource, Protocol):
    """A source that is asked over the network: it may fail for a while, and later have less than it had before."""

    def request(self, station: str, day: date) -> Fetched:
        """Return what `fetch` returns, and what it took."""

    def newer_inventory(self, station: str, day: date, stored: Path) -> Inventory | None:
        """Return the station's metadata if what is stored at a path is absent or due to be fetched anew, else none."""


def fetch_from(source: WaveformSource, station: str, day: date) -> Fetched:
    """Return the samples of a padded station-day from any source."""
    if isinstance(source, RemoteSource):
        return source.request(station, day)
    stream = source.fetch(station, day)
    return Fetched(stream, getattr(stream, "reason", ""), files=tuple(getattr(stream, "files", ())))
