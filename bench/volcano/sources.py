"""What the sources of the volcano radiate: one function for each family of events.

Families and their numbers follow published descriptions; values within the published ranges are choices.

- Long-period events: 0.5-5 Hz, weak broad onset, then the decaying resonance of a crack full of fluid (Chouet 1996,
  Nature 380; Chouet & Matoza 2013, J. Volcanol. Geotherm. Res. 252). Tornillos: the same with one mode that rings for
  tens of seconds (Gomez & Torres 1997, J. Volcanol. Geotherm. Res. 77).
- Volcano-tectonic events: P and S, 5-15 Hz, coda of seconds (McNutt 2005, Annu. Rev. Earth Planet. Sci. 33).
- Hybrids: onset of high frequency and coda of long-period events, many nearly alike (Lahr et al. 1994, J. Volcanol.
  Geotherm. Res. 62; Neuberg 2000, Phil. Trans. R. Soc. A 358).
- Tremor: harmonic with overtones and gliding lines, or spasmodic, 1-9 Hz (Konstantinou & Schlindwein 2003, J. Volcanol.
  Geotherm. Res. 119; Neuberg 2000).
- Explosions: a long-period event, a jet of gas, and the pressure wave through the air (Johnson & Ripepe 2011,
  J. Volcanol. Geotherm. Res. 206).
- Rockfalls: emergent, cigar-shaped, 10-100 s, 2-12 Hz, with single impacts (Hibert et al. 2011, J. Geophys. Res. 116;
  2014, J. Geophys. Res. Earth Surf. 119).
- Regional earthquakes: low frequencies, S seconds to tens of seconds after P, long coda (Zobin 2012, Introduction to
  Volcanic Seismology). Deep long-period events: 1-3 Hz, emergent, P and S of 10-30 km depth (McNutt 2005; Nichols et
  al. 2011, J. Volcanol. Geotherm. Res. 200).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from bench.volcano.world import FAMILIES, RATE, generator_of

Wave = Literal["P", "S", "surface", "air"]
Floats = NDArray[np.float64]
Random = np.random.Generator
Range = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Radiation:
    """What a source sends out as one kind of wave: ground velocity at the source, from its origin time, at 100 Hz."""

    wave: Wave
    samples: Floats


@dataclass(frozen=True, eq=False)
class Crack:
    """A resonator: frequencies (Hz) and amplitudes of its modes, their quality factor, and its emergent onset, s."""

    frequency: Floats
    amplitude: Floats
    quality: float
    rise_s: float


@dataclass(frozen=True, eq=False)
class Templates:
    """The sources of one world that make many similar events."""

    lp: tuple[Crack, Crack]
    hybrid: Crack
    hybrid_corner_hz: float
    tornillo: Crack
    explosion: Crack
    deep_lp: Crack
    tremor_hz: float
    spasmodic_hz: Range
    rockfall_hz: Range


@lru_cache(maxsize=8)
def templates(seed: int) -> Templates:
    """Draw the sources of a world."""
    rng = generator_of(seed, "source")

    def crack(low: float, high: float, quality: Range, overtones: float, rise: Range) -> Crack:
        ratio = np.array([1.0, rng.uniform(1.4, 1.8), rng.uniform(2.1, 2.7), rng.uniform(3.0, 3.6)])
        amplitude = np.array([1.0, *(overtones * rng.uniform([0.4, 0.2, 0.1], [1.0, 0.7, 0.4]))])
        return Crack(rng.uniform(low, high) * ratio, amplitude, rng.uniform(*quality), rng.uniform(*rise))

    return Templates(
        lp=(crack(1.0, 1.9, (10, 25), 0.7, (0.3, 0.9)), crack(1.6, 3.0, (12, 32), 0.7, (0.3, 0.9))),
        hybrid=crack(1.5, 3.4, (8, 18), 0.8, (0.1, 0.4)),
        hybrid_corner_hz=rng.uniform(7, 12),
        tornillo=crack(1.3, 4.5, (90, 260), 0.12, (0.2, 0.8)),
        explosion=crack(0.7, 1.6, (3, 7), 0.8, (0.3, 0.8)),
        deep_lp=crack(1.0, 2.0, (4, 9), 0.6, (0.6, 1.4)),
        tremor_hz=rng.uniform(0.9, 2.2),
        spasmodic_hz=(rng.uniform(1.0, 1.8), rng.uniform(3.5, 6.0)),
        rockfall_hz=(rng.uniform(1.8, 3.2), rng.uniform(9.0, 14.0)),
    )


def radiate(seed: int, family: str, event: int) -> tuple[Radiation, ...]:
    """Return what an event of a family sends out; its number is unique in its world."""
    rng = generator_of(seed, "source", FAMILIES.index(family) + 1, event)
    of = templates(seed)
    return _lp(rng, of.lp[template_of(seed, family, event)]) if family == "lp" else _RADIATE[family](rng, of)


def template_of(seed: int, family: str, event: int) -> int:
    """Return which of the family's sources an event comes from; events of one source have one path."""
    if family != "lp":
        return 0
    return int(generator_of(seed, "source", 100, event).uniform() < 0.35)


def _time(seconds: float) -> Floats:
    return np.arange(round(seconds * RATE)) / RATE


def _ring(rng: Random, crack: Crack, spread: float) -> Floats:
    """Return the resonance of a crack; pitch, decay and shares of the modes differ a little between events."""
    pitch, quality = rng.lognormal(0, spread), crack.quality * rng.lognormal(0, 0.15)
    frequency = crack.frequency * pitch
    t = _time(min(110.0, 5 * quality / (np.pi * frequency[0]) + 5))
    wave = np.zeros_like(t)
    for f, amplitude in zip(frequency, crack.amplitude * rng.lognormal(0, 0.2, 4), strict=True):
        wave += amplitude * np.exp(-np.pi * f * t / quality) * np.sin(2 * np.pi * f * t + rng.normal(0, 0.5))
    return np.asarray(wave * (1 - np.exp(-t / (crack.rise_s * rng.lognormal(0, 0.2)))))


def _burst(rng: Random, seconds: float, band: Range, envelope: Callable[[Floats], Floats]) -> Floats:
    """Return noise of a band under an envelope, of rms 1 where the envelope is 1."""
    t = _time(seconds)
    sos = signal.butter(2, band, "bandpass", fs=RATE, output="sos")
    noise = signal.sosfilt(sos, rng.standard_normal(t.size + 2 * RATE))[2 * RATE :]
    return np.asarray(noise / np.sqrt(np.mean(noise**2)) * envelope(t))


def _fault(corner_hz: float) -> Floats:
    """Return the far-field velocity of a small fault, of corner frequency `corner_hz`: its spectrum falls as f^-2."""
    omega = 2 * np.pi * corner_hz
    t = _time(12 / omega + 0.5)
    return np.asarray((1 - omega * t) * np.exp(-omega * t))


def _level(wave: Floats) -> Floats:
    return np.asarray(wave / np.abs(wave).max())


def _sum(parts: Sequence[Floats]) -> Floats:
    total = np.zeros(max(map(len, parts)))
    for part in parts:
        total[: len(part)] += part
    return total


def _lp(rng: Random, crack: Crack) -> tuple[Radiation, ...]:
    onset = rng.uniform(0.03, 0.12) * _burst(rng, 3.0, (4, 11), lambda t: np.exp(-t / 0.4))
    return (Radiation("surface", _sum([_level(_ring(rng, crack, 0.04)), onset])),)


def _vt(rng: Random, of: Templates) -> tuple[Radiation, ...]:
    pulse = _fault(float(np.clip(rng.lognormal(np.log(12), 0.25), 7, 20)))
    return Radiation("P", pulse), Radiation("S", rng.uniform(1.2, 2.8) * pulse)


def _hybrid(rng: Random, of: Templates) -> tuple[Radiation, ...]:
    pulse = rng.uniform(0.8, 2.0) * _fault(of.hybrid_corner_hz * rng.lognormal(0, 0.1))
    coda = _level(_ring(rng, of.hybrid, 0.03))
    return Radiation("P", pulse), Radiation("S", _sum([1.3 * pulse, 0.8 * coda]))


def _tornillo(rng: Random, of: Templates) -> tuple[Radiation, ...]:
    onset = rng.uniform(0.05, 0.2) * _burst(rng, 2.0, (4, 11), lambda t: np.exp(-t / 0.3))
    return (Radiation("surface", _sum([_level(_ring(rng, of.tornillo, 0.06)), onset])),)


def _deep_lp(rng: Random, of: Templates) -> tuple[Radiation, ...]:
    pulses = []
    for late in np.sort(rng.uniform(0, 4.0, rng.integers(1, 4))):
        part = rng.uniform(0.5, 1.0) * _level(_ring(rng, of.deep_lp, 0.08))
        pulses.append(np.concatenate((np.zeros(round(late * RATE)), part)))
    wave = _sum(pulses)
    wave = wave[np.flatnonzero(wave)[0] :]
    return Radiation("P", wave), Radiation("S", rng.uniform(1.2, 2.5) * wave)


def _tremor(rng: Random, of: Templates) -> tuple[Radiation, ...]:
    duration = float(np.clip(rng.lognormal(np.log(35), 0.6), 12, 180))
    rise, fall = rng.uniform(1.0, 4.0), rng.uniform(2.0, 8.0)
    t = _time(duration)
    gate = np.minimum(1, t / rise) * np.minimum(1, (duration - t) / fall)
    slow = signal.butter(2, rng.uniform(0.15, 0.6), fs=RATE, output="sos")
    swell = signal.sosfiltfilt(slow, rng.standard_normal(t.size))
    swell = np.exp(rng.uniform(0.2, 0.5) * swell / swell.std())
    if rng.uniform() < 0.5:
        return (Radiation("surface", gate * swell * _harmonics(rng, of.tremor_hz, t)),)
    low, high = of.spasmodic_hz
    noise = _burst(rng, duration, (low * rng.lognormal(0, 0.1), high * rng.lognormal(0, 0.1)), np.ones_like)
    return (Radiation("surface", gate * swell**1.5 * noise),)


def _harmonics(rng: Random, fundamental_hz: float, t: Floats) -> Floats:
    """Return overtones of a fundamental that glides, by a fifth at a typical event."""
    start = fundamental_hz * rng.lognormal(0, 0.15)
    glide = np.exp(rng.normal(0, 0.2) * t / t[-1] + 0.02 * np.sin(2 * np.pi * t / rng.uniform(5, 20)))
    phase = 2 * np.pi * np.cumsum(start * glide) / RATE
    fall, wave = rng.uniform(0.6, 1.4), np.zeros_like(t)
    for number in range(1, int(rng.integers(4, 9))):
        wave += number**-fall * rng.lognormal(0, 0.3) * np.sin(number * phase + rng.uniform(0, 2 * np.pi))
    return wave


def _explosion(rng: Random, of: Templates) -> tuple[Radiation, ...]:
    ring = _level(_ring(rng, of.explosion, 0.08))
    decay = rng.uniform(2.0, 7.0)
    jet = _burst(rng, 5 * decay, (1.0, 6.0), lambda t: np.minimum(1, t / 0.8) * np.exp(-t / decay))
    # The pressure wave: a rise, a longer rarefaction, and the turbulence behind.
    width = rng.uniform(0.08, 0.25)
    t = _time(12 * width)
    blast = (1 - t / width) * np.exp(-t / width)
    roar_s = rng.uniform(0.4, 1.5)
    roar = rng.uniform(0.3, 0.7) * _burst(rng, 5 * roar_s, (4, 18), lambda t: np.exp(-t / roar_s))
    air = rng.lognormal(np.log(0.8), 0.4) * _sum([blast, roar])
    return Radiation("surface", _sum([ring, rng.uniform(0.15, 0.5) * jet])), Radiation("air", air)


def _rockfall(rng: Random, of: Templates) -> tuple[Radiation, ...]:
    duration = float(np.clip(rng.lognormal(np.log(26), 0.45), 10, 90))
    a, b = rng.uniform(1.0, 2.2), rng.uniform(1.2, 3.0)

    def spindle(t: Floats) -> Floats:
        x = (t + 1 / RATE) / (duration + 2 / RATE)
        top = a / (a + b)
        return np.asarray((x / top) ** a * ((1 - x) / (1 - top)) ** b)

    band = (of.rockfall_hz[0] * rng.lognormal(0, 0.12), of.rockfall_hz[1] * rng.lognormal(0, 0.12))
    flow = _burst(rng, duration, band, spindle)
    count = int(rng.poisson(rng.uniform(0.3, 1.2) * duration))
    knocks = np.zeros_like(flow)
    places = rng.integers(0, flow.size, count)
    knocks[places] = rng.lognormal(0, 0.6, count)
    decay = np.exp(-_time(2.0) / rng.uniform(0.15, 0.4))
    rough = signal.fftconvolve(knocks, decay)[: flow.size]
    return (Radiation("surface", flow * (0.6 + 0.5 * rough)),)


def _regional(rng: Random, of: Templates) -> tuple[Radiation, ...]:
    pulse = _fault(rng.uniform(1.2, 4.0))
    return Radiation("P", pulse), Radiation("S", rng.uniform(1.5, 3.5) * pulse)


_RADIATE: dict[str, Callable[[Random, Templates], tuple[Radiation, ...]]] = {
    "vt": _vt,
    "hybrid": _hybrid,
    "tremor": _tremor,
    "explosion": _explosion,
    "rockfall": _rockfall,
    "regional": _regional,
    "tornillo": _tornillo,
    "deep_lp": _deep_lp,
}
