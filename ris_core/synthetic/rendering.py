"""Events as counts: ground motion through firn and sensor, scaled to its strength, at absolute sample numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from ris_core.synthetic.families import NAMES
from ris_core.synthetic.ice_environment import Environment
from ris_core.synthetic.noise import BAND_HZ, reference_power
from ris_core.synthetic.polarisation import Polarisation
from ris_core.synthetic.seeds import Stream, station_key
from ris_core.synthetic.seismometer import SAMPLING_RATE, response
from ris_core.synthetic.site import SIGNAL_SHARE, WARM_C, SiteResponse
from ris_core.synthetic.wavelets import RATE, Event, ground_motion

# Samples before the onset, since the sub-sample shift rings a little to both sides.
LEAD_S = 1.0
# Time after the coda in which the firn still rings.
TAIL_S = 2.5
CODA_EFOLDINGS = 7.0
# Lengths are multiples of this: fast to transform, and so few that each transfer function can be cached.
LENGTH_STEP = 256
LONGEST = 4096
REACH_NS = round(LONGEST / RATE * 1e9)
STRENGTH_S = 0.5
UPSAMPLING = round(SAMPLING_RATE / RATE)


@dataclass(frozen=True)
class Rendered:
    """Samples of one event.

    Attributes
    ----------
    first : int
        First sample, counted at the samples' rate from 1970.
    samples : array of shape (N,)
        Counts.
    """

    first: int
    samples: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class _Vertical:
    """The vertical motion of one event at 100 Hz.

    Attributes
    ----------
    first : int
        First sample, counted from 1970.
    t, motion : arrays of shape (N,)
        Times after the onset, s, and the motion before ground and sensor.
    path, spectrum : arrays of N // 2 + 1 bins
        Ground, sensor and sub-sample shift; the motion's spectrum behind them.
    scale : float
        From the spectrum to counts.
    band : array of shape (N,)
        The 3-20 Hz part, counts.
    """

    first: int
    t: NDArray[np.float64]
    motion: NDArray[np.float64]
    path: NDArray[np.complex128]
    spectrum: NDArray[np.complex128]
    scale: float
    band: NDArray[np.float64]


@lru_cache(maxsize=256)
def _path(site: SiteResponse, warm: bool, reverberates: bool, n: int) -> NDArray[np.complex128]:
    """Return firn, sensor and water layer at the bins of n samples at 100 Hz."""
    frequency = np.arange(n // 2 + 1, dtype=np.float64) * (RATE / n)
    path = site.transfer(frequency, SIGNAL_SHARE, warm) * response(frequency)
    if reverberates:
        # Σ (−.55)^k δ(t − k·lag) in closed form.
        path /= 1.0 + 0.55 * np.exp(-2j * np.pi * frequency * site.reverberation_s)
    # Zero at the Nyquist frequency of the 100 Hz grid, so that 200 Hz samples are its exact interpolation.
    return np.asarray(path * np.cos(0.5 * np.pi * np.clip((frequency - 40.0) / 10.0, 0.0, 1.0)) ** 2)


@lru_cache(maxsize=LONGEST // LENGTH_STEP)
def _bins(n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return frequencies (Hz), which of them lie in 3-20 Hz, and the end taper, for n samples at 100 Hz."""
    frequency = np.arange(n // 2 + 1, dtype=np.float64) * (RATE / n)
    tail = np.clip((n - np.arange(n)) / RATE / 1.0, 0.0, 1.0)
    return frequency, (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1]), np.sin(0.5 * np.pi * tail) ** 2


def signal_ns(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return the longest time after its onset in which each event of a catalogue has samples, ns."""
    seconds = 2.0 * table["rise"] + table["span"] + CODA_EFOLDINGS * table["decay"] + TAIL_S
    return (seconds.to_numpy() * 1e9).astype(np.int64)


def _length(event: Event) -> int:
    seconds = LEAD_S + 2.0 * event.rise + event.span + CODA_EFOLDINGS * event.decay + TAIL_S
    return int(min(LONGEST, LENGTH_STEP * np.ceil(seconds * RATE / LENGTH_STEP)))


class EventRenderer:
    """Turns the catalogue rows of one station into samples."""

    def __init__(self, seed: int, code: str, site: SiteResponse, environment: Environment, component: str = "Z"):
        """Render for a generator seed at a station with its ground and weather, in one component (Z, N or E)."""
        self._seed = seed
        self._station = station_key(code)
        self._site = site
        self._environment = environment
        self._component = component
        self._reference = reference_power(site)

    def events(self, table: pd.DataFrame) -> Iterator[Event]:
        """Iterate over the rows of a station's catalogue."""
        columns = [table[name].tolist() for name in Event._fields]
        return map(Event._make, zip(*columns, strict=True))

    def band(self, event: Event) -> Rendered:
        """Return the 3-20 Hz part of one event's vertical at 100 Hz, float64."""
        vertical = self._vertical(event)
        return Rendered(vertical.first, vertical.band)

    def counts(self, event: Event) -> Rendered:
        """Return one event at 200 Hz, float32."""
        vertical = self._vertical(event)
        spectrum, n = vertical.spectrum, len(vertical.t)
        if self._component != "Z":
            spectrum = self._horizontal(event, vertical)
        samples = irfft(spectrum * (vertical.scale * UPSAMPLING), UPSAMPLING * n).astype(np.float32)
        return Rendered(UPSAMPLING * vertical.first, samples)

    def _horizontal(self, event: Event, vertical: _Vertical) -> NDArray[np.complex128]:
        """Return the spectrum of a horizontal component, on the scale of the vertical and through the same ground."""
        polarisation = Polarisation.of(self._seed, self._station, event)
        radial, transverse = polarisation.shares(self._component)
        _, _, taper = _bins(len(vertical.t))
        other = ground_motion(self._seed, self._station, event, vertical.t, Stream.TRANSVERSE) * taper
        motion = radial * polarisation.radial(vertical.motion, vertical.t)
        return np.asarray((motion + transverse * polarisation.transverse * rfft(other)) * vertical.path)

    def _vertical(self, event: Event) -> _Vertical:
        """Return the vertical motion of an event.

        The strength 10 log10(max over 0.5 s of mean s² / n²) in 3-20 Hz, after firn and sensor, is the event's
        `amplitude_db`, with n² the station's noise power at median wind.
        """
        n = _length(event)
        frequency, in_band, taper = _bins(n)
        step_ns = round(1e9 / RATE)
        begin = event.onset - round(LEAD_S * 1e9)
        grid = begin // step_ns
        fraction = (begin - grid * step_ns) / 1e9
        t = np.arange(n) / RATE - LEAD_S
        motion = ground_motion(self._seed, self._station, event, t) * taper
        warm = float(self._environment.at(self._environment.temperature, event.onset)) > WARM_C
        regional = NAMES[event.family_code] == "regional"
        ground, shift = _path(self._site, warm, regional, n), np.exp(-2j * np.pi * frequency * fraction)
        spectrum = rfft(motion) * ground * shift
        band = irfft(np.where(in_band, spectrum, 0.0), n)
        window = round(STRENGTH_S * RATE)
        energy = np.concatenate([[0.0], np.cumsum(band**2)])
        strongest = float(np.max(energy[window:] - energy[:-window])) / window
        scale = float(np.sqrt(10.0 ** (event.amplitude_db / 10.0) * self._reference / strongest))
        return _Vertical(int(grid), t, motion, ground * shift, spectrum, scale, band * scale)

    def add(self, samples: NDArray[np.float32], first: int, table: pd.DataFrame) -> None:
        """Add events in place to 200 Hz samples that begin at sample `first`, counted from 1970."""
        for event in self.events(table):
            rendered = self.counts(event)
            low = max(rendered.first, first)
            high = min(rendered.first + len(rendered.samples), first + len(samples))
            if low < high:
                samples[low - first : high - first] += rendered.samples[low - rendered.first : high - rendered.first]
