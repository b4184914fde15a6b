"""Labelled events of synthetic volcanoes for the clustering benchmark: made once for each generator, then kept.

A world has four stations and two days (`bench.volcano`). Its samples go through the platform's chain with the preset
`volcano`, and its events are matched with the truth, as those of the ice shelf are (`docs/synthetic.md`). Volcanoes are
for reporting: nothing is tuned on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.clustering_windows import Events, joined
from bench.kept_windows import CACHE, make_missing, read_windows, write_windows
from bench.quiet_windows import AROUND, QUIET, once, windows_of_noise
from bench.volcano.catalogue import FIRST_DAY, MOST_DAYS
from bench.volcano.network import Recorded, VolcanoNetwork
from bench.volcano.world import FAMILIES, MOST_STATIONS, RATE
from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.processing.chain import Products, process
from ris_core.section import digest_of
from ris_core.truth.evaluation import NOISE, window_labels
from ris_core.truth.true_classes import TOLERANCE_S
from ris_core.truth.truth_matching import match_stations
from ris_core.waveforms.segments import Segment

VERSION = 1
_STEP_NS = 1_000_000_000 // RATE


@dataclass(frozen=True)
class VolcanoSize:
    """The size of a world.

    Attributes
    ----------
    stations, days
        At most 4 stations, the nearest to the vent first, and at most 2 days. All their detections are kept.
    noise_windows
        Most windows without events, spread over the station-days.
    """

    stations: int = MOST_STATIONS
    days: int = MOST_DAYS
    noise_windows: int = 96

    def __post_init__(self) -> None:
        if not (1 <= self.stations <= MOST_STATIONS and 1 <= self.days <= MOST_DAYS):
            raise ValueError(
                f"1 to {MOST_STATIONS} stations and 1 to {MOST_DAYS} days, got {self.stations} and {self.days}"
            )


def volcano_settings(size: VolcanoSize | None = None) -> Settings:
    """Return the settings of a volcano's network: those of the preset `volcano`."""
    size = size or VolcanoSize()
    codes = [f"V{number:02d}" for number in range(1, size.stations + 1)]
    return Settings.model_validate(
        {
            "preset": "volcano",
            "network": {"name": "volcano", "code": "SY"},
            "stations": [{"code": code, "latitude": 0.01 * i, "longitude": 0.0} for i, code in enumerate(codes)],
            "first_day": FIRST_DAY,
            "last_day": FIRST_DAY + timedelta(days=size.days - 1),
            "source": {"kind": "sds", "root": "rendered in memory"},
        }
    )


def volcano_file(generator: int, size: VolcanoSize, cache: Path) -> Path:
    """Return the file of a world's events; another chain or size has another file."""
    what = [VERSION, versions.PROCESS, volcano_settings(size).process_digest(), asdict(size)]
    return cache / f"volcano_g{generator:03d}_{digest_of(what)}.npz"


def load_volcano(generator: int, size: VolcanoSize | None = None, cache: Path = CACHE) -> Events:
    """Return the events of a world; make and keep them first if they do not exist.

    Parameters
    ----------
    generator
        Seed of the world: places, events and noise.
    size
        Size of the world.
    cache
        Folder of the files.

    Raises
    ------
    ValueError
        The file cannot be read.
    """
    size = size or VolcanoSize()
    path = volcano_file(generator, size, cache)
    if not path.exists():
        _make(size, cache, generator)
    return read_windows(path)


def make_volcanoes(
    generators: Sequence[int], size: VolcanoSize | None = None, cache: Path = CACHE, workers: int = 1
) -> list[int]:
    """Make the worlds that are not kept yet, several at once; return those that were made."""
    size = size or VolcanoSize()
    missing = [g for g in generators if not volcano_file(g, size, cache).exists()]
    return make_missing(partial(_make, size, cache), missing, workers)


def _make(size: VolcanoSize, cache: Path, generator: int) -> None:
    write_windows(volcano_file(generator, size, cache), volcano_events(generator, size))


def volcano_events(generator: int, size: VolcanoSize | None = None) -> Events:
    """Return the events of a world in the order of station and time, those of its noise windows behind them."""
    size = size or VolcanoSize()
    settings, network = volcano_settings(size), VolcanoNetwork(generator)
    each = -(-size.noise_windows // (size.stations * size.days))
    found, quiet = [], []
    for place, station in enumerate(settings.stations):
        recorded = network.recorded(station.code)
        for number in range(size.days):
            key = StationDay(station.code, FIRST_DAY + timedelta(days=number))
            segment = padded_day(network, recorded, key.day, settings.conditioning.padding)
            products = process({settings.channel: [segment]}, key, settings, None)
            found.append(_labelled(recorded, key, products, settings, place))
            seed = [generator, place, number]
            quiet.append(_noise(recorded, key, products, settings, each, seed))
    return joined(found + quiet)


def padded_day(network: VolcanoNetwork, recorded: Recorded, day: date, padding: float) -> Segment:
    """Return the samples of a day with its padding (s) on both sides."""
    start_ns = StationDay(recorded.site.code, day).start_ns - round(padding * 1e9)
    first = (start_ns - network.start_ns) // _STEP_NS
    count = round((86_400 + 2 * padding) * RATE)
    return Segment(start_ns, float(RATE), recorded.samples[first : first + count], True, True)


def _windows(start: NDArray[np.int64], settings: Settings) -> NDArray[np.int64]:
    return start + round((settings.spectrogram.duration + settings.spectrogram.window) * 1e9)


def _labelled(recorded: Recorded, key: StationDay, products: Products, settings: Settings, place: int) -> Events:
    """Return all events of a station-day with their classes."""
    found, table = products.spectrograms, products.detections
    truth = recorded.truth()
    matched = match_stations(table[table["outcome"] == "event"], truth, TOLERANCE_S)
    hit = matched >= 0
    energy, strongest = recorded.energies(found.window_start, _windows(found.window_start, settings))
    family = window_labels(matched, energy).astype(str)
    # A further trigger on an event belongs to it; others have a number that no other window of the world has.
    source_id = np.where((family != NOISE) & (strongest > 0), strongest, -found.time_peak * 10 - place - 1)
    source_id[hit] = truth["source_id"].to_numpy()[matched[hit]]
    snr = np.full(len(matched), np.nan)
    snr[hit] = truth["snr_db"].to_numpy()[matched[hit]]
    n = len(found)
    return Events(
        spectrogram=found.spectrogram,
        role=np.full(n, "sample"),
        family=family,
        snr_db=snr,
        station=np.full(n, key.station),
        time_peak=found.time_peak,
        source_id=source_id,
        detected=n,
        event_id=np.array(found.event_id, dtype=np.str_),
        window_start=found.window_start,
        **{name: getattr(found, name) for name in AROUND},
        **once(settings),
    )


def _noise(
    recorded: Recorded, key: StationDay, products: Products, settings: Settings, number: int, seed: Sequence[int]
) -> Events:
    """Return windows of a station-day at random times without an event."""

    def quiet(start: NDArray[np.int64]) -> NDArray[np.int64]:
        energy, _ = recorded.energies(start, _windows(start, settings))
        events = energy[list(FAMILIES)].sum(axis=1).to_numpy()
        return np.flatnonzero(events < QUIET * energy[NOISE].to_numpy())[:number]

    return windows_of_noise(key, products, settings, number, seed, quiet)
