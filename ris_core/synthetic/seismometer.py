"""The broadband sensor and digitiser of every synthetic station."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from obspy import UTCDateTime
from obspy.core.inventory import Channel, Inventory, Network, Site, Station
from obspy.core.inventory.response import (
    CoefficientsTypeResponseStage,
    InstrumentSensitivity,
    PolesZerosResponseStage,
    Response,
)

from ris_core.config import SYNTHETIC_COMPONENTS, SYNTHETIC_RATE, Settings, StationSettings
from ris_core.synthetic.ice_environment import day_ns

SAMPLING_RATE = SYNTHETIC_RATE
SENSITIVITY = 5.04e8
SENSOR_GAIN = 1200.0
CORNER_S = 120.0
DAMPING = 0.707
REFERENCE_HZ = 5.0

# Azimuth and dip of each component, degrees.
_ORIENTATION = {"Z": (0.0, -90.0), "N": (0.0, 0.0), "E": (90.0, 0.0)}

_OMEGA = 2.0 * np.pi / CORNER_S
POLES = (
    complex(-DAMPING * _OMEGA, _OMEGA * np.sqrt(1.0 - DAMPING**2)),
    complex(-DAMPING * _OMEGA, -_OMEGA * np.sqrt(1.0 - DAMPING**2)),
)
ZEROS = (0j, 0j)


def _shape(frequency: NDArray[np.float64]) -> NDArray[np.complex128]:
    s = 2j * np.pi * frequency
    return np.asarray(s**2 / ((s - POLES[0]) * (s - POLES[1])), dtype=np.complex128)


_NORMALISATION = 1.0 / abs(complex(_shape(np.array([REFERENCE_HZ]))[0]))


def response(frequency: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return counts per m/s at frequencies in Hz: two zeros at 0 and the 120 s pole pair, flat to velocity above."""
    return SENSITIVITY * _NORMALISATION * _shape(frequency)


def build_inventory(settings: Settings, code: str) -> Inventory:
    """Return the metadata of one station with its response, ready to be written as StationXML."""
    station = settings.station(code)
    source = settings.source
    if source.kind != "synthetic":
        raise ValueError(f"source.kind is '{source.kind}'; the synthetic network needs 'synthetic'")
    start = UTCDateTime(ns=day_ns(source.catalogue_first_day)) - 86400
    end = UTCDateTime(ns=day_ns(source.catalogue_last_day)) + 2 * 86400
    stages = [
        PolesZerosResponseStage(
            stage_sequence_number=1,
            stage_gain=SENSOR_GAIN,
            stage_gain_frequency=REFERENCE_HZ,
            input_units="M/S",
            output_units="V",
            pz_transfer_function_type="LAPLACE (RADIANS/SECOND)",
            normalization_frequency=REFERENCE_HZ,
            normalization_factor=_NORMALISATION,
            zeros=list(ZEROS),
            poles=list(POLES),
        ),
        CoefficientsTypeResponseStage(
            stage_sequence_number=2,
            stage_gain=SENSITIVITY / SENSOR_GAIN,
            stage_gain_frequency=REFERENCE_HZ,
            input_units="V",
            output_units="COUNTS",
            cf_transfer_function_type="DIGITAL",
            numerator=[],
            denominator=[],
            decimation_input_sample_rate=SAMPLING_RATE,
            decimation_factor=1,
            decimation_offset=0,
            decimation_delay=0.0,
            decimation_correction=0.0,
        ),
    ]
    channels = [_channel(settings, station, channel, start, end, stages) for channel in settings.channels]
    described = Station(
        code=code,
        latitude=station.position[0],
        longitude=station.position[1],
        elevation=station.elevation,
        site=Site(name="synthetic ice-shelf site"),
        channels=channels,
        start_date=start,
        end_date=end,
    )
    network = Network(code=settings.network.code, description=settings.network.title, stations=[described])
    return Inventory(networks=[network], source="ris_core.synthetic")


def _channel(
    settings: Settings, station: StationSettings, code: str, start: UTCDateTime, end: UTCDateTime, stages: list[Any]
) -> Channel:
    azimuth, dip = _ORIENTATION[SYNTHETIC_COMPONENTS[code[-1]]]
    return Channel(
        code=code,
        location_code=settings.location,
        latitude=station.position[0],
        longitude=station.position[1],
        elevation=station.elevation,
        depth=0.0,
        azimuth=azimuth,
        dip=dip,
        sample_rate=SAMPLING_RATE,
        start_date=start,
        end_date=end,
        response=Response(
            instrument_sensitivity=InstrumentSensitivity(SENSITIVITY, REFERENCE_HZ, "M/S", "COUNTS"),
            response_stages=stages,
        ),
    )
