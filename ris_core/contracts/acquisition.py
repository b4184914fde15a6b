"""The result of acquisition for a station-day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from ris_core.contracts.quality import Quality
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay


class SamplesAt(StrEnum):
    """Where the samples of an acquired station-day are."""

    STORED = "stored"
    """In the data root."""
    IN_PLACE = "in place"
    """In the archive that is read in place."""
    IMPORTED = "imported"
    """Nowhere: the events were imported without their waveforms."""
    NOWHERE = "nowhere"
    """There are none."""


@dataclass(frozen=True)
class Exchange:
    """Figures of the request to a data centre; all None for a source that does not use the network.

    Attributes
    ----------
    provider
        The data centre as the settings name it.
    request_seconds
        From the request that succeeded to the last byte of its answer, s.
    attempts
        Requests made, including the one that succeeded.
    received_bytes
        Length of the answer.
    """

    provider: str | None = None
    request_seconds: float | None = None
    attempts: int | None = None
    received_bytes: int | None = None


class OfChannel(NamedTuple):
    """The result of acquisition for one of several channels; its settings are those of this channel alone."""

    channel: str
    found: Acquisition


@dataclass(frozen=True)
class Acquisition:
    """The result of acquisition for one station-day.

    Of several channels, the figures are those of the channel of detections (of a vector sum, of the first one with
    samples), except that size and exchange are summed, files are those of all, and the reason names each channel.

    Attributes
    ----------
    key
        The station-day.
    has_data
        Whether the source has samples of the day. Absence is a result, not an error.
    reason
        Why there are no samples, or why older ones were kept; empty otherwise.
    samples_at
        Where the samples are.
    stored_as
        Path of the stored samples, relative to the data root; none unless `samples_at` is ``stored``.
    size
        Bytes of the stored file, or of the samples in memory.
    segments
        Number of contiguous segments, including the padding.
    quality
        Statistics of the day's samples.
    stamp
        Its provenance; ``inputs`` is the digest of the samples, of several channels of all of them.
    exchange
        Figures of the request.
    whole_records
        Whether the stored file holds the records as they were received.
    has_response
        Whether the station's StationXML was stored.
    files
        Files of an archive: those of the day, or the expected one. None in records of earlier versions, which do not
        have them.
    channels
        The result of each channel in the settings' order; empty for a network of one channel.
    """

    key: StationDay
    has_data: bool
    reason: str
    samples_at: SamplesAt
    stored_as: str | None
    size: int
    segments: int
    quality: Quality
    stamp: Stamp
    exchange: Exchange = field(default_factory=Exchange)
    whole_records: bool = False
    has_response: bool = False
    files: tuple[str, ...] | None = None
    channels: tuple[OfChannel, ...] = ()

    @property
    def content(self) -> str:
        """Digest of the samples."""
        return self.stamp.inputs

    def by_channel(self, channels: Sequence[str], only: str) -> dict[str, Acquisition]:
        """Return the results of some channels in their order, those that were acquired.

        Parameters
        ----------
        channels
            SEED codes.
        only
            The channel of a record that holds one alone.
        """
        found = dict(self.channels) or {only: self}
        return {code: found[code] for code in channels if code in found}
