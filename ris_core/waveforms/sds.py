"""A SeisComP Data Structure archive, read in place and never written."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core.config import SdsSource, Settings
from ris_core.station_day import NS, StationDay

if TYPE_CHECKING:
    from obspy import Inventory, Stream


class SdsArchive:
    """Samples of an archive laid out as YEAR/NET/STA/CHAN.D/NET.STA.LOC.CHAN.D.YEAR.DOY."""

    in_place = True

    def __init__(self, settings: Settings, source: SdsSource) -> None:
        if not source.root.is_dir():
            raise FileNotFoundError(
                f"source.root = {source.root}: there is no such folder; give the SDS archive's root"
            )
        self._settings = settings
        self._source = source

    def fetch(self, station: str, day: date) -> Stream:
        """Return the samples of the padded day; records that spill into neighbouring files are found as well."""
        from obspy import UTCDateTime
        from obspy.clients.filesystem.sds import Client

        settings = self._settings
        padding = round(settings.conditioning.padding * NS)
        key = StationDay(station, day)
        start, end = UTCDateTime(ns=key.start_ns - padding), UTCDateTime(ns=key.end_ns + padding)
        stream = Client(str(self._source.root)).get_waveforms(
            settings.network.code, station, settings.location, settings.channel, start, end, merge=-1
        )
        # ObsPy's end is inclusive and goes to the nearest sample; the window is half open.
        for trace in stream:
            while trace.stats.npts and trace.stats.endtime.ns >= end.ns:
                trace.data = trace.data[:-1]
        stream.traces = [trace for trace in stream if trace.stats.npts]
        return stream

    def inventory(self, station: str) -> Inventory | None:
        """Return the station's StationXML from the inventory folder, or none if no folder is set."""
        from obspy import read_inventory

        if self._source.inventory is None:
            return None
        path: Path = self._source.inventory / f"{self._settings.network.code}.{station}.xml"
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: source.inventory is set, but there is no StationXML for station {station}"
            )
        return read_inventory(str(path), format="STATIONXML")
