"""Traces of ground motion through the chain: their unit, size and time, the epoch of each segment, what is missing."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from obspy import Inventory, UTCDateTime
from scipy import fft, signal
from waveform_builders import (
    KEY,
    NEXT_KEY,
    burst,
    by_channel,
    make_segment,
    make_settings,
    make_trace,
    noise,
    ns_at,
    record,
)

from ris_core.contracts.station_day import NS
from ris_core.processing import filters
from ris_core.processing.chain import process
from ris_core.processing.condition import BadWaveformError, condition
from ris_core.processing.instrument import Instrument
from ris_core.synthetic.seismometer import build_inventory, response

RATE = 200.0
FIR = {"decimation": "zero_phase_fir"}
CODE = "XX.S01..HHZ"


def inventory(*epochs) -> Inventory:
    """The synthetic station with epochs of (start, end, gain against the synthetic one); times in s of the day."""
    result = build_inventory(make_settings(), "S01")
    station = result[0][0]
    (described,) = station.channels
    station.channels = []
    for start, end, gain in epochs:
        channel = deepcopy(described)
        channel.start_date = UTCDateTime(ns=ns_at(KEY, start))
        channel.end_date = None if end is None else UTCDateTime(ns=ns_at(KEY, end))
        channel.response.response_stages[0].stage_gain *= gain
        channel.response.instrument_sensitivity.value *= gain
        station.channels.append(channel)
    return result


ONE_EPOCH = inventory((-1e6, None, 1.0))


def counts_of(ground, unit: str = "acceleration", gain: float = 1.0):
    """What the synthetic instrument records of a ground velocity (m/s) or acceleration (m/s²)."""
    spectrum = fft.rfft(ground)
    frequency = fft.rfftfreq(ground.size, 1 / RATE)
    spectrum[1:] *= gain * response(frequency[1:])
    if unit == "acceleration":
        spectrum[1:] /= 2j * np.pi * frequency[1:]
    spectrum[0] = 0
    return fft.irfft(spectrum, ground.size)


def packets(seconds: float, *times: float, frequency: float = 8.0, amplitude: float = 1e-4):
    time = np.arange(round(seconds * RATE)) / RATE
    waves = [
        amplitude * np.exp(-(((time - at) / 0.3) ** 2)) * np.cos(2 * np.pi * frequency * (time - at)) for at in times
    ]
    return np.sum(waves, axis=0) + noise(time.size, deviation=1e-3 * amplitude)


def recorded(start: float, ground, gain: float = 1.0):
    return make_trace(ns_at(KEY, start), np.rint(counts_of(ground, gain=gain)).astype(np.int32), RATE)


SENSITIVE = {"threshold_on": 8, "threshold_off": 4}


@pytest.mark.parametrize("decimation", ["causal_chebyshev", "zero_phase_fir"])
def test_each_segment_of_a_day_is_deconvolved_by_the_epoch_of_its_own_time(decimation):
    # The instrument is exchanged for one of a fifth of its gain at 650 s, in a gap from 600 to 700 s.
    before, after = packets(600, 200, 400), packets(600, 200)
    epochs = inventory((-1e6, 650, 1.0), (650, None, 0.2))
    traces = recorded(0, before), recorded(700, after, gain=0.2)
    settings = make_settings(conditioning={"decimation": decimation}, detector=SENSITIVE)
    frame = process(by_channel(KEY, *traces), KEY, settings, epochs).detections
    assert len(frame) == 3
    np.testing.assert_allclose(np.abs(frame["peak_acceleration"]), 1e-4, rtol=0.06)
    # Counts show the smaller gain.
    assert abs(frame["peak_counts"][2]) == pytest.approx(0.2 * abs(frame["peak_counts"][0]), rel=0.06)


def test_a_segment_in_no_epoch_has_its_note_and_the_others_their_acceleration():
    epochs = inventory((-1e6, 650, 1.0), (2000, None, 0.2))
    traces = recorded(0, packets(600, 200)), recorded(700, packets(600, 200), gain=0.2)
    products = process(by_channel(KEY, *traces), KEY, make_settings(detector=SENSITIVE), epochs)
    first, second = products.detections.to_dict("records")
    assert np.isfinite(first["peak_acceleration"])
    assert first["acceleration_note"] == ""
    assert np.isnan(second["peak_acceleration"])
    assert second["acceleration_note"].startswith(f"no valid response for {CODE}: none of its 2 epoch(s)")
    assert products.notes == [second["acceleration_note"]]


def test_an_epoch_that_ends_at_midnight_holds_for_the_whole_day_before_it_and_the_next_for_the_day_after():
    # Contiguous samples: each day's padding lies in the other epoch.
    ground = packets(1800, 450, 1350)
    counts = counts_of(ground)
    counts[round(900 * RATE) :] *= 3
    whole = make_trace(ns_at(KEY, 85_500), counts, RATE)
    epochs = inventory((-1e6, 86_400, 1.0), (86_400, None, 3.0))
    midnight = whole.stats.starttime + 900
    settings = make_settings(detector=SENSITIVE)
    for key, piece in (
        (KEY, whole.slice(None, midnight + 299.99)),
        (NEXT_KEY, whole.slice(midnight - 300, None)),
    ):
        frame = process(by_channel(key, piece), key, settings, epochs).detections
        at = np.abs((frame["time_peak"] - ns_at(KEY, 86_400)) / NS)
        (row,) = frame[np.abs(at - 450) < 2].to_dict("records")
        assert abs(row["peak_acceleration"]) == pytest.approx(1e-4, rel=0.06)


def of_kind(kind: str, counts, conditioning=FIR):
    settings = make_settings(conditioning=conditioning)
    instrument = Instrument.of(ONE_EPOCH, CODE)
    segment = make_segment(counts)
    found = condition(segment, settings.conditioning, KEY.start_ns, settings.response, instrument, (kind,))
    return found.of_kind(kind)


@pytest.mark.parametrize("frequency", [4.0, 8.0, 16.0])
@pytest.mark.parametrize("kind", ["velocity", "acceleration"])
def test_a_known_ground_motion_comes_back_in_size_and_time(kind, frequency):
    # m/s and m/s², after the band-pass that every trace has.
    ground = packets(400, 200, frequency=frequency, amplitude=1e-6)
    found = of_kind(kind, counts_of(ground, kind))
    sections = filters.butterworth_bandpass(3, 20, 4, 50)
    wanted = signal.sosfiltfilt(sections, ground[::4])
    around = slice(197 * 50, 203 * 50)
    assert np.abs(found[around]).max() == pytest.approx(np.abs(wanted[around]).max(), rel=0.02)
    assert np.argmax(np.abs(found)) == np.argmax(np.abs(wanted))
    assert np.abs(found - wanted)[around].max() < 0.02e-6


def test_velocity_and_acceleration_of_one_record_are_derivative_and_integral():
    counts = noise(round(400 * RATE), 3, 1000)
    velocity, acceleration = of_kind("velocity", counts), of_kind("acceleration", counts)
    spectrum, frequency = fft.rfft(velocity.astype(np.float64)), fft.rfftfreq(velocity.size, 1 / 50)
    derivative = fft.irfft(spectrum * 2j * np.pi * frequency, velocity.size)
    inner = slice(4000, -4000)
    np.testing.assert_allclose(derivative[inner], acceleration[inner], rtol=0, atol=1e-3 * acceleration.std())


@pytest.mark.parametrize(("frequency", "ratio"), [(3.0, 51), (5.0, 85), (10.0, 170), (20.0, 339)])
def test_under_the_published_water_level_the_trace_is_proportional_to_counts_and_too_small(frequency, ratio):
    time = np.arange(round(400 * RATE)) / RATE
    ground = 1e-4 * np.sin(2 * np.pi * frequency * time)
    counts = counts_of(ground)
    published = of_kind("acceleration_water_level", counts)
    plain = condition(make_segment(counts), make_settings(conditioning=FIR).conditioning, KEY.start_ns).samples
    inner = slice(5000, -5000)
    passed = filters.bandpass_gain(np.array([frequency]), make_settings().conditioning)[0]
    lowpass = np.abs(filters.decimation_gain(np.array([frequency]), RATE, make_settings(conditioning=FIR).conditioning))
    size = np.sqrt(2) * published[inner].std() / (passed * lowpass[0])
    assert 1e-4 / size == pytest.approx(ratio, rel=0.01)
    # Proportional to counts, with one factor at all frequencies, and a quarter of a period away.
    factor = published[inner].std() / plain[inner].std()
    everywhere = np.geomspace(1e-4, 100, 100_000)
    highest = np.abs(response(everywhere) / (2 * np.pi * everywhere)).max()
    assert factor == pytest.approx(10 ** (14 / 20) / highest, rel=1e-3)
    turned = fft.rfft(plain[inner]) * 1j
    again = fft.irfft(turned, plain[inner].size)
    assert np.corrcoef(again, published[inner])[0, 1] == pytest.approx(1, abs=1e-3)


def swarm(seconds: float = 3000):
    trace = record(KEY, 0, seconds, seed=3)
    samples = trace.data.astype(np.float64)
    rng = np.random.default_rng(4)
    for at in np.arange(60, seconds - 40, 19.7):
        burst(samples, 50, at, 10 ** rng.uniform(3, 5), rng.uniform(4, 15))
    trace.data = samples
    return trace


def detections_on(kind: str, **detector):
    settings = make_settings(response={"detection_trace": kind}, detector={"cleaning_window": 0} | detector)
    return process(by_channel(KEY, swarm()), KEY, settings, ONE_EPOCH).detections


@pytest.mark.parametrize("thresholds", [{}, {"threshold_on": 6, "threshold_off": 3}])
def test_the_published_detector_trace_finds_what_counts_find_within_three_samples(thresholds):
    counts, published = detections_on("counts", **thresholds), detections_on("acceleration_water_level", **thresholds)
    assert len(counts) > 50
    samples = np.abs(published["time_on"].to_numpy()[:, None] - counts["time_on"].to_numpy()).min(axis=1) / (NS / 50)
    print(
        f"onsets on counts {len(counts)}, under the water level {len(published)}; the same sample "
        f"{np.mean(samples < 0.5):.0%}, farthest {samples.max():.0f} samples"
    )
    # Turned by a quarter of a period, the trace reaches the threshold a little earlier or later.
    assert len(published) == len(counts)
    assert samples.max() <= 3
    assert np.median(samples) <= 1
    # The counts of a detection are its greatest, for any trace of the detection.
    same = published.merge(counts, on="time_on", suffixes=("", "_counts"))
    assert len(same) > 3
    np.testing.assert_allclose(np.abs(same["peak_counts"] / same["peak_counts_counts"]), 1, atol=0.01)


UNITS = {
    "counts": "counts",
    "velocity": "m/s",
    "acceleration": "m/s^2",
    "acceleration_water_level": "m/s^2",
}


@pytest.mark.parametrize("kind", UNITS)
def test_spectrograms_are_of_the_trace_that_the_settings_name_and_say_their_unit(kind):
    settings = make_settings(response={"spectrogram_trace": kind})
    segments = by_channel(KEY, record(KEY, 0, 400, (100.0, 200.0)))
    products = process(segments, KEY, settings, ONE_EPOCH)
    plain = process(segments, KEY, make_settings(), ONE_EPOCH)
    found = products.spectrograms
    assert found.unit == UNITS[kind]
    # Detection is on counts all the same.
    assert products.detections["time_on"].tolist() == plain.detections["time_on"].tolist()
    (conditioned,) = products.traces.detection
    start = round((found.window_start[0] - conditioned.start_ns) / (NS / 50))
    np.testing.assert_array_equal(found.waveform[0], conditioned.of_kind(kind)[start : start + 218])


@pytest.mark.parametrize("which", ["detection_trace", "spectrogram_trace"])
@pytest.mark.parametrize("kind", ["velocity", "acceleration", "acceleration_water_level"])
@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        (None, "no response"),
        (inventory((5000, None, 1.0)), f"no valid response for {CODE}: none of its 1 epoch"),
        (inventory((-1e6, None, 0.0)), f"no valid response for {CODE}"),
        (Inventory(), f"no valid response for {CODE}: none of its 0 epoch"),
    ],
    ids=["no StationXML", "later epoch", "zero gain", "other channel"],
)
def test_a_trace_that_needs_a_response_and_has_none_is_a_clear_error(which, kind, metadata, why):
    settings = make_settings(response={which: kind})
    with pytest.raises(BadWaveformError, match=f"a trace of {kind} needs the instrument's response: {why}"):
        process(by_channel(KEY, record(KEY, 0, 400)), KEY, settings, metadata)


def test_one_instrument_serves_settings_that_differ():
    instrument = Instrument.of(ONE_EPOCH, CODE)
    segment, settings = make_segment(noise(80_000)), make_settings()
    traces = []
    for level in (14.0, 20.0):
        chosen = make_settings(response={"water_level": level}).response
        found = condition(
            segment, settings.conditioning, KEY.start_ns, chosen, instrument, ("acceleration_water_level",)
        )
        traces.append(found.of_kind("acceleration_water_level"))
    assert traces[1].std() / traces[0].std() == pytest.approx(10 ** (6 / 20), rel=1e-3)
