"""Products for a notebook."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from builders import DAYS, sds_values, write_archive

from ris_core.access import (
    UnknownEventError,
    read_detections,
    read_event,
    read_labels,
    read_live,
    read_live_time,
    read_raw,
)
from ris_core.config import Settings
from ris_core.contracts.events import SURROUNDINGS, MissingPartError
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file
from ris_core.storage.layout import open_layout


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    root = tmp_path_factory.mktemp("access")
    archive = write_archive(root / "archive")
    settings = Settings.model_validate(sds_values(archive))
    found = StationDays(settings, open_layout(settings, root / "data"), pictures=False)
    for key in settings.station_days():
        found.acquire.run(key)
        found.process.run(key)
    return found


def test_tables_of_chosen_stations_and_days_come_as_one(network):
    everything = read_detections(network)
    chosen = read_detections(network, stations=["BB"], first=DAYS[1], last=DAYS[1])
    assert set(everything["station"]) == {"AA", "BB"}
    assert set(chosen["station"]) == {"BB"}
    assert set(chosen["time_on"].dt.date) == {DAYS[1]}
    assert 0 < len(chosen) < len(everything)


def test_a_station_that_is_not_in_the_settings_is_named(network):
    with pytest.raises(KeyError, match=r"ZZ.*AA, BB"):
        read_detections(network, stations=["ZZ"])


@pytest.mark.parametrize(
    "day",
    [
        DAYS[1],
        str(DAYS[1]),
        f"{DAYS[1]}T23:59:59",
        f"{DAYS[1]}T23:59:59+00:00",
        datetime(DAYS[1].year, DAYS[1].month, DAYS[1].day, 12, tzinfo=UTC),
        pd.Timestamp(DAYS[1]),
        pd.Timestamp(DAYS[1], tz="UTC") + pd.Timedelta("23h"),
        # By UTC: it is the day after in Auckland.
        (pd.Timestamp(DAYS[1], tz="UTC") + pd.Timedelta("23h")).tz_convert("Pacific/Auckland"),
        np.datetime64(DAYS[1]),
    ],
    ids=str,
)
def test_days_may_be_given_as_dates_texts_and_timestamps(network, day):
    found = read_detections(network, "BB", first=day, last=day)
    wanted = read_detections(network, stations=["BB"], first=DAYS[1], last=DAYS[1])
    pd.testing.assert_frame_equal(found, wanted)
    assert read_live_time(network, "BB", day, day)["day"].tolist() == [DAYS[1]]


@pytest.mark.parametrize("codes", ["BB", ("BB",), np.array(["BB"]), pd.Series(["BB"]), {"BB": 1}.keys()])
def test_stations_may_be_given_as_one_text_or_several(network, codes):
    assert set(read_detections(network, codes)["station"]) == {"BB"}


@pytest.mark.parametrize(
    ("day", "error"),
    [
        ("yesterday", ValueError),
        ("2020-02-30", ValueError),
        (pd.NaT, ValueError),
        ("", ValueError),
        (20200301, TypeError),
    ],
)
def test_what_is_no_day_is_named_with_what_is(network, day, error):
    with pytest.raises(
        error, match=f"first = {re.escape(repr(day))}: give a date, a Timestamp, or text like 2015-01-31"
    ):
        read_detections(network, first=day)


def test_days_in_the_wrong_order_are_told(network):
    with pytest.raises(ValueError, match=f"first = {DAYS[1]} is after last = {DAYS[0]}"):
        read_detections(network, first=DAYS[1], last=str(DAYS[0]))


def test_an_event_is_shown_in_a_line(network):
    event = read_event(network, read_detections(network).query("outcome == 'event'")["event_id"].iloc[0])
    assert repr(event) == (
        f"<Event {event.event_id}: spectrogram 87 x 100, counts^2/Hz; 218 samples at 50 Hz, counts; context of 24 s>"
    )


def test_tables_that_were_not_made_yet_are_an_error_and_not_an_empty_table(network):
    with pytest.raises(
        FileNotFoundError, match=f"no such tables yet: labels of any station from {DAYS[0]} to {DAYS[-1]}"
    ):
        read_labels(network)
    with pytest.raises(FileNotFoundError, match="no such tables"):
        read_detections(network, first=date(2031, 1, 1))


def test_an_event_has_its_spectrogram_and_the_samples_behind_it(network):
    detections = read_detections(network)
    row = detections[detections["outcome"] == "event"].iloc[3]
    event = read_event(network, row.event_id)
    assert event.spectrogram.shape == (87, 100)
    assert event.time_peak == row.time_peak.value
    assert event.unit == "counts"
    trace = event.trace()
    assert trace.id == f"XX.{row.station}..HHZ"
    assert trace.stats.starttime.ns == event.window_start
    np.testing.assert_array_equal(trace.data, event.waveform)


def test_an_event_has_the_trace_around_it_and_the_noise_beneath_it(network):
    event = read_event(network, read_detections(network).query("outcome == 'event'")["event_id"].iloc[3])
    assert event.components == ("Z",)
    assert event.context.shape == (1200,)
    assert event.noise_psd.shape == event.frequency.shape
    assert event.noise_columns > 30
    assert event.recorded is None
    around, inner = event.context_trace(), event.trace("Z")
    first, stop = event.context_recorded
    assert around.stats.npts == stop - first
    assert around.id == inner.id
    cut = around.slice(inner.stats.starttime, inner.stats.endtime)
    np.testing.assert_allclose(cut.data, inner.data, rtol=2**-17)
    # The event stands out of its noise.
    assert np.median(event.spectrogram.max(axis=1) / event.noise_psd) > 100
    with pytest.raises(ValueError, match=r"component = 'N': XX\..* has Z"):
        event.trace("N")


def test_an_event_of_an_earlier_version_says_that_it_has_no_context(network, tmp_path):
    event_id = read_detections(network).query("outcome == 'event'")["event_id"].iloc[0]
    key = StationDay(event_id.split(".")[1], DAYS[0])
    path = network.layout.spectrograms(key)
    kept = path.read_bytes()
    data, stamp = spectrogram_file.read_spectrograms(path), spectrogram_file.read_info(path).stamp
    spectrogram_file.write_spectrograms(path, replace(data, **dict.fromkeys(SURROUNDINGS)), stamp, "{}")
    try:
        event = read_event(network, event_id)
        assert repr(event).endswith("counts; no context>")
        assert event.context is None and event.noise_psd is None
        with pytest.raises(MissingPartError, match=f"{event_id} has no context: .* process its station-day again"):
            event.context_trace()
    finally:
        path.write_bytes(kept)


def test_an_event_of_three_components_gives_each(network):
    event_id = read_detections(network).query("outcome == 'event'")["event_id"].iloc[0]
    key = StationDay(event_id.split(".")[1], DAYS[0])
    path = network.layout.spectrograms(key)
    kept = path.read_bytes()
    data, stamp = spectrogram_file.read_spectrograms(path), spectrogram_file.read_info(path).stamp
    values = {name: np.repeat(getattr(data, name), 3, axis=1) for name in SURROUNDINGS[:4]}
    values |= {name: np.stack([f * getattr(data, name) for f in (1, 2, 4)], 1) for name in ("spectrogram", "waveform")}
    values["recorded"] = np.tile([True, True, False], (len(data), 1))
    spectrogram_file.write_spectrograms(path, replace(data, components=("Z", "N", "E"), **values), stamp, "{}")
    try:
        event = read_event(network, event_id)
        assert f"{event_id}: components Z, N, E; spectrogram 87 x 100" in repr(event)
        assert event.spectrogram.shape == (3, 87, 100)
        assert event.context.shape == (3, 1200)
        assert event.recorded.tolist() == [True, True, False]
        assert event.trace().stats.channel == "HHZ"
        assert event.trace("E").stats.channel == event.context_trace("E").stats.channel == "HHE"
        np.testing.assert_array_equal(event.trace("E").data, 4 * event.trace().data)
    finally:
        path.write_bytes(kept)


def test_every_processed_station_day_has_its_live_time(network):
    live = read_live_time(network)
    assert len(live) == 6
    # Ten minutes of samples between gaps: 31 s after the first one and 1 s before the second are lost.
    assert live["live_seconds"].tolist() == pytest.approx([568.0] * 6, abs=0.1)
    assert read_live_time(network, stations=["BB"], first=DAYS[2])[["station", "day"]].values.tolist() == [
        ["BB", DAYS[2]]
    ]


def test_the_live_intervals_of_a_station_day_are_its_live_time_and_hold_its_detections(network):
    live, detections = read_live(network), read_detections(network)
    assert list(live.columns) == ["station", "start", "end"]
    seconds = (live["end"] - live["start"]).dt.total_seconds()
    assert seconds.tolist() == pytest.approx([568.0] * 6, abs=0.1)
    assert seconds.tolist() == pytest.approx(read_live_time(network)["live_seconds"].tolist(), abs=1e-3)
    for row in detections.itertuples():
        here = live[live["station"] == row.station]
        assert ((here["start"] <= row.time_on) & (row.time_on < here["end"])).sum() == 1
    one = read_live(network, "BB", first=DAYS[2])
    assert set(one["station"]) == {"BB"} and set(one["start"].dt.date) == {DAYS[2]}


def test_a_station_day_of_an_earlier_version_without_live_intervals_is_named(network, tmp_path):
    path = network.layout.live(next(iter(network.settings.station_days())))
    kept = path.rename(tmp_path / "kept")
    try:
        with pytest.raises(ValueError, match=f"an earlier version has processed AA {DAYS[0]}; process it again"):
            read_live(network)
        assert len(read_live_time(network)) == 6
    finally:
        kept.rename(path)


def test_the_raw_samples_around_an_event_are_those_of_the_archive(network):
    detections = read_detections(network)
    event_id = detections[detections["outcome"] == "event"].iloc[0].event_id
    (trace,) = read_raw(network, event_id, before=2, after=3)
    assert trace.stats.sampling_rate == 100
    assert trace.stats.npts == pytest.approx(501, abs=1)
    assert np.abs(trace.data).max() > 1000


def test_an_unknown_event_and_a_text_that_is_no_event_id_are_told_apart(network):
    with pytest.raises(UnknownEventError, match="no spectrogram"):
        read_event(network, "XX.AA..HHZ.20200301T000000.000000")
    with pytest.raises(ValueError, match="YYYYMMDDTHHMMSS"):
        read_event(network, "event 7")
