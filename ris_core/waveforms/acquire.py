"""The stage "acquire": a station-day's samples come into reach, and what was found is recorded."""

from __future__ import annotations

import io
import time
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ris_core import versions
from ris_core.config import SdsSettings, Settings
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.storage.atomic import remove
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import write_json
from ris_core.storage.store import Store, read_acquisition
from ris_core.waveforms import imported_events
from ris_core.waveforms.inventories import Inventories
from ris_core.waveforms.quality import quality_of
from ris_core.waveforms.segments import Segment, digest_of_segments, to_segments
from ris_core.waveforms.source import Fetched, RemoteSource, WaveformSource, fetch_from, open_source
from ris_core.waveforms.stationxml import digest_of_text
from ris_core.waveforms.stored import read_checked, read_stored, write_stored
from ris_core.waveforms.stored_response import digest_of_response, read_response, read_stored_inventory, write_response

if TYPE_CHECKING:
    from obspy import Inventory


class NotAcquiredError(FileNotFoundError):
    """A station-day is asked for before it was acquired."""

    def __init__(self, key: StationDay) -> None:
        super().__init__(f"{key}: not acquired yet; materialize raw_waveforms for it first")


class NoUsableSamplesError(ValueError):
    """There are samples of the day, but none that can be used; that is not absence."""


def acquire_station_day(
    store: Store, key: StationDay, source: WaveformSource | None = None, again: bool = False
) -> dict[str, Any]:
    """Fetch one station-day, store it unless it is read in place, and return its record.

    A station-day without data is a recorded result (``state`` is ``no_data``), not an error. A stored station-day that
    is current is not fetched unless ``again`` asks for it; an archive read in place is looked at each time. Where a
    data centre has no samples any more of a day that is stored, what is stored stays, and the reason says so.

    Returns
    -------
    dict
        state, reason, inputs (digest of the samples), path, bytes, quality figures; files (of an archive: those of the
        day, or the one that was looked for); whole_records (whether the stored file holds the records as they were
        received); provider, request_seconds, attempts and received_bytes (none for a source that is not asked over the
        network); ``skipped``, ``seconds``;
        and, where samples came, the PNG picture ``day_png``.
    """
    started = time.perf_counter()
    settings = store.settings
    source = source or open_source(settings)
    if not again and not source.in_place and acquisition_is_current(store, key):
        return (read_acquisition(store, key) or {}) | {"skipped": True, "seconds": time.perf_counter() - started}
    record = _take_in(store, key, source, fetch_from(source, key.station, key.day))
    return record | {"skipped": False, "seconds": time.perf_counter() - started}


def _take_in(store: Store, key: StationDay, source: WaveformSource, fetched: Fetched) -> dict[str, Any]:
    settings = store.settings
    segments = to_segments(fetched.stream, key, settings.conditioning.padding)
    quality = quality_of(segments, key, fetched.stream)
    path = store.waveform(key)
    has_data = quality.samples > 0
    if not has_data and quality.non_finite:
        raise NoUsableSamplesError(f"{key}: all its {quality.non_finite} samples are NaN or infinite")
    if not has_data and isinstance(source, RemoteSource) and (kept := _record_of_stored_data(store, key)):
        record = kept | {"reason": f"kept: {fetched.reason or 'no samples of the day came'}"}
        write_json(store.acquisition(key), record)
        return record
    whole_records = False
    if has_data and not source.in_place:
        _store_inventory(store, key, source)
        whole_records = write_stored(fetched.stream, path)
        # What stands on disk is what will be read: miniSEED rounds times to the µs.
        segments, _ = read_stored(path, key, settings.conditioning.padding, whole_records)
    elif not source.in_place:
        remove(path)
    stamp = Stamp(settings.acquire_digest(), versions.ACQUIRE, digest_of_segments(segments))
    record = {
        "station": key.station,
        "day": key.day.isoformat(),
        "state": "data" if has_data else "no_data",
        "reason": "" if has_data else fetched.reason or "the source has no samples for this station-day",
        "path": "in place" if source.in_place else store.relative(path) if has_data else "",
        "bytes": path.stat().st_size if has_data and not source.in_place else sum(s.samples.nbytes for s in segments),
        "segments": len(segments),
        "whole_records": whole_records,
        "has_response": has_data and not source.in_place and store.inventory(key.station).exists(),
        **asdict(quality),
        "files": list(fetched.files),
        **_exchange(fetched),
        **stamp.as_dict(),
    }
    write_json(store.acquisition(key), record)
    return record | _picture(segments, key)


def _picture(segments: list[Segment], key: StationDay) -> dict[str, bytes]:
    from ris_core.figures.day_pictures import day_waveform

    if not segments:
        return {}
    return {"day_png": day_waveform(segments, key.start_ns, f"{key}, raw")}


def _exchange(fetched: Fetched) -> dict[str, Any]:
    """Return what it took to get the samples, for the record."""
    return {
        "provider": fetched.provider,
        "request_seconds": fetched.request_seconds,
        "attempts": fetched.attempts,
        "received_bytes": fetched.received_bytes,
    }


def _record_of_stored_data(store: Store, key: StationDay) -> dict[str, Any] | None:
    """Return the record of an earlier acquisition of the same channel that found samples, if those are there still.

    Samples dropped after processing count as there: what was made from them is.
    """
    record, path = _sound_record(store, key), store.waveform(key)
    if record is None or record["state"] != "data" or record["path"] != store.relative(path):
        return None
    return record if path.exists() or store.settings.retention.raw == "drop_after_processing" else None


def _sound_record(store: Store, key: StationDay) -> dict[str, Any] | None:
    """Return the record of a station-day's acquisition; a damaged one counts as none, so that it is made anew."""
    try:
        return read_acquisition(store, key)
    except DamagedFileError:
        return None


def acquisition_is_current(store: Store, key: StationDay) -> bool:
    """Return whether a stored station-day was acquired with the settings and version of now and is still there."""
    record = _sound_record(store, key)
    if record is None:
        return False
    stamp = Stamp.from_mapping(record)
    version = versions.IMPORT if store.settings.imported else versions.ACQUIRE
    if stamp is None or (stamp.settings, stamp.version) != (store.settings.acquire_digest(), version):
        return False
    if record["state"] == "no_data" and isinstance(store.settings.source, SdsSettings) and "files" not in record:
        # An earlier version knew fewer names and suffixes, and took for absence what is a failure now.
        return False
    if record["state"] == "no_data" or record["path"] in ("in place", imported_events.PATH):
        return True
    if record.get("has_response") and not _response_is_sound(store, key.station):
        return False
    # A raw file dropped after processing was acquired all the same.
    return store.waveform(key).exists() or store.settings.retention.raw == "drop_after_processing"


def _response_is_sound(store: Store, station: str) -> bool:
    with suppress(DamagedFileError):
        return response_digest(store, station) != "none"
    return False


def _store_inventory(store: Store, key: StationDay, source: WaveformSource) -> None:
    path, written = store.inventory(key.station), io.BytesIO()
    if isinstance(source, RemoteSource):
        inventory = source.newer_inventory(key.station, key.day, path)
    else:
        inventory = source.inventory(key.station)
    if inventory is None:
        return
    inventory.write(written, format="STATIONXML")
    with suppress(FileNotFoundError, DamagedFileError):
        if digest_of_text(read_response(path)) == digest_of_text(written.getvalue()):
            # The time of the file is when its content was last known to be right.
            path.touch()
            return
    write_response(path, written.getvalue())


def response_digest(store: Store, station: str) -> str:
    """Return the digest of what StationXML says of a station's channel, or ``none``."""
    s = store.settings
    if isinstance(s.source, SdsSettings):
        if s.source.inventory is None:
            return "none"
        return Inventories(s.source.inventory, s.network.code, s.location, s.channel).digest(station)
    with suppress(FileNotFoundError):
        return digest_of_response(store.inventory(station))
    return "none"


def read_segments(store: Store, key: StationDay, source: WaveformSource | None = None) -> list[Segment]:
    """Return the segments of an acquired station-day, from the data root or from the archive read in place.

    A raw file that was dropped after processing is fetched again.

    Raises
    ------
    NotAcquiredError
        The station-day was not acquired yet.
    FileNotFoundError
        The raw file is gone, and the source has no samples any more.
    DamagedFileError
        The raw file has not the samples that were acquired.
    """
    return _read(store, key, source)[0]


def _read(store: Store, key: StationDay, source: WaveformSource | None) -> tuple[list[Segment], str]:
    """Return the segments of an acquired station-day, and their digest."""
    settings: Settings = store.settings
    record = read_acquisition(store, key)
    if record is None:
        raise NotAcquiredError(key)
    if record["state"] == "no_data":
        return [], record["inputs"]
    padding = settings.conditioning.padding
    if record["path"] == "in place":
        stream = (source or open_source(settings)).fetch(key.station, key.day)
        segments = to_segments(stream, key, padding)
        return segments, digest_of_segments(segments)
    path = store.waveform(key)
    if not path.exists():
        _fetch_again(store, key, source or open_source(settings))
        record = read_acquisition(store, key) or record
    return read_checked(path, key, padding, record)


def segments_to_process(store: Store, key: StationDay, source: WaveformSource) -> tuple[list[Segment], str]:
    """Return the segments as `read_segments` does, and the digest of what was read.

    An archive that has changed since acquisition is recorded anew, and so is a station-day with a damaged record.
    """
    if _sound_record(store, key) is None and store.acquisition(key).exists():
        acquire_station_day(store, key, source)
    segments, digest = _read(store, key, source)
    record = read_acquisition(store, key) or {}
    if record.get("path") == "in place" and digest != record["inputs"]:
        acquire_station_day(store, key, source, again=True)
        segments, digest = _read(store, key, source)
    return segments, digest


def _fetch_again(store: Store, key: StationDay, source: WaveformSource) -> None:
    """Store a dropped raw file anew; where the source has it no more, what was recorded stays."""
    fetched = fetch_from(source, key.station, key.day)
    if quality_of(to_segments(fetched.stream, key, store.settings.conditioning.padding), key).samples == 0:
        raise FileNotFoundError(
            f"{key}: the stored waveform {store.waveform(key)} is gone, and the source has no samples any more; "
            "products made from it stay as they are"
        )
    _take_in(store, key, source, fetched)


def read_inventory_of(store: Store, station: str, source: WaveformSource) -> Inventory | None:
    """Return a station's metadata with response, or none."""
    if source.in_place:
        return source.inventory(station)
    path = store.inventory(station)
    return read_stored_inventory(path) if path.exists() else None
