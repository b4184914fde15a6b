"""Labelled events of synthetic volcanoes for the clustering benchmark: made once for each generator, then kept.

A world has four stations and two days (`bench.volcano`). Its samples go through the platform's chain with the preset
`volcano`, and its events are matched with the truth, as those of the ice shelf are (`docs/synthetic.md`). Volcanoes are
for reporting: nothing is tuned on them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.clustering_events import CACHE
from bench.clustering_windows import Events, joined
from bench.volcano.catalogue import FIRST_DAY, MOST_DAYS
from bench.volcano.network import Recorded, VolcanoNetwork
from bench.volcano.world import FAMILIES, MOST_STATIONS, RATE
from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.processing.chain import Products, process
from ris_core.processing.context import context_plan, surroundings
from ris_core.processing.spectrograms import event_spectrogram, plan
from ris_core.section import digest_of
from ris_core.storage.atomic import replacing
from ris_core.truth.evaluation import NOISE, window_labels
from ris_core.truth.true_classes import TOLERANCE_S
from ris_core.truth.truth_matching import match_stations
from ris_core.waveforms.segments import Segment

VERSION = 1
_STEP_NS = 1_000_000_000 // RATE
# A window counts as noise if all events together have less than this share of the noise's energy in it.
_QUIET = 0.01
_TRIES_PER_NOISE_WINDOW = 20
_AROUND = ("context", "context_recorded", "noise_psd", "noise_columns")


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
        _make(generator, size, cache)
    try:
        with np.load(path, allow_pickle=False) as found:
            values = {f.name: found[f.name] for f in fields(Events)}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: cannot be read ({error}); remove it, and it will be made again") from error
    return Events(**values | {name: values[name].item() for name in ("detected", "sampling_rate", "context_lead")})


def make_volcanoes(
    generators: Sequence[int], size: VolcanoSize | None = None, cache: Path = CACHE, workers: int = 1
) -> list[int]:
    """Make the worlds that are not kept yet, several at once; return those that were made."""
    size = size or VolcanoSize()
    missing = [g for g in generators if not volcano_file(g, size, cache).exists()]
    if workers == 1 or len(missing) < 2:
        for generator in missing:
            _make(generator, size, cache)
        return missing
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(_make, missing, [size] * len(missing), [cache] * len(missing)))
    return missing


def _make(generator: int, size: VolcanoSize, cache: Path) -> None:
    events = volcano_events(generator, size)
    with replacing(volcano_file(generator, size, cache)) as temporary, temporary.open("wb") as file:
        np.savez(file, **{f.name: getattr(events, f.name) for f in fields(Events)})


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
        **{name: getattr(found, name) for name in _AROUND},
        **_once(settings),
    )


def _noise(
    recorded: Recorded, key: StationDay, products: Products, settings: Settings, number: int, seed: Sequence[int]
) -> Events:
    """Return windows of a station-day at random times without an event, cut like those of events."""
    (trace,) = products.traces.detection
    constants = plan(settings.spectrogram, settings.conditioning)
    places = np.random.default_rng(seed).integers(0, trace.samples.size, number * _TRIES_PER_NOISE_WINDOW)
    cuts = [c for p in places if (c := event_spectrogram(trace.samples, trace.grid_offset, int(p), constants))]
    first = np.array([cut[0] for cut in cuts], dtype=np.int64)
    start = np.array([trace.time_ns(cut[0]) for cut in cuts], dtype=np.int64)
    energy, _ = recorded.energies(start, _windows(start, settings))
    quiet = energy[list(FAMILIES)].sum(axis=1).to_numpy() < _QUIET * energy[NOISE].to_numpy()
    rows = np.flatnonzero(quiet)[:number]
    around = surroundings(
        trace.samples, trace.grid_offset, first[rows], constants, context_plan(settings.context, constants)
    )
    n, middle = len(rows), start[rows] + constants.samples * 500_000_000 // round(constants.rate)
    shape = (0, constants.frequency.size, constants.time.size)
    return Events(
        spectrogram=np.stack([cuts[i][1] for i in rows]) if n else np.empty(shape, np.float32),
        role=np.full(n, "noise"),
        family=np.full(n, NOISE),
        snr_db=np.full(n, np.nan),
        station=np.full(n, key.station),
        time_peak=middle,
        source_id=-middle * 10 - seed[1] - 1,
        detected=0,
        event_id=np.array([f"{settings.seed_id(key.station)}.{time}" for time in middle], dtype=np.str_),
        window_start=start[rows],
        **{name: getattr(around, name)[:, None] for name in _AROUND},
        **_once(settings),
    )


def _once(settings: Settings) -> dict[str, Any]:
    constants = plan(settings.spectrogram, settings.conditioning)
    return {
        "frequency": constants.frequency,
        "time": constants.time,
        "sampling_rate": constants.rate,
        "context_lead": context_plan(settings.context, constants).lead,
    }
