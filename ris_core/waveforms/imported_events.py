"""The source of a network whose events were imported: it has no waveforms, and says so."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ris_core.contracts.station_day import StationDay

if TYPE_CHECKING:
    from obspy import Inventory, Stream


class NoWaveformsError(FileNotFoundError):
    """Waveforms are requested from a network that has none."""

    def __init__(self, key: StationDay) -> None:
        super().__init__(
            f"{key}: this network's station-days are imported (source.kind is 'published'); there are no waveforms to "
            "acquire or to process again. Import the file again: ris import-h5 FILE. A station-day without an event in "
            "the file has no products"
        )


class ImportedEvents:
    """The source of a network with imported events; every request raises an error."""

    in_place = False

    def fetch(self, station: str, day: date) -> Stream:
        """Raise `NoWaveformsError`."""
        raise NoWaveformsError(StationDay(station, day))

    def inventory(self, station: str) -> Inventory | None:
        """Return none: there is no response."""
        return None
