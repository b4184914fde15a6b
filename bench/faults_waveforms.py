"""Targets of `bench.faults` that come from digitisers and data centres: miniSEED and StationXML."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from obspy import Inventory, Stream, Trace, UTCDateTime, read_inventory
from obspy.core.inventory import Channel, Network, Station
from obspy.core.inventory.response import Response
from pymseed import DataEncoding, MS3Record, nslc2sourceid

from bench.faults_targets import Damage, Found, Target, always, digest_of_values, never
from ris_core.config import Settings
from ris_core.contracts.seed_id import SeedId
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.instrument import Instrument, NoResponseError
from ris_core.station_days.open_source import open_source
from ris_core.station_days.station_days import StationDays
from ris_core.waveforms.received import inventory_of, stream_of
from ris_core.waveforms.sample_quality import quality_of
from ris_core.waveforms.segments import Segment, to_segments
from ris_core.waveforms.stored_response import read_stored_inventory, write_response

DAY = date(2020, 3, 1)
RATE, SAMPLES = 100.0, 12_000
FORMS: dict[str, dict[str, Any]] = {
    "AA": {"encoding": "STEIM2", "reclen": 512, "type": np.int32},
    "BB": {"encoding": "STEIM1", "reclen": 1024, "type": np.int32},
    "CC": {"encoding": "INT32", "reclen": 512, "type": np.int32},
    "DD": {"encoding": "FLOAT64", "reclen": 512, "type": np.float64},
    "EE": {"encoding": "INT16", "reclen": 256, "type": np.int16},
    "FF": {"encoding": "miniSEED 3", "reclen": 512, "type": np.int32},
    "GG": {"encoding": "STEIM2", "reclen": 1024, "type": np.int32},
}
"""A station for each form of its samples."""

_STEIM = (10, 11)
_HEADER = 64
_GZIP, _VERSION_3 = b"\x1f\x8b", b"MS\x03"


def trace_of(station: str) -> Trace:
    """Return the samples of a station: noise with a burst, two minutes from 06:00."""
    rng = np.random.default_rng(list(station.encode()))
    samples = rng.normal(0, 40, SAMPLES)
    t = np.arange(200) / RATE
    samples[1000:1200] += 3000 * np.exp(-t / 0.2) * np.sin(2 * np.pi * 9 * t)
    header = {
        "network": "XX",
        "station": station,
        "channel": "HHZ",
        "sampling_rate": RATE,
        "starttime": UTCDateTime(DAY.year, DAY.month, DAY.day, 6),
    }
    return Trace(samples.round().astype(FORMS[station]["type"]), header)


def write_miniseed(path: Path, station: str) -> Path:
    """Write a station's samples in its form; the archive has the last one packed with gzip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    form = FORMS[station]
    if form["encoding"] == "miniSEED 3":
        path.write_bytes(b"".join(_version_3(station, form["reclen"])))
        return path
    Stream([trace_of(station)]).write(str(path), format="MSEED", encoding=form["encoding"], reclen=form["reclen"])
    return path


def _version_3(station: str, length: int) -> Iterator[bytes]:
    trace, record = trace_of(station), MS3Record()
    record.formatversion, record.reclen = 3, length
    record.sourceid, record.samprate = nslc2sourceid("XX", station, "", "HHZ"), RATE
    record.starttime, record.encoding = int(trace.stats.starttime.ns), DataEncoding.STEIM2
    return record.generate(data_samples=trace.data, sample_type="i")


def told_by_records(damage: Damage) -> bool:
    """Return whether the damage can be detected in the records.

    Compressed samples are differences, with the value of the last sample beside them: it no longer fits unless two
    errors cancel. A miniSEED 2 record has no protection for its header (codes, time, rate) or for uncompressed samples.
    Records of version 3, and gzip, have checksums.
    """
    original, spoilt = damage.original, damage.spoilt
    if original.startswith(_GZIP):
        return True
    if original.startswith(_VERSION_3):
        ends = [match.start() for match in re.finditer(_VERSION_3, original)]
        return not (original.startswith(spoilt) and len(spoilt) in ends)
    length, encoding = 1 << original[54], original[52]
    if original.startswith(spoilt):
        return len(spoilt) % length != 0
    if encoding not in _STEIM or np.any(_changed(original, spoilt) % length < _HEADER):
        return False
    counts = [int.from_bytes(original[at + 30 : at + 32], "big") for at in range(0, len(original), length)]
    other = damage.other_samples()
    return other is None or not other.any() or bool(other[np.cumsum(counts) - 1].any())


def _changed(original: bytes, spoilt: bytes) -> NDArray[np.int64]:
    """Return the positions of the original with bytes that no longer exist."""
    one, other = np.frombuffer(original, np.uint8), np.frombuffer(spoilt, np.uint8)
    least = min(one.size, other.size)
    if one.size == other.size:
        return np.flatnonzero(one != other)
    front = int(np.argmax(np.append(one[:least] != other[:least], True)))
    back = int(np.argmax(np.append(one[::-1][:least] != other[::-1][:least], True)))
    return np.arange(front, max(one.size - back, front + 1))


def found_in(stream: Stream, key: StationDay, padding: float) -> Found:
    """Return the result of reading the samples of a stream."""
    segments = to_segments(stream, key, padding)
    notes = quality_of(segments, key, stream).notes
    return Found(digest_of_values([notes, *map(_values, segments)]), tuple(notes), _samples(segments))


def _values(segment: Segment) -> list[Any]:
    return [segment.start_ns, segment.sampling_rate, segment.samples.dtype.str, segment.samples]


def _samples(segments: list[Segment]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    if not segments:
        return np.empty(0, np.int64), np.empty(0)
    times = [
        s.start_ns + np.rint(np.arange(s.samples.size) * (NS / s.sampling_rate)).astype(np.int64) for s in segments
    ]
    return np.concatenate(times), np.concatenate([s.samples.astype(np.float64) for s in segments])


def _station(path: Path) -> str:
    return path.name.split(".")[1]


# --- an archive read in place


@lru_cache(maxsize=4)
def _archive_settings(folder: Path, inventory: bool) -> Settings:
    source: dict[str, Any] = {"kind": "sds", "root": str(folder / "sds")}
    if inventory:
        source["inventory"] = str(folder / "inventory")
    (folder / "sds").mkdir(exist_ok=True)
    return Settings.model_validate(_network() | {"source": source})


def _network() -> dict[str, Any]:
    return {
        "network": {"name": "faults", "code": "XX"},
        "stations": [{"code": code} for code in FORMS],
        "first_day": DAY,
        "last_day": DAY,
    }


def _make_archive(folder: Path) -> list[Path]:
    archive = folder / "sds"
    paths = [write_miniseed(archive / SeedId("XX", code, "", "HHZ").sds_path(DAY), code) for code in FORMS]
    packed = paths[-1].with_name(paths[-1].name + ".gz")
    packed.write_bytes(gzip.compress(paths[-1].read_bytes()))
    paths[-1].unlink()
    return [*paths[:-1], packed]


def _read_archive(folder: Path, path: Path) -> Found:
    settings, key = _archive_settings(folder, False), StationDay(_station(path), DAY)
    stream = open_source(settings).fetch(key.station, key.day)
    return found_in(stream, key, settings.conditioning.padding)


# --- a raw station-day of the data root


class _Once:
    """A source that only gives its samples for the undamaged file."""

    in_place = False

    def __init__(self, given: bool = False) -> None:
        self._given = given

    def fetch(self, station: str, day: date) -> Stream:
        if self._given:
            raise AssertionError("the file is stored, and yet a request is sent to the source")
        return Stream([trace_of(station)])

    def inventory(self, station: str) -> Inventory | None:
        return None


def _stored(folder: Path) -> StationDays:
    source = {"kind": "fdsn", "provider": "http://127.0.0.1:9"}
    return StationDays.open(Settings.model_validate(_network() | {"source": source}), folder / "root")


def _make_stored(folder: Path) -> list[Path]:
    days, keys = _stored(folder), [StationDay(code, DAY) for code in ("AA", "DD")]
    acquire = StationDays(days.settings, days.layout, sources={days.settings.channel: _Once()}, pictures=False).acquire
    for key in keys:
        acquire.run(key)
    return [days.layout.waveform(key) for key in keys]


def _read_stored(folder: Path, path: Path) -> Found:
    days = _stored(folder)
    acquire = StationDays(days.settings, days.layout, sources={days.settings.channel: _Once(given=True)}).acquire
    segments, _ = acquire.segments_to_process(StationDay(_station(path), DAY))
    return Found(digest_of_values([_values(segment) for segment in segments[days.settings.channel]]))


# --- the answer of a data centre


def _make_answers(folder: Path) -> list[Path]:
    return [write_miniseed(folder / f"XX.{code}..HHZ", code) for code in FORMS]


def _read_answer(folder: Path, path: Path) -> Found:
    key = StationDay(_station(path), DAY)
    stream = stream_of(path.read_bytes(), path.name, key.start_ns, key.end_ns)
    return found_in(stream, key, 0.0)


# --- StationXML


def _make_inventories(folder: Path) -> list[Path]:
    (folder / "inventory").mkdir()
    zeros, poles = [0j, 0j], [-0.037 + 0.037j, -0.037 - 0.037j, -251.3 + 0j, -131.0 + 467.3j, -131.0 - 467.3j]
    plain = Response.from_paz(zeros, poles, 1500.0, 400_000.0)
    real = next(
        channel.response
        for network in read_inventory()
        for station in network
        for channel in station
        if channel.response is not None and channel.code.endswith("HZ")
    )
    paths = []
    for code, response in (("AA", plain), ("BB", real)):
        channel = Channel("HHZ", "", -78.0, 170.0, 0.0, 0.0, sample_rate=RATE, response=response)
        station = Station(code, -78.0, 170.0, 0.0, channels=[channel])
        paths.append(folder / "inventory" / f"XX.{code}.xml")
        Inventory([Network("XX", [station])], source="bench").write(str(paths[-1]), format="STATIONXML")
    return paths


def _gain_of(inventory: Inventory | None, station: str, settings: Settings) -> Found:
    if inventory is None:
        return Found("", ("no response",))
    instrument = Instrument.of(inventory, f"XX.{station}..HHZ")
    frequency = np.linspace(0, RATE / 2, 400)
    middle = StationDay(station, DAY).start_ns + 43_200 * NS
    try:
        epoch = instrument.at(middle, settings.response)
        gain = instrument.gain("peak_acceleration", epoch, frequency, RATE, settings.response)
    except NoResponseError as error:
        return Found("", (str(error),))
    if not np.isfinite(gain).all():
        raise ArithmeticError("the gain is not finite")
    return Found(digest_of_values(gain))


def _read_inventory(folder: Path, path: Path) -> Found:
    settings, station = _archive_settings(folder, True), path.stem.split(".")[1]
    days = StationDays.open(settings, folder / "root")
    return _gain_of(StationDays(settings, days.layout).acquire.inventory(station), station, settings)


def _make_stored_inventories(folder: Path) -> list[Path]:
    paths = _make_inventories(folder)
    for path in paths:
        write_response(path, path.read_bytes())
    return paths


def _read_stored_inventory(folder: Path, path: Path) -> Found:
    return _gain_of(read_stored_inventory(path), path.stem.split(".")[1], _archive_settings(folder, True))


def _read_inventory_answer(folder: Path, path: Path) -> Found:
    station = path.stem.split(".")[1]
    found = inventory_of(path.read_bytes(), [f"XX.{station}..HHZ"])
    return _gain_of(found, station, _archive_settings(folder, True))


TARGETS: dict[str, Target] = {
    "miniseed, archive": Target(_make_archive, _read_archive, told_by_records),
    "miniseed, stored": Target(_make_stored, _read_stored, always),
    "miniseed, answer": Target(_make_answers, _read_answer, told_by_records, nameless=True),
    "stationxml, archive": Target(_make_inventories, _read_inventory, never, text=True),
    "stationxml, stored": Target(_make_stored_inventories, _read_stored_inventory, always, text=True),
    "stationxml, answer": Target(_make_inventories, _read_inventory_answer, never, text=True, nameless=True),
}
