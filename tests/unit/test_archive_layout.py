"""Which files of an archive a station-day is in: layouts, suffixes, gzip; and what is said where there is none."""

from __future__ import annotations

import gzip
import io
import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from obspy import Trace, UTCDateTime
from pydantic import ValidationError
from stage_steps import acquire_one, days_at
from store import Store
from waveform_builders import DAY, KEY, NEXT_KEY, PADDING, make_settings, record, write_sds

from ris_core.config import Settings
from ris_core.station_days.open_source import open_source
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_json, write_json
from ris_core.waveforms.content import TooLargeError, content_of
from ris_core.waveforms.intake import NoUsableSamplesError
from ris_core.waveforms.left_out import WrongTimesError
from ris_core.waveforms.sample_quality import problems_of
from ris_core.waveforms.sds import SdsArchive
from ris_core.waveforms.segments import to_segments
from ris_dagster.assets.raw_waveforms import describe_waveforms

RATE = 10.0
NAME = "XX.S01..HHZ.D.2015.010"
FOLDER = Path("2015/XX/S01/HHZ.D")


def settings_of(root: Path, sections: dict[str, Any] | None = None, **source: Any) -> Settings:
    return make_settings(source={"kind": "sds", "root": str(root), **source}, **sections or {})


def archive(root: Path, sections: dict[str, Any] | None = None, **source: Any) -> SdsArchive:
    opened = open_source(settings_of(root, sections, **source))
    assert isinstance(opened, SdsArchive)
    return opened


def mseed(*traces: Trace) -> bytes:
    written = io.BytesIO()
    for trace in traces:
        trace.write(written, format="MSEED", reclen=512, encoding="STEIM2")
    return written.getvalue()


def put(root: Path, path: Path | str, content: bytes) -> Path:
    whole = root / path
    whole.parent.mkdir(parents=True, exist_ok=True)
    whole.write_bytes(content)
    return whole


@pytest.fixture
def trace() -> Trace:
    return record(KEY, 0, 600, rate=RATE)


@pytest.mark.parametrize(
    ("suffix", "packed"),
    [
        *[(s, False) for s in ("", ".mseed", ".ms", ".miniseed", ".msd", ".MSEED", ".mseed3")],
        *[(s, True) for s in (".gz", ".mseed.gz", ".ms.gz", ".MSEED.GZ", "")],
    ],
)
def test_names_with_a_suffix_and_packed_files_are_read(tmp_path, trace, suffix, packed):
    content = mseed(trace)
    path = put(tmp_path, FOLDER / (NAME + suffix), gzip.compress(content) if packed else content)
    stream = archive(tmp_path).fetch("S01", DAY)
    (segment,) = to_segments(stream, KEY, PADDING)
    np.testing.assert_array_equal(segment.samples, trace.data)
    assert (stream.files, stream.notes) == ([str(path)], [])


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path.name)])
def test_what_has_a_files_name_and_is_none_costs_its_station_day_alone(tmp_path, trace, make):
    content = mseed(trace)
    path = put(tmp_path, FOLDER / NAME, content)
    next_day = put(tmp_path, FOLDER / "XX.S01..HHZ.D.2015.011", mseed(record(NEXT_KEY, 0, 600, rate=RATE)))
    path.unlink()
    make(path)
    with pytest.raises(OSError, match=re.escape(f"{path}: ")):
        archive(tmp_path).fetch("S01", DAY)
    stream = archive(tmp_path).fetch("S01", NEXT_KEY.day)
    assert (sum(t.stats.npts for t in stream), stream.files) == (6000, [str(next_day)])
    assert [note for note in stream.notes if str(path) in note]


def test_samples_of_which_none_is_finite_are_a_failure_and_no_absence(tmp_path, trace):
    trace.data = np.full(trace.stats.npts, np.nan, np.float32)
    written = io.BytesIO()
    trace.write(written, format="MSEED")
    put(tmp_path / "sds", FOLDER / NAME, written.getvalue())
    store = Store(settings_of(tmp_path / "sds"), tmp_path / "root")
    with pytest.raises(NoUsableSamplesError, match=f"{KEY}: all its 6000 samples are NaN or infinite"):
        acquire_one(store, KEY)
    assert not store.acquisition(KEY).exists()


def test_of_names_that_differ_in_suffix_alone_one_is_read_and_the_other_noted(tmp_path, trace):
    other = record(KEY, 0, 1200, rate=RATE, seed=1)
    put(tmp_path, FOLDER / f"{NAME}.gz", gzip.compress(mseed(other)))
    path = put(tmp_path, FOLDER / NAME, mseed(trace))
    stream = archive(tmp_path).fetch("S01", DAY)
    assert (sum(t.stats.npts for t in stream), stream.files) == (6000, [str(path)])
    assert stream.notes == [f"{NAME}.gz: left aside, since {NAME} lies beside it"]


@pytest.mark.parametrize("damage", [lambda b: b[:-200], lambda b: b[:100] + b"\xff" * 50 + b[150:], lambda b: b[:5]])
def test_a_damaged_gzip_file_is_a_failure_that_names_it(tmp_path, trace, damage):
    path = put(tmp_path, FOLDER / f"{NAME}.gz", damage(gzip.compress(mseed(trace))))
    with pytest.raises(DamagedFileError, match="gzip") as refused:
        archive(tmp_path).fetch("S01", DAY)
    assert refused.value.path == path


def test_what_would_unpack_beyond_the_limit_is_refused(tmp_path):
    bomb = put(tmp_path, "bomb.gz", gzip.compress(b"\0" * 30_000_000))
    assert bomb.stat().st_size < 40_000
    with pytest.raises(TooLargeError, match=r"bomb\.gz: more than 20 MB when unpacked; .* at most 20 MB"):
        content_of(bomb, largest_mb=20)
    assert len(content_of(bomb, largest_mb=30)) == 30_000_000
    plain = put(tmp_path, "plain", b"\0" * 2_000_000)
    with pytest.raises(TooLargeError, match="plain: 2 MB; a waveform file may have at most 1 MB"):
        content_of(plain, largest_mb=1)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("SDS", FOLDER / NAME),
        ("BUD", "XX/S01/S01.XX..HHZ.2015.010"),
        ("PDF", f"2015/S01/HHZ.D/{NAME}"),
        (
            "{year}/{station}/{channel}.D/{network}.{station}.{location}.{channel}.D.{year}.{day}",
            f"2015/S01/HHZ.D/{NAME}",
        ),
        ("{network}{station}__{channel}___{year}{julday}.ms", "XXS01__HHZ___2015010.ms"),
        ("{year}/{month}/{day_of_month}/{station}.{channel}", "2015/01/10/S01.HHZ"),
        ("{station}/{location}/{year}.{julday}", "S01/2015.010"),
        (
            "{network}.{station}.{location}.{channel}__{year}{month}{day_of_month}T*",
            "XX.S01..HHZ__20150110T000000Z__20150111T000000Z.mseed",
        ),
        ("disk?/{year}_{julday}/{station}.[{channel}]", "disk7/2015_010/S01.[HHZ]"),
    ],
)
def test_layouts_are_named_or_given_by_fields(tmp_path, trace, pattern, path):
    found = put(tmp_path, path, mseed(trace))
    put(tmp_path, str(path).replace("S01", "S02"), mseed(trace))
    stream = archive(tmp_path, pattern=pattern).fetch("S01", DAY)
    assert (sum(t.stats.npts for t in stream), stream.files) == (6000, [str(found)])


def test_the_files_of_all_hours_are_read_and_one_that_cannot_be_costs_itself_alone(tmp_path):
    whole = record(KEY, -3600, 90_000, rate=RATE)
    start = whole.stats.starttime
    for hour in range(26):
        part = whole.slice(start + 3600 * hour, start + 3600 * (hour + 1) - 0.5 / RATE, nearest_sample=False)
        day = part.stats.starttime
        name = f"XX.S01..HHZ.D.{day.year}.{day.julday:03d}.{day.hour:02d}"
        put(tmp_path, f"{day.year}/XX/S01/HHZ.D/{day.julday:03d}/{name}", mseed(part))
    stream = archive(tmp_path, pattern="IDDS").fetch("S01", DAY)
    (segment,) = to_segments(stream, KEY, PADDING)
    np.testing.assert_array_equal(segment.samples, whole.data[33_000:-33_000])
    assert (len(stream.files), stream.notes) == (24, [])
    bad = tmp_path / f"2015/XX/S01/HHZ.D/010/{NAME}.05"
    bad.write_bytes(b"no waveform" * 500)
    stream = archive(tmp_path, pattern="IDDS").fetch("S01", DAY)
    assert len(to_segments(stream, KEY, PADDING)) == 2
    (note,) = stream.notes
    assert note.startswith(f"{bad}: cannot be read as miniSEED")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("sds", r"'sds' is neither the name of a layout \(SDS, BUD, IDDS, PDF\) nor a pattern like"),
        ("{year}/{sta}/{julday}", r"the field \{sta\} is not known; known are \{year\}, \{julday\}"),
        ("{year}/{channel}.{julday}", r"has no \{station\}"),
        ("{station}/{julday}", "names no day"),
        ("{year}/{month}/{station}", "names no day"),
        ("{year}/{month}/{day}/{station}", r"\{day\} is the day of the year"),
        ("{year}/../../{station}.{julday}", "must be a path below source.root"),
        ("/data/{year}/{station}.{julday}", "must be a path below source.root"),
        ("{year}//{station}.{julday}", "must be a path below source.root"),
        ("{year}/{station}.{julday:03d}", r"write \{julday\} without a format"),
        ("{year}/{station.{julday}", "its braces do not match|is not known"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_when_settings_are_loaded(tmp_path, pattern, why):
    with pytest.raises(ValidationError, match=why):
        settings_of(tmp_path, pattern=pattern)


def test_another_pattern_asks_for_acquisition_anew_and_the_default_is_as_before(tmp_path):
    plain = settings_of(tmp_path)
    assert settings_of(tmp_path, pattern="SDS").acquire_digest() == plain.acquire_digest()
    assert settings_of(tmp_path / "elsewhere").acquire_digest() == plain.acquire_digest()
    assert settings_of(tmp_path, pattern="PDF").acquire_digest() != plain.acquire_digest()
    assert settings_of(tmp_path, pattern="PDF").process_digest() == plain.process_digest()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (FOLDER / "XX.S01.00.HHZ.D.2015.010", "location '00' instead of ''"),
        (FOLDER / "XX.S01.--.HHZ.D.2015.010", "location '--' instead of ''"),
        (
            FOLDER / f"{NAME}.bz2",
            "suffix '.bz2', read are none, .mseed, .miniseed, .msd, .ms, .mseed3, .ms3, each with or without .gz",
        ),
        (FOLDER / NAME.lower(), "upper and lower case differ"),
        ("2015/xx/s01/HHZ.D/" + NAME, "upper and lower case differ"),
        ("2015/XX/S01/HHN.D/XX.S01..HHN.D.2015.010", "channel 'HHN' instead of 'HHZ'"),
        ("2015/YY/S01/HHZ.D/YY.S01..HHZ.D.2015.010", "network 'YY' instead of 'XX'"),
        (
            "2015/XX/S01/HZH.D/XX.S01.10.HZH.D.2015.010.Z",
            "location '10' instead of '', channel 'HZH' instead of 'HHZ', su",
        ),
    ],
)
def test_what_lies_beside_an_absent_day_and_nearly_fits_is_named(tmp_path, trace, path, told):
    put(tmp_path / "sds", path, mseed(trace))
    settings = settings_of(tmp_path / "sds")
    done = acquire_one(Store(settings, tmp_path / "data"), KEY).result
    expected = str(tmp_path / "sds" / FOLDER / NAME)
    assert (done.has_data, done.files) == (False, (expected,))
    assert done.reason.startswith(f"there is no file {expected}")
    (note,) = problems_of(done)
    assert note.startswith(f"beside {NAME}, which was looked for, there is {path} ({told}")


def test_the_nearest_are_named_first_and_the_rest_counted(tmp_path, trace):
    for location in ("00", "10", "20"):
        put(tmp_path, FOLDER / f"XX.S01.{location}.HHZ.D.2015.010", mseed(trace))
        for channel in ("HHN", "HHE", "ZHH"):
            put(tmp_path, f"2015/XX/S01/{channel}.D/XX.S01.{location}.{channel}.D.2015.010", mseed(trace))
    (note,) = archive(tmp_path).fetch("S01", DAY).notes
    _, *told = note.split("D.2015.010 ")
    assert [text.partition("'")[2][:2] for text in told] == ["00", "10", "20", "00", "10"]
    assert told[3].startswith("(location '00' instead of '', channel 'ZHH'")
    assert told[4].endswith("7 more")


def test_a_day_that_is_simply_absent_has_the_path_and_no_note(tmp_path, trace):
    write_sds(tmp_path / "sds", trace)
    settings, key = settings_of(tmp_path / "sds"), KEY._replace(day=date(2016, 2, 3))
    made = acquire_one(Store(settings, tmp_path / "data"), key)
    done = made.result
    folder = tmp_path / "sds" / "2016"
    assert done.reason == f"there is no file {done.files[0]}; there is no folder {folder}"
    assert done.files == (str(folder / "XX" / "S01" / "HHZ.D" / "XX.S01..HHZ.D.2016.034"),)
    assert describe_waveforms(made)["files"] == list(done.files)
    assert problems_of(done) == []


def test_where_an_earlier_version_found_nothing_it_is_looked_at_again(tmp_path, trace):
    write_sds(tmp_path / "sds", trace)
    store = Store(settings_of(tmp_path / "sds"), tmp_path / "data")
    key = KEY._replace(day=date(2015, 1, 11))
    acquire_one(store, key)
    assert days_at(store).acquire.is_current(key)
    path = store.acquisition(key)
    write_json(path, {name: value for name, value in read_json(path).items() if name != "files"})
    assert not days_at(store).acquire.is_current(key)


def test_an_empty_root_is_an_archive_that_is_not_mounted(tmp_path):
    (tmp_path / "sds").mkdir()
    with pytest.raises(FileNotFoundError, match=r"source\.root = .*sds: the folder is empty; is its disk mounted\?"):
        archive(tmp_path / "sds").fetch("S01", DAY)


@pytest.mark.parametrize("linked", [FOLDER / NAME, FOLDER, Path("2015/XX")])
def test_a_link_that_leads_nowhere_is_an_error_and_not_an_absent_day(tmp_path, linked):
    root, away = tmp_path / "sds", tmp_path / "disk"
    put(root, "2014/anything", b"")
    (root / linked).parent.mkdir(parents=True)
    (root / linked).symlink_to(away)
    with pytest.raises(OSError, match="is its disk mounted") as refused:
        archive(root).fetch("S01", DAY)
    assert str(refused.value) == f"{root / linked}: a link to {away}, which is not there; is its disk mounted?"


def test_a_link_of_a_neighbouring_day_that_leads_nowhere_costs_the_padding(tmp_path, trace):
    put(tmp_path, FOLDER / NAME, mseed(trace))
    (tmp_path / FOLDER / "XX.S01..HHZ.D.2015.011").symlink_to(tmp_path / "disk")
    (note,) = archive(tmp_path).fetch("S01", DAY).notes
    assert note.startswith("no padding from the neighbouring day: ")
    assert note.endswith("is its disk mounted?")


def test_a_file_that_holds_another_day_is_a_failure_that_says_which(tmp_path):
    put(tmp_path, FOLDER / NAME, mseed(record(KEY._replace(day=date(2015, 1, 20)), 0, 600, rate=RATE)))
    with pytest.raises(WrongTimesError) as refused:
        archive(tmp_path).fetch("S01", DAY)
    assert str(refused.value) == (
        f"{tmp_path / FOLDER / NAME}: none of its 19 records is of 2015-01-10; they are of "
        "2015-01-20T00:00:00 ... 2015-01-20T00:10:00"
    )


@pytest.mark.parametrize(("weeks", "told"), [(-1024, "1024 weeks early"), (1024, "1024 weeks late")])
def test_records_of_another_gps_era_are_left_out_counted_and_explained(tmp_path, weeks, told):
    whole = record(KEY, 0, 7200, rate=RATE)
    middle = whole.stats.starttime + 3600
    good, bad = whole.slice(None, middle - 0.1), whole.slice(middle, None)
    bad.stats.starttime += weeks * 7 * 86_400
    bad_records = len(mseed(bad)) // 512
    put(tmp_path, FOLDER / NAME, mseed(good, bad))
    stream = archive(tmp_path).fetch("S01", DAY)
    (segment,) = to_segments(stream, KEY, PADDING)
    np.testing.assert_array_equal(segment.samples, good.data)
    (note,) = stream.notes
    start = str(bad.stats.starttime)[:19]
    assert note.startswith(f"{NAME}: {bad_records} records outside the day are left out, of {start} ...")
    assert f"{bad_records} of them {told}: probably the GPS receiver's week number has rolled over" in note
    put(tmp_path, FOLDER / NAME, mseed(bad))
    with pytest.raises(WrongTimesError, match=told):
        archive(tmp_path).fetch("S01", DAY)


def test_samples_of_the_neighbouring_day_that_spill_into_the_file_are_no_failure(tmp_path):
    midnight = UTCDateTime(ns=KEY.start_ns)
    spill = record(KEY, -60, -1, rate=RATE)
    assert spill.stats.endtime < midnight
    put(tmp_path, FOLDER / NAME, mseed(spill))
    stream = archive(tmp_path).fetch("S01", DAY)
    assert stream.reason == f"{tmp_path / FOLDER / NAME}: no samples of the day"
