"""Where data ends, breaks, is odd or comes at another rate: nothing is lost, found twice or moved."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from chain_builders import PAPER, onsets, run_chain
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy.signal.filter import bandpass
from scipy import signal
from scipy.interpolate import CubicSpline
from waveform_builders import (
    KEY,
    NEXT_KEY,
    NOISE,
    burst,
    by_channel,
    make_segment,
    make_settings,
    make_trace,
    noise,
    ns_at,
    record,
)

from ris_core.config import ConditioningSettings, Settings
from ris_core.contracts.station_day import NS
from ris_core.processing.blocks import Blocks
from ris_core.processing.chain import process
from ris_core.processing.condition import BadWaveformError, condition, filter_delay

FLAT = make_settings(conditioning={"decimation": "zero_phase_fir"})
BOTH = pytest.mark.parametrize("chosen", [PAPER, FLAT], ids=lambda s: s.conditioning.decimation)


@BOTH
@pytest.mark.parametrize("rate", [50.0, 200.0, 99.999])
@pytest.mark.parametrize("offset", np.round(np.arange(-0.3, 0.31, 0.05), 2).tolist())
def test_an_event_across_midnight_has_the_row_that_it_has_without_a_cut(chosen, rate, offset):
    whole = record(KEY, 85_500, 87_300, [86_400 + offset], rate=rate, seed=4)
    midnight = whole.stats.starttime + 900
    half = 0.5 / rate
    pieces = {KEY: whole.slice(None, midnight + 300 - half), NEXT_KEY: whole.slice(midnight - 300 - half, None)}
    found = [
        row
        for key, piece in pieces.items()
        for row in run_chain(key, piece, settings=chosen).detections.to_dict("records")
    ]
    wanted = [row for key in pieces for row in run_chain(key, whole, settings=chosen).detections.to_dict("records")]
    assert len(found) == len(wanted) == 1
    for column in ("event_id", "time_peak", "outcome"):
        assert found[0][column] == wanted[0][column]
    # The long average remembers a ten thousandth of how the window began, which may move a crossing of the threshold.
    for column in ("time_on", "time_off"):
        assert abs(found[0][column] - wanted[0][column]) <= 2 * NS // 50
    assert found[0]["peak_counts"] == pytest.approx(wanted[0]["peak_counts"], rel=1e-3)


@BOTH
@pytest.mark.parametrize("rate", [50.0, 200.0])
def test_gaps_cost_32_seconds_each_and_no_event_outside_of_them(chosen, rate):
    # Ten stretches of 120 s, 7 s apart; an event just outside of each guard.
    traces, wanted = [], []
    for i in range(10):
        start = 1000.0 + 127 * i
        events = [start + 31.6, start + 60, start + 118.5]
        wanted += events
        traces.append(record(KEY, start, start + 120, events, rate=rate, seed=i))
    products = run_chain(KEY, *traces, settings=chosen)
    np.testing.assert_allclose(onsets(products, KEY), wanted, atol=0.3)
    assert products.live_seconds == pytest.approx(10 * (120 - 32), abs=0.1 * 10)


@BOTH
def test_a_level_that_jumps_in_a_gap_makes_no_trigger(chosen):
    traces = []
    for i, level in enumerate((0, 2_000_000, -800_000, 5_000_000)):
        trace = record(KEY, 100 * i, 100 * i + 95, rate=200.0, seed=i)
        trace.data = trace.data + np.int32(level)
        traces.append(trace)
    assert len(run_chain(KEY, *traces, settings=chosen).detections) == 0


def test_five_thousand_fragments_that_are_too_short_are_counted():
    traces = [record(KEY, 17.0 * i, 17.0 * i + 10, seed=i) for i in range(5000)]
    products = run_chain(KEY, *traces)
    assert (products.too_short_segments, products.too_short_seconds) == (5000, pytest.approx(50_000))
    assert products.live_seconds == 0


def test_fifteen_hundred_fragments_of_45_seconds_keep_the_events_between_their_guards():
    spacing = 57
    traces = [
        record(KEY, spacing * i, spacing * i + 45, [spacing * i + 36.0] if i % 50 == 0 else (), seed=i)
        for i in range(1500)
    ]
    products = run_chain(KEY, *traces)
    np.testing.assert_allclose(onsets(products, KEY), [spacing * i + 36.0 for i in range(0, 1500, 50)], atol=0.15)
    assert len(products.spectrograms.event_id) == 30
    assert products.live_seconds == pytest.approx(1500 * (45 - 32), abs=150)


@BOTH
@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64])
@pytest.mark.parametrize("value", [0, 1, -12_345, 2**30])
def test_a_constant_trace_is_live_and_has_no_detection(chosen, dtype, value):
    trace = make_trace(ns_at(KEY, 0), np.full(200 * 400, value, dtype), 200.0)
    products = run_chain(KEY, trace, settings=chosen)
    assert len(products.detections) == 0
    assert products.live_seconds == pytest.approx(400 - 32, abs=0.1)


@BOTH
@pytest.mark.parametrize("dtype", [np.int32, np.float32])
@pytest.mark.parametrize("amplitude", [200, 2e4, 8e6])
def test_an_event_after_digital_zeros_is_found_once_at_its_time(chosen, dtype, amplitude):
    samples = np.zeros(200 * 400)
    burst(samples, 200, 300, amplitude)
    found = run_chain(KEY, make_trace(ns_at(KEY, 0), np.rint(samples).astype(dtype), 200.0), settings=chosen).detections
    assert found["outcome"].tolist() == ["event"]
    # Above nothing at all, what a zero-phase filter rings before the event is its onset.
    assert -3 < (found["time_on"][0] - ns_at(KEY, 300)) / NS < 0.2
    assert abs(found["time_peak"][0] - ns_at(KEY, 300)) < 0.4 * NS


def test_small_events_beside_one_of_full_scale_are_not_taken_for_rounding():
    trace = record(KEY, 0, 1100, rate=200.0)
    samples = trace.data.astype(np.float64)
    for at, amplitude in ((100, 3e3), (340, 3e3), (400, 8e6), (1050, 3e3)):
        burst(samples, 200, at, amplitude)
    trace.data = samples.astype(np.int32)
    # The great one rings ahead of itself by more than the noise.
    assert [round(at) for at in onsets(run_chain(KEY, trace), KEY)] == [100, 340, 399, 1050]


@pytest.mark.parametrize("rate", [50.0, 200.0, 99.999])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 17])
@pytest.mark.parametrize("opens", [True, False])
@pytest.mark.parametrize("closes", [True, False])
@BOTH
def test_segments_of_a_few_samples_can_be_conditioned(chosen, rate, size, opens, closes):
    for start in (0.0, 0.0049, 13.0001):
        segment = make_segment(noise(size), rate, ns_at(KEY, start), opens, closes)
        found = condition(segment, chosen.conditioning, KEY.start_ns)
        assert abs(found.samples.size - size * 50 / rate) < 1.001
        assert np.isfinite(found.samples).all()


def test_a_day_of_single_samples_is_a_day_of_short_segments():
    traces = [make_trace(ns_at(KEY, 60 * i), noise(1), 200.0) for i in range(50)]
    products = run_chain(KEY, *traces)
    assert (products.too_short_segments, len(products.traces.detection)) == (50, 0)


@BOTH
def test_counts_up_to_the_largest_integer_are_conditioned_as_in_double_precision(chosen):
    time = np.arange(200 * 900) / 200
    # A sensor that swings over the whole range and clips, with a wave in the band on top of it.
    swing = 2.5e9 * np.sin(2 * np.pi * time / 30) + 1e6 * np.sin(2 * np.pi * 7 * time)
    samples = np.clip(swing, -(2**31), 2**31 - 1).astype(np.int32)
    assert samples.min() == -(2**31)
    found = condition(make_segment(samples), chosen.conditioning, KEY.start_ns).samples
    wanted = condition(make_segment(samples.astype(np.float64)), chosen.conditioning, KEY.start_ns).samples
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * scale)
    inner = slice(4000, -4000)
    if chosen is FLAT:
        plain = signal.resample_poly(samples.astype(np.float64), 1, 4, window=("kaiser", 12.0))
        plain = bandpass(plain, 3, 20, 50, corners=4, zerophase=True)
        assert np.sqrt(np.mean((found - plain)[inner] ** 2)) < 0.02 * plain[inner].std()


@BOTH
def test_a_small_event_on_a_level_near_the_largest_integer_keeps_its_size(chosen):
    trace = record(KEY, 0, 400, [200.0], rate=200.0)
    plain = run_chain(KEY, trace, settings=chosen).detections
    trace.data = (trace.data.astype(np.int64) + 2**31 - 1 - int(trace.data.max())).astype(np.int32)
    high = run_chain(KEY, trace, settings=chosen).detections
    assert high["event_id"].tolist() == plain["event_id"].tolist()
    assert high["peak_counts"][0] == pytest.approx(plain["peak_counts"][0], rel=1e-5)


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e6, 1e9])
def test_size_and_type_of_the_samples_change_nothing_but_the_size_of_the_peak(chosen, dtype, scale):
    trace = record(KEY, 0, 400, [100.0, 200.0, 300.0], rate=200.0)
    plain = run_chain(KEY, trace, settings=chosen)
    trace.data = (trace.data * scale).astype(dtype)
    scaled = run_chain(KEY, trace, settings=chosen)
    for column in ("event_id", "time_on", "time_off", "outcome"):
        assert scaled.detections[column].tolist() == plain.detections[column].tolist()
    np.testing.assert_allclose(scaled.detections["peak_counts"], plain.detections["peak_counts"] * scale, rtol=1e-4)
    ratio = scaled.spectrograms.spectrogram / scale**2
    np.testing.assert_allclose(ratio, plain.spectrograms.spectrogram, atol=1e-4 * plain.spectrograms.spectrogram.max())


EVENTS = (60.0, 101.3337, 150.001, 205.25, 251.7777, 300.0, 341.9)
RATES = (50.0, 100.0, 200.0, 400.0, 850.0, 1000.0, 99.999, 99.0, 125.0, 62.5, 250.0001, 50.01)


@lru_cache(maxsize=1)
def background() -> CubicSpline:
    """Noise of 3–15 Hz as a function of time, so that each rate samples the same ground motion."""
    rate = 1000
    sections = signal.butter(6, [3, 13], "band", fs=rate, output="sos")
    samples = signal.sosfiltfilt(sections, noise(400 * rate, 11))
    return CubicSpline(np.arange(samples.size) / rate, NOISE * samples / samples.std())


def ground(rate: float):
    """The same 390 s at any rate: noise, and wave packets of 6 to 12 Hz at known times."""
    time = np.arange(round(390 * rate)) / rate
    samples = background()(time)
    for i, at in enumerate(EVENTS):
        after = np.clip(time - at, 0, None)
        envelope = (after / 0.1) ** 2 * np.exp(2 * (1 - after / 0.1))
        samples += 1e4 * envelope * np.sin(2 * np.pi * (6 + i) * after)
    return make_trace(ns_at(KEY, 0), samples, rate)


@lru_cache(maxsize=2)
def at_50_hz(decimation: str):
    frame = run_chain(KEY, ground(50.0), settings=make_settings(conditioning={"decimation": decimation})).detections
    assert len(frame) == len(EVENTS)
    np.testing.assert_allclose((frame["time_on"] - KEY.start_ns) / NS, EVENTS, atol=0.15)
    return frame


def amplitudes(rate: float, chosen: Settings):
    """Greatest amplitude around each event between the samples, which a delay shifts against the wave."""
    (trace,) = run_chain(KEY, ground(rate), settings=chosen).traces.detection
    fine = np.abs(signal.resample(trace.samples, 8 * trace.samples.size))
    start = (trace.start_ns - KEY.start_ns) / NS
    places = [round((at - start) * 400) for at in EVENTS]
    return [fine[place - 200 : place + 400].max() for place in places]


@BOTH
@pytest.mark.parametrize("rate", RATES)
def test_the_same_ground_motion_has_the_same_detections_at_every_sampling_rate(chosen, rate):
    wanted = at_50_hz(chosen.conditioning.decimation)
    found = run_chain(KEY, ground(rate), settings=chosen).detections
    assert len(found) == len(wanted)
    late = (found["time_on"].to_numpy() - wanted["time_on"].to_numpy()) / NS
    delays = [filter_delay(chosen.conditioning, rate, frequency) for frequency in (6, 12)]
    # One sample of 20 ms; the causal filter delays, high frequencies more than low ones, which changes waves as well.
    causal = chosen is PAPER
    assert late.min() >= min(delays) - 0.0201
    assert late.max() <= max(delays) + (0.0401 if causal else 0.0201)
    np.testing.assert_allclose(amplitudes(rate, chosen), amplitudes(50.0, chosen), rtol=0.1 if causal else 0.02)
    assert found["outcome"].tolist() == wanted["outcome"].tolist()
    assert (found["sampling_rate"] == 50).all()


def test_times_do_not_drift_over_a_day_at_99_999_hz():
    rate = 99.999
    trace = record(KEY, 0, 86_400, rate=rate)
    samples = trace.data.astype(np.float32)
    events = [600.0, 43_200.007, 86_000.013]
    for at in events:
        first = round((at - 2) * rate)
        time = np.arange(first, first + round(4 * rate)) / rate - at
        samples[first : first + time.size] += 2e4 * np.exp(-((time / 0.1) ** 2)) * np.cos(2 * np.pi * 8 * time)
    trace.data = samples
    products = run_chain(KEY, trace, settings=FLAT)
    peaks = (products.detections["time_peak"].to_numpy() - KEY.start_ns) / NS
    # The sample nearest to the peak, on the grid of 20 ms; the clock of 100 Hz would be 0.86 s off at the end.
    np.testing.assert_allclose(peaks, events, atol=0.0101)
    assert (products.detections["time_peak"].to_numpy() % (NS // 50) == 0).all()
    assert products.traces.detection[0].samples.size == pytest.approx(86_400 * 50, abs=1)


@pytest.mark.parametrize("rate", [99.999, 62.5, 125.0])
def test_other_rates_are_refused_where_the_settings_say_so(rate):
    refusing = make_settings(conditioning={"other_rates": "refuse"})
    with pytest.raises(BadWaveformError, match=rf"sampling rate {rate:g} Hz is not a whole multiple"):
        process(by_channel(KEY, ground(rate)), KEY, refusing, None)


@pytest.mark.parametrize(
    ("low", "high", "order"), [(0.1, 8, 4), (1, 8, 4), (3, 8, 10), (5, 5.5, 4), (3, 9.8, 4), (3, 4, 10), (0.3, 9.8, 2)]
)
def test_every_band_is_given_its_time_to_ring_off(low, high, order):
    settings = ConditioningSettings(sampling_rate=20, band_low=low, band_high=high, band_order=order)
    samples = noise(20 * 3600)
    found = condition(make_segment(samples, 20.0), settings, KEY.start_ns).samples
    wanted = bandpass(samples, low, high, 20, corners=order, zerophase=True)
    inner = slice(5000, -5000)
    assert np.sqrt(np.mean((found - wanted)[inner] ** 2)) < 2e-5 * wanted[inner].std()


@pytest.mark.parametrize("minutes", [3, 11, 40])
def test_the_end_of_the_taper_leaves_no_step_of_a_strong_drift(minutes):
    time = np.linspace(-1, 1, 200 * 60 * minutes)
    drift = 3e6 * time**3 - 1e6 * time**2 + 2e6 * time
    with_drift = condition(make_segment(noise(time.size) + drift), FLAT.conditioning, KEY.start_ns).samples
    without = condition(make_segment(noise(time.size)), FLAT.conditioning, KEY.start_ns).samples
    assert np.abs(with_drift - without).max() < 0.02 * NOISE


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 60_000),
    st.sampled_from([1, 2, 4, 5, 8, 20]),
    st.integers(16, 300),
    st.integers(0, 1000),
)
def test_blocks_filter_and_decimate_as_one_convolution(size, factor, guard, seed):
    # A low-pass of the length of both guards that is 120 dB down at the new Nyquist frequency.
    taps = signal.firwin(2 * guard * factor + 1, (1 - 4.5 / guard) / factor * 0.95, window=("kaiser", 12.3))
    samples = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    whole = np.convolve(samples.astype(np.float64), taps)[guard * factor :][:size:factor]
    blocks = Blocks.of(size, factor, guard)
    turn = np.exp(2j * np.pi * blocks.frequencies(1.0) / factor * guard * factor)
    gain = signal.freqz(taps, worN=2 * np.pi * blocks.frequencies(1.0) / factor)[1] * turn / factor

    def fill(out, start: int) -> None:
        out[:] = 0
        first, last = max(start, 0), min(start + out.size, size)
        out[max(0, first - start) : max(0, last - start)] = samples[first : max(first, last)]

    found = blocks.apply(fill, {"x": gain.astype(np.complex64), "half": (gain / 2).astype(np.complex64)})
    np.testing.assert_allclose(found["x"][: whole.size], whole, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found["half"], found["x"] / 2, rtol=0, atol=1e-6)


@lru_cache(maxsize=1)
def undivided():
    samples = noise(200 * 400, 7)
    for at in np.arange(20, 390, 17.3):
        burst(samples, 200, at)
    samples += 3e4 * np.sin(2 * np.pi * np.arange(samples.size) / 200 / 8)
    return samples


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 60_000), st.integers(8_000, 80_000), st.sampled_from([PAPER, FLAT]))
def test_a_gap_changes_nothing_farther_than_ten_seconds_from_it(first, length, chosen):
    samples = undivided()
    whole = condition(make_segment(samples), chosen.conditioning, KEY.start_ns)
    piece = samples[first : first + length]
    start_ns = KEY.start_ns + first * NS // 200
    opens, closes = first == 0, first + length >= samples.size
    part = condition(
        make_segment(piece, start_ns=start_ns, opens_window=opens, closes_window=closes),
        chosen.conditioning,
        KEY.start_ns,
    )
    place = part.grid_offset - whole.grid_offset
    same = whole.samples[place : place + part.samples.size]
    # Ends of the window are tapered for 60 s, each part with its own trend.
    near, last = 500, 500
    if opens or place < 3100:
        near = max(near, 3100 - place)
    if closes or place + same.size > whole.samples.size - 3100:
        last = max(last, place + same.size - (whole.samples.size - 3100))
    difference = np.abs(part.samples - same)[near : same.size - last]
    assert difference.size == 0 or difference.max() < 1e-4 * whole.samples.std()


@settings(max_examples=80, deadline=None)
@given(
    st.integers(-300 * NS, 86_700 * NS),
    st.sampled_from([50.0, 100.0, 200.0, 250.0, 1000.0, 99.999, 62.5, 99.0, 50.01]),
    st.integers(100, 4000),
    st.booleans(),
)
def test_wherever_a_segment_starts_its_decimated_samples_lie_on_the_grid(since_midnight, rate, size, opens):
    start = KEY.start_ns + since_midnight
    found = condition(make_segment(noise(size), rate, start, opens), FLAT.conditioning, KEY.start_ns)
    away = found.start_ns - KEY.start_ns - found.grid_offset * NS // 50
    last = found.time_ns(found.samples.size - 1) - start - (size - 1) * NS / rate
    # Nearest raw samples where the rate divides, the grid itself where it does not.
    assert abs(away) <= (0.5 * NS / rate + 1 if rate % 50 == 0 else 1)
    assert -1 <= found.start_ns - start < NS / 50 + 1
    assert -NS / 50 - 2 < last <= 2
