"""An SDS archive is read in place: padding from the neighbouring days, no sample twice, errors that name the file."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from obspy import Stream, UTCDateTime
from waveform_builders import (
    DAY,
    KEY,
    PADDING,
    make_segment,
    make_settings,
    ns_at,
    record,
    sds_path,
    sds_settings,
    segments_of,
    write_sds,
)

from ris_core.synthetic.instrument import build_inventory
from ris_core.waveforms.sds import SdsArchive
from ris_core.waveforms.segments import to_segments
from ris_core.waveforms.source import open_source

RATE = 10.0


def archive(root, **sections) -> SdsArchive:
    source = open_source(sds_settings(root, **sections))
    assert isinstance(source, SdsArchive)
    return source


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
    # The file of the day before goes on for a minute, that of the day begins there.
    early, late = whole.slice(None, midnight + 60 - 0.1), whole.slice(midnight + 60, midnight + 86_400 - 0.1)
    for trace, day in ((early, date(2015, 1, 9)), (late, DAY)):
        path = sds_path(tmp_path, trace, day)
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


def test_reading_changes_nothing_in_the_archive(tmp_path):
    write_sds(tmp_path, record(KEY, -600, 87_000, rate=RATE))
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.rglob("*") if p.is_file()}
    archive(tmp_path).fetch("S01", DAY)
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("content", [b"no waveform at all" * 100, b"\0" * 8192])
def test_a_file_that_is_no_miniseed_is_an_error_that_names_it(tmp_path, content):
    trace = record(KEY, 0, 600, rate=RATE)
    write_sds(tmp_path, trace)
    path = sds_path(tmp_path, trace, DAY)
    path.write_bytes(content)
    with pytest.raises(OSError) as refused:
        archive(tmp_path).fetch("S01", DAY)
    assert str(path) in str(refused.value)


@pytest.mark.filterwarnings("ignore:Failed to decode")
def test_a_file_whose_first_records_are_damaged_is_an_error_that_names_it(tmp_path):
    trace = record(KEY, 0, 3600, rate=RATE)
    write_sds(tmp_path, trace)
    path = sds_path(tmp_path, trace, DAY)
    content = bytearray(path.read_bytes())
    content[:3000] = b"\xff" * 3000
    path.write_bytes(content)
    with pytest.raises(OSError) as refused:
        archive(tmp_path).fetch("S01", DAY)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("day", [9, 11])
def test_a_damaged_file_of_a_neighbour_is_named_too(tmp_path, day):
    trace = record(KEY, -600, 87_000, rate=RATE)
    write_sds(tmp_path, trace)
    path = sds_path(tmp_path, trace, date(2015, 1, day))
    path.write_bytes(b"\0" * 8192)
    with pytest.raises(OSError, match=rf"2015\.0{day:02d}: cannot be read as miniSEED"):
        archive(tmp_path).fetch("S01", DAY)


@pytest.mark.parametrize("content", [b"", b"half a record"])
def test_a_file_without_a_whole_record_yet_has_no_samples(tmp_path, content):
    trace = record(KEY, 0, 600, rate=RATE)
    write_sds(tmp_path, trace)
    sds_path(tmp_path, trace, DAY).write_bytes(content)
    assert len(archive(tmp_path).fetch("S01", DAY)) == 0


def test_a_change_of_the_sampling_rate_between_two_files_is_no_error(tmp_path):
    write_sds(tmp_path, record(KEY, -600, 0, rate=2 * RATE), record(KEY, 0, 86_400, rate=RATE))
    found = to_segments(archive(tmp_path).fetch("S01", DAY), KEY, PADDING)
    assert [s.sampling_rate for s in found] == [2 * RATE, RATE]


@pytest.mark.filterwarnings("ignore::obspy.io.mseed.InternalMSEEDWarning")
def test_a_file_that_ends_in_mid_record_gives_what_is_whole(tmp_path):
    trace = record(KEY, 0, 3600, rate=RATE)
    write_sds(tmp_path, trace)
    path = sds_path(tmp_path, trace, DAY)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 + 100])
    (found,) = archive(tmp_path).fetch("S01", DAY)
    assert 0.3 * trace.stats.npts < found.stats.npts < 0.7 * trace.stats.npts
    np.testing.assert_array_equal(found.data, trace.data[: found.stats.npts])


def test_an_absent_root_is_named_with_its_setting(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"source\.root = .*absent: there is no such folder"):
        archive(tmp_path / "absent")


def test_responses_come_from_the_inventory_folder(tmp_path):
    (tmp_path / "sds").mkdir()
    source = {"kind": "sds", "root": str(tmp_path / "sds")}
    assert open_source(make_settings(source=source)).inventory("S01") is None
    with_folder = open_source(make_settings(source=source | {"inventory": str(tmp_path)}))
    with pytest.raises(FileNotFoundError, match=r"XX\.S01\.xml: source\.inventory is set"):
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
