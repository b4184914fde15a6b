"""Events as counts: the motion through firn and sensor, scaled to its strength, placed on absolute samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from ris_core.synthetic.environment import Environment
from ris_core.synthetic.families import NAMES
from ris_core.synthetic.instrument import SAMPLING_RATE, response
from ris_core.synthetic.noise import BAND_HZ, reference_power
from ris_core.synthetic.seeds import station_key
from ris_core.synthetic.site import SIGNAL_SHARE, WARM_C, SiteResponse
from ris_core.synthetic.wavelets import RATE, Event, ground_motion

# Samples before the onset: the sub-sample shift rings a little to both sides.
LEAD_S = 1.0
# Room behind the coda for the firn to ring out.
TAIL_S = 2.5
CODA_EFOLDINGS = 7.0
LONGEST = 4096
REACH_NS = round(LONGEST / RATE * 1e9)
STRENGTH_S = 0.5


@dataclass(frozen=True)
class Rendered:
    """Samples of one event: counts at 200 Hz and its 3-20 Hz part at 100 Hz, from the same first instant.

    Attributes
    ----------
    first : int
        First 200 Hz sample, counted from 1970; even.
    counts : float32 array of shape (2N,)
        At 200 Hz.
    band : float array of shape (N,)
        3-20 Hz, at 100 Hz, counts.
    """

    first: int
    counts: NDArray[np.float32]
    band: NDArray[np.float64]


@lru_cache(maxsize=64)
def _path(site: SiteResponse, warm: bool, reverberates: bool, n: int) -> NDArray[np.complex128]:
    """Return firn, sensor and water layer at the bins of n samples at 100 Hz."""
    frequency = np.arange(n // 2 + 1, dtype=np.float64) * (RATE / n)
    path = site.transfer(frequency, SIGNAL_SHARE, warm) * response(frequency)
    if reverberates:
        # Σ (−.55)^k δ(t − k·lag) in closed form.
        path /= 1.0 + 0.55 * np.exp(-2j * np.pi * frequency * site.reverberation_s)
    # Nothing at the 100 Hz grid's Nyquist frequency, so that 200 Hz samples are its exact interpolation.
    return np.asarray(path * np.cos(0.5 * np.pi * np.clip((frequency - 40.0) / 10.0, 0.0, 1.0)) ** 2)


@lru_cache(maxsize=8)
def _bins(n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return frequencies (Hz), which of them lie in 3-20 Hz, and the end taper, for n samples at 100 Hz."""
    frequency = np.arange(n // 2 + 1, dtype=np.float64) * (RATE / n)
    tail = np.clip((n - np.arange(n)) / RATE / 1.0, 0.0, 1.0)
    return frequency, (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1]), np.sin(0.5 * np.pi * tail) ** 2


def signal_ns(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return how long after its onset each event of a catalogue can be heard at most, ns."""
    seconds = 2.0 * table["rise"] + table["span"] + CODA_EFOLDINGS * table["decay"] + TAIL_S
    return (seconds.to_numpy() * 1e9).astype(np.int64)


def _length(event: Event) -> int:
    seconds = LEAD_S + 2.0 * event.rise + event.span + CODA_EFOLDINGS * event.decay + TAIL_S
    return int(min(LONGEST, 2 ** int(np.ceil(np.log2(seconds * RATE)))))


class EventRenderer:
    """Turns the catalogue rows of one station into samples."""

    def __init__(self, seed: int, code: str, site: SiteResponse, environment: Environment):
        """Render for a generator seed at a station with its ground and weather."""
        self._seed = seed
        self._station = station_key(code)
        self._site = site
        self._environment = environment
        self._reference = reference_power(site)

    def events(self, table: pd.DataFrame) -> Iterator[Event]:
        """Iterate over the rows of a station's catalogue."""
        columns = [table[name].tolist() for name in Event._fields]
        return map(Event._make, zip(*columns, strict=True))

    def render(self, event: Event) -> Rendered:
        """Return the samples of one event.

        The strength 10 log10(max over 0.5 s of mean s² / n²) in 3-20 Hz, behind firn and sensor, is the event's
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
        spectrum = rfft(motion) * _path(self._site, warm, regional, n) * np.exp(-2j * np.pi * frequency * fraction)
        band = irfft(np.where(in_band, spectrum, 0.0), n)
        window = round(STRENGTH_S * RATE)
        energy = np.concatenate([[0.0], np.cumsum(band**2)])
        strongest = float(np.max(energy[window:] - energy[:-window])) / window
        scale = np.sqrt(10.0 ** (event.amplitude_db / 10.0) * self._reference / strongest)
        doubled = round(SAMPLING_RATE / RATE)
        counts = irfft(spectrum * (scale * doubled), doubled * n).astype(np.float32)
        return Rendered(int(grid) * doubled, counts, band * scale)

    def add(self, samples: NDArray[np.float32], first: int, table: pd.DataFrame) -> None:
        """Add events in place to 200 Hz samples that begin at sample `first`, counted from 1970."""
        for event in self.events(table):
            rendered = self.render(event)
            low = max(rendered.first, first)
            high = min(rendered.first + len(rendered.counts), first + len(samples))
            if low < high:
                samples[low - first : high - first] += rendered.counts[low - rendered.first : high - rendered.first]
