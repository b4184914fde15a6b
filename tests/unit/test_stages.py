"""Stages of a station-day: what is recorded, what is skipped, what is made again, and what fails with which words."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import trace_path
from obspy import Stream, read
from stage_steps import (
    acquire_one,
    acquisition_of,
    days_at,
    is_current,
    process_one,
    run_and_record,
    state_rows,
    stored_segments,
)
from store import Store
from waveform_builders import (
    DAY,
    KEY,
    NEXT_KEY,
    make_settings,
    ns_at,
    record,
    sds_settings,
    write_sds,
)

from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.acquisition import SamplesAt
from ris_core.contracts.outcome import Made, Outcome
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.running import StageTask, record_outcome, run_station_day
from ris_core.station_days.state import states_of, why_outdated
from ris_core.storage import spectrogram_file, tables
from ris_core.waveforms.acquire import NotAcquiredError
from ris_core.waveforms.sds import SdsArchive

EVENTS = (200.0, 300.0, 400.0)
OTHER = StationDay("S02", DAY)


class CopiedSource:
    """A source whose samples are copied into the data root; it counts how often it is asked."""

    in_place = False

    def __init__(self, *streams: Stream) -> None:
        self.traces = [trace for stream in streams for trace in stream]
        self.fetched: list[tuple[str, date]] = []

    def fetch(self, station: str, day: date) -> Stream:
        self.fetched.append((station, day))
        found = [t for t in self.traces if t.stats.station == station and t.stats.starttime.date == day]
        return Stream([trace.copy() for trace in found])

    def inventory(self, station: str):
        from ris_core.synthetic.seismometer import build_inventory

        return build_inventory(make_settings(), station)


@pytest.fixture
def archive(tmp_path) -> Path:
    root = tmp_path / "archive"
    write_sds(root, record(KEY, 0, 600, EVENTS), record(OTHER, 100, 500, [250.0], seed=1))
    return root


@pytest.fixture
def store(tmp_path, archive) -> Store:
    return Store(sds_settings(archive), tmp_path / "data")


def run(stage: str, store: Store, key: StationDay = KEY):
    return run_and_record(store.days, stage, key)


def made(stage: str, store: Store, key: StationDay = KEY):
    outcome = run(stage, store, key)
    assert outcome.made is not None, outcome.trace
    return outcome.made


def with_settings(store: Store, **sections) -> Store:
    values = store.settings.model_dump(mode="json") | sections
    return Store(Settings.model_validate(values), store.root)


def bytes_of(store: Store, key: StationDay = KEY) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in days_at(store).process.products(key))


def test_an_archive_read_in_place_becomes_products_and_none_of_its_waveforms_is_stored(store, archive):
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in archive.rglob("*") if p.is_file()}
    acquired = made("acquire", store).result
    assert (acquired.has_data, acquired.samples_at, acquired.segments) == (True, SamplesAt.IN_PLACE, 1)
    assert acquired.stored_as is None
    assert acquired.quality.coverage == pytest.approx(600 / 86_400)
    processed = made("process", store).result
    assert (processed.detections, processed.events, processed.outcomes) == (3, 3, {"event": 3})
    assert processed.live_seconds == pytest.approx(600 - 32)
    assert not (store.root / "waveforms").exists()
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in archive.rglob("*") if p.is_file()} == before
    times = tables.read_table(store.detections(KEY))["time_on"].astype("int64")
    np.testing.assert_allclose((times - ns_at(KEY, 0)) / 1e9, EVENTS, atol=0.15)


def test_table_and_spectrogram_file_have_the_same_events_in_the_same_order(store):
    run("acquire", store)
    run("process", store)
    frame = tables.read_table(store.detections(KEY))
    assert tuple(frame["event_id"]) == spectrogram_file.read_spectrograms(store.spectrograms(KEY)).event_id
    assert spectrogram_file.read_info(store.spectrograms(KEY)).stamp == tables.read_stamp(store.detections(KEY))[0]


def test_no_data_is_a_result_with_its_reason_and_an_empty_product(store):
    acquired = run("acquire", store, NEXT_KEY)
    assert acquired.error == ""
    assert (acquired.made.result.has_data, acquired.made.result.quality.coverage) == (False, 0.0)
    processed = made("process", store, NEXT_KEY).result
    assert (processed.detections, processed.events, processed.live_seconds) == (0, 0, 0)
    assert "there is no file" in processed.reason
    assert store.journal.find("acquire", NEXT_KEY) is None
    assert len(tables.read_table(store.detections(NEXT_KEY))) == 0
    assert is_current("process", store, NEXT_KEY)


def test_data_that_come_later_replace_the_result_of_no_data(store, archive):
    run("acquire", store, NEXT_KEY)
    run("process", store, NEXT_KEY)
    write_sds(archive, record(NEXT_KEY, 0, 600, EVENTS))
    assert made("acquire", store, NEXT_KEY).result.has_data
    assert not is_current("process", store, NEXT_KEY)
    assert made("process", store, NEXT_KEY).result.events == 3


def test_why_products_are_out_of_date_is_said_with_the_settings_that_changed(store, monkeypatch):
    made("acquire", store)
    made("process", store)
    assert why_outdated(days_at(store), states_of(days_at(store))) == {}
    longer = {"duration": 10.0, "hop": 0.1, "duplicate_within": 0.2}
    spectrogram = store.settings.spectrogram.model_dump(mode="json")
    for profile, default in (("paper", ""), ("recommended", ", the default of the profile recommended")):
        other = days_at(with_settings(store, spectrogram=spectrogram | longer, profile=profile))
        said = why_outdated(other, states_of(other))
        assert said.keys() == {"process"}
        assert f"{KEY}: made with other settings" in said["process"]
        assert f"spectrogram.duration was 4.0, is 10.0{default}" in said["process"]
        assert ("profile recommended" in said["process"]) == bool(default)
    monkeypatch.setattr(versions, "PROCESS", "5")
    (said,) = why_outdated(days_at(store), states_of(days_at(store))).values()
    assert "made by step version 4, which is 5 now" in said and "settings" not in said


def test_what_is_current_is_skipped_and_left_as_it_is(store):
    run("acquire", store)
    assert not made("process", store).already_current
    before = bytes_of(store)
    again = made("process", store)
    assert (again.already_current, again.result.detections, again.result.events) == (True, 3, 3)
    assert bytes_of(store) == before


def test_making_a_station_day_anew_gives_the_same_bytes(store):
    run("acquire", store)
    run("process", store)
    before = bytes_of(store)
    store.detections(KEY).unlink()
    assert not made("process", store).already_current
    assert bytes_of(store) == before


def test_changed_detector_settings_make_products_out_of_date_and_only_they_are_made_again(store):
    for key in (KEY, OTHER):
        run("acquire", store, key)
        run("process", store, key)
    strict = with_settings(store, detector={"threshold_on": 1e4})
    assert is_current("acquire", strict, KEY)
    assert not is_current("process", strict, KEY)
    assert made("process", strict, KEY).result.detections == 0
    assert is_current("process", strict, KEY)
    assert is_current("process", store, OTHER)
    assert not is_current("process", strict, OTHER)
    assert not is_current("process", store, KEY)


def test_settings_of_later_steps_leave_products_current(store):
    run("acquire", store)
    run("process", store)
    other = with_settings(store, dec={"k": [4]}, training_set={"events": 99}, retention={"raw": "keep"})
    assert is_current("acquire", other, KEY)
    assert is_current("process", other, KEY)


def test_changed_samples_of_the_archive_make_products_out_of_date(store, archive):
    run("acquire", store)
    run("process", store)
    write_sds(archive, record(KEY, 0, 600, [250.0]))
    run("acquire", store)
    assert not is_current("process", store, KEY)
    assert made("process", store).result.events == 1


@pytest.mark.parametrize("product", ["detections", "spectrograms"])
@pytest.mark.parametrize("content", [b"", b"damaged", None])
def test_a_product_that_is_lost_or_damaged_is_made_again(store, product, content):
    run("acquire", store)
    run("process", store)
    before = bytes_of(store)
    path = getattr(store, product)(KEY)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert not is_current("process", store, KEY)
    (row,) = state_rows(store, [KEY]).to_dict("records")
    assert row["state"] == ("acquired" if content is None else "damaged")
    assert str(path) in row["damaged"] if content is not None else not row["damaged"]
    assert row["outdated"] == ("" if content is None else "process")
    assert not made("process", store).already_current
    assert bytes_of(store) == before


def test_processing_before_acquiring_fails_and_says_why(store):
    outcome = run("process", store)
    assert outcome.made is None
    assert outcome.error.startswith("NotAcquiredError: S01 2015-01-10: not acquired yet")
    with pytest.raises(NotAcquiredError, match="not acquired yet"):
        process_one(store, KEY)


def test_a_corrupt_file_fails_its_station_day_alone_and_success_clears_the_record(store, archive):
    path = trace_path(archive, record(KEY, 0, 1), DAY)
    good = path.read_bytes()
    path.write_bytes(b"\0" * 8192)
    for attempt in (1, 2):
        outcome = run("acquire", store)
        assert outcome.made is None
        assert str(path) in outcome.error
        assert "Traceback" in outcome.trace
        failure = store.journal.find("acquire", KEY)
        assert (failure.attempts, failure.error) == (attempt, outcome.error)
    assert run("acquire", store, OTHER).error == ""
    assert store.journal.find("acquire", OTHER) is None
    path.write_bytes(good)
    assert run("acquire", store).error == ""
    assert store.journal.find("acquire", KEY) is None


def test_a_file_that_is_damaged_after_it_was_acquired_fails_processing_and_keeps_the_old_products(store, archive):
    run("acquire", store)
    run("process", store)
    before = bytes_of(store)
    path = trace_path(archive, record(KEY, 0, 1), DAY)
    path.write_bytes(b"\0" * 8192)
    outcome = run("process", with_settings(store, detector={"threshold_on": 12}))
    assert str(path) in outcome.error
    assert store.journal.find("process", KEY).attempts == 1
    assert bytes_of(store) == before


def test_samples_that_cannot_be_processed_fail_with_the_reason(store, archive):
    write_sds(archive, record(KEY, 0, 600, rate=40.0))
    run("acquire", store)
    outcome = run("process", store)
    assert outcome.error.startswith("BadWaveformError: sampling rate 40 Hz")
    assert store.journal.find("process", KEY).error == outcome.error
    assert not store.spectrograms(KEY).exists()


def test_an_absent_archive_fails_each_station_day_with_its_path(tmp_path):
    store = Store(sds_settings(tmp_path / "absent"), tmp_path / "data")
    outcome = run("acquire", store)
    assert "source.root" in outcome.error
    assert str(tmp_path / "absent") in outcome.error
    assert store.journal.find("acquire", KEY).attempts == 1


def copied(tmp_path, **sections) -> tuple[Store, CopiedSource]:
    source = CopiedSource(Stream([record(KEY, 0, 600, EVENTS), record(KEY, 700, 900, [800.0], seed=2)]))
    return Store(make_settings(**sections), tmp_path / "data"), source


def test_copied_waveforms_are_stored_as_they_came_with_their_response(tmp_path):
    store, source = copied(tmp_path)
    acquired = acquire_one(store, KEY, source).result
    assert (acquired.has_data, acquired.segments, acquired.quality.gaps) == (True, 2, 2)
    assert acquired.samples_at == SamplesAt.STORED
    assert acquired.stored_as == "waveforms/2015/XX/S01/HHZ.D/XX.S01..HHZ.D.2015.010"
    assert acquired.size == store.waveform(KEY).stat().st_size
    for found, wanted in zip(read(str(store.waveform(KEY))), source.traces, strict=True):
        assert found.stats.starttime == wanted.stats.starttime
        np.testing.assert_array_equal(found.data, wanted.data)
    assert days_at(store, source).acquire.inventory("S01").get_contents()["channels"] == ["XX.S01..HHZ"]


def test_copied_waveforms_are_fetched_once_and_again_only_when_asked_or_lost(tmp_path):
    store, source = copied(tmp_path)
    acquire_one(store, KEY, source)
    first = store.waveform(KEY).read_bytes()
    assert acquire_one(store, KEY, source).already_current
    assert len(source.fetched) == 1
    assert not acquire_one(store, KEY, source, again=True).already_current
    store.waveform(KEY).unlink()
    assert not is_current("acquire", store, KEY)
    acquire_one(store, KEY, source)
    assert len(source.fetched) == 3
    assert store.waveform(KEY).read_bytes() == first


def test_a_day_without_data_at_the_source_is_asked_for_once(tmp_path):
    store, source = copied(tmp_path)
    for _ in range(2):
        assert not acquire_one(store, NEXT_KEY, source).result.has_data
    assert len(source.fetched) == 1
    assert not store.waveform(NEXT_KEY).exists()


def test_another_channel_is_acquired_anew(tmp_path):
    store, source = copied(tmp_path)
    acquire_one(store, KEY, source)
    assert not is_current("acquire", with_settings(store, conditioning={"padding": 600}), KEY)


def test_a_raw_file_dropped_after_processing_leaves_the_product_current(tmp_path):
    store, source = copied(tmp_path, retention={"raw": "drop_after_processing"})
    acquire_one(store, KEY, source)
    assert process_one(store, KEY, source, pictures=False).result.events == 4
    assert not store.waveform(KEY).exists()
    assert is_current("acquire", store, KEY)
    assert is_current("process", store, KEY)
    assert process_one(store, KEY, source).already_current
    assert acquire_one(store, KEY, source).already_current
    assert len(source.fetched) == 1
    assert state_rows(store, [KEY])["outdated"][0] == ""


def test_a_dropped_raw_file_is_fetched_again_after_a_change_of_settings_and_dropped_again(tmp_path):
    store, source = copied(tmp_path, retention={"raw": "drop_after_processing"})
    acquire_one(store, KEY, source)
    process_one(store, KEY, source, pictures=False)
    strict = with_settings(store, detector={"threshold_on": 1e4})
    assert not is_current("process", strict, KEY)
    assert process_one(strict, KEY, source, pictures=False).result.events == 0
    assert len(source.fetched) == 2
    assert not store.waveform(KEY).exists()
    assert is_current("process", strict, KEY)


def test_a_dropped_raw_file_that_the_source_has_no_longer_leaves_the_old_products(tmp_path):
    store, source = copied(tmp_path, retention={"raw": "drop_after_processing"})
    acquire_one(store, KEY, source)
    process_one(store, KEY, source, pictures=False)
    before = bytes_of(store)
    source.traces.clear()
    strict = with_settings(store, detector={"threshold_on": 1e4})
    with pytest.raises(FileNotFoundError, match=r"S01 2015-01-10: .*the source no longer has samples"):
        process_one(strict, KEY, source, pictures=False)
    assert bytes_of(store) == before
    assert acquisition_of(store, KEY).has_data
    assert is_current("process", store, KEY)


def test_a_stored_file_reads_as_the_segments_that_were_acquired(tmp_path):
    store, source = copied(tmp_path)
    acquire_one(store, KEY, source)
    found = stored_segments(store, KEY, source)
    assert [(s.start_ns, s.end_ns) for s in found] == [
        (ns_at(KEY, 0), ns_at(KEY, 600)),
        (ns_at(KEY, 700), ns_at(KEY, 900)),
    ]


def test_pictures_of_the_day_come_with_the_work_and_not_with_a_skip(tmp_path):
    store, source = copied(tmp_path)
    acquire_one(store, KEY, source)
    done = process_one(store, KEY, source)
    assert done.pictures["day"].startswith(b"\x89PNG")
    assert done.pictures["spectrograms"].startswith(b"\x89PNG")
    assert process_one(store, KEY, source).pictures == {}


def test_acceleration_comes_from_the_stored_response(tmp_path):
    store, source = copied(tmp_path)
    acquire_one(store, KEY, source)
    process_one(store, KEY, source, pictures=False)
    assert tables.read_table(store.detections(KEY))["peak_acceleration"].notna().all()


def test_the_state_table_tells_what_each_station_day_is_and_what_is_out_of_date(store, archive):
    run("acquire", store, OTHER)
    damaged = StationDay("S02", date(2015, 1, 9))
    trace = record(damaged, 0, 600)
    write_sds(archive, trace)
    trace_path(archive, trace, damaged.day).write_bytes(b"\0" * 8192)
    run("acquire", store, damaged)
    run("acquire", store, KEY)
    run("process", store, KEY)
    run("acquire", store, NEXT_KEY)
    run("process", store, NEXT_KEY)
    keys = list(store.station_days(until=date(2015, 1, 12)))
    frame = state_rows(store, keys).set_index(["station", "day"])
    assert len(frame) == 6
    state = frame["state"]
    assert state["S01", "2015-01-10"] == "processed"
    assert state["S02", "2015-01-10"] == "acquired"
    assert state["S01", "2015-01-11"] == "no data"
    assert state["S02", "2015-01-09"] == "failed"
    assert state["S01", "2015-01-09"] == state["S02", "2015-01-11"] == "not yet"
    done = frame.loc[("S01", "2015-01-10")]
    assert (done["events"], done["gaps"], done["live_seconds"]) == (3, 1, 568.0)
    assert done["coverage"] == pytest.approx(600 / 86_400)
    failed = frame.loc[("S02", "2015-01-09")]
    assert (failed["failed_stage"], failed["attempts"]) == ("acquire", 1)
    assert "2015.009" in failed["error"]
    assert (frame["outdated"] == "").all()
    assert not frame["labelled"].any()

    changed = state_rows(with_settings(store, detector={"sta": 1}), keys).set_index(["station", "day"])
    assert changed["outdated"]["S01", "2015-01-10"] == "process"
    assert changed["outdated"]["S01", "2015-01-11"] == "process"
    assert changed["outdated"]["S02", "2015-01-10"] == ""


def test_the_state_of_no_station_days_is_an_empty_table(store):
    frame = state_rows(store, [])
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == 0
    assert {"station", "day", "state", "outdated"} <= set(frame.columns)


def test_a_task_for_a_root_of_another_network_is_refused(store):
    other = make_settings(network={"name": "other", "code": "YY"})
    outcome = run_station_day(StageTask("acquire", other.model_dump_json(), str(store.root)), KEY)
    assert outcome.made is None
    assert "holds network" in outcome.error


def test_a_response_that_comes_later_makes_products_out_of_date(tmp_path, archive, store):
    run("acquire", store)
    run("process", store)
    assert is_current("process", store, KEY)
    folder = tmp_path / "inventory"
    folder.mkdir()
    source = {"kind": "sds", "root": str(archive), "inventory": str(folder)}
    with_response = with_settings(store, source=source)
    inventory = CopiedSource().inventory("S01")
    inventory.write(str(folder / "XX.S01.xml"), format="STATIONXML")
    assert not is_current("process", with_response, KEY)
    run("process", with_response)
    assert is_current("process", with_response, KEY)
    inventory.created = inventory.created + 86400
    inventory.write(str(folder / "XX.S01.xml"), format="STATIONXML")
    assert is_current("process", with_response, KEY), "when the file was written is no part of the response"


def test_an_archive_that_grew_after_acquisition_is_recorded_with_what_was_processed(archive, store):
    run("acquire", store)
    before = acquisition_of(store, KEY)
    write_sds(archive, record(KEY, 0, 900, [*EVENTS, 700.0]))
    run("process", store)
    after = acquisition_of(store, KEY)
    assert after.content != before.content
    assert after.quality.samples > before.quality.samples
    assert is_current("process", store, KEY)


def test_products_of_a_file_that_is_still_being_written_are_out_of_date(archive, store, monkeypatch):
    run("acquire", store)
    plain, minutes = SdsArchive.fetch, [16, 15, 14]  # as it is read, as it is recorded, as it is read again

    def growing(source, station, day):
        if minutes:
            write_sds(archive, record(KEY, 0, 60.0 * minutes.pop(), EVENTS))
        return plain(source, station, day)

    monkeypatch.setattr(SdsArchive, "fetch", growing)
    made("process", store)
    assert not minutes
    assert not is_current("process", store, KEY)
    made("acquire", store)
    assert is_current("process", store, KEY)


def test_an_outcome_is_kept_until_the_next_success(store):
    record_outcome(store.journal, "process", Outcome(KEY, None, "worker lost"))
    record_outcome(store.journal, "process", Outcome(KEY, None, "worker lost again"))
    failure = store.journal.find("process", KEY)
    assert (failure.error, failure.attempts) == ("worker lost again", 2)
    record_outcome(store.journal, "process", Outcome(KEY, Made("anything", False, 1.0)))
    assert store.journal.find("process", KEY) is None
