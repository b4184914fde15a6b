"""The protocol of a waveform source, and the one that the settings name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import urlsplit

from ris_core.config import FdsnSettings, PublishedSettings, SdsSettings, Settings, SourceSettings, SyntheticSettings

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
    request_seconds
        From the request that succeeded to the last byte of its answer, s; none for a source that is not asked over
        the network, as for the rest.
    attempts
        Requests made, with the one that succeeded.
    received_bytes
        Length of the answer.
    provider
        The data centre as the settings name it.
    files
        Paths of the archive's files of the day, or of the one that was looked for.
    """

    stream: Stream
    reason: str = ""
    request_seconds: float | None = None
    attempts: int | None = None
    received_bytes: int | None = None
    provider: str | None = None
    files: tuple[str, ...] = ()


@runtime_checkable
class RemoteSource(WaveformSource, Protocol):
    """A source that is asked over the network: it may fail for a while, and what it had once it may have no more."""

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


def open_source(settings: Settings) -> WaveformSource:
    """Return the source that the settings name."""
    source = settings.source
    if isinstance(source, SyntheticSettings):
        from ris_core.synthetic.network import SyntheticNetwork

        return SyntheticNetwork(settings)
    if isinstance(source, SdsSettings):
        from ris_core.waveforms.sds import SdsArchive

        return SdsArchive(settings, source)
    if isinstance(source, PublishedSettings):
        from ris_core.waveforms.imported_events import ImportedEvents

        return ImportedEvents()
    from ris_core.waveforms.fdsn import DataCentre

    return DataCentre(settings, source)


def name_of(source: SourceSettings) -> str:
    """Return the name that sources share if they are one and the same to those who wait for them.

    A data centre is known by its name or host, like ``fdsn_earthscope`` or ``fdsn_127_0_0_1_8080``; the other kinds by
    their kind, like ``source_sds``.
    """
    if not isinstance(source, FdsnSettings):
        return f"source_{source.kind}"
    place = urlsplit(source.provider).netloc if "://" in source.provider else source.provider
    return "fdsn_" + re.sub(r"[^a-z0-9]+", "_", place.lower()).strip("_")
