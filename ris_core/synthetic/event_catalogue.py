"""The truth catalogue: all events of one station over all days, drawn from the seed without any waveform."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from obspy.geodetics import gps2dist_azimuth

from ris_core.config import StationSettings, SyntheticSettings
from ris_core.synthetic.families import CODES, FAMILIES, STICK_SLIP_HZ, Shapes, draw_shapes, draw_snr, glide_limit
from ris_core.synthetic.ice_environment import DAY_NS, Environment, build_environment, day_ns
from ris_core.synthetic.noise import band_power, reference_power
from ris_core.synthetic.polarisation import back_azimuths
from ris_core.synthetic.rates import (
    STICK_SLIP_INTERVAL_CV,
    Clock,
    clustered_times,
    poisson_times,
    rate_law,
    renewal_times,
)
from ris_core.synthetic.seeds import Stream, generator, station_key
from ris_core.synthetic.site import WARM_C, build_site

# Outside the network: distance from its outermost station.
REGIONAL_DISTANCE_KM = (150.0, 800.0)
REGIONAL_SPEED_KM_S = 6.0
# Amplitude falls as distance to this power: geometrical spreading and some attenuation.
REGIONAL_DECAY = 1.5
# Half of the window of 0.5 s in which an event's strength is measured.
HALF_WINDOW_S = 0.25
# E-foldings of the coda after which an event is 3 dB or 20 dB below its peak.
THREE_DB = 0.5 * float(np.log(2.0))
TWENTY_DB = float(np.log(10.0))

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

_SHAPE_COLUMNS = tuple(f.name for f in fields(Shapes))


def network_environment(source: SyntheticSettings, stations: tuple[StationSettings, ...]) -> Environment:
    """Return the environment that all stations share; local time is that of the stations' mean longitude."""
    angles = np.deg2rad([s.position[1] for s in stations])
    longitude = float(np.rad2deg(np.arctan2(np.sin(angles).mean(), np.cos(angles).mean())))
    return build_environment(source.seed, source.catalogue_first_day, source.catalogue_last_day, longitude)


def _table(family: str, number: NDArray[np.int64], time: Times, snr: Floats, shapes: Shapes) -> pd.DataFrame:
    table = pd.DataFrame({name: getattr(shapes, name) for name in _SHAPE_COLUMNS})
    table.insert(0, "family_code", np.int64(CODES[family]))
    table.insert(1, "number", number)
    table.insert(2, "onset", time)
    table.insert(3, "amplitude_db", snr)
    return table


def _local(
    family: str, share: float, source: SyntheticSettings, environment: Environment, code: str, expected_all: float
) -> pd.DataFrame:
    rng = generator(source.seed, Stream.OCCURRENCE, station_key(code), CODES[family])
    first, last = source.catalogue_first_day, source.catalogue_last_day
    law = rate_law(family, environment, source.novelty_from)
    expected = share * expected_all
    clusters = None
    patches = None
    if family == "stick_slip":
        clock = Clock(law, environment, first, last, expected / len(STICK_SLIP_HZ))
        slips = [renewal_times(rng, clock, STICK_SLIP_INTERVAL_CV) for _ in STICK_SLIP_HZ]
        time = np.concatenate(slips)
        patches = np.repeat(np.arange(len(slips)), [len(s) for s in slips])
        order = np.argsort(time, kind="stable")
        time, patches = time[order], patches[order]
    elif family == "tremor":
        clock = Clock(law, environment, first, last, expected)
        time, clusters = clustered_times(rng, clock, day_ns(last) + DAY_NS)
    else:
        time = poisson_times(rng, Clock(law, environment, first, last, expected))
    n = len(time)
    shapes = draw_shapes(family, rng, n)
    table = _table(family, np.arange(n, dtype=np.int64), time, draw_snr(rng, n), shapes)
    if patches is not None:
        table["variant"] = patches
        table["frequency"] = np.array(STICK_SLIP_HZ)[patches]
    variant = table["variant"].to_numpy()
    table["back_azimuth"] = back_azimuths(source.seed, station_key(code), family, variant)
    if clusters is not None and n:
        # One cluster is one active source: its events share a fundamental within some per cent.
        base = table["frequency"].to_numpy()[np.searchsorted(np.unique(clusters), clusters)]
        table["frequency"] = base * np.exp(0.05 * rng.standard_normal(n))
        limit = glide_limit(table["frequency"].to_numpy(), table["span"].to_numpy())
        table["sweep"] = np.clip(table["sweep"].to_numpy(), -limit, limit)
    return table


def _regional(
    share: float, source: SyntheticSettings, environment: Environment, stations: tuple[StationSettings, ...], code: str
) -> pd.DataFrame:
    """Return the network's regional events as one station records them: later and weaker with distance."""
    rng = generator(source.seed, Stream.OCCURRENCE, 0, CODES["regional"])
    first, last = source.catalogue_first_day, source.catalogue_last_day
    expected = share * source.events_per_day * ((last - first).days + 1)
    clock = Clock(rate_law("regional", environment, source.novelty_from), environment, first, last, expected)
    origin = poisson_times(rng, clock)
    n = len(origin)
    shapes, snr = draw_shapes("regional", rng, n), draw_snr(rng, n)
    positions = _positions_km(stations)
    aperture = max(float(np.hypot(x, y)) for x, y in positions.values())
    low, high = (aperture + distance for distance in REGIONAL_DISTANCE_KM)
    radius = np.sqrt(rng.uniform(low**2, high**2, n))
    azimuth = rng.uniform(0.0, 2.0 * np.pi, n)
    east, north = radius * np.sin(azimuth), radius * np.cos(azimuth)
    distances = {name: np.hypot(east - x, north - y) for name, (x, y) in positions.items()}
    distance = distances[code]
    weaker = 20.0 * REGIONAL_DECAY * np.log10(distance / np.mean(list(distances.values()), axis=0))
    # Ground motion is the same everywhere; a station with more noise records a smaller ratio.
    louder = 10.0 * np.log10(reference_power(build_site(source.seed, code)))
    typical = np.mean([10.0 * np.log10(reference_power(build_site(source.seed, s.code))) for s in stations])
    onset = origin + (distance / REGIONAL_SPEED_KM_S * 1e9).astype(np.int64)
    table = _table("regional", np.arange(n, dtype=np.int64), onset, snr - weaker - (louder - typical), shapes)
    x, y = positions[code]
    table["back_azimuth"] = np.rad2deg(np.arctan2(east - x, north - y)) % 360.0
    return table[onset < day_ns(last) + DAY_NS]


def _positions_km(stations: tuple[StationSettings, ...]) -> dict[str, tuple[float, float]]:
    """Return km east and north of the network's centre, on the plane that touches the Earth at its first station."""
    origin = stations[0]
    positions = {}
    for station in stations:
        distance, azimuth, _ = gps2dist_azimuth(*origin.position, *station.position)
        angle = np.deg2rad(azimuth)
        positions[station.code] = (distance / 1e3 * float(np.sin(angle)), distance / 1e3 * float(np.cos(angle)))
    centre = np.mean(list(positions.values()), axis=0)
    return {code: (x - float(centre[0]), y - float(centre[1])) for code, (x, y) in positions.items()}


@lru_cache(maxsize=4)
def station_catalogue(source: SyntheticSettings, stations: tuple[StationSettings, ...], code: str) -> pd.DataFrame:
    """Return all events of one station over the catalogue, sorted by onset; do not change the table.

    Families occur independently at every station, with the shares of `FAMILIES` on average over the catalogue, except
    regional events (the same at all stations) and cultural ones (only at the first station, the camp).

    Returns
    -------
    DataFrame
        `family_code`, `number` (of the source within family and station), `onset` (ns since 1970),
        `amplitude_db` (strength against the station's noise at median wind, dB), `snr_db` (against the noise of
        the hour), the shape columns of `Shapes`, `back_azimuth` (direction to the source, degrees clockwise
        from north), and `peak`, `sustained` and `end` (ns since 1970; `SyntheticNetwork.truth` defines them).
    """
    environment = network_environment(source, stations)
    days = (source.catalogue_last_day - source.catalogue_first_day).days + 1
    tables = []
    for family in FAMILIES:
        if family.name == "regional":
            tables.append(_regional(family.share, source, environment, stations, code))
        elif family.name != "cultural" or code == stations[0].code:
            expected = source.events_per_day * days
            tables.append(_local(family.name, family.share, source, environment, code, expected))
    table = pd.concat(tables, ignore_index=True).sort_values(["onset", "family_code", "number"], ignore_index=True)

    site = build_site(source.seed, code)
    onset = table["onset"].to_numpy()
    warm = environment.at(environment.temperature, onset) > WARM_C
    power = band_power(site, environment.at(environment.wind, onset), warm)
    excess = 10.0 * np.log10(power / reference_power(site))
    table["snr_db"] = table["amplitude_db"] - excess
    rise, span, decay = (table[name].to_numpy() for name in ("rise", "span", "decay"))
    chirps = np.isin(table["family_code"].to_numpy(), [CODES["rift"], CODES["novelty"]])
    centre = np.maximum(np.where(chirps, rise + 0.5 * span, rise), HALF_WINDOW_S)
    table["peak"] = onset + (centre * 1e9).astype(np.int64)
    table["sustained"] = onset + (np.maximum(rise + span + THREE_DB * decay, centre) * 1e9).astype(np.int64)
    table["end"] = onset + ((rise + span + TWENTY_DB * decay) * 1e9).astype(np.int64)
    return table


def catalogue_between(table: pd.DataFrame, start: int, stop: int) -> pd.DataFrame:
    """Return the events of a station's catalogue with an onset in [start, stop), ns since 1970."""
    onset = table["onset"].to_numpy()
    low, high = np.searchsorted(onset, [start, stop])
    return table.iloc[int(low) : int(high)]


def check_day(source: SyntheticSettings, day: date) -> None:
    """Raise `ValueError` if a day lies outside the truth catalogue."""
    if not source.catalogue_first_day <= day <= source.catalogue_last_day:
        raise ValueError(
            f"{day} lies outside the truth catalogue, {source.catalogue_first_day} ... {source.catalogue_last_day}"
        )
