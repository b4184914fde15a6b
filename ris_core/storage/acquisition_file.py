"""The record of an acquired station-day as a JSON file: the one place where it is written and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from ris_core.config import PublishedSettings, SdsSettings, SourceSettings
from ris_core.contracts.acquisition import Acquisition, Exchange, OfChannel, SamplesAt
from ris_core.contracts.quality import Quality
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.files import Files, FilesOnDisk
from ris_core.storage.json_records import write_json
from ris_core.storage.layout import Layout

_NUMBER = (int, float)
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "state": str,
    "reason": str,
    "inputs": str,
    "path": str,
    "coverage": _NUMBER,
    "gaps": int,
    "gap_seconds": _NUMBER,
}
_QUALITY = tuple(f.name for f in fields(Quality))
_EXCHANGE = tuple(f.name for f in fields(Exchange))
_ACQUIRE_AGAIN = "`ris backfill` acquires its station-day again"
_IMPORT_AGAIN = "import the file of this station-day again: ris import-h5 FILE"
# The field `path` of a record without a stored file.
_PATHS = {SamplesAt.IN_PLACE: "in place", SamplesAt.IMPORTED: "imported", SamplesAt.NOWHERE: ""}
_WITHOUT_PATH = {path: where for where, path in _PATHS.items()}
# Figures that records of earlier versions lack.
_UNKNOWN: dict[str, Any] = {
    "samples": 0,
    "sampling_rate": float("nan"),
    "sampling_rates": (),
    "sample_types": (),
    "overlaps": 0,
    "overlap_seconds": 0.0,
    "duplicate_seconds": 0.0,
    "shortest_segment_s": 0.0,
    "longest_segment_s": 0.0,
    "flat_lines": 0,
    "flat_line_seconds": 0.0,
    "clipped_runs": 0,
    "clipped_seconds": 0.0,
    "spikes": 0,
    "non_finite": 0,
    "minimum": None,
    "maximum": None,
    "mean": None,
    "rms": None,
    "notes": (),
}


def write_acquisition(layout: Layout, found: Acquisition) -> None:
    """Write the record of a station-day."""
    write_json(layout.acquisition(found.key), _to_record(found))


def read_acquisition(
    layout: Layout, key: StationDay, source: SourceSettings, files: Files | None = None
) -> Acquisition | None:
    """Return the acquisition of a station-day; none if it was not acquired.

    Parameters
    ----------
    layout, key
        The data root, and the station-day.
    source
        The source of station-days in the settings: it decides how a damaged record is repaired.
    files
        How the disk is read.

    Raises
    ------
    DamagedFileError
        The record does not match its digest, is of another station-day, or says no data although there is a raw file.
    """
    path = layout.acquisition(key)
    remedy = _IMPORT_AGAIN if isinstance(source, PublishedSettings) else _ACQUIRE_AGAIN
    files = files or FilesOnDisk()
    try:
        record = files.record(path, _FIELDS, remedy)
    except FileNotFoundError:
        return None
    if record["state"] not in ("data", "no_data"):
        raise DamagedFileError(path, f"'state' cannot be {record['state'][:80]!r}", remedy)
    # Records of earlier versions do not have their station-day.
    whose = record.get("station", key.station), record.get("day", key.day.isoformat())
    if whose != (key.station, key.day.isoformat()):
        raise DamagedFileError(path, f"it is of {whose[0]} {whose[1]}", remedy)
    with damage_named(path, remedy):
        found = _from_record(key, record)
    # With a source that is read in place, a file of an earlier source may be left.
    for channel, of_channel in () if isinstance(source, SdsSettings) else found.channels or ((None, found),):
        if not of_channel.has_data and files.exists(raw := layout.waveform(key, channel)):
            raise DamagedFileError(path, f"it says no data, but there is {raw}", remedy)
    return found


def _to_record(found: Acquisition) -> dict[str, Any]:
    channels = [{"channel": channel} | _figures(of_channel) for channel, of_channel in found.channels]
    return {
        "station": found.key.station,
        "day": found.key.day.isoformat(),
        **_figures(found),
        **({"channels": channels} if channels else {}),
    }


def _figures(found: Acquisition) -> dict[str, Any]:
    stored: dict[str, Any] = {}
    if found.samples_at is not SamplesAt.IMPORTED:
        stored = {"whole_records": found.whole_records, "has_response": found.has_response}
        stored |= {} if found.files is None else {"files": list(found.files)}
    return {
        "state": "data" if found.has_data else "no_data",
        "reason": found.reason,
        "path": found.stored_as or _PATHS[found.samples_at],
        "bytes": found.size,
        "segments": found.segments,
        **asdict(found.quality),
        **asdict(found.exchange),
        **stored,
        **found.stamp.as_dict(),
    }


def _from_record(key: StationDay, record: Mapping[str, Any]) -> Acquisition:
    figures = {name: record.get(name, _UNKNOWN.get(name)) for name in _QUALITY}
    figures |= {n: tuple(figures[n]) for n in ("sampling_rates", "sample_types", "notes")}
    samples_at = _WITHOUT_PATH.get(record["path"], SamplesAt.STORED)
    files = record.get("files")
    channels = [(of_channel["channel"], of_channel) for of_channel in record.get("channels", ())]
    for channel, of_channel in channels:
        if not isinstance(channel, str) or of_channel["state"] not in ("data", "no_data"):
            raise ValueError(f"the result of channel {str(channel)[:80]!r} cannot be read")
    return Acquisition(
        key=key,
        has_data=record["state"] == "data",
        reason=record["reason"],
        samples_at=samples_at,
        stored_as=record["path"] if samples_at is SamplesAt.STORED else None,
        size=int(record.get("bytes", 0)),
        segments=int(record.get("segments", 0)),
        quality=Quality(**figures),
        stamp=Stamp(str(record.get("settings", "")), str(record.get("version", "")), record["inputs"]),
        exchange=Exchange(**{name: record.get(name) for name in _EXCHANGE}),
        whole_records=bool(record.get("whole_records", False)),
        has_response=bool(record.get("has_response", False)),
        files=None if files is None else tuple(files),
        channels=tuple(OfChannel(channel, _from_record(key, of_channel)) for channel, of_channel in channels),
    )
