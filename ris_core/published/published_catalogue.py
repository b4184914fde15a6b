"""The catalogue of a published file: what it says of each event, as checked columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.contracts.station_day import DAY_NS
from ris_core.detectors.averages import AveragesSettings, pair_name
from ris_core.published.catalogue_table import LONGEST_TEXT, CatalogueTable, short
from ris_core.storage.published_file import BLOCK, CATALOGUE, PublishedFile, PublishedFileError

_NAMES = ("network", "station", "channel")
_TIMES = ("dt_on", "dt_off", "dt_peak", "spec_start")
_NUMBERS = ("fs", "STA", "LTA")
_GREATEST = 1e9
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
        Codes that occur in the file.
    stations
        Station codes that occur in the file, sorted.
    station
        (N,) index of each event's station in `stations`.
    time_on, time_off, time_peak, spec_start
        (N,) ns since 1970 UTC; `spec_start` is the middle of the first column.
    sampling_rate
        (N,) Hz.
    found_by
        N names: the detector and its two averages.
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
    """Read and check the catalogue of a published file, and compare it with the CSV table beside the file.

    Parameters
    ----------
    file, table
        The published file, and the table, if there is one.
    block
        Number of events that are read together.

    Raises
    ------
    PublishedFileError
        An entry is no JSON or lacks a key; a time cannot be read; onset, peak and end are out of order; or the table
        has other rows. The message names the row.
    """
    codes: dict[str, set[str]] = {"network": set(), "channel": set()}
    station: list[NDArray[Any]] = []
    rate: list[NDArray[np.float64]] = []
    found_by: list[str] = []
    times: dict[str, list[NDArray[np.int64]]] = {name: [] for name in _TIMES}
    with ExitStack() as stack:
        rows = stack.enter_context(CatalogueTable(table)) if table is not None else None
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
    """Return an entry of the catalogue; raises `PublishedFileError`, whose message begins with `where`."""
    if text.count(b"{") + text.count(b"[") > _MOST_BRACKETS:
        raise PublishedFileError(f"{where}: nested too deeply; an object of texts and numbers is needed: {short(text)}")
    try:
        entry = json.loads(text)
    except ValueError as error:
        raise PublishedFileError(f"{where}: not valid JSON ({error}): {short(text)}") from error
    if not isinstance(entry, dict):
        raise PublishedFileError(f"{where}: a JSON object is needed, found {short(text)}")
    missing = [name for name in (*_NAMES, *_TIMES, *_NUMBERS) if name not in entry]
    if missing:
        raise PublishedFileError(f"{where}: there is no {', '.join(missing)} in {short(text)}")
    for name in (*_NAMES, *_TIMES):
        if not isinstance(entry[name], str) or not 0 < len(entry[name]) <= LONGEST_TEXT:
            raise PublishedFileError(
                f"{where}: {name} is {short(repr(entry[name]))}; a text is needed, of at most {LONGEST_TEXT} characters"
            )
    for name in _NUMBERS:
        value = entry[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _GREATEST:
            raise PublishedFileError(f"{where}: {name} is {short(repr(value))}; a number greater than 0 is needed")
    return entry


@lru_cache(maxsize=64)  # a file has one pair or a few: all events of a pair share one name
def _found_by(sta: float, lta: float, path: Path) -> str:
    try:
        return pair_name(_METHOD, AveragesSettings(sta=sta, lta=lta))
    except ValueError as error:
        raise PublishedFileError(
            f"{path}: {CATALOGUE}: STA {sta} and LTA {lta} s are not a short and a long average"
        ) from error


def _times(texts: Sequence[str], name: str, first: int, path: Path) -> NDArray[np.int64]:
    parsed = pd.to_datetime(pd.Series(texts), format="ISO8601", utc=True, errors="coerce")
    bad = np.flatnonzero(~parsed.dt.year.between(*_YEARS))  # also true where a text is no time
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
        raise PublishedFileError(f"{path}: {CATALOGUE}, row {row}: {said}; they must come in this order")


def repeated(found: Catalogue) -> NDArray[np.bool_]:
    """Return which events (N,) have the same station and peak as an earlier row."""
    order = np.lexsort((np.arange(len(found)), found.time_peak, found.station))
    same = (np.diff(found.time_peak[order]) == 0) & (np.diff(found.station[order]) == 0)
    result = np.zeros(len(found), dtype=np.bool_)
    result[order[1:]] = same
    return result


def check_unique(found: Catalogue, path: Path) -> None:
    """Raise `PublishedFileError` if two events have the same station and peak. The message names their rows."""
    again = repeated(found)
    if again.any():
        row = int(np.argmax(again))
        same = (found.station == found.station[row]) & (found.time_peak == found.time_peak[row])
        raise PublishedFileError(
            f"{path}: {CATALOGUE}, rows {int(np.argmax(same))} and {row} are one event, station "
            f"{found.stations[found.station[row]]}, dt_peak {pd.Timestamp(int(found.time_peak[row]))}; every event may "
            f"occur only once ({int(again.sum())} rows repeat an earlier one; --leave-out keeps the first)"
        )
