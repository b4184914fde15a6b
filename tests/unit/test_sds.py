"""An SDS archive is read in place: padding from the neighbouring days, no sample twice, errors that name the file."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from builders import trace_path
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import Stream, Trace, UTCDateTime
from stage_steps import acquire_one
from store import Store
from waveform_builders import (
    DAY,
    KEY,
    PADDING,
    make_segment,
    make_settings,
    ns_at,
    record,
    sds_settings,
    segments_of,
    write_sds,
)

from ris_core.station_days.open_source import open_source
from ris_core.synthetic.seismometer import build_inventory
from ris_core.waveforms.sample_quality import quality_of
from ris_core.waveforms.sds import SdsArchive, UnusableError, WrongCodesError
from ris_core.waveforms.segments import to_segments

RATE = 10.0


def archive(root, **sections) -> SdsArchive:
    source = open_source(sds_settings(root, **sections))
    assert isinstance(source, SdsArchive)
    return source


def bytes_of(trace: Trace, **options) -> bytes:
    written = io.BytesIO()
    trace.write(written, format="MSEED", **{"reclen": 512, "encoding": "STEIM2", **options})
    return written.getvalue()


def records_of(trace: Trace, **options) -> list[bytes]:
    content, size = bytes_of(trace, **options), options.get("reclen", 512)
    return [content[i : i + size] for i in range(0, len(content), size)]


def put(root: Path, content: bytes, trace: Trace, day: date = DAY) -> Path:
    """Make some bytes the file of a trace's channel and a day."""
    path = trace_path(root, trace, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def between(trace: Trace, start: float, end: float) -> Trace:
    """The samples of [start, end), in seconds of the day."""
    zero = UTCDateTime(ns=KEY.start_ns)
    return trace.slice(zero + start, zero + end - 0.5 / RATE, nearest_sample=False)


def test_a_day_comes_with_the_padding_of_its_neighbours_and_not_a_sample_more(tmp_path):
    whole = record(KEY, -3600, 90_000, rate=RATE)
    write_sds(tmp_path, whole)
    (segment,) = to_segments(archive(tmp_path).fetch("S01", DAY), KEY, PADDING)
    assert (segment.start_ns, segment.end_ns) == (ns_at(KEY, -300), ns_at(KEY, 86_700))
    assert (segment.opens_window, segment.closes_window) == (True, True)
    np.testing.assert_array_equal(segment.samples, whole.data[33_000:-33_000])


@pytest.mark.parametrize("late_ns", [1_000_000, 49_000_000, 51_000_000, 99_000_000])
def test_samples_off_the_grid_lie_within_the_window(tmp_path, late_ns):
    whole = record(KEY, -3600, 90_000, rate=RATE)
    whole.stats.starttime = UTCDateTime(ns=whole.stats.starttime.ns + late_ns)
    write_sds(tmp_path, whole)
    (segment,) = to_segments(archive(tmp_path).fetch("S01", DAY), KEY, PADDING)
    assert abs(segment.start_ns - ns_at(KEY, -300)) <= 100_000_000
    assert segment.time_ns(segment.samples.size - 1) < ns_at(KEY, 86_700)
    assert abs(segment.samples.size - 870_000) <= 1
    assert (segment.opens_window, segment.closes_window) == (True, True)


def test_records_that_spill_over_midnight_into_the_file_of_the_other_day_are_found(tmp_path):
    whole = record(KEY, -600, 87_000, rate=RATE)
    midnight = UTCDateTime(ns=KEY.start_ns)
    # The file of the previous day continues for a minute, that of the day begins there.
    early, late = whole.slice(None, midnight + 60 - 0.1), whole.slice(midnight + 60, midnight + 86_400 - 0.1)
    for trace, day in ((early, date(2015, 1, 9)), (late, DAY)):
        path = trace_path(tmp_path, trace, day)
        path.parent.mkdir(parents=True, exist_ok=True)
        trace.write(str(path), format="MSEED")
    (segment,) = to_segments(archive(tmp_path).fetch("S01", DAY), KEY, PADDING)
    assert (segment.start_ns, segment.end_ns) == (ns_at(KEY, -300), ns_at(KEY, 86_400))


def test_the_turn_of_the_year_is_no_border(tmp_path):
    key = KEY._replace(day=date(2014, 12, 31))
    write_sds(tmp_path, record(key, -600, 87_000, rate=RATE))
    assert (tmp_path / "2015" / "XX" / "S01" / "HHZ.D" / "XX.S01..HHZ.D.2015.001").exists()
    (segment,) = to_segments(archive(tmp_path).fetch("S01", key.day), key, PADDING)
    assert (segment.start_ns, segment.end_ns) == (ns_at(key, -300), ns_at(key, 86_700))


def test_days_and_stations_without_a_file_are_empty(tmp_path):
    write_sds(tmp_path, record(KEY, 0, 600, rate=RATE))
    source = archive(tmp_path)
    assert len(source.fetch("S01", DAY)) == 1
    assert len(source.fetch("S01", date(2015, 1, 20))) == 0
    assert len(source.fetch("S02", DAY)) == 0


@pytest.mark.parametrize(("asked", "found"), [("", 1), ("--", 1), ("00", 2), ("10", 0)])
def test_only_the_location_asked_for_is_read(tmp_path, asked, found):
    trace = record(KEY, 0, 600, rate=RATE)
    other = record(KEY, 0, 1200, rate=RATE, seed=1)
    other.stats.location = "00"
    write_sds(tmp_path, trace, other)
    stream = archive(tmp_path, location=asked).fetch("S01", DAY)
    assert sum(t.stats.npts for t in stream) == found * 6000


def test_only_the_channel_asked_for_is_read(tmp_path):
    trace, other = record(KEY, 0, 600, rate=RATE), record(KEY, 0, 600, rate=RATE, seed=1)
    other.stats.channel = "HHN"
    write_sds(tmp_path, trace, other)
    (found,) = archive(tmp_path, channel="HHN").fetch("S01", DAY)
    np.testing.assert_array_equal(found.data, other.data)


def test_reading_changes_nothing_in_a_read_only_archive(tmp_path):
    root = tmp_path / "sds"
    trace = record(KEY, -600, 87_000, rate=RATE)
    write_sds(root, trace)
    put(root, cut_in_mid_record(records_of(trace)), trace)
    put(root, b"\0" * 8192, trace, date(2015, 1, 11))
    files = [p for p in root.rglob("*") if p.is_file()]
    for path in [*files, *(p for p in root.rglob("*") if p.is_dir()), root]:
        path.chmod(0o444 if path.is_file() else 0o555)
    before = {p: (p.read_bytes() if p.is_file() else b"", p.stat().st_mtime_ns) for p in root.rglob("*")}
    ours = sds_settings(root)
    store, source = Store(ours, tmp_path / "data"), open_source(ours)
    assert acquire_one(store, KEY, source).result.has_data
    with pytest.raises(OSError, match="cannot be read as miniSEED"):
        acquire_one(store, KEY._replace(day=date(2015, 1, 11)), source)
    assert {p: (p.read_bytes() if p.is_file() else b"", p.stat().st_mtime_ns) for p in root.rglob("*")} == before
    for path in [root, *(p for p in root.rglob("*") if p.is_dir())]:
        path.chmod(0o755)


@pytest.mark.parametrize("content", [b"no waveform at all" * 100, b"\0" * 8192])
def test_a_file_that_is_no_miniseed_is_an_error_that_names_it(tmp_path, content):
    trace = record(KEY, 0, 600, rate=RATE)
    write_sds(tmp_path, trace)
    path = trace_path(tmp_path, trace, DAY)
    path.write_bytes(content)
    with pytest.raises(OSError) as refused:
        archive(tmp_path).fetch("S01", DAY)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("day", [9, 11])
def test_a_damaged_file_of_a_neighbour_costs_the_padding_and_the_notes_name_it(tmp_path, day):
    trace = record(KEY, -600, 87_000, rate=RATE)
    write_sds(tmp_path, trace)
    trace_path(tmp_path, trace, date(2015, 1, day)).write_bytes(b"\0" * 8192)
    stream = archive(tmp_path).fetch("S01", DAY)
    (segment,) = to_segments(stream, KEY, PADDING)
    assert (segment.opens_window, segment.closes_window) == (day != 9, day != 11)
    assert quality_of([segment], KEY, stream).coverage == 1.0
    (note,) = stream.notes
    assert "no padding from the neighbouring day" in note
    assert f"2015.0{day:02d}: cannot be read as miniSEED" in note


def test_a_file_of_no_bytes_has_no_samples(tmp_path):
    path = put(tmp_path, b"", record(KEY, 0, 600, rate=RATE))
    stream = archive(tmp_path).fetch("S01", DAY)
    assert (len(stream), stream.notes) == (0, [f"{path.name}: 0 bytes, no whole record"])


@pytest.mark.parametrize("size", [13, 47, 48, 400, 511])
def test_a_file_that_is_cut_off_within_its_first_record_is_an_error_that_names_it(tmp_path, size):
    trace = record(KEY, 0, 600, rate=RATE)
    path = put(tmp_path, bytes_of(trace)[:size], trace)
    with pytest.raises(UnusableError) as refused:
        archive(tmp_path).fetch("S01", DAY)
    assert str(refused.value) == f"{path}: {size} bytes, no whole record; it is cut off"


def test_records_without_a_sampling_rate_are_counted_and_alone_are_an_error(tmp_path):
    trace = record(KEY, 0, 600, rate=RATE)
    # The factor and the multiplier of the rate are in bytes 32 to 35.
    without = [r[:32] + b"\0\0\0\0" + r[36:] for r in records_of(trace)]
    path = put(tmp_path, b"".join([*records_of(trace)[:9], *without[9:11], *records_of(trace)[11:]]), trace)
    stream = archive(tmp_path).fetch("S01", DAY)
    assert len(to_segments(stream, KEY, PADDING)) == 2
    assert stream.notes == [f"{path.name}: 2 records state no sampling rate, as text or a log does, and are left out"]
    put(tmp_path, b"".join(without), trace)
    with pytest.raises(UnusableError, match="its 19 records of the channel state no sampling rate") as refused:
        archive(tmp_path).fetch("S01", DAY)
    assert str(path) in str(refused.value)


def test_a_change_of_the_sampling_rate_between_two_files_is_no_error(tmp_path):
    write_sds(tmp_path, record(KEY, -600, 0, rate=2 * RATE), record(KEY, 0, 86_400, rate=RATE))
    found = to_segments(archive(tmp_path).fetch("S01", DAY), KEY, PADDING)
    assert [s.sampling_rate for s in found] == [2 * RATE, RATE]


def cut_in_mid_record(records: list[bytes]) -> bytes:
    return b"".join(records[:60]) + records[60][:100]


def first_records_lost(records: list[bytes]) -> bytes:
    return b"\xff" * 3 * 512 + b"".join(records[3:])


def odd_bytes_between(records: list[bytes]) -> bytes:
    return b"".join(records[:20]) + b"abc" * 33 + b"".join(records[20:])


def one_header_lost(records: list[bytes]) -> bytes:
    return b"".join([*records[:20], b"\0" * 64 + records[20][64:], *records[21:]])


def one_payload_lost(records: list[bytes]) -> bytes:
    return b"".join([*records[:20], records[20][:128] + b"\xff" * 384, *records[21:]])


def one_bit_turned(records: list[bytes]) -> bytes:
    turned = records[20][300] ^ 1
    return b"".join([*records[:20], records[20][:300] + bytes([turned]) + records[20][301:], *records[21:]])


def zeros_behind(records: list[bytes]) -> bytes:
    return b"".join(records) + b"\0" * 5000


PLACE = "(at byte 10240, 2015-01-10T00:10:56.30)"


@pytest.mark.parametrize(
    ("damage", "lost", "note"),
    [
        (cut_in_mid_record, slice(60, None), "100 of 30820 bytes belong to no whole record"),
        (first_records_lost, slice(0, 3), "1536 of 56320 bytes belong to no whole record"),
        (odd_bytes_between, slice(0, 0), "99 of 56419 bytes belong to no whole record"),
        (one_header_lost, slice(20, 21), "512 of 56320 bytes belong to no whole record"),
        (one_payload_lost, slice(20, 21), f"1 of 110 records could not be unpacked and are left out {PLACE}"),
        (
            one_bit_turned,
            slice(20, 21),
            "1 of 110 records do not end with the sample that they state (integrity check) and are left out " + PLACE,
        ),
        (zeros_behind, slice(0, 0), "5000 of 61320 bytes belong to no whole record"),
    ],
)
def test_of_a_damaged_file_every_whole_record_is_used_and_the_damage_noted(
    tmp_path, damage: Callable[[list[bytes]], bytes], lost: slice, note: str
):
    trace = record(KEY, 0, 3600, rate=RATE)
    records = records_of(trace)
    assert len(records) == 110
    path = put(tmp_path, damage(records), trace)
    stream = archive(tmp_path).fetch("S01", DAY)
    assert stream.notes == [f"{path.name}: {note}"]
    samples = [int.from_bytes(r[30:32], "big") for r in records]
    found = to_segments(stream, KEY, PADDING)
    assert sum(s.samples.size for s in found) == sum(samples) - sum(samples[lost])
    for segment in found:
        first = round((segment.start_ns - KEY.start_ns) * RATE / 1e9)
        np.testing.assert_array_equal(segment.samples, trace.data[first : first + segment.samples.size])


def test_a_file_of_which_no_record_can_be_unpacked_is_an_error_that_names_it(tmp_path):
    trace = record(KEY, 0, 60, rate=RATE)
    path = put(tmp_path, b"".join(r[:128] + b"\xff" * 384 for r in records_of(trace)), trace)
    with pytest.raises(
        OSError, match="no record of the day can be used: 2 of 2 records could not be unpacked"
    ) as refused:
        archive(tmp_path).fetch("S01", DAY)
    assert str(path) in str(refused.value)


def test_a_digitiser_that_writes_no_right_last_sample_is_believed(tmp_path):
    trace = record(KEY, 0, 600, rate=RATE)
    # The last sample's value is in the third word of a Steim record's first frame.
    path = put(tmp_path, b"".join(r[:72] + b"\0\0\3\xe8" + r[76:] for r in records_of(trace)), trace)
    stream = archive(tmp_path).fetch("S01", DAY)
    (segment,) = to_segments(stream, KEY, PADDING)
    np.testing.assert_array_equal(segment.samples, trace.data)
    assert stream.notes == [f"{path.name}: 19 of 19 records fail their check, as most do; they are used"]


def test_damage_stands_in_the_record_of_the_station_day(tmp_path):
    trace = record(KEY, 0, 3600, rate=RATE)
    put(tmp_path / "sds", cut_in_mid_record(records_of(trace)), trace)
    ours = sds_settings(tmp_path / "sds")
    done = acquire_one(Store(ours, tmp_path / "data"), KEY, open_source(ours))
    assert done.result.has_data
    assert list(done.result.quality.notes) == ["XX.S01..HHZ.D.2015.010: 100 of 30820 bytes belong to no whole record"]
    assert done.pictures["day"].startswith(b"\x89PNG")


def test_a_file_with_the_codes_of_another_station_is_an_error_that_names_both(tmp_path):
    trace, other = record(KEY, 0, 600, rate=RATE), record(KEY, 0, 600, rate=RATE)
    other.stats.station = "S02"
    path = put(tmp_path, bytes_of(other), trace)
    with pytest.raises(WrongCodesError) as refused:
        archive(tmp_path).fetch("S01", DAY)
    assert str(path) in str(refused.value)
    assert f"of XX.S02..HHZ ({len(records_of(other))}), expected XX.S01..HHZ" in str(refused.value)


def test_a_neighbour_with_the_codes_of_another_station_costs_the_padding(tmp_path):
    trace = record(KEY, -600, 87_000, rate=RATE)
    write_sds(tmp_path, trace)
    other = record(KEY, 86_400, 87_000, rate=RATE)
    other.stats.location = "10"
    put(tmp_path, bytes_of(other), trace, date(2015, 1, 11))
    stream = archive(tmp_path).fetch("S01", DAY)
    (segment,) = to_segments(stream, KEY, PADDING)
    assert (segment.opens_window, segment.closes_window) == (True, False)
    (note,) = stream.notes
    assert "XX.S01.10.HHZ" in note


def test_records_of_others_among_those_of_the_channel_are_left_out_and_noted(tmp_path):
    trace, other = record(KEY, 0, 600, rate=RATE), record(KEY, 600, 1200, rate=RATE, seed=1)
    other.stats.channel = "HHN"
    put(tmp_path, b"".join(records_of(trace)[:9] + records_of(other) + records_of(trace)[9:]), trace)
    stream = archive(tmp_path).fetch("S01", DAY)
    (segment,) = to_segments(stream, KEY, PADDING)
    np.testing.assert_array_equal(segment.samples, trace.data)
    assert stream.notes == [f"XX.S01..HHZ.D.2015.010: records of XX.S01..HHN ({len(records_of(other))}) are left out"]


def test_dashes_for_an_empty_location_are_an_empty_location(tmp_path):
    trace = record(KEY, 0, 600, rate=RATE)
    marked = [r[:13] + b"--" + r[15:] for r in records_of(trace)]
    put(tmp_path, b"".join(marked), trace)
    stream = archive(tmp_path).fetch("S01", DAY)
    assert (sum(t.stats.npts for t in stream), stream.notes) == (6000, [])


def test_networks_of_one_root_are_kept_apart(tmp_path):
    trace, other = record(KEY, 0, 600, rate=RATE), record(KEY, 0, 1200, rate=RATE, seed=1)
    other.stats.network = "YY"
    write_sds(tmp_path, trace, other)
    for code, size in (("XX", 6000), ("YY", 12_000)):
        source = open_source(sds_settings(tmp_path, network={"name": "test", "code": code}))
        assert sum(t.stats.npts for t in source.fetch("S01", DAY)) == size


def test_records_out_of_order_and_repeated_make_the_same_segment(tmp_path):
    trace = record(KEY, 0, 3600, rate=RATE)
    records = records_of(trace)
    order = np.random.default_rng(0).permutation([*range(110), *range(30, 60)])
    put(tmp_path, b"".join(records[i] for i in order), trace)
    stream = archive(tmp_path).fetch("S01", DAY)
    (segment,) = to_segments(stream, KEY, PADDING)
    np.testing.assert_array_equal(segment.samples, trace.data)
    repeated = sum(int.from_bytes(r[30:32], "big") for r in records[30:60])
    assert quality_of([segment], KEY, stream).duplicate_seconds == pytest.approx(repeated / RATE)


def test_records_that_stand_in_both_files_at_midnight_are_used_once(tmp_path):
    whole = record(KEY, -600, 87_000, rate=RATE)
    put(tmp_path, bytes_of(between(whole, -600, 60)), whole, date(2015, 1, 9))
    put(tmp_path, bytes_of(between(whole, -60, 86_460)), whole)
    put(tmp_path, bytes_of(between(whole, 86_340, 87_000)), whole, date(2015, 1, 11))
    stream = archive(tmp_path).fetch("S01", DAY)
    (segment,) = to_segments(stream, KEY, PADDING)
    np.testing.assert_array_equal(segment.samples, whole.data[3000:-3000])
    assert quality_of([segment], KEY, stream).duplicate_seconds == pytest.approx(120)


def test_encodings_record_lengths_and_byte_orders_may_change_within_a_file(tmp_path):
    whole = record(KEY, 0, 3600, rate=RATE)
    whole.data = np.clip(whole.data, -30_000, 30_000)
    options = [
        {"encoding": "STEIM1"},
        {"encoding": "STEIM2", "reclen": 4096},
        {"encoding": "INT32", "byteorder": "<"},
        {"encoding": "INT16"},
        {"encoding": "STEIM2", "byteorder": "<", "reclen": 256},
        {"encoding": "INT32", "reclen": 1024},
    ]
    content = b""
    for number, option in enumerate(options):
        part = between(whole, 600 * number, 600 * (number + 1))
        part.data = part.data.astype(np.int16 if option["encoding"] == "INT16" else np.int32)
        content += bytes_of(part, **option)
    put(tmp_path, content, whole)
    stream = archive(tmp_path).fetch("S01", DAY)
    (segment,) = to_segments(stream, KEY, PADDING)
    np.testing.assert_array_equal(segment.samples, whole.data)
    assert stream.notes == []


def test_floating_point_records_stand_beside_integers(tmp_path):
    whole = record(KEY, 0, 1800, rate=RATE)
    content = b""
    for number, kind in enumerate(("int32", "float32", "float64")):
        part = between(whole, 600 * number, 600 * (number + 1))
        part.data = part.data.astype(kind) if kind == "int32" else part.data.astype(kind) + 0.25
        content += bytes_of(part, encoding={"int32": "STEIM2"}.get(kind, kind.upper()))
    put(tmp_path, content, whole)
    stream = archive(tmp_path).fetch("S01", DAY)
    found = to_segments(stream, KEY, PADDING)
    assert [s.samples.dtype.name for s in found] == ["int32", "float32", "float64"]
    np.testing.assert_array_equal(found[2].samples, whole.data[12_000:] + 0.25)
    quality = quality_of(found, KEY, stream)
    assert quality.sample_types == ("float32", "float64", "int32")
    assert quality.gaps == 1


def test_several_sampling_rates_in_one_file_are_all_read(tmp_path):
    slow, fast = record(KEY, 0, 600, rate=RATE), record(KEY, 600, 1800, rate=2 * RATE)
    put(tmp_path, bytes_of(slow) + bytes_of(fast), slow)
    found = to_segments(archive(tmp_path).fetch("S01", DAY), KEY, PADDING)
    assert [(s.sampling_rate, s.samples.size) for s in found] == [(RATE, 6000), (2 * RATE, 24_000)]
    quality = quality_of(found, KEY)
    assert (quality.sampling_rate, quality.sampling_rates) == (2 * RATE, (RATE, 2 * RATE))


@pytest.mark.parametrize("shift", [0.3, -0.3])
def test_jitter_of_time_stamps_below_half_a_sample_cuts_nothing(tmp_path, shift):
    whole = record(KEY, -600, 87_000, rate=RATE)
    parts = [between(whole, a, a + 100) for a in range(-600, 87_000, 100)]
    for part in parts[::2]:
        part.stats.starttime += shift / RATE
    for day in (9, 10, 11):
        ours = [p for p in parts if (p.stats.starttime + 1).date == date(2015, 1, day)]
        put(tmp_path, b"".join(bytes_of(p) for p in ours), whole, date(2015, 1, day))
    (segment,) = to_segments(archive(tmp_path).fetch("S01", DAY), KEY, PADDING)
    assert abs(segment.samples.size - 870_000) <= 1


def test_time_stamps_that_run_away_from_the_sampling_rate_are_noted(tmp_path):
    trace = record(KEY, 0, 3600, rate=RATE)
    content = b""
    for number in range(36):
        part = between(trace, 100 * number, 100 * (number + 1))
        part.stats.starttime += 0.02 * number
        content += bytes_of(part)
    put(tmp_path, content, trace)
    (note,) = archive(tmp_path).fetch("S01", DAY).notes
    assert "run 0.7 s away from the sampling rate" in note


def test_an_absent_root_is_named_with_its_setting(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"source\.root = .*absent: there is no such folder"):
        archive(tmp_path / "absent")


def test_responses_come_from_the_inventory_folder(tmp_path):
    (tmp_path / "sds").mkdir()
    source = {"kind": "sds", "root": str(tmp_path / "sds")}
    assert open_source(make_settings(source=source)).inventory("S01") is None
    with_folder = open_source(make_settings(source=source | {"inventory": str(tmp_path)}))
    with pytest.raises(FileNotFoundError, match=r"source\.inventory is set, but no StationXML there describes XX\.S01"):
        with_folder.inventory("S01")
    build_inventory(make_settings(), "S01").write(str(tmp_path / "XX.S01.xml"), format="STATIONXML")
    assert with_folder.inventory("S01").get_contents()["channels"] == ["XX.S01..HHZ"]


def test_the_segment_of_a_day_file_alone_is_a_gap_at_both_midnights(tmp_path):
    write_sds(tmp_path, record(KEY, 0, 86_400, rate=RATE))
    (segment,) = to_segments(archive(tmp_path).fetch("S01", DAY), KEY, PADDING)
    assert (segment.opens_window, segment.closes_window) == (False, False)
    assert segment.samples.size == 864_000
    assert make_segment(segment.samples, RATE).end_ns == segment.end_ns


def test_gaps_of_the_archive_are_gaps(tmp_path):
    whole = record(KEY, 0, 7200, rate=RATE)
    start = whole.stats.starttime
    write_sds(tmp_path, whole.slice(None, start + 999.9), whole.slice(start + 2000, None))
    found = to_segments(archive(tmp_path).fetch("S01", DAY), KEY, PADDING)
    assert [(s.start_ns, s.end_ns) for s in found] == [
        (ns_at(KEY, 0), ns_at(KEY, 1000)),
        (ns_at(KEY, 2000), ns_at(KEY, 7200)),
    ]
    assert [s.samples.size for s in segments_of(KEY, *Stream([whole]))] == [72_000]


WHOLE = record(KEY, 0, 600, rate=RATE)
RECORDS = records_of(WHOLE)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_bytes_are_lost_what_is_read_is_right_and_untouched_records_are_read(data):
    """Bytes of a file are overwritten, cut out or put in, at up to three places."""
    content = b"".join(RECORDS)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        length, filling = data.draw(st.integers(0, 1500)), data.draw(st.binary(max_size=300))
        content = content[:at] + filling + content[at + length :]
    untouched = [i for i, r in enumerate(RECORDS) if r in content]
    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder), content, WHOLE)
        try:
            stream = archive(Path(folder)).fetch("S01", DAY)
        except (OSError, WrongCodesError):
            assert not untouched
            return
    there = np.zeros(WHOLE.stats.npts, bool)
    for segment in to_segments(stream, KEY, PADDING):
        first = round((segment.start_ns - KEY.start_ns) * RATE / 1e9)
        np.testing.assert_array_equal(segment.samples, WHOLE.data[first : first + segment.samples.size])
        there[first : first + segment.samples.size] = True
    # Only the filling after the last samples of a record, or whole records, were lost without a note.
    assert there.all() or stream.notes or content == b"".join(RECORDS[i] for i in untouched)
    starts = np.cumsum([0, *(int.from_bytes(r[30:32], "big") for r in RECORDS)])
    assert all(there[starts[i] : starts[i + 1]].all() for i in untouched)
