"""The catalogue of a published file: what it says of each event, checked, as columns."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config import StaLtaSettings
from ris_core.contracts.station_day import DAY_NS
from ris_core.processing.characteristic import pair_name
from ris_core.storage.published_file import BLOCK, CATALOGUE, PublishedFile, PublishedFileError

_NAMES = ("network", "station", "channel")
_TIMES = ("dt_on", "dt_off", "dt_peak", "spec_start")
_NUMBERS = ("fs", "STA", "LTA")
_NOTED = 1e-9
_GREATEST = 1e9
_LONGEST = 64
_LONGEST_LINE = 2**20
_MOST_BRACKETS = 64
_YEARS = 1900, 2200
_METHOD = "recursive"
"""The detector of the published code (ObsPy's `recursive_sta_lta`)."""


@dataclass(frozen=True)
class Catalogue:
    """What the catalogue says of the N events, in the order of the file.

    Attributes
    ----------
    network, channel
        Codes that occur.
    stations
        Station codes that occur, sorted.
    station
        (N,) place of each event's station in `stations`.
    time_on, time_off, time_peak, spec_start
        (N,) ns since 1970 UTC; `spec_start` is the middle of the first column.
    sampling_rate
        (N,) Hz.
    found_by
        N names of detector and averages.
    """

    network: tuple[str, ...]
    channel: tuple[str, ...]
    stations: tuple[str, ...]
    station: NDArray[np.int32]
    time_on: NDArray[np.int64]
    time_off: NDArray[np.int64]
    time_peak: NDArray[np.int64]
    spec_start: NDArray[np.int64]
    sampling_rate: NDArray[np.float64]
    found_by: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.station)

    @property
    def day(self) -> NDArray[np.int64]:
        """Days (N,) since 1970 of the onsets, UTC."""
        return self.time_on // DAY_NS


def read_catalogue(file: PublishedFile, table: Path | None = None, block: int = BLOCK) -> Catalogue:
    """Read and check the catalogue of a published file, and compare it with the CSV table that lies beside it.

    Raises
    ------
    PublishedFileError
        A text is no JSON or lacks a key; a time cannot be read or onset, peak and end are out of order; the table has
        other rows. Names the row.
    """
    codes: dict[str, set[str]] = {"network": set(), "channel": set()}
    station: list[NDArray[Any]] = []
    rate: list[NDArray[np.float64]] = []
    found_by: list[str] = []
    times: dict[str, list[NDArray[np.int64]]] = {name: [] for name in _TIMES}
    with ExitStack() as stack:
        rows = stack.enter_context(_Table(table)) if table is not None else None
        for first, texts in file.catalogue_blocks(block):
            entries = [parse(text, f"{file.path}: {CATALOGUE}, row {first + i}") for i, text in enumerate(texts)]
            if rows is not None:
                rows.compare(entries, first)
            for name, found in codes.items():
                found.update(entry[name] for entry in entries)
            station.append(np.array([entry["station"] for entry in entries], dtype=str))
            rate.append(np.array([entry["fs"] for entry in entries], dtype=np.float64))
            found_by += [_found_by(entry["STA"], entry["LTA"], file.path) for entry in entries]
            for name, parsed in times.items():
                parsed.append(_times([entry[name] for entry in entries], name, first, file.path))
        if rows is not None:
            rows.finish(file.events)
    stations, places = np.unique(np.concatenate(station), return_inverse=True)
    catalogue = Catalogue(
        network=tuple(sorted(codes["network"])),
        channel=tuple(sorted(codes["channel"])),
        stations=tuple(str(code) for code in stations),
        station=places.astype(np.int32),
        time_on=np.concatenate(times["dt_on"]),
        time_off=np.concatenate(times["dt_off"]),
        time_peak=np.concatenate(times["dt_peak"]),
        spec_start=np.concatenate(times["spec_start"]),
        sampling_rate=np.concatenate(rate),
        found_by=tuple(found_by),
    )
    _check_order(catalogue, file.path)
    return catalogue


def parse(text: bytes, where: str) -> dict[str, Any]:
    """Return an entry of the catalogue; raises `PublishedFileError`, which begins with `where`."""
    if text.count(b"{") + text.count(b"[") > _MOST_BRACKETS:
        raise PublishedFileError(f"{where}: nested too deep; an object of texts and numbers is needed: {_short(text)}")
    try:
        entry = json.loads(text)
    except ValueError as error:
        raise PublishedFileError(f"{where}: not valid JSON ({error}): {_short(text)}") from error
    if not isinstance(entry, dict):
        raise PublishedFileError(f"{where}: an object of JSON is needed, found {_short(text)}")
    missing = [name for name in (*_NAMES, *_TIMES, *_NUMBERS) if name not in entry]
    if missing:
        raise PublishedFileError(f"{where}: there is no {', '.join(missing)} in {_short(text)}")
    for name in (*_NAMES, *_TIMES):
        if not isinstance(entry[name], str) or not 0 < len(entry[name]) <= _LONGEST:
            raise PublishedFileError(
                f"{where}: {name} is {_short(repr(entry[name]))}; a text is needed, of at most {_LONGEST} characters"
            )
    for name in _NUMBERS:
        value = entry[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _GREATEST:
            raise PublishedFileError(f"{where}: {name} is {_short(repr(value))}; a number greater than 0 is needed")
    return entry


def _short(text: bytes | str) -> str:
    shown = text if isinstance(text, str) else text.decode(errors="replace")
    return shown if len(shown) <= 120 else shown[:120] + "…"


@lru_cache(maxsize=64)  # a file has one pair or a few, and names of one pair are one object
def _found_by(sta: float, lta: float, path: Path) -> str:
    try:
        return pair_name(_METHOD, StaLtaSettings(sta=sta, lta=lta))
    except ValueError as error:
        raise PublishedFileError(f"{path}: {CATALOGUE}: STA {sta} and LTA {lta} s are no pair of averages") from error


def _times(texts: Sequence[str], name: str, first: int, path: Path) -> NDArray[np.int64]:
    parsed = pd.to_datetime(pd.Series(texts), format="ISO8601", utc=True, errors="coerce")
    bad = np.flatnonzero(~parsed.dt.year.between(*_YEARS))  # also where it is no time
    if bad.size:
        raise PublishedFileError(
            f"{path}: {CATALOGUE}, row {first + bad[0]}: {name} is {texts[bad[0]]!r}; a time like "
            "'2014-12-04 00:40:52.360' (UTC) is needed"
        )
    values: NDArray[np.int64] = parsed.dt.tz_localize(None).to_numpy("datetime64[ns]").astype(np.int64)
    return values


def _check_order(found: Catalogue, path: Path) -> None:
    wrong = (found.time_on > found.time_peak) | (found.time_peak > found.time_off)
    if wrong.any():
        row = int(np.argmax(wrong))
        said = ", ".join(
            f"{name} {pd.Timestamp(int(values[row]))}"
            for name, values in (
                ("dt_on", found.time_on),
                ("dt_peak", found.time_peak),
                ("dt_off", found.time_off),
            )
        )
        raise PublishedFileError(f"{path}: {CATALOGUE}, row {row}: {said}; they must follow one another")


def repeated(found: Catalogue) -> NDArray[np.bool_]:
    """Return which events (N,) have the station and the peak of an earlier row."""
    order = np.lexsort((np.arange(len(found)), found.time_peak, found.station))
    same = (np.diff(found.time_peak[order]) == 0) & (np.diff(found.station[order]) == 0)
    result = np.zeros(len(found), dtype=np.bool_)
    result[order[1:]] = same
    return result


def check_unique(found: Catalogue, path: Path) -> None:
    """Raise `PublishedFileError` if two events have one station and peak; names their rows."""
    again = repeated(found)
    if again.any():
        row = int(np.argmax(again))
        same = (found.station == found.station[row]) & (found.time_peak == found.time_peak[row])
        raise PublishedFileError(
            f"{path}: {CATALOGUE}, rows {int(np.argmax(same))} and {row} are one event, station "
            f"{found.stations[found.station[row]]}, dt_peak {pd.Timestamp(int(found.time_peak[row]))}; every event may "
            f"stand only once ({int(again.sum())} rows repeat an earlier one; --leave-out keeps the first)"
        )


class _Table:
    """The CSV table beside a published file, read along with its catalogue."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> _Table:
        if self.path.exists() and not self.path.is_file():
            raise PublishedFileError(f"{self.path}: the catalogue cannot be read (not a file)")
        try:
            self._file = self.path.open(newline="", encoding="utf-8-sig")
        except OSError as error:
            raise PublishedFileError(f"{self.path}: the catalogue cannot be read ({error.strerror})") from error
        self._read = 0
        self._reader = csv.DictReader(self._lines())
        try:
            with self._named():
                names = self._reader.fieldnames or ()
            missing = [name for name in ("station", "dt_peak") if name not in names]
            if missing:
                raise PublishedFileError(
                    f"{self.path}: there is no column {', '.join(missing)}; a CSV with the columns of {CATALOGUE} is "
                    "needed"
                )
        except PublishedFileError:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _lines(self) -> Iterator[str]:
        while line := self._file.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise csv.Error(f"a line of more than {_LONGEST_LINE} characters")
            yield line

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (csv.Error, UnicodeDecodeError) as error:
            raise PublishedFileError(f"{self.path}: not a CSV table near row {self._read} ({error})") from error
        except OSError as error:
            raise PublishedFileError(f"{self.path}: the catalogue cannot be read ({error.strerror})") from error

    def compare(self, entries: Sequence[dict[str, Any]], first: int) -> None:
        """Compare the next rows with entries of the catalogue."""
        with self._named():
            rows = list(islice(self._reader, len(entries)))
        self._read += len(rows)
        for number, (entry, row) in enumerate(zip_longest(entries, rows), start=first):
            if row is None:
                raise PublishedFileError(f"{self.path}: it ends after {number} rows; {CATALOGUE} has more")
            for name, value in entry.items():
                if name in row and not _same(value, row[name]):
                    raise PublishedFileError(
                        f"{self.path}: row {number}: {name} is {_short(repr(row[name]))}, but {_short(repr(value))} in "
                        f"{CATALOGUE}; the rows must be those of the file, in its order"
                    )

    def finish(self, events: int) -> None:
        """Refuse rows that the catalogue does not have."""
        with self._named():
            more = sum(1 for _ in self._reader)
        if more:
            raise PublishedFileError(f"{self.path}: it has {events + more} rows, but {CATALOGUE} {events}")


def _same(value: object, text: str | None) -> bool:
    if text is None:
        return False
    if isinstance(value, str):
        return value == text or (bool(text) and _is_same_time(value, text))
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return text.strip().lower() in ("", "nan", "none")
    try:
        return math.isclose(float(str(value)), float(text), rel_tol=_NOTED)
    except ValueError:
        return str(value) == text


def _is_same_time(value: str, text: str) -> bool:
    if max(len(value), len(text)) > _LONGEST:
        return False
    try:
        return bool(pd.Timestamp(value) == pd.Timestamp(text))
    except (ValueError, TypeError, OverflowError):
        return False
