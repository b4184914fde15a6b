"""The protocol of a waveform source, and the one that the settings name."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Protocol

from ris_core.config import SdsSource, Settings, SyntheticSource

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


def open_source(settings: Settings) -> WaveformSource:
    """Return the source that the settings name."""
    source = settings.source
    if isinstance(source, SyntheticSource):
        from ris_core.synthetic.network import SyntheticNetwork

        return SyntheticNetwork(settings)
    if isinstance(source, SdsSource):
        from ris_core.waveforms.sds import SdsArchive

        return SdsArchive(settings, source)
    raise ValueError(
        f"source.kind '{source.kind}': acquisition over FDSN web services is not available in this version; "
        "use 'sds' with an archive or 'synthetic'"
    )
