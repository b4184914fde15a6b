"""Noise of the volcano's stations: ocean swell, wind with gusts and a daily cycle, people at one site, instrument.

Levels and laws are choices. The swell peaks near 0.2 Hz and reaches into the band of the events from below; wind shakes
the ground at 1-15 Hz and comes in gusts, by day more than at night.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from bench.volcano.world import BAND_HZ, NOISE_COUNTS, RATE, Floats, Site, generator_of

Samples = NDArray[np.float32]
_LOCAL_HOUR_OF_MOST_WIND = 14.0
_BLOCK_S = 2


def render_noise(seed: int, site: Site, hour: Floats) -> Samples:
    """Return the noise of a site, counts.

    Parameters
    ----------
    seed, site
        World and station.
    hour
        Local time of each sample, h, evenly spaced at 100 Hz.
    """
    rng = generator_of(seed, "noise", int(site.code[1:]))
    sea = generator_of(seed, "noise", 0)
    n = hour.size
    level = NOISE_COUNTS * 10 ** (site.noise_db / 20)
    peak, swell = sea.uniform(0.14, 0.24), sea.uniform(0.35, 0.8)
    steady_slope = rng.uniform(0.3, 0.8)
    total = _shaped(rng, n, lambda f: _swell(f, peak))
    total *= (swell * NOISE_COUNTS * (1 + 0.25 * np.sin(2 * np.pi * (hour / 37 + sea.uniform())))).astype(np.float32)
    total += np.float32(0.7 * level) * _shaped(rng, n, lambda f: (f + 0.3) ** -steady_slope)
    total += np.float32(0.1 * NOISE_COUNTS) * _shaped(rng, n, np.ones_like)
    slope = rng.uniform(-0.2, 0.5)
    wind = _shaped(rng, n, lambda f: (f / (1 + (f / 12) ** 2)) ** -slope * f / (f + 1.5))
    wind *= NOISE_COUNTS * 0.6 * 10 ** (site.wind_db / 20) * _gusts(rng, sea, hour)
    total += wind
    if site.near_road:
        total += _people(rng, hour, level)
    return total


def _swell(frequency: Floats, peak: float) -> Floats:
    """Return the relative amplitude of the microseism: a peak, and a flank that falls with frequency."""
    ratio = frequency / peak
    return np.asarray(np.exp(-0.5 * (np.log(ratio) / 0.28) ** 2) + 0.35 / (1 + ratio * ratio * ratio))


def _shaped(rng: np.random.Generator, n: int, amplitude: Callable[[Floats], Floats]) -> Samples:
    """Return Gaussian noise of a spectrum, of rms 1 in the band of the events."""
    long = fft.next_fast_len(n, real=True)
    frequency = fft.rfftfreq(long, 1 / RATE)
    relative = amplitude(np.maximum(frequency, 0.03))
    inside = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    # Both parts have variance 1: mean square of the samples is 4 sum(a^2) / long^2.
    relative *= long / np.sqrt(4 * np.sum(relative[inside] ** 2))
    parts = rng.standard_normal((frequency.size, 2), dtype=np.float32)
    spectrum = parts.view(np.complex64)[:, 0] * relative.astype(np.float32)
    spectrum[0] = 0
    return np.asarray(fft.irfft(spectrum, long)[:n], dtype=np.float32)


def _gusts(rng: np.random.Generator, sea: np.random.Generator, hour: Floats) -> Samples:
    """Return the relative amplitude of wind noise: a daily cycle, slow weather, and gusts of half a minute or less."""
    blocks = -(-hour.size // (_BLOCK_S * RATE))
    local = hour[:: _BLOCK_S * RATE][:blocks]
    daily = 0.55 + 0.45 * np.cos(2 * np.pi * (local - _LOCAL_HOUR_OF_MOST_WIND) / 24)
    weather = 0.4 * _wander(sea, blocks, 5400) + 0.35 * _wander(rng, blocks, 600) + 0.3 * _wander(rng, blocks, 20)
    amplitude = daily * np.exp(weather)
    for start in rng.integers(0, blocks, rng.poisson(0.7 * (local[-1] - local[0]))):
        # Single squalls, the more frequent the windier.
        if rng.uniform() < daily[start]:
            length = int(rng.integers(3, 20))
            shape = np.hanning(length + 2)[1:-1] ** 0.5 * rng.uniform(1.5, 4.0)
            piece = amplitude[start : start + length]
            piece *= 1 + shape[: piece.size]
    at = np.arange(hour.size, dtype=np.float32) / (_BLOCK_S * RATE)
    return np.interp(at, np.arange(blocks), amplitude).astype(np.float32)


def _wander(rng: np.random.Generator, n: int, seconds: float) -> Floats:
    """Return a first-order autoregressive series of unit variance in blocks, with a correlation time."""
    keep = float(np.exp(-_BLOCK_S / seconds))
    start = rng.standard_normal(1)
    wave, _ = signal.lfilter([np.sqrt(1 - keep**2)], [1, -keep], rng.standard_normal(n), zi=keep * start)
    return np.asarray(wave)


def _people(rng: np.random.Generator, hour: Floats, level: float) -> Samples:
    """Return what people do by day: a machine of one frequency, and vehicles that pass."""
    total = np.zeros(hour.size, dtype=np.float32)
    of_day = hour % 24
    day = np.clip(5 * np.minimum(of_day - 7, 19 - of_day), 0, 1).astype(np.float32)
    machine_hz, strength = rng.uniform(7, 18), rng.uniform(0.2, 0.5)
    # The machine's speed wanders a little from second to second.
    speed = machine_hz + np.repeat(0.02 * rng.standard_normal(hour.size // RATE + 1), RATE)[: hour.size]
    turns = np.cumsum(speed / RATE)
    turns -= np.floor(turns)
    total += np.float32(strength * level) * np.sin((2 * np.pi * turns).astype(np.float32)) * day
    for start in rng.integers(0, hour.size, rng.poisson(1.5 * (hour[-1] - hour[0]))):
        if day[start] == 0:
            continue
        t = np.arange(round(rng.uniform(15, 50) * RATE)) / RATE
        middle, width = t[-1] / 2, rng.uniform(2.0, 6.0)
        sos = signal.butter(2, (rng.uniform(4, 7), rng.uniform(12, 22)), "bandpass", fs=RATE, output="sos")
        wave = signal.sosfilt(sos, rng.standard_normal(t.size)) * np.exp(-0.5 * ((t - middle) / width) ** 2)
        piece = total[start : start + t.size]
        strong = level * 10 ** (rng.uniform(6, 22) / 20) / wave.std()
        piece += (0.4 * strong * wave[: piece.size]).astype(np.float32)
    return total
