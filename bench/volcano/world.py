"""The places of one volcano: stations with their sites, the ground between, the air, and where events happen.

Everything is drawn from the generator's seed. Local velocities and quality factors are those of shallow volcanic
ground, slow and strongly attenuating (Chouet 1996, Nature 380; McNutt 2005, Annu. Rev. Earth Planet. Sci. 33); the
numbers within are choices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 100
"""Sampling rate, Hz."""
BAND_HZ = (0.5, 25.0)
"""Strengths and energies of events and noise refer to this band, that of the preset `volcano`."""
FAMILIES = ("lp", "vt", "hybrid", "tremor", "explosion", "rockfall", "regional", "tornillo", "deep_lp")
MOST_STATIONS = 4
NOISE_COUNTS = 200.0
"""Root mean square of the noise of an average site in calm air in the band, counts."""
REFERENCE_KM = 2.5
"""Strengths of events at the volcano are those at this distance from the vent, on rock."""
CRUST_P_KM_S, CRUST_S_KM_S = 6.0, 3.46
_VERSION = 1
_DISTANCES_KM = ((1.0, 1.8), (2.0, 3.0), (3.2, 4.4), (4.6, 6.0))
_STREAMS = ("world", "catalogue", "source", "path", "noise", "coda")

Floats = NDArray[np.float64]


def generator_of(seed: int, stream: str, *numbers: int) -> np.random.Generator:
    """Return the random numbers of one purpose of a world."""
    return np.random.default_rng([seed, _VERSION, _STREAMS.index(stream), *numbers])


@dataclass(frozen=True, eq=False)
class Site:
    """A station and the ground below it.

    Attributes
    ----------
    code, position
        Station code; east, north and depth below the vent, km.
    gain
        Factor to the motion on rock.
    layer_s, reflection
        Two-way time in the soft layer, s, and reflection coefficient at its bottom: the layer reverberates.
    kappa_s
        Attenuation right below the station: amplitudes fall as exp(-pi f kappa).
    coda_s
        E-folding time of the amplitude of scattered waves below and above 4 Hz, s.
    coupling
        How strongly a pressure wave in the air shakes the ground here, relative to an average site.
    noise_db, wind_db
        Level of the steady noise, and of that of the wind, relative to an average site.
    near_road
        Whether people are near.
    """

    code: str
    position: Floats
    gain: float
    layer_s: float
    reflection: float
    kappa_s: float
    coda_s: tuple[float, float]
    coupling: float
    noise_db: float
    wind_db: float
    near_road: bool

    def response(self, frequency: Floats) -> NDArray[np.complex128]:
        """Return the site's transfer function: gain, reverberation of a soft layer, attenuation below it."""
        layer = (1 + self.reflection) / (1 + self.reflection * np.exp(-2j * np.pi * frequency * self.layer_s))
        return np.asarray(self.gain * layer * np.exp(-np.pi * frequency * self.kappa_s))


ROCK = Site("ROCK", np.array([REFERENCE_KM, 0.0, 0.0]), 1.0, 0.1, 0.0, 0.0, (1.0, 1.0), 1.0, 0.0, 0.0, False)
"""The site at the reference distance to which strengths refer; no station is there."""


@dataclass(frozen=True, eq=False)
class World:
    """One volcano.

    Attributes
    ----------
    seed
        The generator's seed.
    sites
        Its stations, the nearest to the vent first.
    p_km_s, s_km_s, surface_km_s, air_km_s
        Speeds at the volcano.
    q_body, q_surface
        Quality factors of body waves and of surface waves.
    places
        Centre (3,) of the events of each family, km, east, north and down from the vent.
    scatter_km
        Standard deviation of single events about it.
    """

    seed: int
    sites: tuple[Site, ...]
    p_km_s: float
    s_km_s: float
    surface_km_s: float
    air_km_s: float
    q_body: float
    q_surface: float
    places: dict[str, Floats]
    scatter_km: dict[str, float]


def build_world(seed: int) -> World:
    """Draw a volcano."""
    rng = generator_of(seed, "world")
    p = rng.uniform(2.4, 3.2)
    road = int(rng.integers(1, MOST_STATIONS))
    depths = {
        "lp": rng.uniform(0.3, 0.9),
        "vt": rng.uniform(1.2, 3.0),
        "hybrid": rng.uniform(0.4, 1.4),
        "tremor": rng.uniform(0.2, 0.7),
        "explosion": 0.05,
        "rockfall": 0.1,
        "tornillo": rng.uniform(0.5, 1.5),
        "deep_lp": rng.uniform(12.0, 24.0),
    }
    places = {}
    for family, depth in depths.items():
        far = {"explosion": 0.0, "rockfall": 0.5, "deep_lp": 3.0, "vt": 0.8}.get(family, 0.15)
        azimuth = rng.uniform(0, 2 * np.pi)
        places[family] = np.array([far * np.sin(azimuth), far * np.cos(azimuth), depth])
    scatter = {"vt": 0.5, "deep_lp": 1.0, "rockfall": 0.15}
    return World(
        seed=seed,
        sites=tuple(_site(rng, number, number == road) for number in range(MOST_STATIONS)),
        p_km_s=p,
        s_km_s=p / rng.uniform(1.68, 1.85),
        surface_km_s=rng.uniform(1.0, 1.5),
        air_km_s=rng.uniform(0.33, 0.345),
        q_body=rng.uniform(80, 160),
        q_surface=rng.uniform(35, 70),
        places=places,
        scatter_km={family: scatter.get(family, 0.03) for family in places},
    )


def _site(rng: np.random.Generator, number: int, near_road: bool) -> Site:
    distance, azimuth = rng.uniform(*_DISTANCES_KM[number]), rng.uniform(0, 2 * np.pi)
    # A cone of some 12 degrees.
    position = np.array([distance * np.sin(azimuth), distance * np.cos(azimuth), 0.2 * distance])
    return Site(
        code=f"V{number + 1:02d}",
        position=position,
        gain=float(10 ** (rng.normal(0, 3) / 20)),
        layer_s=1 / (2 * rng.uniform(1.8, 7.0)),
        reflection=rng.uniform(0.15, 0.5),
        kappa_s=rng.uniform(0.005, 0.02),
        coda_s=(rng.uniform(1.4, 2.6), rng.uniform(0.9, 1.8)),
        coupling=float(rng.lognormal(0, 0.4)),
        noise_db=float(np.clip(rng.normal(0, 3), -5, 5)),
        wind_db=rng.normal(0, 3),
        near_road=near_road,
    )
