"""The tables of completeness on disk: their columns, and whether they are current."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa

from ris_core import versions
from ris_core.clustering.champion import Champion, champion_or_none, class_names
from ris_core.completeness.at_hand import station_days_at_hand
from ris_core.config import Settings
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.storage.table_description import TableDescription

TABLE, INJECTIONS = "completeness.parquet", "completeness_injections.parquet"
ALL = 0
"""Number that stands for all noise in place of a quartile."""
NOISIEST = 4
NOT_MEASURED = "completeness has not been measured yet; `ris run --only measure_completeness` does"
_SOURCE = "templates in the station's own noise (docs/analysis.md, Completeness)"


def _field(name: str, kind: pa.DataType, about: str, unit: str = "", null: bool = False) -> pa.Field:
    said = {"description": about, "source": _SOURCE} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, null, said)


def completeness_schema(unit: str = "counts") -> pa.Schema:
    """Return the columns of the table; `unit` is that of the trace of detections."""
    return pa.schema(
        [
            _field("station", pa.string(), "FDSN station code"),
            _field("label", pa.int32(), "Class number"),
            _field("class_name", pa.string(), "Name of the class when the table was made"),
            _field("noise_quartile", pa.int32(), "Quarter of the station's noise, 1 quietest to 4; 0 all of it"),
            _field("noise_low", pa.float64(), "Least noise of the quartile, rms before the templates", unit),
            _field("noise_high", pa.float64(), "Greatest noise of the quartile, rms before the templates", unit),
            _field("injected", pa.int64(), "Templates that were added to the trace"),
            _field("detected", pa.int64(), "Templates of these that the detector found"),
            *(
                _field(f"amplitude_{share}{end}", pa.float64(), f"{words} {share} % of the templates are found", unit)
                for share in (50, 90)
                for end, words in (
                    ("", "Peak amplitude at which"),
                    ("_low", "Lower end of the interval of the peak amplitude at which"),
                    ("_high", "Upper end of the interval of the peak amplitude at which"),
                )
            ),
            _field("note", pa.string(), "Why there is no amplitude; empty if there is one"),
        ]
    )


def injection_schema(unit: str = "counts") -> pa.Schema:
    """Return the columns of the table of templates that were added; `unit` is that of the trace of detections."""
    return pa.schema(
        [
            _field("station", pa.string(), "FDSN station code"),
            _field("day", pa.string(), "Day whose waveforms were used (UTC)"),
            _field("label", pa.int32(), "Class number"),
            _field("class_name", pa.string(), "Name of the class when the table was made"),
            _field("template", pa.string(), "Event that the template was cut from"),
            _field("time", pa.timestamp("ns", tz="UTC"), "First sample of the template (UTC)"),
            _field("amplitude", pa.float64(), "Peak amplitude that it was given, channel of detections", unit),
            _field("noise", pa.float64(), "Noise before it: rms, from the median power of whole seconds", unit),
            _field("detected", pa.bool_(), "Whether the detector found it"),
        ]
    )


@dataclass(frozen=True)
class Completeness:
    """What a detector would find.

    Attributes
    ----------
    table
        Amplitudes by station, class and noise quartile, with the columns of `completeness_schema`.
    injections
        One row for each template, with those of `injection_schema`.
    unit
        Of the amplitudes.
    station_days
        The station-days whose waveforms were used, as text.
    without
        Why stations have no amplitudes, by code.
    doubts
        What else is to be known.
    seconds
        Time that the computation took.
    confidence
        Of the intervals.
    """

    table: pd.DataFrame = field(repr=False)
    injections: pd.DataFrame = field(repr=False)
    unit: str
    station_days: tuple[str, ...]
    without: Mapping[str, str]
    doubts: tuple[str, ...]
    seconds: float
    confidence: float


def completeness_stamp(days: StationDays, champion: Champion, keys: Iterable[StationDay]) -> Stamp:
    """Return the stamp of tables by a champion from the present waveforms of station-days.

    The events from which templates were chosen are not part of it: new station-days alone make nothing out of date.
    """
    samples = {str(key): days.acquire.require(key).content for key in keys}
    return Stamp(completeness_digest(days.settings), versions.COMPLETENESS, digest_of([champion.digest, samples]))


def completeness_digest(settings: Settings) -> str:
    """Return the digest of the settings that influence completeness: its section, and those of processing."""
    return digest_of([settings.completeness.model_dump(mode="json"), settings.process_digest()])


def write_completeness(layout: Layout, found: Completeness, stamp: Stamp) -> str:
    """Write both tables, the one with the summary last, and return its digest."""
    tables.write_table(layout.analysis(INJECTIONS), found.injections, injection_schema(found.unit), stamp)
    summary: dict[str, Any] = {
        "unit": found.unit,
        "station_days": list(found.station_days),
        "without": dict(found.without),
        "doubts": list(found.doubts),
        "seconds": round(found.seconds, 2),
        "confidence": found.confidence,
    }
    return tables.write_table(layout.analysis(TABLE), found.table, completeness_schema(found.unit), stamp, summary)


def read_completeness(layout: Layout) -> Completeness:
    """Return what `write_completeness` wrote; raises `FileNotFoundError` and `DamagedFileError`."""
    path = layout.analysis(TABLE)
    if not path.exists():
        raise FileNotFoundError(f"{path} is absent: {NOT_MEASURED}")
    table, said = tables.read_table(path), tables.read_summary(path)
    try:
        return Completeness(
            table=table,
            injections=tables.read_table(layout.analysis(INJECTIONS)),
            unit=str(said["unit"]),
            station_days=tuple(said["station_days"]),
            without=dict(said["without"]),
            doubts=tuple(said["doubts"]),
            seconds=float(said["seconds"]),
            confidence=float(said["confidence"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(path, f"its summary is not one of this version: {error}") from error


def named_now(table: pd.DataFrame, days: StationDays) -> pd.DataFrame:
    """Return the table with the names that its classes have now: they may have got others since it was made."""
    names = class_names(days.settings.champion, table["label"].unique(), champion_or_none(days.layout))
    return table.assign(class_name=table["label"].map(names).astype(table["class_name"].dtype))


def completeness_is_current(days: StationDays) -> bool:
    """Return whether the tables are undamaged, and of the present champion, settings and waveforms.

    Stations without waveforms at the time are looked at again: if they have some now, the tables are not current.
    """
    try:
        found = read_completeness(days.layout)
        champion = champion_or_none(days.layout)
        if champion is None:
            return False
        by_name = {str(key): key for key in days.settings.station_days()}
        keys = [by_name[name] for name in found.station_days]
        if tables.read_stamp(days.layout.analysis(TABLE))[0] != completeness_stamp(days, champion, keys):
            return False
    except (OSError, KeyError):
        return False
    return not any(station_days_at_hand(days, station) for station in found.without)


TABLES = (
    TableDescription(
        "Completeness",
        f"analysis/{TABLE}",
        "One row per station, class and quartile of the station's noise: the peak amplitudes at which the detector "
        "finds 50 and 90 % of templates of the class. The summary in the file names the station-days, and the "
        "stations that have no waveforms.",
        completeness_schema(),
        "read_completeness",
    ),
    TableDescription(
        "Templates for completeness",
        f"analysis/{INJECTIONS}",
        "One row per template that was added to the trace of a station-day.",
        injection_schema(),
    ),
)
"""These tables, for the data dictionary."""
