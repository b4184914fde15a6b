"""The detectors: each equals its definition, finds events and no gap; several pairs of averages at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy.signal import trigger
from pydantic import ValidationError
from waveform_builders import KEY, NOISE, burst, by_channel, make_settings, noise, record

from ris_core.config import ConditioningSettings
from ris_core.detectors.averages import AveragesDetector, AveragesSettings
from ris_core.processing.chain import process
from ris_core.processing.condition import Conditioned
from ris_core.processing.detect import triggers_of

RATE = 50.0
STA, LTA = 25, 1500
EVENTS = (100.0, 180.0, 300.0, 420.5, 555.0)

# Thresholds with which each method finds bursts in stationary noise of 100 counts; Carl's is in counts.
THRESHOLDS = {"recursive": (8, 3), "classic": (8, 3), "delayed": (8, 3), "z_detect": (3, 1), "carl": (150, 20)}


def detector(method: str, **values) -> AveragesDetector:
    on, off = THRESHOLDS[method]
    return make_settings(detector={"method": method, "threshold_on": on, "threshold_off": off} | values).detector


def with_events(seconds: float = 700, events=EVENTS, seed: int = 0, amplitude: float = 5e3):
    samples = noise(round(seconds * RATE), seed)
    for at in events:
        burst(samples, RATE, at, amplitude)
    return samples


def conditioned(samples, opens: bool = True, closes: bool = True) -> Conditioned:
    return Conditioned(KEY.start_ns, RATE, samples, 0, opens, closes)


def delayed_by_definition(samples, sta: int, lta: int):
    """Withers et al. (1998), p. 98, sum by sum: STA of xᵢ₋ₛ₊₁ … xᵢ, LTA of the samples up to xᵢ₋ₛ₋₁."""
    ratio = np.zeros(samples.size)
    for i in range(sta + lta, samples.size):
        short = np.mean(samples[i - sta + 1 : i + 1] ** 2)
        long = np.mean(samples[i - sta - lta : i - sta] ** 2)
        ratio[i] = short / long
    return ratio


BY_OTHERS = {
    "recursive": trigger.recursive_sta_lta,
    # ObsPy's first value lies at the last sample of the warm-up.
    "classic": lambda samples, sta, lta: np.where(
        np.arange(samples.size) < lta, 0.0, trigger.classic_sta_lta(samples, sta, lta)
    ),
    "delayed": delayed_by_definition,
    "z_detect": lambda samples, sta, lta: trigger.z_detect(samples, sta),
    "carl": lambda samples, sta, lta: trigger.carl_sta_trig(samples, sta, lta, 1.0, 0.0),
}


@pytest.mark.parametrize(("sta", "lta"), [(STA, LTA), (10, 200), (1, 7)])
@pytest.mark.parametrize("method", BY_OTHERS)
def test_each_characteristic_function_is_that_of_obspy_or_of_its_definition(method, sta, lta):
    samples = with_events()
    found = detector(method).characteristic(samples, sta, lta, after_gap=False)
    wanted = BY_OTHERS[method](samples, sta, lta)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())


def test_carl_weighs_its_long_average_and_its_offset_as_obspy():
    samples = with_events()
    found = detector("carl", carl_ratio=2.5, carl_quiet=30).characteristic(samples, STA, LTA, after_gap=False)
    wanted = trigger.carl_sta_trig(samples, STA, LTA, 2.5, 30)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 400), st.integers(1, 12), st.integers(1, 60), st.integers(0, 99), st.sampled_from(sorted(BY_OTHERS))
)
def test_whatever_the_lengths_there_is_one_finite_value_for_each_sample(size, sta, more, seed, method):
    samples = noise(size, seed)
    chosen = detector(method, sta=sta / RATE, lta=(sta + more) / RATE, threshold_on=1e9)
    assert list(chosen.triggers(samples, RATE, after_gap=bool(seed % 2))) == []
    if size > 2 * sta + more + 1:
        found = chosen.characteristic(samples, sta, sta + more, after_gap=bool(seed % 2))
        assert found.shape == samples.shape
        assert np.isfinite(found).all()


@pytest.mark.parametrize("method", THRESHOLDS)
@pytest.mark.parametrize("dead", [0.0, 1e-30])
def test_a_dead_channel_has_no_trigger_and_an_event_after_it_is_found(method, dead):
    samples = np.full(20_000, dead)
    assert triggers_of(conditioned(samples), 0, detector(method), ConditioningSettings()) == []
    samples[10_000:] += with_events(200, (100.0,))
    found = [t.on / RATE for t in triggers_of(conditioned(samples), 0, detector(method), ConditioningSettings())]
    assert any(abs(at - 300) < 0.3 for at in found)


@pytest.mark.parametrize("method", THRESHOLDS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_method_finds_the_events_and_nothing_else(method, seed):
    trace = conditioned(with_events(seed=seed))
    found = triggers_of(trace, 0, detector(method), ConditioningSettings())
    assert [t.on / RATE for t in found] == pytest.approx(EVENTS, abs=0.3)
    assert {t.found_by for t in found} == {f"{method} 0.5/30 s"}


@pytest.mark.parametrize("method", THRESHOLDS)
@pytest.mark.parametrize("seed", range(5))
def test_no_method_triggers_at_the_start_or_the_end_of_a_gap(method, seed):
    trace = conditioned(noise(round(400 * RATE), seed), opens=False, closes=False)
    # Noise has the same spread everywhere: of a Z-detector, whose scale is its own, 3 deviations come by chance.
    sensitive = detector(method, threshold_on=7, threshold_off=1) if method == "z_detect" else detector(method)
    assert triggers_of(trace, 0, sensitive, ConditioningSettings()) == []


@pytest.mark.parametrize("method", THRESHOLDS)
def test_no_method_makes_a_trigger_of_the_edges_of_recorded_gaps(method):
    # Each side of the gap has another level, as after a recentring of the masses.
    before, after = record(KEY, 0, 200), record(KEY, 230, 500, (400.0,), seed=1)
    before.data, after.data = before.data + 100_000, after.data - 400_000
    on, off = THRESHOLDS[method]
    chosen = make_settings(detector={"method": method, "threshold_on": on, "threshold_off": off})
    products = process(by_channel(KEY, before, after), KEY, chosen, None)
    at = (products.detections["time_on"] - KEY.start_ns) / 1e9
    far = at[(at < 199) | (at > 230 + 31)]
    assert len(far) == len(at)
    assert any(abs(t - 400) < 0.3 for t in at)
    if method != "z_detect":
        assert len(at) == 1


def pairs(method: str = "recursive", **values):
    """Settings of two pairs: short events, and emergent ones with longer averages."""
    on, off = THRESHOLDS[method]
    further = {"sta": 5, "lta": 60, "threshold_on": 4, "threshold_off": 1.5}
    first = {"method": method, "threshold_on": on, "threshold_off": off, "further_pairs": [further]}
    return make_settings(detector=first | values, conditioning={"shortest_segment": 70})


def emergent(key=KEY):
    """A short event, and one that grows and fades over half a minute."""
    trace = record(key, 0, 700, (200.0,))
    samples = trace.data.astype(np.float64)
    time = np.arange(samples.size) / RATE
    wave = signal_of(time) * 6 * NOISE * np.exp(-(((time - 450) / 9) ** 2))
    trace.data = samples + wave
    return trace


def signal_of(time):
    return np.sin(2 * np.pi * 7 * time)


def test_each_detection_names_the_pair_that_found_it():
    products = process(by_channel(KEY, emergent()), KEY, pairs(cleaning_window=0), None)
    frame = products.detections
    at = ((frame["time_on"] - KEY.start_ns) / 1e9).to_numpy()
    by = frame["found_by"].to_numpy()
    assert set(by) == {"recursive 0.5/30 s", "recursive 5/60 s"}
    assert set(by[np.abs(at - 200) < 5]) == {"recursive 0.5/30 s", "recursive 5/60 s"}
    # The emergent event never exceeds its last 30 s.
    assert set(by[np.abs(at - 445) < 20]) == {"recursive 5/60 s"}


def test_with_several_pairs_and_no_cleaning_window_identifiers_are_unique():
    frame = process(by_channel(KEY, emergent()), KEY, pairs(cleaning_window=0), None).detections
    assert frame["event_id"].is_unique
    near = frame[np.abs(frame["time_peak"] - KEY.start_ns - 200e9) < 2e9]
    assert len(near) == 2
    assert near["time_peak"].nunique() == 1
    assert near["outcome"].tolist() == ["event", f"duplicate_of {near['event_id'].iloc[0]}"]


def test_the_cleaning_window_holds_across_pairs():
    frame = process(by_channel(KEY, emergent()), KEY, pairs(cleaning_window=5), None).detections
    first, second = frame[np.abs(frame["time_on"] - KEY.start_ns - 200e9) < 5e9].to_dict("records")
    assert first["found_by"] != second["found_by"]
    assert first["outcome"] == "event"
    assert second["outcome"] == f"within_cleaning_window_of {first['event_id']}"


def test_identifiers_are_unique_though_a_long_trigger_and_a_short_one_far_later_share_their_peak():
    # One pair stays on from the first event to the end of the trace, and has its peak in the last event.
    trace = record(KEY, 0, 1500, np.arange(100, 1400, 13.0))
    samples = trace.data.astype(np.float64)
    burst(samples, RATE, 1440, 1e5)
    trace.data = samples
    endless = {"sta": 1, "lta": 29, "threshold_on": 4, "threshold_off": 1e-9}
    chosen = pairs(further_pairs=[endless], cleaning_window=0)
    frame = process(by_channel(KEY, trace), KEY, chosen, None).detections
    assert len(frame) > 60
    assert frame["time_peak"].duplicated().sum() == 1
    assert frame["event_id"].is_unique


def test_one_pair_gives_the_same_detections_whether_it_stands_first_or_alone():
    alone = process(by_channel(KEY, emergent()), KEY, pairs(further_pairs=[], cleaning_window=0), None).detections
    frame = process(by_channel(KEY, emergent()), KEY, pairs(cleaning_window=0), None).detections
    same = frame[frame["found_by"] == "recursive 0.5/30 s"].reset_index(drop=True)
    columns = ["time_on", "time_off", "time_peak", "characteristic_max", "snr"]
    assert same[columns].equals(alone[columns])


def test_live_time_begins_with_the_longest_long_average():
    trace = record(KEY, 1000, 1400)
    products = process(by_channel(KEY, trace), KEY, pairs(), None)
    assert products.live_seconds == pytest.approx(400 - 60 - 1)
    products = process(by_channel(KEY, trace), KEY, pairs(further_pairs=[{"sta": 0.2, "lta": 10}]), None)
    assert products.live_seconds == pytest.approx(400 - 31 - 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"threshold_off": -2}, r"threshold_off \(-2\) must be greater than 0"),
        ({"threshold_off": 0, "method": "delayed"}, r"threshold_off \(0\) must be greater than 0"),
        ({"further_pairs": [{"sta": 1, "lta": 9, "threshold_off": -3}]}, r"threshold_off \(-3\) must be greater"),
        ({"further_pairs": [{"sta": 0.5, "lta": 30}]}, r"0\.5/30 s is given more than once"),
        ({"further_pairs": [{"sta": 1, "lta": 9}, {"sta": 1, "lta": 9}]}, r"1/9 s is given more than once"),
        ({"further_pairs": [{"sta": 30, "lta": 30}]}, r"sta \(30 s\) must be shorter than lta \(30 s\)"),
        ({"further_pairs": [{"sta": 0.001}]}, r"sta \(0\.001 s\) is shorter than one sample at 50 Hz"),
        ({"threshold_on": 5}, r"threshold_off \(10\) must not exceed threshold_on \(5\)"),
    ],
)
def test_settings_that_cannot_be_meant_name_their_value(values, message):
    with pytest.raises(ValidationError, match=message):
        make_settings(detector=values)


def test_a_z_detector_and_carl_may_have_a_threshold_below_zero():
    for method in ("z_detect", "carl"):
        assert detector(method, threshold_on=0.5, threshold_off=-0.5).pairs == (
            AveragesSettings(threshold_on=0.5, threshold_off=-0.5),
        )
