"""A SeisComP Data Structure archive, read in place and never written."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core.config import SdsSource, Settings
from ris_core.station_day import NS, StationDay

if TYPE_CHECKING:
    from obspy import Inventory, Stream, UTCDateTime


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
        """Return the samples of the padded day; records that spill into neighbouring files are found as well.

        Raises
        ------
        OSError
            A file of the day, or of a neighbour that holds its padding, cannot be read; the message names it.
        """
        from obspy import Stream, UTCDateTime

        settings = self._settings
        padding = round(settings.conditioning.padding * NS)
        key = StationDay(station, day)
        start, end = UTCDateTime(ns=key.start_ns - padding), UTCDateTime(ns=key.end_ns + padding)
        identifier = f"{settings.network.code}.{station}.{settings.location}.{settings.channel}"
        stream = Stream()
        for neighbour in (day - timedelta(days=1), day, day + timedelta(days=1)):
            path = self._path(station, neighbour)
            if path.exists():
                stream += _read(path, start, end).select(id=identifier)
        # ObsPy's end is inclusive and goes to the nearest sample; the window is half open.
        for trace in stream:
            while trace.stats.npts and trace.stats.endtime.ns >= end.ns:
                trace.data = trace.data[:-1]
        stream.traces = [trace for trace in stream if trace.stats.npts]
        return stream

    def _path(self, station: str, day: date) -> Path:
        s, year = self._settings, f"{day.year:04d}"
        name = f"{s.network.code}.{station}.{s.location}.{s.channel}.D.{year}.{day.timetuple().tm_yday:03d}"
        return self._source.root / year / s.network.code / station / f"{s.channel}.D" / name

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


def _read(path: Path, start: UTCDateTime, end: UTCDateTime) -> Stream:
    from obspy import Stream, read
    from obspy.io.mseed import ObsPyMSEEDError, ObsPyMSEEDFilesizeTooSmallError

    try:
        return read(str(path), format="MSEED", starttime=start, endtime=end)
    except ObsPyMSEEDFilesizeTooSmallError:
        # A file that an acquisition system has just begun has no whole record yet.
        return Stream()
    except (ObsPyMSEEDError, OSError, ValueError, TypeError) as error:
        raise OSError(f"{path}: cannot be read as miniSEED ({error})") from error
