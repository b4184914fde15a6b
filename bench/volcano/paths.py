"""From a source to a station: travel times, spreading, attenuation, scattered waves and the site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from bench.volcano.sources import Radiation, Wave, template_of
from bench.volcano.world import (
    BAND_HZ,
    CRUST_P_KM_S,
    CRUST_S_KM_S,
    FAMILIES,
    RATE,
    ROCK,
    Floats,
    Site,
    World,
    generator_of,
)

REPEATING = ("lp", "hybrid", "tornillo", "explosion", "tremor")
"""Families whose events come from one place: their scattered waves are alike, except for a random part."""
_ALIKE = 0.85
# Energy of the scattered waves relative to that of the direct wave.
_SCATTERED = {"P": 1.0, "S": 1.0, "surface": 0.8, "air": 0.05}
_DISTANT_SCATTERED = 2.5
# Decay of the amplitude of scattered waves outside the volcano, s.
_DISTANT_CODA_S = {"regional": 12.0, "deep_lp": 5.0}
_CODA_SPLIT_HZ = 4.0
_MARGIN_S = 0.5
_QUIET_TAIL = 1e-6


@dataclass(frozen=True, eq=False)
class Event:
    """A source event: number, family, origin (ns since 1970), place (km from the vent), and factor to its motion."""

    number: int
    family: str
    origin_ns: int
    place: Floats
    factor: float = 1.0


@dataclass(frozen=True, eq=False)
class Record:
    """The motion of one event at one station, counts.

    Attributes
    ----------
    delay_s
        Time of the first sample after the origin, s.
    onset_s
        Time of the first wave after the origin, s.
    samples
        At 100 Hz.
    """

    delay_s: float
    onset_s: float
    samples: NDArray[np.float32]


def distant(family: str) -> bool:
    """Return whether events of a family come from outside the volcano."""
    return family in _DISTANT_CODA_S


def record(world: World, event: Event, radiation: Sequence[Radiation], site: Site) -> Record:
    """Return what a station records of an event, without noise."""
    far = distant(event.family)
    coda = (_DISTANT_CODA_S[event.family],) * 2 if far else site.coda_s
    distance = float(np.linalg.norm(event.place - site.position))
    delays = {r.wave: _delay(world, event, site, r.wave, distance) for r in radiation}
    onset = min(delays.values())
    longest = max(len(r.samples) / RATE + delays[r.wave] - onset for r in radiation)
    n = fft.next_fast_len(round((_MARGIN_S + longest + 7 * max(coda) + 2) * RATE), real=True)
    frequency = fft.rfftfreq(n, 1 / RATE)
    spectrum = np.zeros(frequency.size, dtype=np.complex128)
    rng = generator_of(world.seed, "path", event.number, _place(site))
    for part in radiation:
        delay = delays[part.wave]
        ways = np.exp(-2j * np.pi * frequency * (delay - onset + _MARGIN_S))
        lost = np.exp(-np.pi * frequency * _t_star(world, event, part.wave, delay))
        strength = _spreading(part.wave, distance, far) * _pattern(rng, event.family, part.wave, site)
        scattered = fft.rfft(_scattered(world.seed, event, part.wave, site, coda), n)
        spectrum += strength * ways * lost * scattered * fft.rfft(part.samples, n)
    samples = event.factor * fft.irfft(spectrum * site.response(frequency), n)
    power = np.cumsum(samples[::-1] ** 2)[::-1]
    kept = int(np.searchsorted(-power, -_QUIET_TAIL * power[0]))
    return Record(onset - _MARGIN_S, onset, samples[: max(kept, RATE)].astype(np.float32))


def in_band(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return samples in the band to which strengths and energies refer."""
    return np.asarray(signal.sosfilt(_band(), samples), dtype=np.float32)


@lru_cache(maxsize=1)
def _band() -> Floats:
    return np.asarray(signal.butter(4, BAND_HZ, "bandpass", fs=RATE, output="sos"))


def _place(site: Site) -> int:
    return 0 if site is ROCK else int(site.code[1:])


def _delay(world: World, event: Event, site: Site, wave: Wave, distance: float) -> float:
    if distant(event.family):
        return distance / (CRUST_P_KM_S if wave == "P" else CRUST_S_KM_S)
    if wave == "surface":
        along = float(np.linalg.norm((event.place - site.position)[:2]))
        return float(event.place[2]) / world.s_km_s + along / world.surface_km_s
    return distance / {"P": world.p_km_s, "S": world.s_km_s, "air": world.air_km_s}[wave]


def _t_star(world: World, event: Event, wave: Wave, delay: float) -> float:
    """Return travel time over quality factor, s; distant waves lose most in the last kilometres, too."""
    if distant(event.family):
        return delay / 350 + 0.02
    return delay / {"P": 1.5 * world.q_body, "S": world.q_body, "surface": world.q_surface, "air": 2000.0}[wave]


def _spreading(wave: Wave, distance: float, far: bool) -> float:
    # Stations differ little in their distance from what is far away; events have their strength at the volcano.
    if far:
        return 1.0
    return float(max(distance, 0.5) ** (-0.7 if wave == "surface" else -1.0))


def _pattern(rng: np.random.Generator, family: str, wave: Wave, site: Site) -> float:
    """Return how strongly and with which sign a source radiates towards a station."""
    if site is ROCK:
        return 1.0
    if wave == "air":
        return float(site.coupling * rng.lognormal(0, 0.2))
    spread = 0.1 if family in REPEATING else 0.35
    return float(rng.lognormal(0, spread) * (rng.choice((-1.0, 1.0)) if family in ("vt", "regional") else 1.0))


def _scattered(seed: int, event: Event, wave: Wave, site: Site, coda_s: tuple[float, float]) -> Floats:
    """Return a unit pulse and the scattered waves behind it, which decay slower at low frequencies."""
    if site is ROCK:
        return np.ones(1)
    far = distant(event.family)
    n = round(7 * max(coda_s) * RATE)
    own = generator_of(seed, "coda", 0, event.number, _place(site), len(wave)).standard_normal((2, n))
    if event.family in REPEATING:
        of_place = [1, FAMILIES.index(event.family), template_of(seed, event.family, event.number)]
        shared = generator_of(seed, "coda", *of_place, _place(site), len(wave)).standard_normal((2, n))
        own = _ALIKE * shared + np.sqrt(1 - _ALIKE**2) * own
    t = np.arange(1, n + 1) / RATE
    sos = signal.butter(2, _CODA_SPLIT_HZ, fs=RATE, output="sos")
    low, high = signal.sosfilt(sos, own[0]), own[1] - signal.sosfilt(sos, own[1])
    # Scattered waves build up while the direct wave passes.
    built = 1 - np.exp(-t / (0.3 if not far else 1.0))
    tail = built * (low * np.exp(-t / coda_s[0]) + high * np.exp(-t / coda_s[1]))
    energy = _DISTANT_SCATTERED if far else _SCATTERED[wave]
    return np.concatenate((np.ones(1), np.sqrt(energy) * tail / np.sqrt(np.sum(tail**2))))
