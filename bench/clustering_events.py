"""Labelled events of synthetic networks for the clustering benchmark: rendered once for each generator, then kept.

A network has four stations and one day in each two months of a year in which every family occurs. Its station-days are
rendered in memory, go through the platform's chain, and are matched with the truth (`docs/synthetic.md`).
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.clustering_windows import MOST_DAYS, Events, Size, joined
from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.processing.chain import Products, process
from ris_core.processing.condition import filter_delay
from ris_core.processing.spectrograms import event_spectrogram, plan
from ris_core.section import digest_of
from ris_core.storage.atomic import replacing
from ris_core.synthetic.network import SyntheticNetwork
from ris_core.synthetic.seismometer import SAMPLING_RATE
from ris_core.truth.evaluation import NOISE, window_labels
from ris_core.truth.truth_matching import match_stations
from ris_core.truth.truth_scores import TOLERANCE_S
from ris_core.waveforms.segments import to_segments

Decimation = Literal["causal_chebyshev", "zero_phase_fir"]
DECIMATIONS: tuple[Decimation, ...] = ("causal_chebyshev", "zero_phase_fir")
CACHE = Path(tempfile.gettempdir()) / "ris_bench"

VERSION = 1
_PLACES = ((-81.5, -176.5), (-80.2, -178.0), (-78.3, 179.0), (-79.4, -174.0))
_FIRST_MONTH = date(2015, 12, 1)
_TWO_MONTHS = 61
_TYPICAL_FREQUENCY_HZ = 8.0
RARE = "novelty"
# A window counts as noise if all events together have less than this share of the noise's energy in it.
_QUIET = 0.01
_TRIES_PER_NOISE_WINDOW = 20


def settings_of(
    generator: int,
    decimation: Decimation | None = None,
    size: Size | None = None,
    values: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings of a generator's network; given values replace the defaults."""
    size = size or Size()
    places = _PLACES[: size.stations]
    conditioning = {} if decimation is None else {"conditioning": {"decimation": decimation}}
    return Settings.model_validate(
        {
            "network": {"name": "bench", "code": "SY"},
            "stations": [
                {"code": f"S{i:02d}", "latitude": lat, "longitude": lon} for i, (lat, lon) in enumerate(places, start=1)
            ],
            "first_day": _FIRST_MONTH,
            "last_day": _FIRST_MONTH + timedelta(days=MOST_DAYS * _TWO_MONTHS - 1),
            "source": {"kind": "synthetic", "seed": generator},
            **conditioning,
            **(values or {}),
        }
    )


def days_of(generator: int, size: Size) -> list[date]:
    """Return the days of a generator: one of each two months, drawn by the generator's number."""
    drawn = np.random.default_rng([generator, VERSION]).integers(0, _TWO_MONTHS - 1, size=MOST_DAYS)
    return [_FIRST_MONTH + timedelta(days=_TWO_MONTHS * i + int(n)) for i, n in enumerate(drawn)][: size.days]


def cache_file(generator: int, decimation: Decimation, size: Size, cache: Path) -> Path:
    """Return the file of a generator's events; another chain, network or size has another file."""
    settings = settings_of(generator, decimation, size)
    what = [
        VERSION,
        versions.ACQUIRE,
        versions.PROCESS,
        settings.acquire_digest(),
        settings.process_digest(),
        [d.isoformat() for d in days_of(generator, size)],
        [getattr(size, f.name) for f in fields(size)],
    ]
    return cache / f"events_g{generator:03d}_{decimation}_{digest_of(what)}.npz"


def load_events(
    generator: int, decimation: Decimation = "causal_chebyshev", size: Size | None = None, cache: Path = CACHE
) -> Events:
    """Return the events of a generator; render and keep them first if they do not exist.

    Parameters
    ----------
    generator
        Generator seed (`SyntheticSource.seed`): templates, sites, noise and truth.
    decimation
        Anti-alias filter of the chain; both are made from one rendering.
    size
        Size of the rendered and kept part.
    cache
        Folder of the files.
    """
    size = size or Size()
    path = cache_file(generator, decimation, size, cache)
    if not path.exists():
        _make(generator, size, cache)
    try:
        with np.load(path, allow_pickle=False) as found:
            values = {f.name: found[f.name] for f in fields(Events)}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: cannot be read ({error}); remove it, and it will be made again") from error
    return Events(**{**values, "detected": int(values["detected"])})


def make_all(generators: Sequence[int], size: Size | None = None, cache: Path = CACHE, workers: int = 1) -> list[int]:
    """Render the generators that are not kept yet, several at once; return those that were rendered."""
    size = size or Size()
    missing = [
        g for g in generators if not all(cache_file(g, decimation, size, cache).exists() for decimation in DECIMATIONS)
    ]
    if workers == 1 or len(missing) < 2:
        for generator in missing:
            _make(generator, size, cache)
        return missing
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(_make, missing, [size] * len(missing), [cache] * len(missing)))
    return missing


def _make(generator: int, size: Size, cache: Path) -> None:
    """Render a generator's station-days and keep its events for both decimations."""
    parts: dict[Decimation, list[Events]] = {decimation: [] for decimation in DECIMATIONS}
    settings = {decimation: settings_of(generator, decimation, size) for decimation in DECIMATIONS}
    network = SyntheticNetwork(settings[DECIMATIONS[0]])
    each = -(-size.noise_windows // (size.stations * size.days))
    for day in days_of(generator, size):
        truth = network.truth(day - timedelta(days=1), day)
        for station in settings[DECIMATIONS[0]].stations:
            key = StationDay(station.code, day)
            segments = to_segments(network.fetch(key.station, day), key, network.settings.conditioning.padding)
            for decimation, of_chain in settings.items():
                products = process({of_chain.channel: segments}, key, of_chain, None)
                parts[decimation].append(_labelled(network, key, products, of_chain, truth))
                parts[decimation].append(_noise(network, key, products, of_chain, each, generator))
    for decimation, of_days in parts.items():
        kept = _draw(joined(of_days), size.events, generator)
        with replacing(cache_file(generator, decimation, size, cache)) as temporary, temporary.open("wb") as file:
            np.savez(file, **{f.name: getattr(kept, f.name) for f in fields(kept)})


def _delay_ns(settings: Settings) -> int:
    return round(filter_delay(settings.conditioning, SAMPLING_RATE, _TYPICAL_FREQUENCY_HZ) * 1e9)


def _energy(network: SyntheticNetwork, station: str, start: NDArray[np.int64], settings: Settings) -> pd.DataFrame:
    start = start - _delay_ns(settings)
    length = round((settings.spectrogram.duration + settings.spectrogram.window) * 1e9)
    return network.window_energy(station, start, start + length)


def _labelled(
    network: SyntheticNetwork, key: StationDay, products: Products, settings: Settings, truth: pd.DataFrame
) -> Events:
    """Return all events of a station-day with their classes."""
    found, table = products.spectrograms, products.detections
    onsets = table[table["outcome"] == "event"]
    matched = match_stations(onsets, truth, TOLERANCE_S, _delay_ns(settings) / 1e9)
    hit = matched >= 0
    energy = _energy(network, key.station, found.window_start, settings)
    # Numbers that no other unmatched window of the generator has.
    source_id = -found.time_peak * 10 - settings.stations.index(settings.station(key.station)) - 1
    source_id[hit] = truth["source_id"].to_numpy()[matched[hit]]
    snr = np.full(len(matched), np.nan)
    snr[hit] = truth["snr_db"].to_numpy()[matched[hit]]
    n = len(found.event_id)
    return Events(
        spectrogram=found.spectrogram,
        frequency=found.frequency,
        time=found.time,
        role=np.full(n, "sample"),
        family=window_labels(matched, energy).astype(str),
        snr_db=snr,
        station=np.full(n, key.station),
        time_peak=found.time_peak,
        source_id=source_id,
        detected=n,
    )


def _noise(
    network: SyntheticNetwork, key: StationDay, products: Products, settings: Settings, number: int, generator: int
) -> Events:
    """Return windows of a station-day without an event, cut like those of events."""
    (trace,) = products.traces.detection
    constants = plan(settings.spectrogram, settings.conditioning)
    seed = [generator, settings.stations.index(settings.station(key.station)), key.day.toordinal()]
    places = np.random.default_rng(seed).integers(0, trace.samples.size, number * _TRIES_PER_NOISE_WINDOW)
    cuts = [c for p in places if (c := event_spectrogram(trace.samples, trace.grid_offset, int(p), constants))]
    start = np.array([trace.time_ns(cut[0]) for cut in cuts], dtype=np.int64)
    energy = _energy(network, key.station, start, settings)
    quiet = energy.drop(columns=NOISE).sum(axis=1).to_numpy() < _QUIET * energy[NOISE].to_numpy()
    rows = np.flatnonzero(quiet)[:number]
    n = len(rows)
    middle = start[rows] + constants.samples * 500_000_000 // round(constants.rate)
    return Events(
        spectrogram=np.stack([cuts[i][1] for i in rows]) if n else np.empty((0, 87, 100), np.float32),
        frequency=constants.frequency,
        time=constants.time,
        role=np.full(n, "noise"),
        family=np.full(n, NOISE),
        snr_db=np.full(n, np.nan),
        station=np.full(n, key.station),
        time_peak=middle,
        source_id=-middle * 10 - seed[1] - 1,
        detected=0,
    )


def _draw(windows: Events, events: int, generator: int) -> Events:
    """Keep a uniform sample of the events, the further events of the rare family, and the windows of noise."""
    candidates = np.flatnonzero(windows.role == "sample")
    drawn = np.random.default_rng([generator, VERSION, 1]).permutation(candidates)[:events]
    rest = np.setdiff1d(candidates, drawn)
    rare = rest[windows.family[rest] == RARE]
    role = windows.role.copy()
    role[rare] = "rare"
    kept = np.concatenate((np.sort(drawn), rare, np.flatnonzero(role == "noise")))
    return replace(windows, role=role).take(kept)
