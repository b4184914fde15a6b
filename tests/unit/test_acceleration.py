"""Ground acceleration: a known ground motion through a known instrument comes back, in size and in time."""

from __future__ import annotations

import numpy as np
import pytest
from obspy import UTCDateTime
from obspy.core.inventory import Channel, Inventory, Network, Station
from obspy.core.inventory.response import Response as InstrumentResponse
from scipy import fft, signal
from waveform_builders import KEY, by_channel, make_segment, make_settings, make_trace, noise, ns_at

from ris_core.contracts.station_day import NS
from ris_core.processing.chain import process
from ris_core.processing.condition import condition
from ris_core.processing.instrument import Instrument
from ris_core.synthetic.seismometer import build_inventory, response

RATE = 200.0
DECIMATIONS = ("causal_chebyshev", "zero_phase_fir")
SETTINGS = {
    name: make_settings(conditioning={"decimation": name}, detector={"threshold_on": 8, "threshold_off": 4})
    for name in DECIMATIONS
}


def counts_of(acceleration, rate: float = RATE):
    """What the synthetic instrument records of a ground acceleration (m/s²)."""
    spectrum = fft.rfft(acceleration)
    frequency = fft.rfftfreq(acceleration.size, 1 / rate)
    spectrum[1:] *= response(frequency[1:]) / (2j * np.pi * frequency[1:])
    spectrum[0] = 0
    return fft.irfft(spectrum, acceleration.size)


def packet(time, at: float, frequency: float, amplitude: float = 1e-4, width: float = 0.3):
    """A wave packet whose greatest acceleration, ``amplitude``, is reached at ``at``."""
    envelope = np.exp(-(((time - at) / width) ** 2))
    return amplitude * envelope * np.cos(2 * np.pi * frequency * (time - at))


def accelerated(segment, settings):
    """A segment conditioned with its ground acceleration, and that acceleration."""
    instrument = Instrument.of(build_inventory(settings, "S01"), "XX.S01..HHZ")
    kinds = ("peak_acceleration",)
    trace = condition(segment, settings.conditioning, KEY.start_ns, settings.response, instrument, kinds)
    return trace, trace.of_kind("peak_acceleration")


@pytest.mark.parametrize("decimation", DECIMATIONS)
@pytest.mark.parametrize("frequency", [5.0, 10.0, 15.0])
def test_a_ground_acceleration_in_the_band_is_recovered_in_size_and_time(frequency, decimation):
    settings = SETTINGS[decimation]
    time = np.arange(round(400 * RATE)) / RATE
    ground = packet(time, 200, frequency)
    _, found = accelerated(make_segment(counts_of(ground)), settings)
    around = slice(198 * 50, 202 * 50)
    wanted = ground[::4][around]
    assert np.abs(found[around]).max() == pytest.approx(1e-4, rel=0.04)
    assert np.abs(found[around] - wanted).max() < 0.05e-4


@pytest.mark.parametrize("rate", [50.0, 100.0])
def test_it_is_recovered_from_other_sampling_rates(rate):
    time = np.arange(round(400 * rate)) / rate
    ground = packet(time, 200, 8)
    settings = SETTINGS["causal_chebyshev"]
    _, found = accelerated(make_segment(counts_of(ground, rate), rate=rate), settings)
    assert np.abs(found[9900:10_100] - ground[:: round(rate / 50)][9900:10_100]).max() < 0.05e-4


@pytest.mark.parametrize("decimation", DECIMATIONS)
@pytest.mark.parametrize("frequency", [5.0, 10.0, 15.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_table_has_the_signed_peak_acceleration_of_a_detection(frequency, decimation, sign):
    settings = SETTINGS[decimation]
    time = np.arange(round(400 * RATE)) / RATE
    ground = sign * packet(time, 200, frequency) + noise(time.size, deviation=1e-7)
    trace = make_trace(ns_at(KEY, 0), np.rint(counts_of(ground)).astype(np.int32), RATE)
    products = process(by_channel(KEY, trace), KEY, settings, build_inventory(settings, "S01"))
    (row,) = products.detections.to_dict("records")
    assert row["peak_acceleration"] == pytest.approx(sign * 1e-4, rel=0.1)
    assert row["acceleration_note"] == ""


@pytest.mark.parametrize("decimation", DECIMATIONS)
@pytest.mark.parametrize("frequency", [5.0, 9.0, 15.0])
@pytest.mark.parametrize("strength", [10, 100])
def test_the_peak_acceleration_of_a_short_event_is_found_though_the_trigger_comes_after_it(
    frequency, strength, decimation
):
    settings = make_settings(conditioning={"decimation": decimation})
    time = np.arange(round(400 * RATE)) / RATE
    after = np.clip(time - 200, 0, None)
    ground = np.sin(2 * np.pi * frequency * after) * np.exp(-after / 0.03)
    ground = signal.sosfilt(signal.butter(4, [4, 15], "band", fs=RATE, output="sos"), ground)
    counts = counts_of(ground)
    scale = 100 * strength / np.abs(counts).max()
    trace = make_trace(ns_at(KEY, 0), scale * counts + noise(time.size, deviation=70), RATE)
    products = process(by_channel(KEY, trace), KEY, settings, build_inventory(settings, "S01"))
    wanted = scale * np.abs(ground).max()
    assert abs(products.detections["peak_acceleration"][0]) == pytest.approx(wanted, rel=0.3)


def detection(inventory):
    trace = make_trace(ns_at(KEY, 0), noise(200 * 50), 50.0)
    trace.data[5000:5040] += 1e4
    (row,) = process(by_channel(KEY, trace), KEY, make_settings(), inventory).detections.to_dict("records")
    return row


def inventory_with(instrument, **epoch) -> Inventory:
    place = {"latitude": 0, "longitude": 0, "elevation": 0}
    channel = Channel("HHZ", "", depth=0, response=instrument, **place, **epoch)
    return Inventory(networks=[Network("XX", stations=[Station("S01", **place, channels=[channel])])])


def without_gain(instrument: InstrumentResponse) -> InstrumentResponse:
    instrument.response_stages[0].stage_gain = 0.0
    return instrument


VELOCITY_SENSOR = InstrumentResponse.from_paz([0j, 0j], [-0.037 - 0.037j, -0.037 + 0.037j], 1e9, output_units="COUNTS")


def test_a_response_of_poles_and_zeros_is_enough():
    row = detection(inventory_with(VELOCITY_SENSOR))
    assert np.isfinite(row["peak_acceleration"])
    assert row["acceleration_note"] == ""


def test_without_a_response_there_is_no_acceleration_and_the_table_says_so():
    row = detection(None)
    assert np.isnan(row["peak_acceleration"])
    assert row["acceleration_note"] == "no response"
    assert row["outcome"] == "event"


@pytest.mark.parametrize(
    "inventory",
    [
        inventory_with(None),
        inventory_with(VELOCITY_SENSOR, start_date=UTCDateTime(2020, 1, 1)),
        inventory_with(VELOCITY_SENSOR, end_date=UTCDateTime(2010, 1, 1)),
        inventory_with(without_gain(InstrumentResponse.from_paz([0j], [-1 + 0j], 1e9))),
        Inventory(networks=[]),
    ],
    ids=["no stages", "later epoch", "earlier epoch", "zero gain", "other network"],
)
def test_a_response_that_cannot_be_used_leaves_the_detection_and_names_the_channel(inventory):
    row = detection(inventory)
    assert np.isnan(row["peak_acceleration"])
    assert row["acceleration_note"].startswith("no valid response for XX.S01..HHZ: ")
    assert row["outcome"] == "event"


def test_acceleration_is_of_the_band_alone():
    settings = SETTINGS["zero_phase_fir"]
    time = np.arange(round(400 * RATE)) / RATE
    ground = packet(time, 200, 10) + 1e-2 * np.sin(2 * np.pi * 0.3 * time)
    trace, found = accelerated(make_segment(counts_of(ground)), settings)
    assert np.abs(found[5000:15_000]).max() == pytest.approx(1e-4, rel=0.05)
    assert trace.time_ns(int(np.argmax(np.abs(found[5000:15_000]))) + 5000) == pytest.approx(
        ns_at(KEY, 200), abs=NS // 50
    )
