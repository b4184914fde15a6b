"""The project's own functions on spectrogram files, for `bench.spectrogram_file`, and what context adds to a file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from ris_core.config import load_settings
from ris_core.contracts.events import PARTS, SURROUNDINGS, Events
from ris_core.contracts.stamp import Stamp
from ris_core.storage import spectrogram_file, table_schemas, tables
from ris_core.storage.rounding import round_mantissa
from ris_core.training.normalise import normalise

BLOCK = 1024
PASSES = 2
STATION_DAY = 300
CONFIG = Path(__file__).resolve().parent.parent / "config" / "demo_published.yaml"
TRIGGERS = 360
BITS = (7, 9, 11, 13, 15, 17, 20, 23)
ALL_BITS = 23
STAMP = Stamp("bench", "1", "bench")


def cpu_seconds(work: Callable[[], Any]) -> float:
    """Return the CPU-seconds of one call, of all threads of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def median_cpu(work: Callable[[], Any], repeats: int) -> float:
    """Return the median CPU-seconds of some calls."""
    return float(np.median([cpu_seconds(work) for _ in range(repeats)]))


def read_all(path: Path) -> None:
    """Read and normalise the spectrograms of a file, in blocks in order."""
    for block in spectrogram_file.iterate_spectrograms(path, BLOCK):
        normalise(block, out=block)


def own_figures(data: Events, detections: pd.DataFrame, folder: Path, repeats: int) -> dict[str, float]:
    """Measure the project's own functions on a whole file, on a station-day of 300 events, and on its tables."""
    whole, day_path, empty, table = (folder / name for name in ("whole.h5", "day.h5", "empty.h5", "day.parquet"))
    n = len(data.event_id)
    day, none = data.take(np.arange(STATION_DAY) % n), data.take(np.arange(0))
    settings_json = load_settings(CONFIG).model_dump_json()
    spectrogram_file.write_spectrograms(whole, data, STAMP, settings_json)
    rows = np.sort(np.random.default_rng(0).choice(n, max(1, n // 10), replace=False))

    def write() -> float:
        day_path.unlink(missing_ok=True)
        return cpu_seconds(lambda: spectrogram_file.write_spectrograms(day_path, day, STAMP, settings_json))

    written = float(np.median([write() for _ in range(repeats)]))
    spectrograms = round_mantissa(day.spectrogram)
    ten_megabytes = np.random.default_rng(0).bytes(10_000_000)
    raw = sum(array.nbytes for name in PARTS if (array := getattr(data, name)) is not None)
    figures = {
        "read_normalise_per_s": n / median_cpu(lambda: read_all(whole), 3 * repeats),
        "scattered_rows_per_s": len(rows)
        / median_cpu(lambda: spectrogram_file.read_spectrograms(whole, rows), repeats),
        "normalise_per_s": STATION_DAY / median_cpu(lambda: normalise(spectrograms), 3 * repeats),
        "file_share": whole.stat().st_size / raw,
        "day_write_ms": 1e3 * written,
        "day_round_ms": 1e3 * median_cpu(lambda: round_mantissa(day.spectrogram), repeats),
        "day_digest_ms": 1e3 * median_cpu(lambda: spectrogram_file.content_digest(day), repeats),
        "day_read_info_ms": 1e3 * median_cpu(lambda: spectrogram_file.read_info(day_path), 3 * repeats),
        "day_verify_ms": 1e3 * median_cpu(lambda: spectrogram_file.verify(day_path), repeats),
        "no_events_write_ms": 1e3
        * median_cpu(lambda: spectrogram_file.write_spectrograms(empty, none, STAMP, settings_json), repeats),
        "no_events_bytes": empty.stat().st_size,
    }
    for name in ("sha256", "blake2b", "sha1"):
        digest = partial(hashlib.new, name, ten_megabytes, usedforsecurity=False)
        figures[f"{name}_10_mb_ms"] = 1e3 * median_cpu(digest, 3 * repeats)
    if len(detections):
        frame = detections.iloc[np.arange(TRIGGERS) % len(detections)].reset_index(drop=True)

        def write_table() -> str:
            return tables.write_table(table, frame, table_schemas.DETECTION_SCHEMA, STAMP)

        write_table()
        figures["table_write_ms"] = 1e3 * median_cpu(write_table, 3 * repeats)
        figures["table_read_stamp_ms"] = 1e3 * median_cpu(lambda: tables.read_stamp(table), 3 * repeats)
    return figures


def context_figures(data: Events, folder: Path, repeats: int) -> dict[str, float]:
    """Measure what context and noise spectra add to a station-day of 300 events: times, bytes by bits of mantissa."""
    path = folder / "context.h5"
    day = data.take(np.arange(STATION_DAY) % len(data))
    without: dict[str, Any] = dict.fromkeys(SURROUNDINGS)
    bare = replace(day, context_lead=0, **without)

    def write(events: Events) -> None:
        path.unlink(missing_ok=True)
        spectrogram_file.write_spectrograms(path, events, STAMP, "{}")

    figures: dict[str, float] = {}
    sizes, times = [], []
    for events, name in ((bare, "without_context"), (day, "with_context")):
        times.append(median_cpu(partial(write, events), 3 * repeats))
        sizes.append(path.stat().st_size)
        figures[f"{name}_bytes_per_event"] = sizes[-1] / STATION_DAY
        figures[f"{name}_write_ms"] = 1e3 * times[-1]
        figures[f"{name}_verify_ms"] = 1e3 * median_cpu(lambda: spectrogram_file.verify(path), repeats)
    figures["context_growth_of_file"] = sizes[1] / sizes[0] - 1
    figures["context_growth_of_write"] = times[1] / times[0] - 1
    for name in ("context", "noise_psd"):
        values = getattr(day, name)
        for bits in BITS:
            with h5py.File(path, "w") as file:
                rounded = round_mantissa(values, bits) if bits < ALL_BITS else values
                dataset = file.create_dataset(name, data=rounded, **spectrogram_file.layout(values.shape))
                figures[f"{name}_{bits}_bits_bytes"] = dataset.id.get_storage_size() / STATION_DAY
    return figures
