"""Ground noise of a station: its spectrum, its power in the band of interest, its samples."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft

from ris_core.synthetic.ice_environment import WIND_MEDIAN_M_S, Environment
from ris_core.synthetic.seeds import Stream, generator, station_key
from ris_core.synthetic.seismometer import SAMPLING_RATE, response
from ris_core.synthetic.site import FULL_WIND_M_S, WARM_C, SiteResponse

# A block of 2^19 samples (44 min) every 2^18 samples resolves waves of 15 min and follows the wind every 22 min.
BLOCK = 2**19
HOP = BLOCK // 2
# Local noise is smooth over 128 bins (0.05 Hz).
KNOT = 128
BAND_HZ = (3.0, 20.0)
BACKGROUND_DB = -138.0
WIND_DB_PER_M_S = 1.5
WIND_FROM_M_S = 5.0
PEAK_WIDTH_DECADES = 0.15
FLEXURAL_RMS_M = 0.01
FLEXURAL_BAND_HZ = (1.0 / 900.0, 1.0 / 60.0)
# Local noise of the horizontals against the vertical (choice).
HORIZONTAL_DB = 2.0
# Phase speed of flexural waves, m/s, over 500 m of water (choice), and gravity, m/s²: the slope of the shelf tilts the
# horizontals.
FLEXURAL_SPEED_M_S = 70.0
GRAVITY_M_S2 = 9.81
# Last part of the keys of horizontal noise; the vertical has none.
_HORIZONTAL_KEYS: dict[str, tuple[int, ...]] = {"Z": (), "N": (1,), "E": (2,)}

Floats = NDArray[np.float64]


def background_psd(frequency: Floats, site: SiteResponse, wind: float, warm: bool) -> Floats:
    """Return the acceleration PSD ((m/s²)²/Hz) of local noise: flat, rising with wind, coloured by the firn.

    Parameters
    ----------
    frequency : array
        Hz, above 0.
    site : SiteResponse
        The station's ground.
    wind : float
        m/s.
    warm : bool
        Whether the firn is warmer than −2 °C.
    """
    level = BACKGROUND_DB + site.noise_db + WIND_DB_PER_M_S * max(0.0, wind - WIND_FROM_M_S)
    firn = site.transfer(frequency, min(1.0, wind / FULL_WIND_M_S), warm)
    # The digitiser's anti-alias filter removes everything at the Nyquist frequency.
    antialias = np.cos(0.5 * np.pi * np.clip((frequency - 80.0) / 20.0, 0.0, 1.0)) ** 2
    return np.asarray(10.0 ** (level / 10.0) * np.abs(firn * antialias) ** 2, dtype=np.float64)


def ocean_psd(frequency: Floats, ice: float, horizontal: bool = False) -> Floats:
    """Return the acceleration PSD ((m/s²)²/Hz) of microseisms and flexural waves.

    Microseisms at 0.15 Hz fall from −112 dB over open water to −128 dB under full ice, at 0.07 Hz −120 dB; flexural
    waves of 1 cm rms at periods of 1-15 min have equal displacement power in each octave. In the horizontals, flexural
    waves appear as tilt: gravity times the slope, which is the displacement times the wavenumber.
    """
    decades = np.log10(frequency)
    double = 10.0 ** ((-112.0 - 16.0 * min(1.0, ice / 0.95)) / 10.0)
    psd = double * np.exp(-0.5 * ((decades - np.log10(0.15)) / PEAK_WIDTH_DECADES) ** 2)
    psd += 10.0**-12.0 * np.exp(-0.5 * ((decades - np.log10(0.07)) / PEAK_WIDTH_DECADES) ** 2)
    low, high = FLEXURAL_BAND_HZ
    flexural = (frequency >= low) & (frequency <= high)
    displacement = FLEXURAL_RMS_M**2 / (np.log(high / low) * frequency)
    omega = 2.0 * np.pi * frequency
    tilt = (GRAVITY_M_S2 * omega / FLEXURAL_SPEED_M_S) ** 2
    waves = displacement * (tilt if horizontal else omega**4)
    return np.asarray(psd + np.where(flexural, waves, 0.0), dtype=np.float64)


@lru_cache(maxsize=64)
def _band_power_table(site: SiteResponse) -> tuple[Floats, Floats]:
    """Return winds (m/s) and log power in 3-20 Hz (counts²), shape (2, winds): cold, warm."""
    frequency = np.arange(BAND_HZ[0], BAND_HZ[1], 0.02) + 0.01
    to_counts = np.abs(response(frequency)) ** 2 / (2.0 * np.pi * frequency) ** 2
    winds = np.arange(0.0, 40.25, 0.25)
    power = [
        [np.sum(background_psd(frequency, site, float(w), warm) * to_counts) * 0.02 for w in winds]
        for warm in (False, True)
    ]
    return winds, np.log(np.array(power))


def band_power(site: SiteResponse, wind: Floats, warm: NDArray[np.bool_]) -> Floats:
    """Return the expected noise power in 3-20 Hz (counts²) for winds in m/s."""
    winds, table = _band_power_table(site)
    log_power = np.where(warm, np.interp(wind, winds, table[1]), np.interp(wind, winds, table[0]))
    return np.asarray(np.exp(log_power), dtype=np.float64)


def reference_power(site: SiteResponse) -> float:
    """Return the noise power in 3-20 Hz (counts²) at the median wind in cold firn; event amplitudes refer to it."""
    return float(band_power(site, np.array([WIND_MEDIAN_M_S]), np.array([False]))[0])


@lru_cache(maxsize=1)
def _window() -> NDArray[np.float32]:
    # The window is power-complementary (w² + w²(half a block later) = 1) and smooth at its ends: a kink in the long
    # waves would leak into 3-20 Hz.
    n = np.arange(BLOCK) + 0.5
    return np.sin(0.5 * np.pi * np.sin(np.pi * n / BLOCK) ** 2).astype(np.float32)


@lru_cache(maxsize=1)
def _grid() -> tuple[Floats, NDArray[np.float32], NDArray[np.float32], Floats]:
    """Return the layout of a spectrum in a block.

    Returns
    -------
    knots
        Frequencies (Hz) of every 128th bin, between which the smooth local noise is interpolated.
    weights
        Position of the 128 bins between two knots, 0 to 1.
    scale
        Counts per m/s² times √(N·fs)/2 at each bin below the Nyquist frequency; 0 at 0 Hz.
    ocean
        Bins from the first to 1 Hz (Hz), where the ocean adds to the noise.
    """
    fine = np.arange(BLOCK // 2, dtype=np.float64) * (SAMPLING_RATE / BLOCK)
    scale = np.zeros(len(fine))
    scale[1:] = np.abs(response(fine[1:])) / (2.0 * np.pi * fine[1:]) * np.sqrt(BLOCK * SAMPLING_RATE) / 2.0
    knots = np.arange(BLOCK // 2 // KNOT + 1, dtype=np.float64) * (KNOT * SAMPLING_RATE / BLOCK)
    weights = np.arange(KNOT, dtype=np.float32) / np.float32(KNOT)
    return knots, weights, scale.astype(np.float32), fine[1 : int(np.searchsorted(fine, 1.0))]


def _block(
    seed: int, station: int, number: int, site: SiteResponse, environment: Environment, component: str
) -> NDArray[np.float32]:
    """Return the windowed samples of one block, counts."""
    centre = round((number * HOP + HOP) / SAMPLING_RATE * 1e9)
    wind = float(environment.at(environment.wind, centre))
    ice = float(environment.at(environment.ice, centre))
    warm = float(environment.at(environment.temperature, centre)) > WARM_C
    knots, weights, scale, ocean = _grid()
    horizontal = component != "Z"
    levels = np.sqrt(background_psd(knots, site, wind, warm)).astype(np.float32)
    if horizontal:
        levels *= np.float32(10.0 ** (HORIZONTAL_DB / 20.0))
    amplitude = (levels[:-1, None] + np.diff(levels)[:, None] * weights).ravel()
    low = amplitude[1 : 1 + len(ocean)]
    low[:] = np.sqrt(low.astype(np.float64) ** 2 + ocean_psd(ocean, ice, horizontal))
    amplitude *= scale
    rng = generator(seed, Stream.NOISE, station, number, *_HORIZONTAL_KEYS[component])
    spectrum = rng.standard_normal(BLOCK, dtype=np.float32).view(np.complex64)
    spectrum *= amplitude
    samples: NDArray[np.float32] = irfft(spectrum, BLOCK)
    samples *= _window()
    return samples


def render_noise(
    seed: int, code: str, site: SiteResponse, environment: Environment, first: int, n: int, component: str = "Z"
) -> NDArray[np.float32]:
    """Return noise samples, counts; a sample depends only on its own time, not on the requested window.

    Gaussian noise is shaped in the frequency domain in blocks. The number of a block is part of its seed, and blocks
    are cross-faded at constant power.

    Parameters
    ----------
    seed : int
        Generator seed.
    code : str
        Station code.
    site, environment : SiteResponse, Environment
        The station's ground and the weather.
    first, n : int
        First sample, counted at 200 Hz from 1970, and number of samples.
    component : str
        Z, N or E; the noise of each is independent of that of the others.
    """
    samples = np.zeros(n, dtype=np.float32)
    station = station_key(code)
    for number in range(first // HOP - 1, (first + n - 1) // HOP + 1):
        begin = number * HOP
        low, high = max(begin, first), min(begin + BLOCK, first + n)
        if low < high:
            block = _block(seed, station, number, site, environment, component)
            samples[low - first : high - first] += block[low - begin : high - begin]
    return samples
