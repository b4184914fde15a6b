"""Responses that are broken, or hold for a part of the time: the right value, or NaN with the reason."""

from __future__ import annotations

import io
import re
from copy import deepcopy

import numpy as np
import pytest
from obspy import Inventory, UTCDateTime, read_inventory
from obspy.core.inventory.response import (
    FIRResponseStage,
    PolynomialResponseStage,
    ResponseListElement,
    ResponseListResponseStage,
    ResponseStage,
)
from obspy.core.inventory.util import Frequency
from waveform_builders import KEY, by_channel, make_settings, make_trace, noise, ns_at

from ris_core.processing.chain import process
from ris_core.processing.condition import BadWaveformError
from ris_core.processing.usable_response import ground_unit
from ris_core.synthetic.seismometer import SENSITIVITY, build_inventory

RATE, FREQUENCY = 200.0, 8.0
# Velocity of 1e-5 m/s at 8 Hz, in counts of the synthetic instrument.
COUNTS, ACCELERATION = 1e-5 * SENSITIVITY, 2 * np.pi * FREQUENCY * 1e-5
SETTINGS = make_settings(detector={"threshold_on": 8, "threshold_off": 4})


def record(*times: float):
    """Noise with packets of 8 Hz."""
    time = np.arange(round(700 * RATE)) / RATE
    waves = [np.exp(-(((time - at) / 0.3) ** 2)) * np.cos(2 * np.pi * FREQUENCY * (time - at)) for at in times]
    samples = COUNTS * (np.sum(waves, axis=0) + noise(time.size, deviation=1e-3))
    return make_trace(ns_at(KEY, 0), np.rint(samples).astype(np.int32), RATE)


def products(inventory: Inventory, *times: float, settings=SETTINGS):
    written = io.BytesIO()
    inventory.write(written, format="STATIONXML")
    written.seek(0)
    return process(by_channel(KEY, record(*times)), KEY, settings, read_inventory(written, format="STATIONXML"))


def rows(inventory: Inventory, *times: float):
    return products(inventory, *(times or (300.0,))).detections.to_dict("records")


def changed(change) -> Inventory:
    inventory = build_inventory(SETTINGS, "S01")
    change(inventory[0][0][0].response)
    return inventory


def units(response, name: str, per_metre: float = 1.0) -> None:
    for part in (response.response_stages[0], response.instrument_sensitivity):
        part.input_units = name
    response.response_stages[0].stage_gain /= per_metre
    response.instrument_sensitivity.value /= per_metre


def listed(response, frequencies) -> None:
    elements = [ResponseListElement(f, 1.0, 0.0) for f in frequencies]
    response.response_stages = [
        ResponseListResponseStage(1, SENSITIVITY, 5.0, "M/S", "COUNTS", response_list_elements=elements)
    ]


def polynomial(response, *coefficients: float) -> None:
    response.response_stages = [
        PolynomialResponseStage(1, 1.0, 1.0, "M/S", "COUNTS", 0.1, 50, -1e6, 1e6, 0, list(coefficients))
    ]
    response.instrument_sensitivity = None


def gain_alone(response) -> None:
    last = response.response_stages[-1]
    last.stage_sequence_number = 3
    response.response_stages.insert(1, ResponseStage(2, 1.0, 5.0, None, None))


@pytest.mark.parametrize(
    "change",
    [
        lambda r: None,
        gain_alone,
        lambda r: listed(r, (1, 2, 4, 8, 16, 30)),
        lambda r: listed(r, (1, 2, 4, 8, 16, 20)),
        lambda r: polynomial(r, 0.0, 1 / SENSITIVITY),
        lambda r: units(r, "m/s"),
        lambda r: units(r, "M/SEC"),
        lambda r: units(r, "NM/S", 1e9),
        lambda r: units(r, "cm/sec", 1e2),
        lambda r: setattr(r.response_stages[0], "input_units", None),
        lambda r: setattr(r, "instrument_sensitivity", None),
    ],
    ids=[
        "as it is", "gain-only stage", "list", "list to the corner", "polynomial", "lower case", "seconds", "nm", "cm",
        "unit of the sensitivity alone", "no sensitivity",
    ],
)  # fmt: skip
def test_a_response_that_says_enough_gives_the_right_value(change):
    (row,) = rows(changed(change))
    assert abs(row["peak_acceleration"]) == pytest.approx(ACCELERATION, rel=0.02)
    assert row["acceleration_note"] == ""


def last_stage(response, **values) -> None:
    for name, value in values.items():
        setattr(response.response_stages[-1], name, value)


def without_digitiser(response) -> None:
    del response.response_stages[-1]


def fir_without_decimation(response) -> None:
    response.response_stages.append(
        FIRResponseStage(3, 1.0, 5.0, "COUNTS", "COUNTS", coefficients=[0.5, 0.5], symmetry="NONE")
    )


def normalised(factor: float):
    return lambda r: setattr(r.response_stages[0], "normalization_factor", factor)


def gained(stage: int, gain: float):
    return lambda r: setattr(r.response_stages[stage], "stage_gain", gain)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda r: units(r, "Pa"), "its input unit is 'Pa', which is no unit of ground motion"),
        (lambda r: units(r, "V"), "its input unit is 'V', which is no unit of ground motion"),
        (lambda r: units(r, "M/M"), "its input unit is 'M/M', which is no unit of ground motion"),
        (lambda r: units(r, "rad/s"), "its input unit is 'rad/s', which is no unit of ground motion"),
        (
            lambda r: setattr(r.response_stages[0], "input_units", "M/S**2"),
            r"its input unit is 'M/S\*\*2' in the first stage and 'M/S' in the overall sensitivity",
        ),
        (without_digitiser, "its output unit is 'V', not counts: the digitiser's stage is missing"),
        (lambda r: setattr(r, "response_stages", []), "it has no stages, only an overall sensitivity"),
        (lambda r: last_stage(r, stage_sequence_number=3), "stage 2 of 3 is missing"),
        (lambda r: last_stage(r, stage_sequence_number=2**64), "stage 2 of 18446744073709551616 is missing"),
        (gained(0, 0.0), "stage 1 has a gain of 0"),
        (gained(0, float("nan")), "stage 1 has a gain of nan"),
        (gained(1, float("inf")), "stage 2 has a gain of inf"),
        (gained(1, 1.0), "its stages give 1200 counts .* states 5.04e[+]08: a stage is missing or wrong"),
        (fir_without_decimation, "stage 3 is a digital filter that does not say its sampling rate"),
        (normalised(0.0), "its gain is absurd: 0 "),
        (normalised(1e-320), "its gain is absurd"),
        (normalised(1e300), "its gain is absurd"),
        (normalised(float("nan")), "its gain is absurd: nan"),
        (normalised(1e-9), "its stages give 0.504 counts .* states 5.04e[+]08: a stage is missing or wrong"),
        (lambda r: polynomial(r, 0.0, 1e-9, 1e-15), "ObsPy cannot evaluate it .*3 coefficients"),
        (lambda r: listed(r, (1, 2, 4, 8, 16)), "its list of responses covers 1-16 Hz, and the band 3-20 Hz is needed"),
        (lambda r: listed(r, (2, 30)), "ObsPy cannot evaluate it"),
    ],
    ids=[
        "pressure", "volts", "strain", "rotation", "two input units", "no digitiser", "no stages", "a stage missing",
        "an absurd stage",
        "zero gain", "gain not a number", "infinite gain", "gain of the digitiser missing", "FIR without decimation",
        "normalised by 0", "denormal", "overflow", "not a number", "absurd", "curved polynomial", "list too short",
        "list of two",
    ],
)  # fmt: skip
def test_a_response_that_says_too_little_or_contradicts_itself_gives_nan_and_the_reason(change, why):
    (row,) = rows(changed(change))
    assert np.isnan(row["peak_acceleration"])
    assert row["outcome"] == "event"
    assert re.match(f"no valid response for XX.S01..HHZ: {why}", row["acceleration_note"]), row["acceleration_note"]


@pytest.mark.parametrize("kind", ["velocity", "acceleration", "acceleration_water_level"])
def test_a_trace_that_needs_the_response_of_a_pressure_sensor_fails_and_names_the_unit(kind):
    settings = make_settings(response={"spectrogram_trace": kind})
    with pytest.raises(BadWaveformError, match=f"a trace of {kind} needs .* its input unit is 'Pa'"):
        products(changed(lambda r: units(r, "Pa")), 300.0, settings=settings)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("M", ("M", 1)), ("nm", ("M", 1e9)), ("M/S", ("M/S", 1)), ("m/sec", ("M/S", 1)), ("MM/S", ("M/S", 1e3)),
        ("µm/s", ("M/S", 1e6)), ("um/s", ("M/S", 1e6)), ("M/S**2", ("M/S**2", 1)), ("M/(S**2)", ("M/S**2", 1)),
        ("m/s^2", ("M/S**2", 1)), ("M/S/S", ("M/S**2", 1)), ("NM/SEC**2", ("M/S**2", 1e9)), ("m/s2", ("M/S**2", 1)),
        ("CM/(SEC**2)", ("M/S**2", 1e2)),
        ("Pa", None), ("V", None), ("M/M", None), ("M**3/M**3", None), ("M/S**3", None),
        ("rad/s", None), ("counts", None), ("", None), (None, None), ("KM/S", None),
    ],
)  # fmt: skip
def test_units_of_ground_motion_in_their_spellings(name, known):
    found = ground_unit(name)
    assert (found is None) == (known is None)
    if known:
        assert found[0] == known[0]
        assert found[1] == pytest.approx(known[1])


def test_acceleration_in_centimetres_is_not_taken_for_metres():
    # ObsPy knows CM/SEC**2 as acceleration, but not its factor.
    def change(response):
        units(response, "CM/SEC**2", 1e2)

    (plain,) = rows(changed(lambda r: units(r, "M/S**2")))
    (row,) = rows(changed(change))
    assert row["peak_acceleration"] == pytest.approx(plain["peak_acceleration"], rel=1e-6)


def epochs(*described) -> Inventory:
    """Epochs of (start, end, factor of the gain), times in s of the day."""
    inventory = build_inventory(SETTINGS, "S01")
    (channel,) = inventory[0][0].channels
    inventory[0][0].channels = []
    for start, end, factor in described:
        one = deepcopy(channel)
        one.start_date = UTCDateTime(ns=ns_at(KEY, start))
        one.end_date = None if end is None else UTCDateTime(ns=ns_at(KEY, end))
        one.response.response_stages[0].stage_gain *= factor
        one.response.instrument_sensitivity.value *= factor
        inventory[0][0].channels.append(one)
    return inventory


def test_within_a_segment_each_event_has_the_response_of_its_own_time():
    found = rows(epochs((-1e6, 400, 1.0), (400, None, 2.0)), 200.0, 500.0)
    assert [abs(row["peak_acceleration"]) for row in found] == pytest.approx([ACCELERATION, ACCELERATION / 2], rel=0.02)


def test_epochs_that_overlap_are_ambiguous_where_they_do_and_nowhere_else():
    before, after = rows(epochs((-1e6, None, 1.0), (400, None, 10.0)), 200.0, 500.0)
    assert abs(before["peak_acceleration"]) == pytest.approx(ACCELERATION, rel=0.02)
    assert np.isnan(after["peak_acceleration"])
    assert "2 epochs with different responses hold at 2015-01-10T" in after["acceleration_note"]
    assert "end one of them in the StationXML" in after["acceleration_note"]


def test_epochs_that_overlap_with_the_same_response_are_one():
    for row in rows(epochs((-1e6, None, 1.0), (400, None, 1.0)), 200.0, 500.0):
        assert abs(row["peak_acceleration"]) == pytest.approx(ACCELERATION, rel=0.02)


def test_an_event_between_two_epochs_has_none():
    first, second = rows(epochs((-1e6, 400, 1.0), (600, None, 1.0)), 200.0, 500.0)
    assert abs(first["peak_acceleration"]) == pytest.approx(ACCELERATION, rel=0.02)
    assert second["acceleration_note"].startswith("no valid response for XX.S01..HHZ: none of its 2 epoch(s)")


def test_the_padding_of_a_day_needs_no_epoch_of_its_own():
    time = ns_at(KEY, -300)
    trace = record(350.0)
    trace.stats.starttime = UTCDateTime(ns=time)
    settings = make_settings(
        detector={"threshold_on": 8, "threshold_off": 4}, response={"spectrogram_trace": "velocity"}
    )
    found = process(by_channel(KEY, trace), KEY, settings, epochs((0, None, 1.0)))
    assert abs(found.detections["peak_acceleration"][0]) == pytest.approx(ACCELERATION, rel=0.02)


def test_a_velocity_trace_is_put_together_of_the_epochs_it_lasts():
    settings = make_settings(
        detector={"threshold_on": 8, "threshold_off": 4}, response={"spectrogram_trace": "velocity"}
    )
    whole = products(epochs((-1e6, None, 1.0)), 200.0, 500.0, settings=settings).spectrograms.waveform
    parts = products(epochs((-1e6, 400, 1.0), (400, None, 2.0)), 200.0, 500.0, settings=settings).spectrograms.waveform
    np.testing.assert_array_equal(parts[0], whole[0])
    np.testing.assert_allclose(parts[1], whole[1] / 2, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        (
            lambda r: last_stage(r, decimation_input_sample_rate=Frequency(100.0)),
            "it is one for 100 Hz, and the samples come at 200 Hz",
        ),
        (
            lambda r: setattr(r.instrument_sensitivity, "value", 1.2 * SENSITIVITY),
            "its stages give 5.04e[+]08 counts per unit of ground motion at 5 Hz, it states 6.048e[+]08",
        ),
    ],
)
def test_what_is_odd_about_a_response_that_is_used_is_said(change, remark):
    found = products(changed(change), 300.0)
    assert abs(found.detections["peak_acceleration"][0]) == pytest.approx(ACCELERATION, rel=0.02)
    assert len(found.remarks) == 1
    assert re.match(f"response of XX.S01..HHZ: {remark}", found.remarks[0])
    assert products(build_inventory(SETTINGS, "S01"), 300.0).remarks == []
