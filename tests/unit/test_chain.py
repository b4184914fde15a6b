"""The chain of one station-day: each event once, in its day, with its time, and each detection with its outcome."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chain_builders import PAPER, onsets, run_chain
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import Stream, read
from obspy.signal.trigger import recursive_sta_lta, trigger_onset
from waveform_builders import (
    KEY,
    NEXT_KEY,
    NOISE,
    burst,
    by_channel,
    make_settings,
    make_trace,
    noise,
    ns_at,
    record,
)

from ris_core.config import PROJECT_ROOT, Settings
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.chain import Products, process
from ris_core.processing.condition import BadWaveformError

UNDERVOLC = PROJECT_ROOT.parent / "shared" / "data" / "undervolc" / "waveforms"


def outcomes(products: Products) -> list[str]:
    return [str(o).split(" ")[0] for o in products.detections["outcome"]]


def test_events_are_found_once_each_with_their_times_and_spectrograms():
    events = [100.0, 250.5, 400.02]
    products = run_chain(KEY, record(KEY, -300, 600, events))
    assert onsets(products, KEY) == pytest.approx(events, abs=0.1)
    assert outcomes(products) == ["event"] * 3
    starts = (products.spectrograms.window_start - products.spectrograms.time_peak) / NS
    np.testing.assert_allclose(starts, -2.2, atol=0.2)
    row = products.detections.iloc[0]
    assert (row["network"], row["station"], row["location"], row["channel"]) == ("XX", "S01", "", "HHZ")
    peak = pd.Timestamp(row["time_peak"])
    assert row["event_id"] == f"XX.S01..HHZ.{peak:%Y%m%dT%H%M%S.%f}"
    assert row["snr"] > 15
    assert abs(row["peak_counts"]) > 20 * NOISE


def test_the_same_samples_give_the_same_products():
    trace = record(KEY, 0, 400, [100, 200])
    first, second = run_chain(KEY, trace), run_chain(KEY, trace)
    pd.testing.assert_frame_equal(first.detections, second.detections)
    np.testing.assert_array_equal(first.spectrograms.spectrogram, second.spectrograms.spectrogram)


def two_days(event: float, seed: int, settings: Settings = PAPER, rate: float = 50.0):
    """The products of both days around a midnight, each from its own padded window."""
    whole = record(KEY, 85_500, 87_300, [event], rate=rate, seed=seed)
    midnight = whole.stats.starttime + 900
    today = whole.slice(None, midnight + 300 - 0.5 / rate)
    tomorrow = whole.slice(midnight - 300, None)
    return run_chain(KEY, today, settings=settings), run_chain(NEXT_KEY, tomorrow, settings=settings)


@pytest.mark.parametrize("rate", [50.0, 200.0])
@pytest.mark.parametrize("offset", [-0.3, -0.2, -0.1, -0.06, -0.02, 0.0, 0.02, 0.06, 0.1, 0.2, 0.3])
def test_an_event_across_midnight_is_found_once_in_the_day_of_its_onset(offset, rate):
    today, tomorrow = two_days(86_400 + offset, seed=1, rate=rate)
    found = onsets(today, KEY) + [86_400 + t for t in onsets(tomorrow, NEXT_KEY)]
    # The zero-phase filter begins before the event.
    assert found == [pytest.approx(86_400 + offset, abs=0.25)]
    assert outcomes(today) + outcomes(tomorrow) == ["event"]


@settings(max_examples=25, deadline=None)
@given(st.floats(-8, 8), st.integers(0, 1000))
def test_both_days_see_the_same_events_around_midnight(offset, seed):
    today, tomorrow = two_days(86_400 + offset, seed)
    found = [*today.spectrograms.event_id, *tomorrow.spectrograms.event_id]
    whole = record(KEY, 85_500, 87_300, [86_400 + offset], seed=seed)
    # The same samples as a day of their own, without a midnight among them.
    earlier = make_trace(whole.stats.starttime.ns - 43_200 * NS, whole.data, 50)
    wanted = run_chain(KEY, earlier)
    assert len(found) == len(wanted.spectrograms.event_id) == 1
    peaks = np.concatenate((today.spectrograms.time_peak, tomorrow.spectrograms.time_peak))
    assert abs(int(peaks[0]) - int(wanted.spectrograms.time_peak[0]) - 43_200 * NS) <= NS // 50


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_swarm_over_midnight_has_the_detections_and_outcomes_that_it_has_without_a_midnight(seed):
    rng = np.random.default_rng(seed)
    whole = record(KEY, 85_500, 87_300, seed=seed)
    samples = whole.data.astype(np.float64)
    for at in np.cumsum(rng.exponential(6, 290)):
        burst(samples, 50.0, at, 10 ** rng.uniform(3, 5.5), rng.uniform(4, 15))
    whole.data = samples
    midnight = whole.stats.starttime + 900
    sensitive = make_settings(detector={"threshold_on": 4, "threshold_off": 2})
    today = run_chain(KEY, whole.slice(None, midnight + 299.99), settings=sensitive)
    tomorrow = run_chain(NEXT_KEY, whole.slice(midnight - 300, None), settings=sensitive)
    undivided = make_trace(whole.stats.starttime.ns - 43_200 * NS, whole.data, 50)
    wanted = run_chain(KEY, undivided, settings=sensitive)

    times = np.array([*onsets(today, KEY), *(86_400 + t for t in onsets(tomorrow, NEXT_KEY))]) - 86_400
    kinds = np.array(outcomes(today) + outcomes(tomorrow))
    wanted_times = np.array(onsets(wanted, KEY)) - 43_200
    near, wanted_near = np.abs(times) < 250, np.abs(wanted_times) < 250
    assert near.sum() > 10
    np.testing.assert_allclose(times[near], wanted_times[wanted_near], atol=0.021)
    assert list(kinds[near]) == list(np.array(outcomes(wanted))[wanted_near])


def test_the_cleaning_window_begins_before_midnight():
    whole = record(KEY, 85_500, 87_300, [86_398.0, 86_401.5, 86_404.5])
    midnight = whole.stats.starttime + 900
    today = run_chain(KEY, whole.slice(None, midnight + 299.99))
    tomorrow = run_chain(NEXT_KEY, whole.slice(midnight - 300, None))
    assert outcomes(today) == ["event"]
    assert outcomes(tomorrow)[0] == "within_cleaning_window_of"
    assert tomorrow.detections["outcome"][0].endswith(today.detections["event_id"][0])


def test_two_detections_of_the_same_window_are_one_event_and_a_duplicate_that_names_it():
    trace = record(KEY, 0, 300, [100.0])
    samples = trace.data.astype(np.float64)
    burst(samples, 50.0, 106.0, 4e5)
    trace.data = samples
    products = run_chain(KEY, trace, settings=make_settings(spectrogram={"search": 8}))
    assert outcomes(products) == ["event", "duplicate_of"]
    assert products.detections["outcome"][1] == f"duplicate_of {products.detections['event_id'][0]}"
    assert products.spectrograms.window_start[0] == pytest.approx(ns_at(KEY, 104), abs=NS)


def test_every_duplicate_names_a_detection_that_has_a_spectrogram():
    trace = record(KEY, 0, 300)
    samples = trace.data.astype(np.float64)
    for at, amplitude in ((100.0, 5e3), (106.0, 2.2e4), (112.0, 2e4)):
        burst(samples, 50.0, at, amplitude)
    trace.data = samples
    products = run_chain(KEY, trace, settings=make_settings(spectrogram={"search": 8}))
    first, second, third = products.detections["outcome"]
    assert first == "event"
    assert second == third == f"duplicate_of {products.detections['event_id'][0]}"


def test_a_duplicate_across_midnight_names_the_event_of_the_day_before():
    whole = record(KEY, 85_500, 87_300, [86_398.0])
    samples = whole.data.astype(np.float64)
    burst(samples, 50.0, 904.0, 4e5)
    whole.data = samples
    midnight = whole.stats.starttime + 900
    wide = make_settings(spectrogram={"search": 8})
    today = run_chain(KEY, whole.slice(None, midnight + 299.99), settings=wide)
    tomorrow = run_chain(NEXT_KEY, whole.slice(midnight - 300, None), settings=wide)
    assert outcomes(today) == ["event"]
    assert list(tomorrow.detections["outcome"]) == [f"duplicate_of {today.detections['event_id'][0]}"]
    assert len(tomorrow.spectrograms.event_id) == 0


def test_an_event_whose_spectrogram_reaches_into_a_gap_is_kept_as_a_detection_with_the_reason():
    before = record(KEY, 0, 200, [198.0])
    after = record(KEY, 260, 500, [292.0, 400.0], seed=1)
    products = run_chain(KEY, before, after)
    assert onsets(products, KEY) == pytest.approx([198, 292, 400], abs=0.15)
    assert outcomes(products) == ["too_near_gap", "event", "event"]


def test_times_after_a_gap_are_those_of_the_samples():
    late = 0.0137
    trace = record(KEY, 3000, 3400, [3200.0])
    trace.stats.starttime += late
    products = run_chain(KEY, record(KEY, 0, 100), trace)
    assert onsets(products, KEY) == [pytest.approx(3200 + late, abs=0.1)]
    start = int(products.spectrograms.window_start[0]) - ns_at(KEY, 3000) - round(late * NS)
    assert start % (NS // 50) == 0


@pytest.mark.parametrize("step", [-0.7, -0.013, 0.013, 0.7])
def test_a_clock_step_makes_no_event(step):
    first = record(KEY, 0, 300, [100.0])
    second = record(KEY, 300, 600, [450.0], seed=1)
    second.stats.starttime += step
    products = run_chain(KEY, first, second)
    assert onsets(products, KEY) == pytest.approx([100, 450 + step], abs=0.15)


def test_overlapping_samples_that_differ_give_each_event_one_spectrogram():
    first, second = record(KEY, 0, 400, [300.0], seed=1), record(KEY, 200, 600, [300.0, 500.0], seed=2)
    products = run_chain(KEY, first, second)
    assert outcomes(products) == ["event", "within_cleaning_window_of", "event"]


def test_no_data_is_an_empty_table_and_no_spectrograms():
    products = run_chain(KEY)
    assert len(products.detections) == 0
    assert products.live_seconds == 0
    assert products.spectrograms.frequency.size == 87


def test_a_day_without_events_is_live_all_the_same():
    products = run_chain(KEY, record(KEY, -300, 86_700))
    assert len(products.detections) == 0
    assert products.live_seconds == 86_400


def test_a_fragment_of_twenty_seconds_is_left_out_and_recorded():
    products = run_chain(KEY, record(KEY, 100, 120, [110.0]))
    assert len(products.detections) == 0
    assert (products.too_short_segments, products.too_short_seconds) == (1, 20.0)
    assert products.live_seconds == 0


def test_five_hundred_fragments_are_processed_each_alone():
    length, spacing = 100, 170
    traces = [
        record(KEY, i * spacing, i * spacing + length, [i * spacing + 60.0] if i % 10 == 0 else (), seed=i)
        for i in range(500)
    ]
    products = run_chain(KEY, *traces)
    assert onsets(products, KEY) == pytest.approx([i * spacing + 60.0 for i in range(0, 500, 10)], abs=0.15)
    assert outcomes(products) == ["event"] * 50
    assert products.live_seconds == pytest.approx(500 * (length - 32), abs=30)


def test_the_first_day_is_whole_but_for_the_guard_after_midnight():
    products = run_chain(KEY, record(KEY, 0, 700, [10.0, 100.0]))
    assert onsets(products, KEY) == pytest.approx([100], abs=0.15)
    assert products.live_seconds == pytest.approx(700 - 31 - 1)


def test_the_last_day_is_whole_but_for_the_guard_before_midnight():
    products = run_chain(KEY, record(KEY, 85_700, 86_400, [86_000.0, 86_399.5]))
    assert onsets(products, KEY) == pytest.approx([86_000], abs=0.15)
    assert products.live_seconds == pytest.approx(700 - 31 - 1)


def test_the_padding_has_no_detections_and_no_live_time():
    products = run_chain(KEY, record(KEY, -300, 200, [-100.0, 100.0]), record(KEY, 86_000, 86_700, [86_500.0], seed=1))
    assert onsets(products, KEY) == pytest.approx([100], abs=0.15)
    assert products.live_seconds == pytest.approx(199 + 400 - 31)


@pytest.mark.parametrize(("lta", "lead"), [(20, 31), (30, 31), (60, 60)])
def test_live_time_begins_when_the_long_average_is_there(lta, lead):
    longer = make_settings(detector={"lta": lta}, conditioning={"shortest_segment": lta + 40})
    segment = record(KEY, 1000, 1400)
    products = run_chain(KEY, segment, settings=longer)
    assert products.live_seconds == pytest.approx(400 - lead - 1)


def test_live_time_counts_overlapping_segments_once():
    products = run_chain(KEY, record(KEY, 0, 400), record(KEY, 200, 600, seed=2))
    assert products.live_seconds == pytest.approx(600 - 31 - 1, abs=1)


def test_a_rate_that_cannot_be_decimated_is_refused():
    with pytest.raises(BadWaveformError, match="40 Hz"):
        run_chain(KEY, make_trace(KEY.start_ns, noise(10_000), 40.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_a_gap(bad):
    trace = record(KEY, 0, 400, [100, 300])
    trace.data = trace.data.astype(np.float32)
    whole = run_chain(KEY, trace.copy())
    trace.data[10_000:10_010] = bad
    products = run_chain(KEY, trace)
    assert products.detections["event_id"].tolist() == whole.detections["event_id"].tolist()
    assert len(products.traces.detection) == 2
    assert products.live_seconds == pytest.approx(whole.live_seconds - 32.2, abs=0.1)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(15, 300)), min_size=1, max_size=6),
    st.lists(st.floats(0, 900), max_size=12),
    st.integers(0, 1000),
)
def test_whatever_is_missing_every_detection_has_an_outcome_and_every_event_a_spectrogram(stretches, events, seed):
    whole = record(KEY, -100, 900, events, seed=seed)
    traces = []
    for start, length in stretches:
        piece = whole.slice(whole.stats.starttime + start, whole.stats.starttime + start + length)
        traces.append(piece)
    products = run_chain(KEY, *traces)
    assert products.live_seconds <= sum(length for _, length in stretches)


def test_recorded_earthquakes_are_found_as_obspy_finds_them():
    # ObsPy's own example is 30 s of a small earthquake at 100 Hz; noise of its first seconds is put before it.
    example = read()[0]
    quiet = example.data[:400] - example.data[:400].mean()
    lead = np.concatenate([quiet, quiet[::-1]] * 30)
    trace = make_trace(KEY.start_ns, np.concatenate((lead, example.data, lead)), 100.0)
    products = run_chain(KEY, trace, settings=make_settings(detector={"threshold_on": 5, "threshold_off": 2}))
    at = lead.size / 100 + np.argmax(np.abs(example.data) > 0.2 * np.abs(example.data).max()) / 100
    assert outcomes(products)[0] == "event"
    assert onsets(products, KEY)[0] == pytest.approx(at, abs=1.0)


@pytest.mark.skipif(not UNDERVOLC.is_dir(), reason=f"{UNDERVOLC.relative_to(PROJECT_ROOT.parent)} is absent")
@pytest.mark.parametrize("station", ["UV05", "UV06"])
def test_a_recorded_day_has_the_detections_of_the_published_steps_in_obspy(station):
    (path,) = sorted(Path(UNDERVOLC).glob(f"2010/YA/{station}/HHZ.D/*.244"))
    stream = read(str(path))
    stream.merge(method=-1)
    trace = max(stream, key=lambda t: t.stats.npts)
    # Two hours as if they were a window of their own.
    trace = trace.slice(trace.stats.starttime + 36_000, trace.stats.starttime + 43_200 - trace.stats.delta)
    key = StationDay(station, trace.stats.starttime.date)
    sensitive = make_settings(detector={"threshold_on": 4, "threshold_off": 2, "cleaning_window": 0})
    products = process(by_channel(key, trace), key, sensitive, None)

    plain = Stream([trace.copy()])
    plain.detrend("polynomial", order=3)
    plain.decimate(2)
    plain.filter("bandpass", freqmin=3, freqmax=20, corners=4, zerophase=True)
    ratio = recursive_sta_lta(plain[0].data, 25, 1500)
    wanted = plain[0].stats.starttime.ns / NS + trigger_onset(ratio, 4, 2)[:, 0] / 50 - key.start_ns / NS
    first, last = wanted[0] + 200, wanted[-1]
    found = np.array(onsets(products, key))
    found, wanted = found[found > first], wanted[wanted > first]
    assert last > first
    np.testing.assert_allclose(found, wanted, atol=0.021)
