"""Labelled events of synthetic networks for the clustering benchmark: rendered once for each generator, then kept.

A network has four stations and one day or more in each two months of a year in which every family occurs. Its
station-days are rendered in memory, go through each of the platform's chains, and are matched with the truth
(`docs/synthetic.md`). Windows of 10 s are those of the same events as windows of 4 s, and have the classes of these:
their middle 4 s count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.clustering_chains import CHAINS, Chain, days_of, settings_of
from bench.clustering_windows import Events, Size, joined
from bench.kept_windows import CACHE, make_missing, read_windows, write_windows
from bench.quiet_windows import AROUND, QUIET, once, windows_of_noise
from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.processing.chain import Products, process
from ris_core.processing.condition import filter_delay
from ris_core.section import digest_of
from ris_core.synthetic.network import SyntheticNetwork
from ris_core.synthetic.seismometer import SAMPLING_RATE
from ris_core.truth.evaluation import MIXED, NOISE, window_labels
from ris_core.truth.true_classes import TOLERANCE_S
from ris_core.truth.truth_matching import match_stations
from ris_core.waveforms.segments import to_segments

VERSION = 2
_DRAW_VERSION = 1
_SAME_EVENTS: dict[Chain, Chain] = {"zero_phase_10s": "zero_phase_fir"}
_TYPICAL_FREQUENCY_HZ = 8.0
RARE = "novelty"


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
        _make(size, cache, generator)
    return read_windows(path)


def make_all(generators: Sequence[int], size: Size | None = None, cache: Path = CACHE, workers: int = 1) -> list[int]:
    """Render the generators that are not kept yet, several at once; return those that were rendered."""
    size = size or Size()
    missing = [g for g in generators if not all(cache_file(g, chain, size, cache).exists() for chain in CHAINS)]
    return make_missing(partial(_make, size, cache), missing, workers)


def _make(size: Size, cache: Path, generator: int) -> None:
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
        write_windows(cache_file(generator, chain, size, cache), kept[chain])


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
        role=np.full(n, "sample"),
        family=np.full(n, MIXED),
        snr_db=np.full(n, np.nan),
        station=np.full(n, key.station),
        time_peak=found.time_peak,
        # Numbers that no other unmatched window of the generator has.
        source_id=-found.time_peak * 10 - settings.stations.index(settings.station(key.station)) - 1,
        detected=n,
        event_id=np.array(found.event_id, dtype=np.str_),
        window_start=found.window_start,
        **{name: getattr(found, name) for name in AROUND},
        **once(settings),
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
    """Return windows of a station-day without an event."""
    seed = [generator, settings.stations.index(settings.station(key.station)), key.day.toordinal()]
    return windows_of_noise(
        key, products, settings, number, seed, lambda start: _quiet(network, key.station, start, settings, number)
    )


def _quiet(
    network: SyntheticNetwork, station: str, start: NDArray[np.int64], settings: Settings, number: int
) -> NDArray[np.int64]:
    """Return the first windows that hold no event, at most a number of them."""
    rows: list[int] = []
    for begin in range(0, len(start), 2 * number):
        energy = _energy(network, station, start[begin : begin + 2 * number], settings)
        quiet = energy.drop(columns=NOISE).sum(axis=1).to_numpy() < QUIET * energy[NOISE].to_numpy()
        rows += (begin + np.flatnonzero(quiet)).tolist()
        if len(rows) >= number:
            break
    return np.array(rows[:number], dtype=np.int64)


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
