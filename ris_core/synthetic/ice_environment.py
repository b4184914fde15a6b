"""Hourly weather, sea ice, swell and tide of the synthetic network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import ndtr

from ris_core.synthetic.seeds import Stream, generator
from ris_core.synthetic.tide import tide

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
WIND_SHAPE = 1.8
WIND_SCALE_M_S = 6.0
# Median of the Weibull distribution; event amplitudes refer to this wind.
WIND_MEDIAN_M_S = WIND_SCALE_M_S * float(np.log(2.0)) ** (1.0 / WIND_SHAPE)

Floats = NDArray[np.float64]


def day_ns(day: date) -> int:
    """Return 00:00 UTC of a day, ns since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000


@dataclass(frozen=True, eq=False)
class Environment:
    """Hourly series from one day before the catalogue to one day after it.

    Attributes
    ----------
    time : int array of shape (N,)
        ns since 1970, UTC.
    temperature, wind, ice, wave_height, tide, tilt : arrays of shape (N,)
        °C, m/s, fraction, m (significant), m, µrad (positive seaward).
    local_hour : array of shape (N,)
        Mean solar time of the network, hours.
    """

    time: NDArray[np.int64]
    temperature: Floats
    wind: Floats
    ice: Floats
    wave_height: Floats
    tide: Floats
    tilt: Floats
    local_hour: Floats

    def at(self, values: Floats, time: NDArray[np.int64] | int) -> Floats:
        """Return one of the series, interpolated linearly at times in ns since 1970."""
        start = int(self.time[0])
        return np.interp((np.asarray(time, dtype=np.int64) - start) / HOUR_NS, np.arange(len(self.time)), values)

    def frame(self, first_day: date, last_day: date) -> pd.DataFrame:
        """Return the hourly table of the days, both inclusive; the time is UTC."""
        inside = (self.time >= day_ns(first_day)) & (self.time < day_ns(last_day) + DAY_NS)
        return pd.DataFrame(
            {
                "time": pd.to_datetime(self.time[inside], utc=True),
                "temperature_c": self.temperature[inside],
                "wind_m_s": self.wind[inside],
                "ice_concentration": self.ice[inside],
                "significant_wave_height_m": self.wave_height[inside],
                "tide_m": self.tide[inside],
                "tilt": self.tilt[inside],
            }
        )


def _red_noise(rng: np.random.Generator, n: int, correlation_hours: float) -> Floats:
    """Return n hourly samples of a stationary AR(1) process, zero mean, unit variance, e-folding time in hours."""
    phi = np.exp(-1.0 / correlation_hours)
    innovations = rng.standard_normal(n) * np.sqrt(1.0 - phi**2)
    innovations[0] /= np.sqrt(1.0 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], innovations), dtype=np.float64)


def _ice_concentration(day_of_year: Floats) -> Floats:
    """Return .95 from April to November, .1 in February; each flank rises from 10 to 90 % of the change in 25 days."""
    steepness = 2.0 * np.log(9.0) / 25.0
    # Days since 1 July, so that the open-water season lies inside one period.
    season = np.mod(day_of_year - 182.0, 365.25)
    breakup, freeze = 184.0, 257.0  # about 1 January and 15 March
    opened = 1.0 / (1.0 + np.exp(-steepness * (season - breakup)))
    frozen = 1.0 / (1.0 + np.exp(-steepness * (season - freeze)))
    return np.asarray(0.95 - 0.85 * opened * (1.0 - frozen), dtype=np.float64)


@lru_cache(maxsize=4)
def build_environment(seed: int, first_day: date, last_day: date, longitude: float) -> Environment:
    """Return the hourly environment of a generator seed.

    Temperature −25 + 15 cos(2π(d − 10)/365.25) °C with a diurnal wave of 3 °C in summer (warmest at 15 h local time)
    and AR(1) weather of 5 °C, 3 d; wind Weibull(1.8, 6 m/s), 18 h; significant wave height lognormal(2.5 m, .4), 2 d.

    Parameters
    ----------
    seed : int
        Generator seed.
    first_day, last_day : date
        Days of the truth catalogue, inclusive.
    longitude : float
        Mean longitude of the network, degrees east; sets the local time.
    """
    start = day_ns(first_day - timedelta(days=1))
    n = ((last_day - first_day).days + 3) * 24 + 1
    time = start + np.arange(n, dtype=np.int64) * HOUR_NS
    stamps = pd.to_datetime(time, utc=True)
    hour = np.asarray(stamps.hour, dtype=np.float64)
    day_of_year = np.asarray(stamps.dayofyear, dtype=np.float64) + hour / 24.0
    local_hour = np.mod(hour + longitude / 15.0, 24.0)

    rng = generator(seed, Stream.WEATHER)
    season = np.cos(2.0 * np.pi * (day_of_year - 10.0) / 365.25)
    diurnal = 3.0 * np.maximum(0.0, season) * np.cos(2.0 * np.pi * (local_hour - 15.0) / 24.0)
    temperature = -25.0 + 15.0 * season + diurnal + 5.0 * _red_noise(rng, n, 72.0)
    calm = 1.0 - ndtr(_red_noise(rng, n, 18.0))
    wind = WIND_SCALE_M_S * (-np.log(calm)) ** (1.0 / WIND_SHAPE)
    wave_height = 2.5 * np.exp(0.4 * _red_noise(rng, n, 48.0))
    height, tilt = tide(seed, time / HOUR_NS)
    return Environment(time, temperature, wind, _ice_concentration(day_of_year), wave_height, height, tilt, local_hour)
