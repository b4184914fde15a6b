"""Conditioning: the published steps on a whole window, and what happens at gaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from obspy import read
from scipy import signal
from waveform_builders import KEY, burst, make_segment, make_settings, make_trace, noise, ns_at

from ris_core.config import ConditioningSettings
from ris_core.contracts.station_day import NS
from ris_core.processing import filters
from ris_core.processing.condition import BadWaveformError, condition, filter_delay
from ris_core.processing.detect import triggers_of
from ris_core.processing.filters import decimation_factor

RATE = 200.0
PAPER = ConditioningSettings()
FLAT = ConditioningSettings(decimation="zero_phase_fir")


def trending(minutes: float, rate: float = RATE, seed: int = 0):
    """Noise on an offset, a drift and a long swell, with an event now and then."""
    samples = noise(round(minutes * 60 * rate), seed)
    time = np.arange(samples.size) / samples.size
    samples += 5e4 + 3e4 * time - 8e4 * time**2 + 6e4 * time**3 + 2e3 * np.sin(2 * np.pi * 40 * time)
    for at in np.arange(70, minutes * 60 - 70, 97.3):
        burst(samples, rate, at)
    return samples


def relative_rms(found, wanted) -> float:
    return float(np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted**2)))


def in_obspy(trace):
    """The published steps with ObsPy's functions."""
    trace = trace.copy()
    trace.data = trace.data.astype(np.float64)
    trace.detrend("polynomial", order=3)
    trace.taper(max_percentage=0.5, type="hann", max_length=60)
    trace.decimate(4)
    trace.filter("bandpass", freqmin=3, freqmax=20, corners=4, zerophase=True)
    return trace


def test_a_whole_window_equals_the_published_steps_in_obspy():
    samples = trending(40)
    found = condition(make_segment(samples), PAPER, KEY.start_ns)
    wanted = in_obspy(make_trace(KEY.start_ns, samples, RATE))
    assert found.samples.shape == wanted.data.shape
    assert relative_rms(found.samples, wanted.data) < 1e-5
    assert (found.start_ns, found.sampling_rate) == (wanted.stats.starttime.ns, wanted.stats.sampling_rate)


def test_a_recorded_waveform_equals_the_published_steps_in_obspy():
    # ObsPy's own example, 30 s at 100 Hz; the same samples as if they were taken at 200 Hz.
    example = read()[0]
    example.stats.sampling_rate = RATE
    example.data = np.tile(np.concatenate((example.data, example.data[::-1])), 25)
    found = condition(make_segment(example.data), PAPER, KEY.start_ns)
    assert relative_rms(found.samples, in_obspy(example).data) < 1e-5


def test_a_polynomial_trend_leaves_nothing_behind_not_even_beside_a_gap():
    for seconds, order in ((50, 0), (300, 1), (900, 3)):
        time = np.linspace(-1, 1, round(seconds * RATE))
        trend = 1e8 * sum(time**n for n in range(order + 1))
        samples = noise(time.size)
        ends = {"opens_window": False, "closes_window": False}
        with_trend = condition(make_segment(samples + trend, **ends), FLAT, KEY.start_ns)
        without = condition(make_segment(samples, **ends), FLAT, KEY.start_ns)
        assert relative_rms(with_trend.samples, without.samples) < 1e-3


@pytest.mark.parametrize("settings", [PAPER, FLAT], ids=lambda s: s.decimation)
@pytest.mark.parametrize("late", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("opens", [True, False])
def test_decimated_samples_lie_on_the_grid_from_midnight_wherever_the_segment_starts(settings, late, opens):
    step = NS // 200
    start = ns_at(KEY, -100) + late * step + 400_000
    found = condition(make_segment(noise(20_000), start_ns=start, opens_window=opens), settings, KEY.start_ns)
    assert (found.start_ns - 400_000 - KEY.start_ns) % (4 * step) == 0
    assert 0 <= found.start_ns - start < 4 * step
    assert found.grid_offset * 4 * step == found.start_ns - 400_000 - KEY.start_ns


def test_neighbouring_days_decimate_their_common_samples_alike():
    samples = noise(240_001)
    burst(samples, RATE, 600)
    late = 3
    today = condition(make_segment(samples, start_ns=ns_at(KEY, 85_800)), FLAT, KEY.start_ns)
    start = ns_at(KEY, 85_800) + late * NS // 200
    tomorrow = condition(make_segment(samples[late:], start_ns=start), FLAT, KEY.end_ns)
    shift = (tomorrow.start_ns - today.start_ns) // (NS // 50)
    assert (tomorrow.start_ns - today.start_ns) % (NS // 50) == 0
    inner = slice(15_000, 45_000)
    np.testing.assert_allclose(tomorrow.samples[inner], today.samples[shift:][inner], rtol=0, atol=1e-3)


def test_a_segment_at_the_target_rate_is_not_decimated():
    samples = trending(15, rate=50)
    found = condition(make_segment(samples, rate=50), PAPER, KEY.start_ns)
    trace = make_trace(KEY.start_ns, samples, 50)
    trace.detrend("polynomial", order=3)
    trace.taper(max_percentage=0.5, type="hann", max_length=60)
    trace.filter("bandpass", freqmin=3, freqmax=20, corners=4, zerophase=True)
    assert relative_rms(found.samples, trace.data) < 1e-5


@pytest.mark.parametrize("rate", [100.0, 200.0, 250.0, 500.0])
def test_the_fir_is_flat_to_20_hz_and_80_db_down_from_30_hz(rate):
    taps = filters.fir_lowpass(20, 30, rate)
    frequency, gain = signal.freqz(taps, worN=8192, fs=rate)
    decibels = 20 * np.log10(np.maximum(np.abs(gain), 1e-12))
    assert np.abs(decibels[frequency <= 20]).max() <= 0.1
    assert decibels[frequency >= 30].max() <= -80
    np.testing.assert_allclose(taps, taps[::-1], atol=1e-15)


def test_the_fir_neither_delays_nor_changes_a_wave_in_the_band():
    time = np.arange(round(200 * RATE)) / RATE
    found = condition(make_segment(np.sin(2 * np.pi * 10 * time)), FLAT, KEY.start_ns).samples
    grid = np.arange(found.size) / 50
    inner = slice(3500, 6500)
    np.testing.assert_allclose(found[inner], np.sin(2 * np.pi * 10 * grid)[inner], atol=0.01)


def test_the_published_decimation_delays_as_documented():
    assert filter_delay(PAPER, RATE, 10) == pytest.approx(0.070, abs=0.002)
    assert filter_delay(PAPER, RATE, 3) == pytest.approx(0.054, abs=0.002)
    assert filter_delay(PAPER, RATE, 17) == pytest.approx(0.186, abs=0.005)
    assert filter_delay(FLAT, RATE, 10) == filter_delay(PAPER, 50, 10) == 0.0


def test_the_published_decimation_is_3_db_down_at_17_hz_and_27_db_at_20_hz():
    sections = filters.chebyshev_lowpass(25, RATE)
    _, gain = signal.sosfreqz(sections, worN=[10, 17, 20], fs=RATE)
    np.testing.assert_allclose(20 * np.log10(np.abs(gain)), [0, -3.4, -27], atol=0.5)


EDGES = {
    "offset": lambda time: np.full(time.size, 5e6),
    "line": lambda time: 1e4 * time,
    "microseism": lambda time: 3e5 * np.sin(2 * np.pi * time / 6 + 1),
    "swell": lambda time: 1e6 * np.cos(2 * np.pi * time / 25),
    "drift to rest": lambda time: 5e6 * np.exp(-time / 400),
}


@pytest.mark.parametrize("settings", [PAPER, FLAT], ids=lambda s: s.decimation)
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("seconds", [45, 250, 700])
def test_the_edge_of_a_gap_makes_no_trigger(settings, edge, seconds):
    time = np.arange(round(seconds * RATE)) / RATE
    samples = noise(time.size) + EDGES[edge](time)
    found = condition(make_segment(samples, opens_window=False, closes_window=False), settings, KEY.start_ns)
    assert found.samples.size == pytest.approx(seconds * 50, abs=1)
    usual = found.samples[500:-500].std()
    assert max(np.abs(found.samples[:50]).max(), np.abs(found.samples[-50:]).max()) < 8 * usual
    assert triggers_of(found, 0, make_settings().detector, settings) == []


@pytest.mark.parametrize("side", ["before", "after"])
def test_an_event_beside_a_gap_keeps_its_amplitude(side):
    samples = noise(round(900 * RATE))
    at = 120.0 if side == "after" else 780.0
    burst(samples, RATE, at)
    whole = condition(make_segment(samples), FLAT, KEY.start_ns)
    piece = slice(round((at - 0.3) * RATE), None) if side == "after" else slice(0, round((at + 0.6) * RATE))
    start_ns = KEY.start_ns + round(piece.start or 0) * NS // 200
    part = condition(
        make_segment(samples[piece], start_ns=start_ns, opens_window=False, closes_window=False), FLAT, KEY.start_ns
    )
    first = (part.start_ns - KEY.start_ns) // (NS // 50)
    around = slice(round(at * 50) - 10, round(at * 50) + 25)
    wanted = whole.samples[around]
    found = part.samples[around.start - first : around.stop - first]
    assert np.abs(found - wanted).max() < 0.05 * np.abs(wanted).max()


@pytest.mark.parametrize("rate", [60.0, 125.0, 99.999])
def test_a_rate_that_is_no_multiple_of_the_target_is_refused_where_the_settings_say_so(rate):
    refusing = ConditioningSettings(other_rates="refuse")
    with pytest.raises(BadWaveformError, match=rf"{rate:g} Hz is not a whole multiple of .* = 50 Hz, .*other_rates"):
        condition(make_segment(noise(10_000), rate=rate), refusing, KEY.start_ns)


@pytest.mark.parametrize("rate", [40.0, 30.0])
def test_a_rate_below_the_target_is_refused_with_both(rate):
    with pytest.raises(BadWaveformError, match=rf"{rate:g} Hz is below conditioning.sampling_rate = 50 Hz"):
        condition(make_segment(noise(10_000), rate=rate), PAPER, KEY.start_ns)


def test_a_rate_that_misses_a_multiple_by_rounding_is_taken():
    assert decimation_factor(200.0000001, 50.0) == 4


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.int16])
def test_the_raw_samples_are_left_as_they_are(dtype):
    samples = (noise(20_000) + 50).astype(dtype)
    before = samples.copy()
    condition(make_segment(samples), PAPER, KEY.start_ns)
    np.testing.assert_array_equal(samples, before)


def test_a_dead_channel_gives_zeros():
    found = condition(make_segment(np.full(40_000, 1234, np.int32)), PAPER, KEY.start_ns)
    assert np.abs(found.samples).max() < 1e-9
    assert triggers_of(replace(found, opens_window=False), 0, make_settings().detector, PAPER) == []
