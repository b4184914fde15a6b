"""Labelled events of synthetic networks for the clustering benchmark: rendered once for each generator, then kept.

A network has four stations and one day in each two months of a year in which every family occurs. Its station-days are
rendered in memory, go through each of the platform's chains, and are matched with the truth (`docs/synthetic.md`).
Windows of 10 s are those of the same events as windows of 4 s, and have the classes of these: their middle 4 s count.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.clustering_chains import CHAINS, Chain, days_of, settings_of
from bench.clustering_windows import Events, Size, joined
from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.processing.chain import Products, process
from ris_core.processing.condition import filter_delay
from ris_core.processing.context import context_plan, surroundings
from ris_core.processing.spectrograms import event_spectrogram, plan
from ris_core.section import digest_of
from ris_core.storage.atomic import replacing
from ris_core.synthetic.network import SyntheticNetwork
from ris_core.synthetic.seismometer import SAMPLING_RATE
from ris_core.truth.evaluation import MIXED, NOISE, window_labels
from ris_core.truth.true_classes import TOLERANCE_S
from ris_core.truth.truth_matching import match_stations
from ris_core.waveforms.segments import to_segments

CACHE = Path(tempfile.gettempdir()) / "ris_bench"

VERSION = 2
_DRAW_VERSION = 1
_SAME_EVENTS: dict[Chain, Chain] = {"zero_phase_10s": "zero_phase_fir"}
_TYPICAL_FREQUENCY_HZ = 8.0
RARE = "novelty"
# A window counts as noise if all events together have less than this share of the noise's energy in it.
_QUIET = 0.01
_AROUND = ("window_start", "context", "context_recorded", "noise_psd", "noise_columns")
_TRIES_PER_NOISE_WINDOW = 20


def cache_file(generator: int, chain: Chain, size: Size, cache: Path) -> Path:
    """Return the file of a generator's events; another chain, network or size has another file."""
    settings = settings_of(generator, chain, size)
    what = [
        VERSION,
        versions.ACQUIRE,
        versions.PROCESS,
        settings.acquire_digest(),
        settings.process_digest(),
        [d.isoformat() for d in days_of(generator, size)],
        [getattr(size, f.name) for f in fields(size)],
    ]
    return cache / f"events_g{generator:03d}_{chain}_{digest_of(what)}.npz"


def load_events(
    generator: int, chain: Chain = "causal_chebyshev", size: Size | None = None, cache: Path = CACHE
) -> Events:
    """Return the events of a generator; render and keep them first if they do not exist.

    Parameters
    ----------
    generator
        Generator seed (`SyntheticSource.seed`): templates, sites, noise and truth.
    chain
        Anti-alias filter and window; all chains are made from one rendering.
    size
        Size of the rendered and kept part.
    cache
        Folder of the files.
    """
    size = size or Size()
    path = cache_file(generator, chain, size, cache)
    if not path.exists():
        _make(generator, size, cache)
    try:
        with np.load(path, allow_pickle=False) as found:
            values = {f.name: found[f.name] for f in fields(Events)}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: cannot be read ({error}); remove it, and it will be made again") from error
    once = {"detected": int, "context_lead": int, "sampling_rate": float}
    return Events(**values | {name: of(values[name]) for name, of in once.items()})


def make_all(generators: Sequence[int], size: Size | None = None, cache: Path = CACHE, workers: int = 1) -> list[int]:
    """Render the generators that are not kept yet, several at once; return those that were rendered."""
    size = size or Size()
    missing = [g for g in generators if not all(cache_file(g, chain, size, cache).exists() for chain in CHAINS)]
    if workers == 1 or len(missing) < 2:
        for generator in missing:
            _make(generator, size, cache)
        return missing
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(_make, missing, [size] * len(missing), [cache] * len(missing)))
    return missing


def _make(generator: int, size: Size, cache: Path) -> None:
    """Render a generator's station-days and keep its events for all chains."""
    parts: dict[Chain, list[Events]] = {chain: [] for chain in CHAINS}
    settings = {chain: settings_of(generator, chain, size) for chain in CHAINS}
    network = SyntheticNetwork(settings[CHAINS[0]])
    each = -(-size.noise_windows // (size.stations * size.days))
    for day in days_of(generator, size):
        truth = network.truth(day - timedelta(days=1), day)
        for station in settings[CHAINS[0]].stations:
            key = StationDay(station.code, day)
            segments = to_segments(network.fetch(key.station, day), key, network.settings.conditioning.padding)
            for chain, of_chain in settings.items():
                products = process({of_chain.channel: segments}, key, of_chain, None)
                found = _unlabelled(key, products, of_chain)
                if chain not in _SAME_EVENTS:
                    found = _labelled(found, network, key, products, of_chain, truth)
                parts[chain].append(found)
                parts[chain].append(_noise(network, key, products, of_chain, each, generator))
    kept: dict[Chain, Events] = {}
    for chain, of_days in parts.items():
        windows, same = joined(of_days), _SAME_EVENTS.get(chain)
        kept[chain] = _draw(windows, size.events, generator) if same is None else _same(windows, kept[same])
        with replacing(cache_file(generator, chain, size, cache)) as temporary, temporary.open("wb") as file:
            np.savez(file, **{f.name: getattr(kept[chain], f.name) for f in fields(Events)})


def _delay_ns(settings: Settings) -> int:
    return round(filter_delay(settings.conditioning, SAMPLING_RATE, _TYPICAL_FREQUENCY_HZ) * 1e9)


def _energy(network: SyntheticNetwork, station: str, start: NDArray[np.int64], settings: Settings) -> pd.DataFrame:
    start = start - _delay_ns(settings)
    length = round((settings.spectrogram.duration + settings.spectrogram.window) * 1e9)
    return network.window_energy(station, start, start + length)


def _unlabelled(key: StationDay, products: Products, settings: Settings) -> Events:
    """Return all events of a station-day without their classes."""
    found = products.spectrograms
    n = len(found.event_id)
    return Events(
        spectrogram=found.spectrogram,
        frequency=found.frequency,
        time=found.time,
        role=np.full(n, "sample"),
        family=np.full(n, MIXED),
        snr_db=np.full(n, np.nan),
        station=np.full(n, key.station),
        time_peak=found.time_peak,
        # Numbers that no other unmatched window of the generator has.
        source_id=-found.time_peak * 10 - settings.stations.index(settings.station(key.station)) - 1,
        detected=n,
        event_id=np.array(found.event_id, dtype=np.str_),
        **{name: getattr(found, name) for name in _AROUND},
        **_once(settings),
    )


def _labelled(
    events: Events,
    network: SyntheticNetwork,
    key: StationDay,
    products: Products,
    settings: Settings,
    truth: pd.DataFrame,
) -> Events:
    """Return the events of a station-day with their classes."""
    table = products.detections
    onsets = table[table["outcome"] == "event"]
    matched = match_stations(onsets, truth, TOLERANCE_S, _delay_ns(settings) / 1e9)
    hit = matched >= 0
    energy = _energy(network, key.station, events.window_start, settings)
    source_id, snr = events.source_id.copy(), events.snr_db.copy()
    source_id[hit] = truth["source_id"].to_numpy()[matched[hit]]
    snr[hit] = truth["snr_db"].to_numpy()[matched[hit]]
    family = window_labels(matched, energy).astype(str)
    return replace(events, family=family, source_id=source_id, snr_db=snr)


def _noise(
    network: SyntheticNetwork, key: StationDay, products: Products, settings: Settings, number: int, generator: int
) -> Events:
    """Return windows of a station-day without an event, cut like those of events."""
    (trace,) = products.traces.detection
    constants = plan(settings.spectrogram, settings.conditioning)
    seed = [generator, settings.stations.index(settings.station(key.station)), key.day.toordinal()]
    places = np.random.default_rng(seed).integers(0, trace.samples.size, number * _TRIES_PER_NOISE_WINDOW)
    cuts = [c for p in places if (c := event_spectrogram(trace.samples, trace.grid_offset, int(p), constants))]
    first = np.array([cut[0] for cut in cuts], dtype=np.int64)
    start = np.array([trace.time_ns(cut[0]) for cut in cuts], dtype=np.int64)
    rows = _quiet(network, key.station, start, settings, number)
    n = len(rows)
    around = surroundings(
        trace.samples, trace.grid_offset, first[rows], constants, context_plan(settings.context, constants)
    )
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
        event_id=np.array([f"{settings.seed_id(key.station)}.{time}" for time in middle], dtype=np.str_),
        window_start=start[rows],
        **{name: getattr(around, name)[:, None] for name in _AROUND if name != "window_start"},
        **_once(settings),
    )


def _quiet(
    network: SyntheticNetwork, station: str, start: NDArray[np.int64], settings: Settings, number: int
) -> NDArray[np.int64]:
    """Return the first windows that hold no event, at most a number of them."""
    rows: list[int] = []
    for begin in range(0, len(start), 2 * number):
        energy = _energy(network, station, start[begin : begin + 2 * number], settings)
        quiet = energy.drop(columns=NOISE).sum(axis=1).to_numpy() < _QUIET * energy[NOISE].to_numpy()
        rows += (begin + np.flatnonzero(quiet)).tolist()
        if len(rows) >= number:
            break
    return np.array(rows[:number], dtype=np.int64)


def _once(settings: Settings) -> dict[str, Any]:
    constants = plan(settings.spectrogram, settings.conditioning)
    return {"sampling_rate": constants.rate, "context_lead": context_plan(settings.context, constants).lead}


def _draw(windows: Events, events: int, generator: int) -> Events:
    """Keep a uniform sample of the events, the further events of the rare family, and the windows of noise."""
    candidates = np.flatnonzero(windows.role == "sample")
    drawn = np.random.default_rng([generator, _DRAW_VERSION, 1]).permutation(candidates)[:events]
    rest = np.setdiff1d(candidates, drawn)
    rare = rest[windows.family[rest] == RARE]
    role = windows.role.copy()
    role[rare] = "rare"
    kept = np.concatenate((np.sort(drawn), rare, np.flatnonzero(role == "noise")))
    return replace(windows, role=role).take(kept)


def _same(windows: Events, drawn: Events) -> Events:
    """Keep the windows of the events that were drawn with another window, and the windows of noise."""
    place = {event_id: row for row, event_id in enumerate(windows.event_id)}
    known = drawn.take((drawn.role != "noise") & np.isin(drawn.event_id, windows.event_id))
    rows = np.array([place[event_id] for event_id in known.event_id], dtype=np.int64)
    truth = {name: getattr(known, name) for name in ("role", "family", "snr_db", "source_id")}
    noise = replace(windows.of_role("noise"), detected=0)
    return joined([replace(windows.take(rows), **truth, detected=drawn.detected), noise])
