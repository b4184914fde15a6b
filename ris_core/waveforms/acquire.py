"""The stage "acquire": a station-day's samples come into reach, and what was found is recorded."""

from __future__ import annotations

import hashlib
import io
import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ris_core import versions
from ris_core.config import SdsSource, Settings
from ris_core.station_day import StationDay
from ris_core.storage.atomic import replacing, write_json
from ris_core.storage.stamp import Stamp
from ris_core.storage.store import Store, read_acquisition
from ris_core.waveforms.segments import Segment, digest_of_segments, quality_of, to_segments
from ris_core.waveforms.source import WaveformSource, open_source

if TYPE_CHECKING:
    from obspy import Inventory, Stream


_CREATED = re.compile(rb"<Created>[^<]*</Created>")


class NotAcquiredError(FileNotFoundError):
    """A station-day is asked for before it was acquired."""

    def __init__(self, key: StationDay) -> None:
        super().__init__(f"{key}: not acquired yet; materialize raw_waveforms for it first")


def acquire_station_day(
    store: Store, key: StationDay, source: WaveformSource | None = None, again: bool = False
) -> dict[str, Any]:
    """Fetch one station-day, store it unless it is read in place, and return its record.

    A station-day without data is a recorded result (``state`` is ``no_data``), not an error. A stored station-day that
    is current is not fetched unless ``again`` asks for it; an archive read in place is looked at each time.

    Returns
    -------
    dict
        state, reason, inputs (digest of the samples), path, bytes, quality figures, and ``skipped``, ``seconds``.
    """
    started = time.perf_counter()
    settings = store.settings
    source = source or open_source(settings)
    if not again and not source.in_place and acquisition_is_current(store, key):
        return (read_acquisition(store, key) or {}) | {"skipped": True, "seconds": time.perf_counter() - started}
    record = _take_in(store, key, source, source.fetch(key.station, key.day))
    return record | {"skipped": False, "seconds": time.perf_counter() - started}


def _take_in(store: Store, key: StationDay, source: WaveformSource, stream: Stream) -> dict[str, Any]:
    settings = store.settings
    segments = to_segments(stream, key, settings.conditioning.padding)
    quality = quality_of(segments, key)
    path = store.waveform(key)
    has_data = quality.samples > 0
    if has_data and not source.in_place:
        _store_inventory(store, key.station, source)
        _write_miniseed(stream, path)
    elif not source.in_place:
        path.unlink(missing_ok=True)
    stamp = Stamp(settings.acquire_digest(), versions.ACQUIRE, digest_of_segments(segments))
    record = {
        "state": "data" if has_data else "no_data",
        "reason": "" if has_data else "the source has no samples for this station-day",
        "path": "in place" if source.in_place else store.relative(path) if has_data else "",
        "bytes": path.stat().st_size if has_data and not source.in_place else sum(s.samples.nbytes for s in segments),
        "segments": len(segments),
        **asdict(quality),
        **stamp.as_dict(),
    }
    write_json(store.acquisition(key), record)
    return record


def acquisition_is_current(store: Store, key: StationDay) -> bool:
    """Return whether a stored station-day was acquired with the settings and version of now and is still there."""
    record = read_acquisition(store, key)
    if record is None:
        return False
    stamp = Stamp.from_mapping(record)
    if stamp is None or (stamp.settings, stamp.version) != (store.settings.acquire_digest(), versions.ACQUIRE):
        return False
    if record["state"] == "no_data" or record["path"] == "in place":
        return True
    # A raw file dropped after processing was acquired all the same.
    return store.waveform(key).exists() or store.settings.retention.raw == "drop_after_processing"


def _store_inventory(store: Store, station: str, source: WaveformSource) -> None:
    inventory = source.inventory(station)
    if inventory is None:
        return
    path, written = store.inventory(station), io.BytesIO()
    inventory.write(written, format="STATIONXML")
    if not path.exists() or _digest_of_xml(path.read_bytes()) != _digest_of_xml(written.getvalue()):
        with replacing(path) as temporary:
            temporary.write_bytes(written.getvalue())


def _digest_of_xml(xml: bytes) -> str:
    # When a file was written is no part of what it says.
    return hashlib.sha256(_CREATED.sub(b"", xml)).hexdigest()[:12]


def response_digest(store: Store, station: str) -> str:
    """Return the digest of a station's StationXML, or ``none``."""
    path = _inventory_path(store, station)
    return _digest_of_xml(path.read_bytes()) if path is not None and path.exists() else "none"


def _inventory_path(store: Store, station: str) -> Path | None:
    source = store.settings.source
    if isinstance(source, SdsSource):
        return source.inventory / store.inventory(station).name if source.inventory else None
    return store.inventory(station)


def _write_miniseed(stream: Stream, path: Any) -> None:
    stream = stream.copy()
    for trace in stream:
        trace.data = np.ascontiguousarray(trace.data)
    integer = all(np.issubdtype(trace.data.dtype, np.integer) for trace in stream)
    with replacing(path) as temporary:
        stream.write(str(temporary), format="MSEED", **({"encoding": "STEIM2"} if integer else {}))


def read_segments(store: Store, key: StationDay, source: WaveformSource | None = None) -> list[Segment]:
    """Return the segments of an acquired station-day, from the data root or from the archive read in place.

    A raw file that was dropped after processing is fetched again.

    Raises
    ------
    NotAcquiredError
        The station-day was not acquired yet.
    FileNotFoundError
        The raw file is gone, and the source has no samples any more.
    """
    from obspy import read

    settings: Settings = store.settings
    record = read_acquisition(store, key)
    if record is None:
        raise NotAcquiredError(key)
    if record["state"] == "no_data":
        return []
    if record["path"] == "in place":
        stream = (source or open_source(settings)).fetch(key.station, key.day)
    else:
        path = store.waveform(key)
        if not path.exists():
            _fetch_again(store, key, source or open_source(settings))
        stream = read(str(path), format="MSEED")
    return to_segments(stream, key, settings.conditioning.padding)


def segments_to_process(store: Store, key: StationDay, source: WaveformSource) -> list[Segment]:
    """Return the segments as `read_segments` does; an archive that has changed since acquisition is recorded anew."""
    segments = read_segments(store, key, source)
    record = read_acquisition(store, key) or {}
    if record.get("path") == "in place" and digest_of_segments(segments) != record["inputs"]:
        acquire_station_day(store, key, source, again=True)
        segments = read_segments(store, key, source)
    return segments


def _fetch_again(store: Store, key: StationDay, source: WaveformSource) -> None:
    """Store a dropped raw file anew; where the source has it no more, what was recorded stays."""
    stream = source.fetch(key.station, key.day)
    if quality_of(to_segments(stream, key, store.settings.conditioning.padding), key).samples == 0:
        raise FileNotFoundError(
            f"{key}: the stored waveform {store.waveform(key)} is gone, and the source has no samples any more; "
            "products made from it stay as they are"
        )
    _take_in(store, key, source, stream)


def read_inventory_of(store: Store, station: str, source: WaveformSource) -> Inventory | None:
    """Return a station's metadata with response, or none."""
    from obspy import read_inventory

    if source.in_place:
        return source.inventory(station)
    path = store.inventory(station)
    return read_inventory(str(path), format="STATIONXML") if path.exists() else None
