"""Events for the training benchmarks: of the synthetic network, as the published file and in our files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.clustering_events import load_events
from bench.clustering_windows import Size
from bench.kept_windows import CACHE
from ris_core.config import Settings
from ris_core.contracts.events import Events
from ris_core.contracts.stamp import Stamp
from ris_core.processing.spectrograms import Plan, plan
from ris_core.storage import spectrogram_file
from ris_core.storage.published_file import PublishedWriter, writing_published

QUICK = Size(stations=1, days=1, noise_windows=1)
"""One station-day, which is rendered in seconds."""
FIRST_DAY = date(2015, 1, 1)
UNIT = "counts"
_TRACE = 199
_SAMPLES = 218
_BLOCK = 1024
_A_DAY = 300
_PIXEL_NOISE = 0.1
_MINUTES = 4
Array = NDArray[np.float32]


def gather(events: int, generators: Sequence[int], cache: Path = CACHE, size: Size | None = None) -> Array:
    """Return detected events of generators of the synthetic network, in random order: (N, 87, 100), linear PSD.

    Parameters
    ----------
    events
        Greatest N.
    generators
        Numbers of generators; generators that are not in the cache are rendered first, in a minute or two each.
    cache
        Folder of `bench.clustering_events`.
    size
        Size of the rendered part of a generator.
    """
    found = [load_events(number, size=size, cache=cache).of_role("sample").spectrogram for number in generators]
    x = np.concatenate(found)
    return x[np.random.default_rng(0).permutation(len(x))[:events]]


def multiplied(x: Array, start: int, events: int) -> Array:
    """Return `events` spectrograms from number `start` of an endless series: those of `x`, each time with other noise.

    Copies are shifted in time, scaled, and every value is multiplied by lognormal noise, so that they compress as
    spectrograms do.
    """
    random = np.random.default_rng([start, events])
    rows = random.integers(0, len(x), events)
    shift = random.integers(-5, 6, events)
    scale = np.exp(random.normal(0, 1, events)).astype(np.float32)
    result = np.empty((events, *x.shape[1:]), np.float32)
    for i in range(events):
        noise = random.standard_normal(x.shape[1:], dtype=np.float32)
        result[i] = np.roll(x[rows[i]], shift[i], axis=1) * np.exp(_PIXEL_NOISE * noise) * scale[i]
    return result


def published_settings(events: int, stations: int = 4, **sections: Any) -> Settings:
    """Return settings of an imported network with enough station-days for some events, 300 on each."""
    days = -(-events // (_A_DAY * stations))
    return Settings.model_validate(
        {
            "network": {"name": "bench_training", "code": "XB"},
            "stations": [{"code": f"B{number:02d}"} for number in range(1, stations + 1)],
            "first_day": FIRST_DAY,
            "last_day": FIRST_DAY + timedelta(days=days - 1),
            "source": {"kind": "published"},
            **sections,
        }
    )


def write_published(path: Path, events: int, blocks: Iterator[Array], settings: Settings) -> None:
    """Write spectrograms as the published code does: raw float32, with made-up traces and catalogue."""
    constants = plan(settings.spectrogram, settings.conditioning)
    with writing_published(
        path, events, constants.frequency, constants.time, _TRACE, UNIT, settings.spectrogram.nfft
    ) as writer:
        start = 0
        for block in blocks:
            _put(writer, start, block, settings)
            start += len(block)


def _put(writer: PublishedWriter, start: int, block: Array, settings: Settings) -> None:
    rows = np.arange(start, start + len(block), dtype=np.int64)
    traces = np.random.default_rng(start).normal(size=(len(block), _TRACE)).astype(np.float32)
    writer.put(rows, block, traces, [_entry(int(row), settings) for row in rows])


def _entry(row: int, settings: Settings) -> bytes:
    """Return the catalogue entry of an event: one every four minutes, station by station, day by day."""
    stations = settings.stations
    station_day, number = divmod(row, _A_DAY)
    day, place = divmod(station_day, len(stations))
    on = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time(), UTC)
    on += timedelta(minutes=_MINUTES * number + 1)

    def text(seconds: float) -> str:
        return (on + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]

    entry = {
        "Index": row,
        "network": settings.network.code,
        "station": stations[place].code,
        "channel": settings.channel,
        "dt_on": text(0),
        "dt_off": text(1.2),
        "dt_peak": text(0.6),
        "fs": 50.0,
        "STA": 0.5,
        "LTA": 30.0,
        "spec_start": text(-1.2),
        "spec_stop": text(2.76),
    }
    return json.dumps(entry).encode()


def blocks_of(x: Array) -> Iterator[Array]:
    """Iterate over an array in blocks."""
    return (x[start : start + _BLOCK] for start in range(0, len(x), _BLOCK))


def blocks_multiplied(x: Array, events: int) -> Iterator[Array]:
    """Iterate over `events` spectrograms made of those of `x`; only a block is held."""
    return (multiplied(x, start, min(_BLOCK, events - start)) for start in range(0, events, _BLOCK))


def write_ours(path: Path, x: Array, validation: NDArray[np.bool_], settings: Settings) -> None:
    """Write spectrograms as our training set: compressed, with waveforms and the split."""
    constants: Plan = plan(settings.spectrogram, settings.conditioning)
    n = len(x)
    times = np.arange(n, dtype=np.int64)
    data = Events(
        spectrogram=x,
        waveform=np.random.default_rng(0).normal(size=(n, _SAMPLES)).astype(np.float32),
        frequency=constants.frequency,
        time=constants.time,
        event_id=tuple(f"XB.B01..HHZ.{i:020d}" for i in range(n)),
        time_peak=times,
        window_start=times,
        sampling_rate=constants.rate,
    )
    spectrogram_file.write_spectrograms(
        path, data, Stamp("bench", "1", "bench"), settings.model_dump_json(), validation=validation
    )
