"""Ground motion of single events before the site: source-time functions of the eight families."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft

from ris_core.synthetic.families import NAMES, STICK_SLIP_HZ
from ris_core.synthetic.seeds import Stream, generator

# Events have no energy above 40 Hz, so their shapes are made at 100 Hz and interpolated to 200 Hz in the spectrum.
RATE = 100.0
BURST_BANDWIDTH_HZ = 4.0
STICK_SLIP_BANDWIDTH_HZ = 1.8
STICK_SLIP_RANDOM = 0.35
HARMONICS = 4
HARMONIC_POWER = -0.7

Floats = NDArray[np.float64]


class Event(NamedTuple):
    """One row of a station's catalogue: identity, time, shape, and the direction to the source."""

    family_code: int
    number: int
    onset: int
    amplitude_db: float
    frequency: float
    rise: float
    span: float
    decay: float
    sweep: float
    variant: int
    back_azimuth: float


def ricker(t: Floats, centre: float, frequency: float) -> Floats:
    """Return a Ricker wavelet of peak 1."""
    a = (np.pi * frequency * (t - centre)) ** 2
    return np.asarray((1.0 - 2.0 * a) * np.exp(-a), dtype=np.float64)


def ramp(t: Floats, start: float, length: float) -> Floats:
    """Return a cosine-squared ramp from 0 at the start to 1 after its length."""
    return np.sin(0.5 * np.pi * np.clip((t - start) / length, 0.0, 1.0)) ** 2


def envelope(t: Floats, start: float, rise: float, span: float, decay: float) -> Floats:
    """Return 0 before the start, a cosine-squared rise to 1, a plateau of the span, then exponential decay (s)."""
    after = np.maximum(0.0, t - start - rise - span)
    return np.asarray(ramp(t, start, rise) * np.exp(-after / decay), dtype=np.float64)


def chirp(t: Floats, start: float, span: float, low: float, high: float) -> Floats:
    """Return a linear sweep from low to high Hz of amplitude 1; the first and last tenth of the span are ramps."""
    x = t - start
    phase = 2.0 * np.pi * (low * x + 0.5 * (high - low) * x**2 / span)
    ends = ramp(t, start, 0.1 * span) * (1.0 - ramp(t, start + 0.9 * span, 0.1 * span))
    return np.asarray(np.sin(phase) * ends, dtype=np.float64)


def band_noise(rng: np.random.Generator, n: int, frequency: float, bandwidth: float) -> Floats:
    """Return n samples of Gaussian noise, rms 1, with a Gaussian spectrum of full width at half power `bandwidth`."""
    f = np.arange(n // 2 + 1) * (RATE / n)
    # Half power at half the bandwidth from the centre.
    shape = np.exp(-0.5 * np.log(2.0) * ((f - frequency) / (0.5 * bandwidth)) ** 2)
    spectrum = rng.standard_normal(2 * len(f)).view(np.complex128) * shape
    # Mean square by Parseval: every bin counts twice except the outermost, which hold almost nothing.
    power = 2.0 * float(np.sum(np.abs(spectrum) ** 2)) / n**2
    return np.asarray(irfft(spectrum / np.sqrt(power), n), dtype=np.float64)


def _rift(rng: np.random.Generator, t: Floats, e: Event) -> Floats:
    peak = e.rise
    motion = ricker(t, peak, e.frequency) + 0.8 * chirp(t, peak, e.span, 0.5 * e.frequency, e.sweep)
    coda = band_noise(rng, len(t), e.frequency, 0.5 * e.frequency) * envelope(t, peak, 0.1, 0.0, e.decay)
    return np.asarray(motion + 0.3 * coda, dtype=np.float64)


def _ice_front(rng: np.random.Generator, t: Floats, e: Event) -> Floats:
    power = envelope(t, 0.0, e.rise, 0.0, e.decay) ** 2
    followers = e.variant - 1
    for k in range(followers):
        start = (k + rng.uniform(0.2, 1.0)) * e.span / followers
        # The first burst is the main fracture; the following ones are smaller.
        size = rng.uniform(0.3, 0.9)
        power += (size * envelope(t, start, e.rise, 0.0, e.decay)) ** 2
    # Bursts are incoherent, so the powers of overlapping bursts add: one noise under the joint envelope.
    return band_noise(rng, len(t), e.frequency, BURST_BANDWIDTH_HZ) * np.sqrt(power)


@lru_cache(maxsize=256)
def _template(seed: int, station: int, patch: int, n: int) -> Floats:
    rng = generator(seed, Stream.TEMPLATE, station, patch)
    return band_noise(rng, n, STICK_SLIP_HZ[patch], STICK_SLIP_BANDWIDTH_HZ)


def _thermal(rng: np.random.Generator, t: Floats, e: Event) -> Floats:
    coda = band_noise(rng, len(t), e.frequency, 0.6 * e.frequency) * envelope(t, e.rise, 0.02, 0.0, e.decay)
    return np.asarray(ricker(t, e.rise, e.frequency) + 0.5 * coda, dtype=np.float64)


def _tremor(rng: np.random.Generator, t: Floats, e: Event) -> Floats:
    x = t - 0.5 * e.span
    cycles = e.frequency * x + 0.5 * e.sweep * x**2
    order = np.arange(1, HARMONICS + 1)
    phases = rng.uniform(0.0, 2.0 * np.pi, HARMONICS)
    motion = np.zeros_like(t)
    for h, phase in zip(order, phases, strict=True):
        motion += float(h) ** HARMONIC_POWER * np.sin(2.0 * np.pi * h * cycles + phase)
    return np.asarray(motion * ramp(t, 0.0, e.rise) * (1.0 - ramp(t, e.rise + e.span, e.rise)), dtype=np.float64)


def _regional(rng: np.random.Generator, t: Floats, e: Event) -> Floats:
    return band_noise(rng, len(t), e.frequency, 0.5 * e.frequency) * envelope(t, 0.0, e.rise, 0.0, e.decay)


def _cultural(rng: np.random.Generator, t: Floats, e: Event) -> Floats:
    if e.variant == 0:
        line = np.sin(2.0 * np.pi * e.frequency * t + rng.uniform(0.0, 2.0 * np.pi))
        return np.asarray(line * envelope(t, 0.0, e.rise, e.span, e.decay), dtype=np.float64)
    pulses = 1 if e.variant == 1 else 5
    spacing = e.span / 4.0
    motion = np.zeros_like(t)
    for k in range(pulses):
        motion += ricker(t, e.rise + k * spacing, e.frequency)
    return motion


def _novelty(rng: np.random.Generator, t: Floats, e: Event) -> Floats:
    del rng
    return chirp(t, 0.0, e.span, e.frequency, e.sweep)


_MOTIONS: dict[str, Callable[[np.random.Generator, Floats, Event], Floats]] = {
    "rift": _rift,
    "ice_front": _ice_front,
    "thermal": _thermal,
    "tremor": _tremor,
    "regional": _regional,
    "cultural": _cultural,
    "novelty": _novelty,
}


def ground_motion(seed: int, station: int, event: Event, t: Floats, stream: Stream = Stream.WAVEFORM) -> Floats:
    """Return the motion of one event at 100 Hz, in arbitrary units; the energy begins at t = 0.

    Parameters
    ----------
    seed, station : int
        Generator seed and the station's key.
    event : Event
        Row of the station's catalogue.
    t : array of shape (N,)
        Seconds since the onset, in steps of 0.01 s.
    stream
        What the random numbers are for: another stream gives another realisation of the event.
    """
    rng = generator(seed, stream, station, event.family_code, event.number)
    family = NAMES[event.family_code]
    if family == "stick_slip":
        fixed = _template(seed, station, event.variant, len(t))
        loose = band_noise(rng, len(t), event.frequency, STICK_SLIP_BANDWIDTH_HZ)
        motion = (1.0 - STICK_SLIP_RANDOM) * fixed + STICK_SLIP_RANDOM * loose
        return motion * envelope(t, 0.0, event.rise, 0.0, event.decay)
    return _MOTIONS[family](rng, t, event)
