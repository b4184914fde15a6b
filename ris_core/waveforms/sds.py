"""A SeisComP Data Structure archive, read in place and never written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ris_core.config import SdsSource, Settings
from ris_core.station_day import NS, StationDay
from ris_core.waveforms.miniseed import NotMiniSeedError, Records, decode, decode_together, drift_seconds, scan

if TYPE_CHECKING:
    from obspy import Inventory, Stream, Trace

# Record headers tell times to about a millisecond; what lies beyond the window is cut off after decoding.
_MARGIN_NS = NS
_NO_PADDING = "no padding from the neighbouring day: {}"


class WrongCodesError(ValueError):
    """A file holds records of other stations or channels only."""


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

        Whole records of damaged files are used. What was damaged, left out or absent stands in the stream's attribute
        ``notes``, a list of str; a neighbour's file that cannot be read costs the padding alone.

        Raises
        ------
        OSError
            The day's own file cannot be read or is no miniSEED; the message names it.
        WrongCodesError
            The day's own file holds other codes only; the message names it, what was found and what was expected.
        """
        from obspy import Stream

        key = StationDay(station, day)
        padding = round(self._settings.conditioning.padding * NS)
        start, end = key.start_ns - padding, key.end_ns + padding
        notes: list[str] = []
        parts: list[tuple[Path, Records, NDArray[np.bool_]]] = []
        for neighbour in (day - timedelta(days=1), day, day + timedelta(days=1)):
            path = self._path(station, neighbour)
            try:
                parts += self._records(path, station, start, end, notes)
            except (OSError, WrongCodesError) as error:
                if neighbour == day:
                    raise
                notes.append(_NO_PADDING.format(error))
        stream = decode_together([(records, chosen) for _, records, chosen in parts])
        if stream is None:
            stream = Stream()
            for path, records, chosen in parts:
                try:
                    stream += _unpacked(path, records, chosen, notes)
                except OSError as error:
                    if path == self._path(station, day):
                        raise
                    notes.append(_NO_PADDING.format(error))
        for trace in stream:
            _cut(trace, start, end)
        stream.traces = [trace for trace in stream if trace.stats.npts]
        stream.notes = notes
        return stream

    def _records(
        self, path: Path, station: str, start: int, end: int, notes: list[str]
    ) -> Iterator[tuple[Path, Records, NDArray[np.bool_]]]:
        """Yield the records of a file and which of them reach into [start, end) (ns); notes what is wrong with it."""
        try:
            # Into an array, whose memory costs a fraction of that of bytes.
            content = np.fromfile(path, dtype=np.uint8).data
        except FileNotFoundError:
            return
        except OSError as error:
            raise OSError(f"{path}: cannot be read ({error})") from error
        try:
            records = scan(content)
        except NotMiniSeedError as error:
            raise NotMiniSeedError(f"{path}: cannot be read as miniSEED ({error})") from error
        name = path.name
        if not len(records):
            notes.append(f"{name}: {len(content)} bytes, no whole record")
            return
        ours = self._ours(records, path, station, notes)
        if records.strange_bytes:
            notes.append(f"{name}: {records.strange_bytes} of {len(content)} bytes belong to no whole record")
        # Records without a sampling rate are text, such as a digitiser's log.
        ours &= records.sampling_rate > 0
        chosen = ours & (records.end_ns > start - _MARGIN_NS) & (records.start_ns < end + _MARGIN_NS)
        drift = drift_seconds(records, chosen)
        if drift * float(records.sampling_rate.max()) > 1:
            notes.append(f"{name}: time stamps of contiguous records run {drift:.3g} s away from the sampling rate")
        yield path, records, chosen

    def _ours(self, records: Records, path: Path, station: str, notes: list[str]) -> NDArray[np.bool_]:
        s = self._settings
        expected = f"{s.network.code}.{station}.{s.location}.{s.channel}"
        ours = np.asarray(records.identifier == expected)
        if not ours.all():
            others, counts = np.unique(records.identifier[~ours], return_counts=True)
            found = ", ".join(f"{name} ({count})" for name, count in zip(others[:5], counts[:5], strict=True))
            if not ours.any():
                raise WrongCodesError(f"{path}: its records are of {found}, expected {expected}")
            notes.append(f"{path.name}: records of {found} are left out")
        return ours

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


def _unpacked(path: Path, records: Records, chosen: NDArray[np.bool_], notes: list[str]) -> Stream:
    """Return what can be unpacked of a file's records, and add to the notes what cannot."""
    found, count, name = decode(records, chosen), int(chosen.sum()), path.name
    if found.damaged and not len(found.stream):
        raise OSError(f"{path}: none of its {count} records of the day could be unpacked")
    if found.damaged:
        notes.append(f"{name}: {found.damaged} of {count} records could not be unpacked rightly and are left out")
    if found.unchecked:
        notes.append(f"{name}: {found.unchecked} of {count} records fail their check, as most do; they are used")
    return found.stream


def _cut(trace: Trace, start: int, end: int) -> None:
    """Leave the samples of [start, end), in ns since 1970 UTC, and no copy of the others."""
    from obspy import UTCDateTime

    begin, step = int(trace.stats.starttime.ns), NS / trace.stats.sampling_rate
    first, last = (max(0, int(np.ceil((time - begin) / step - 1e-3))) for time in (start, end))
    trace.data = trace.data[first:last]
    trace.stats.starttime = UTCDateTime(ns=begin + round(first * step))
