"""An archive of day files (SDS or another layout), read in place and never written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ris_core.config import SdsSettings, Settings
from ris_core.contracts.station_day import NS, StationDay
from ris_core.waveforms.archive_layout import Layout, refuse_broken_link
from ris_core.waveforms.content import content_of
from ris_core.waveforms.inventories import Inventories
from ris_core.waveforms.left_out import WrongTimesError, times_of
from ris_core.waveforms.miniseed import NotMiniSeedError, Records, scan
from ris_core.waveforms.pieces import Piece, stream_of
from ris_core.waveforms.record_reading import cut, drift_words, has_samples, reaching_into, words_on
from ris_core.waveforms.unpacking import unpack

if TYPE_CHECKING:
    from obspy import Inventory, Stream

_NO_RATE = "state no sampling rate, as text or a log does,"
_NO_PADDING = "no padding from the neighbouring day: {}"


class WrongCodesError(ValueError):
    """A file has only records of other stations or channels."""


class UnusableError(OSError):
    """A file has records of the day, but none that can be used."""


@dataclass(frozen=True)
class _Part:
    """The records of a file: which of them have samples of the channel, and which of these reach into the window."""

    path: Path
    records: Records
    timed: NDArray[np.bool_]
    chosen: NDArray[np.bool_]


class SdsArchive:
    """Samples of an archive of day files, with paths of SDS or of `source.pattern`."""

    in_place = True

    def __init__(self, settings: Settings, source: SdsSettings) -> None:
        if not source.root.is_dir():
            raise FileNotFoundError(
                f"source.root = {source.root}: there is no such folder; give the SDS archive's root"
            )
        self._settings = settings
        self._source = source
        codes = settings.network.code, settings.location, settings.channel
        self._layout = Layout(source.root.absolute(), source.pattern, *codes)

    def fetch(self, station: str, day: date) -> Stream:
        """Return the samples of the padded day, including records in the neighbouring days' files.

        Whole records of damaged files are used. The stream's attribute ``notes``, a list of str, says what was
        damaged, left out or absent; if a neighbour's file cannot be read, only the padding is missing. The attribute
        ``files`` names the day's files, or the expected one; ``reason`` says why there are no samples.

        Raises
        ------
        OSError
            The day's own file cannot be read, is not miniSEED, or has only unusable records of the day; the message
            names it and says why. Or the archive does not exist.
        WrongCodesError
            The day's own file has only other codes; the message names it, what was found and what was expected.
        WrongTimesError
            The day's own file has samples of the channel, but none from the day.
        """
        key = StationDay(station, day)
        padding = round(self._settings.conditioning.padding * NS)
        start, end = key.start_ns - padding, key.end_ns + padding
        notes: list[str] = []
        own, mine = self._own(station, day, start, end, notes)
        one = timedelta(days=1)
        before, after = (self._padding(station, other, start, end, notes) for other in (day - one, day + one))
        # In the order of time, so that contiguous samples of several files become one array.
        parts = [*before, *mine, *after]
        pieces = cut(self._unpacked(parts, own, notes), start, end)
        stream = stream_of(pieces, self._identifier(station))
        if not any(piece.between(key.start_ns, key.end_ns).samples.size for piece in pieces):
            stream.reason = self._why_empty(key, own, mine, notes)
        notes += [told for part in mine if (told := _outside(part, key))]
        stream.notes = notes
        stream.files = [str(path) for path in own or [self._layout.expected(station, day)]]
        return stream

    def _own(self, station: str, day: date, start: int, end: int, notes: list[str]) -> tuple[list[Path], list[_Part]]:
        """Return the day's files and their records; raises their error if none can be read."""
        files, aside = self._layout.files(station, day)
        notes += [f"{path.name}: left aside, since {taken.name} lies beside it" for path, taken in aside]
        parts: list[_Part] = []
        errors: list[Exception] = []
        for path in files:
            try:
                parts += self._records(path, station, start, end, notes)
            except (OSError, WrongCodesError) as error:
                errors.append(error)
        if errors and len(errors) == len(files):
            raise errors[0]
        notes += [str(error) for error in errors]
        return files, parts

    def _padding(self, station: str, day: date, start: int, end: int, notes: list[str]) -> list[_Part]:
        """Return the records of a neighbouring day; errors of its files are noted, and only the padding is missing."""
        parts: list[_Part] = []
        try:
            for path in self._layout.files(station, day)[0]:
                parts += self._records(path, station, start, end, notes)
        except (OSError, WrongCodesError) as error:
            notes.append(_NO_PADDING.format(error))
        return parts

    def _why_empty(self, key: StationDay, files: list[Path], parts: list[_Part], notes: list[str]) -> str:
        """Return why the day has no samples, and note files that almost fit; raises if there should be samples."""
        for part in parts:
            if not part.chosen.any() and part.timed.any():
                times = times_of(part.records.start_ns[part.timed], part.records.end_ns[part.timed], key)
                raise WrongTimesError(
                    f"{part.path}: none of its {int(part.timed.sum())} records is of {key.day}; they are of {times}"
                )
        if files:
            return f"{', '.join(map(str, files))}: no samples of the day"
        expected = self._layout.expected(key.station, key.day)
        with os.scandir(self._source.root) as entries:
            if next(entries, None) is None:
                raise FileNotFoundError(f"source.root = {self._source.root}: the folder is empty; is its disk mounted?")
        near = self._layout.nearly(key.station, key.day)
        if near:
            notes.append(f"beside {expected.name}, which was looked for, there is {'; '.join(near)}")
        folder = self._layout.missing_folder(key.station, key.day)
        return f"there is no file {expected}" + (f"; there is no folder {folder}" if folder else "")

    def _records(self, path: Path, station: str, start: int, end: int, notes: list[str]) -> Iterator[_Part]:
        """Yield the records of a file and which of them reach into [start, end) (ns); notes the file's faults."""
        try:
            content = content_of(path)
        except FileNotFoundError:
            refuse_broken_link(path)
            return
        try:
            records = scan(content)
        except NotMiniSeedError as error:
            raise NotMiniSeedError(f"{path}: cannot be read as miniSEED ({error})") from error
        name = path.name
        if not len(records):
            if len(content):
                raise UnusableError(f"{path}: {len(content)} bytes, no whole record; it is cut off")
            notes.append(f"{name}: 0 bytes, no whole record")
            return
        ours = self._ours(records, path, station, notes)
        if records.strange_bytes:
            notes.append(f"{name}: {records.strange_bytes} of {len(content)} bytes belong to no whole record")
        timed = ours & has_samples(records)
        rateless = int((ours & ~timed & (records.samples > 0)).sum())
        if rateless and not timed.any():
            raise UnusableError(f"{path}: its {rateless} records of the channel {_NO_RATE} and cannot be used")
        if rateless:
            notes.append(f"{name}: {rateless} records {_NO_RATE} and are left out")
        yield _Part(path, records, timed, ours & reaching_into(records, start, end))

    def _unpacked(self, parts: list[_Part], own: list[Path], notes: list[str]) -> list[Piece]:
        """Return the samples of the chosen records, and add their faults to the notes."""
        pieces, faults = unpack([(part.records, part.chosen) for part in parts])
        for part, found in zip(parts, faults, strict=True):
            said = words_on(part.records, found)
            if part.path in own and found.lost and found.lost == found.count:
                raise UnusableError(f"{part.path}: no record of the day can be used: {'; '.join(said)}")
            notes += [f"{part.path.name}: {words}" for words in said]
        notes += drift_words(pieces)
        return pieces

    def _ours(self, records: Records, path: Path, station: str, notes: list[str]) -> NDArray[np.bool_]:
        expected = self._identifier(station)
        ours = np.asarray(records.identifier == expected)
        if not ours.all():
            others, counts = np.unique(records.identifier[~ours], return_counts=True)
            found = ", ".join(f"{name} ({count})" for name, count in zip(others[:5], counts[:5], strict=True))
            if not ours.any():
                raise WrongCodesError(f"{path}: its records are of {found}, expected {expected}")
            notes.append(f"{path.name}: records of {found} are left out")
        return ours

    def _identifier(self, station: str) -> str:
        s = self._settings
        return str(s.seed_id(station))

    def inventory(self, station: str) -> Inventory | None:
        """Return the description of the station's channel in `source.inventory`, or none if that is not set.

        Raises
        ------
        NoStationXmlError, ContradictionError, NotStationXmlError
            See `Inventories.inventory`.
        """
        if self._source.inventory is None:
            return None
        s = self._settings
        return Inventories(self._source.inventory, s.network.code, s.location, s.channel).inventory(station)


def _outside(part: _Part, key: StationDay) -> str:
    """Return in words which samples of the channel lie outside the padded day; empty if none do."""
    out = part.timed & ~part.chosen
    if not out.any():
        return ""
    times = times_of(part.records.start_ns[out], part.records.end_ns[out], key)
    return f"{part.path.name}: {int(out.sum())} records outside the day are left out, of {times}"
