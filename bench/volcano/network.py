"""The volcano's stations for two days: samples, truth, and the energy of each family in windows of time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from bench.volcano.catalogue import MOST_DAYS, START_NS, catalogue
from bench.volcano.noise import render_noise
from bench.volcano.paths import Event, distant, in_band, record
from bench.volcano.sources import Radiation, radiate
from bench.volcano.world import FAMILIES, NOISE_COUNTS, RATE, ROCK, Floats, Site, build_world
from ris_core.truth.evaluation import NOISE

PADDING_S = 600
"""Samples begin this long before the first day and end this long after the last one."""
STEP_NS = 1_000_000_000 // RATE
_NS = 1_000_000_000
_DAY_S = 86_400
_HALF_S = RATE // 2
# Noise is measured over a minute before the onset.
_BEFORE_S = 60


@dataclass(frozen=True, eq=False)
class Heard:
    """An event at a station: row in the catalogue, first sample, that of the onset, samples, and those in the band."""

    row: int
    first: int
    onset: int
    samples: NDArray[np.float32]
    band: NDArray[np.float32]

    @cached_property
    def strength(self) -> Floats:
        """Mean square over half a second around each sample, counts²."""
        squares = np.concatenate((np.zeros(_HALF_S), self.band.astype(np.float64) ** 2, np.zeros(_HALF_S)))
        total = np.cumsum(squares)
        mean = (total[_HALF_S:] - total[:-_HALF_S]) / _HALF_S
        return mean[_HALF_S // 2 :][: self.band.size]

    def until(self, decibels: float) -> int:
        """Return the last sample whose strength is less than this far below the peak."""
        loud = self.strength >= 10 ** (-decibels / 10) * self.strength.max()
        return self.first + int(np.flatnonzero(loud)[-1])


class VolcanoNetwork:
    """A volcano with four stations and all that they record in two days.

    Parameters
    ----------
    seed
        Generator seed: world, events and noise.
    """

    def __init__(self, seed: int):
        self.world = build_world(seed)
        self.table, bare = catalogue(self.world)
        self._radiation = [radiate(seed, event.family, event.number) for event in bare]
        self._events = [
            replace(event, factor=self._factor(event, radiation, strength))
            for event, radiation, strength in zip(bare, self._radiation, self.table["strength_db"], strict=True)
        ]
        self.start_ns = START_NS - PADDING_S * _NS
        self.size = (MOST_DAYS * _DAY_S + 2 * PADDING_S) * RATE
        self.hour = (np.arange(self.size) / RATE - PADDING_S) / 3600
        self._recorded: dict[str, Recorded] = {}

    def recorded(self, station: str) -> Recorded:
        """Return what a station recorded; one station at a time is kept, since it takes some 300 MB."""
        if station not in self._recorded:
            site = next(site for site in self.world.sites if site.code == station)
            self._recorded = {station: self._record(site)}
        return self._recorded[station]

    def _record(self, site: Site) -> Recorded:
        heard = []
        for row, (event, radiation) in enumerate(zip(self._events, self._radiation, strict=True)):
            found = record(self.world, event, radiation, site)
            first = round((event.origin_ns - self.start_ns + found.delay_s * _NS) / STEP_NS)
            onset = first + round((found.onset_s - found.delay_s) * RATE)
            samples = found.samples[: max(0, self.size - first)]
            if onset + RATE < self.size and first >= 0:
                heard.append(Heard(row, first, onset, samples, in_band(samples)))
        noise = render_noise(self.world.seed, site, self.hour)
        return Recorded(self, site, noise, heard)

    def _factor(self, event: Event, radiation: tuple[Radiation, ...], strength_db: float) -> float:
        """Return the factor that gives an event its strength at the reference distance, on rock."""
        reference = event if not distant(event.family) else replace(event, place=ROCK.position)
        found = record(self.world, reference, radiation, ROCK)
        peak = Heard(0, 0, 0, found.samples, in_band(found.samples)).strength.max()
        return float(NOISE_COUNTS * np.sqrt(10 ** (strength_db / 10) / peak))


class Recorded:
    """What one station recorded.

    Attributes
    ----------
    site
        The station.
    samples
        Noise and events, int32 counts at 100 Hz, from `VolcanoNetwork.start_ns` on.
    """

    def __init__(self, network: VolcanoNetwork, site: Site, noise: NDArray[np.float32], heard: list[Heard]):
        self.site, self._network, self._heard = site, network, heard
        squares = signal_power(noise)
        self._noise_energy = np.concatenate(([0.0], np.cumsum(squares, dtype=np.float64))) / RATE
        for one in heard:
            noise[one.first : one.first + one.samples.size] += one.samples
        self.samples = np.rint(noise).astype(np.int32)

    def truth(self) -> pd.DataFrame:
        """Return the events at this station in the order of their onsets.

        Returns
        -------
        DataFrame
            `source_id` (the same at all stations), `family`, `station`, `time` (UTC, onset), `sustained_until` (3 dB
            below the peak for the last time), `end_time` (20 dB below it), `snr_db` (strongest half second against the
            noise of the minute before the onset, 0.5-25 Hz), `frequency_hz` (median of the energy's spectrum) and
            `recorded`, which is true.
        """
        table = self._network.table
        rows = [one.row for one in self._heard]
        onset = np.array([one.onset for one in self._heard], dtype=np.int64)
        before = np.maximum(0, onset - _BEFORE_S * RATE)
        power = (self._noise_energy[onset] - self._noise_energy[before]) * RATE / (onset - before)
        peak = np.array([one.strength.max() for one in self._heard])
        found = pd.DataFrame(
            {
                "source_id": table["number"].to_numpy()[rows],
                "family": table["family"].to_numpy()[rows],
                "station": self.site.code,
                "time": self._times(onset),
                "sustained_until": self._times([one.until(3.0) for one in self._heard]),
                "end_time": self._times([one.until(20.0) for one in self._heard]),
                "snr_db": 10 * np.log10(peak / power),
                "frequency_hz": [_median_frequency(one.band) for one in self._heard],
                "recorded": True,
            }
        )
        return found.sort_values(["time", "source_id"], kind="stable", ignore_index=True)

    def energies(self, window_start: ArrayLike, window_stop: ArrayLike) -> tuple[pd.DataFrame, NDArray[np.int64]]:
        """Return the energy of each family in windows of time, and the strongest source.

        Parameters
        ----------
        window_start, window_stop
            (N,) ns since 1970 UTC.

        Returns
        -------
        energy
            N rows, counts²·s in 0.5-25 Hz: a column for each family, and `noise`, that of the noise itself.
        source_id
            (N,) source with the most energy in the window; 0 without any.
        """
        start = self._indices(window_start)
        stop = self._indices(window_stop)
        energy = np.zeros((start.size, len(FAMILIES)))
        most, source = np.zeros(start.size), np.zeros(start.size, dtype=np.int64)
        for one in self._heard:
            event = self._network.table.iloc[one.row]
            code = FAMILIES.index(event["family"])
            for row in np.flatnonzero((start < one.first + one.band.size) & (stop > one.first)):
                piece = one.band[max(0, start[row] - one.first) : stop[row] - one.first].astype(np.float64)
                share = float(np.sum(piece**2)) / RATE
                energy[row, code] += share
                if share > most[row]:
                    most[row], source[row] = share, event["number"]
        frame = pd.DataFrame(energy, columns=list(FAMILIES))
        last = self._noise_energy.size - 1
        frame[NOISE] = self._noise_energy[np.clip(stop, 0, last)] - self._noise_energy[np.clip(start, 0, last)]
        return frame, source

    def _indices(self, times: ArrayLike) -> NDArray[np.int64]:
        return -(-(np.asarray(times, dtype=np.int64) - self._network.start_ns) // STEP_NS)

    def _times(self, samples: ArrayLike) -> pd.DatetimeIndex:
        times = self._network.start_ns + np.asarray(samples, dtype=np.int64) * STEP_NS
        return pd.to_datetime(times, utc=True)


def signal_power(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the squares of samples in the band of the events, counts²."""
    band = in_band(samples)
    np.square(band, out=band)
    return band


def _median_frequency(band: NDArray[np.float32]) -> float:
    frequency, density = signal.periodogram(band, RATE, detrend=False)
    total = np.cumsum(density)
    return float(frequency[np.searchsorted(total, 0.5 * total[-1])])
