"""Detection: the published STA/LTA, its start after a gap, guards and cleaning."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from obspy.signal.trigger import recursive_sta_lta, trigger_onset
from waveform_builders import KEY, burst, noise

from ris_core.config import ConditioningSettings
from ris_core.contracts.station_day import NS
from ris_core.detectors.sta_lta import RecursiveStaLta
from ris_core.processing.condition import Conditioned
from ris_core.processing.detect import triggers_of
from ris_core.processing.detections import clean

RATE = 50.0
DETECTOR = RecursiveStaLta()
CONDITIONING = ConditioningSettings()


def conditioned(samples, opens: bool = True, closes: bool = True) -> Conditioned:
    return Conditioned(KEY.start_ns, RATE, np.asarray(samples, dtype=np.float64), 0, opens, closes)


def with_events(seconds: float, *events: float, seed: int = 0):
    samples = noise(round(seconds * RATE), seed)
    for event in events:
        burst(samples, RATE, event, amplitude=1e4)
    return samples


def onsets(trace: Conditioned, **settings) -> list[float]:
    found = triggers_of(trace, 0, DETECTOR, ConditioningSettings(**settings))
    return [t.on / RATE for t in found]


def test_a_whole_window_has_the_onsets_of_obspy():
    samples = with_events(3600, *np.arange(40, 3590, 23.7))
    ratio = recursive_sta_lta(samples, 25, 1500)
    wanted = trigger_onset(ratio, 15, 10)
    found = triggers_of(conditioned(samples), 0, DETECTOR, CONDITIONING)
    assert [(t.on, t.off) for t in found] == [(on, off) for on, off in wanted]
    assert len(found) > 100
    assert [t.characteristic_max for t in found] == [ratio[on : off + 1].max() for on, off in wanted]


def test_a_trigger_names_its_time_its_peak_and_its_size():
    samples = with_events(300, 100.0)
    (trigger,) = triggers_of(conditioned(samples), 3, DETECTOR, CONDITIONING)
    assert trigger.segment == 3
    assert trigger.time_on_ns == KEY.start_ns + trigger.on * NS // 50
    assert trigger.on / RATE == pytest.approx(100.0, abs=0.1)
    assert trigger.peak == trigger.on + np.argmax(np.abs(samples[trigger.on : trigger.off + 1]))
    power = np.convolve(samples[trigger.on : trigger.off + 26] ** 2, np.ones(25) / 25, "valid").max()
    wanted = 10 * np.log10(power / np.mean(samples[trigger.on - 1525 : trigger.on - 25] ** 2))
    assert trigger.snr == pytest.approx(wanted, abs=0.5)


def test_without_noise_before_it_a_trigger_has_no_signal_to_noise_ratio():
    samples = np.zeros(6000)
    samples[3000:3200] = with_events(4, 0.1)[:200]
    (trigger,) = triggers_of(conditioned(samples), 0, DETECTOR, CONDITIONING)
    assert np.isnan(trigger.snr)


@pytest.mark.parametrize("seed", range(20))
def test_stationary_noise_triggers_nothing_after_a_gap_even_at_a_low_threshold(seed):
    trace = conditioned(noise(round(400 * RATE), seed), opens=False, closes=False)
    sensitive = RecursiveStaLta(threshold_on=3.5, threshold_off=2)
    assert triggers_of(trace, 0, sensitive, CONDITIONING) == []


def test_after_a_gap_the_ratio_of_stationary_noise_stays_at_one():
    ratios = [DETECTOR.characteristic(noise(6000, seed), 25, 1500, after_gap=True) for seed in range(40)]
    mean = np.mean(ratios, axis=0)
    assert mean[1550:2500].mean() == pytest.approx(1.0, abs=0.1)
    published = np.mean([recursive_sta_lta(noise(6000, seed), 25, 1500) for seed in range(40)], axis=0)
    assert published[1550:2500].mean() > 1.2


def test_an_event_soon_after_a_gap_triggers_as_it_would_without_the_gap():
    samples = with_events(600, 350.0)
    whole = triggers_of(conditioned(samples), 0, DETECTOR, CONDITIONING)
    part = triggers_of(conditioned(samples[round(315 * RATE) :], opens=False), 0, DETECTOR, CONDITIONING)
    assert [t.on for t in whole] == [t.on + round(315 * RATE) for t in part]


@pytest.mark.parametrize(
    ("event", "found"), [(5.0, False), (29.0, False), (30.2, False), (30.8, False), (31.2, True), (60.0, True)]
)
def test_no_detection_starts_within_the_guard_after_a_gap(event, found):
    trace = conditioned(with_events(200, event), opens=False)
    assert onsets(trace) == ([pytest.approx(event, abs=0.15)] if found else [])


@pytest.mark.parametrize(("before_end", "found"), [(3.0, True), (1.2, True), (0.9, False), (0.3, False)])
def test_no_detection_starts_within_the_guard_before_a_gap(before_end, found):
    samples = with_events(200, 200 - before_end)
    assert len(onsets(conditioned(samples, closes=False))) == int(found)
    assert len(onsets(conditioned(samples))) == 1


def test_the_guards_are_settings():
    trace = conditioned(with_events(200, 45.0, 197.0), opens=False, closes=False)
    assert len(onsets(trace)) == 2
    assert len(onsets(trace, guard_after_gap=50, guard_before_gap=5)) == 0


def test_a_segment_shorter_than_the_long_average_has_no_triggers():
    assert triggers_of(conditioned(with_events(29, 20.0)), 0, DETECTOR, CONDITIONING) == []


def onsets_at(*seconds: float) -> list[int]:
    return [KEY.start_ns + round(s * NS) for s in seconds]


def test_the_cleaning_window_is_counted_from_the_last_kept_onset():
    # 4 and 8 s: 8 is less than 5 s after 4, but 4 itself was left out.
    assert clean(onsets_at(0, 4, 8, 12.9, 13, 30), 5.0) == [None, 0, None, 2, None, None]


def test_a_trigger_just_as_late_as_the_cleaning_window_is_kept():
    assert clean(onsets_at(0, 5, 9.99), 5.0) == [None, None, 1]
    assert clean(onsets_at(0, 0, 1), 0.0) == [None, None, None]


@given(st.lists(st.floats(0, 60), max_size=40), st.floats(0, 10))
def test_kept_triggers_are_apart_and_each_left_out_one_follows_a_kept_one(times, window):
    times = sorted(times)
    follows = clean(onsets_at(*times), window)
    kept = [times[i] for i, f in enumerate(follows) if f is None]
    assert all(b - a >= window - 2e-9 for a, b in pairwise(kept))
    for time, followed in zip(times, follows, strict=True):
        if followed is not None:
            assert follows[followed] is None
            assert 0 <= time - times[followed] <= window + 2e-9
