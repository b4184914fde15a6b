"""Time and memory of exports: ``python -m bench.exports --events 430000``.

A catalogue of the published size (34 stations, two years) is written by the product's writer, without waveforms. A new
process then exports it as QuakeML, CSV and Parquet, once for a tenth of the events and once for all: memory must not
grow with them. Stations are left out: their rates need live intervals, which bench.rates measures.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.catalogue_network import event_ids, settings_of
from ris_core.catalogue.catalogue_schema import CATALOGUE_SCHEMA
from ris_core.contracts.stamp import Stamp
from ris_core.exports.export_run import Format, export
from ris_core.exports.selection import Selection
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables

FIRST, DAYS = date(2014, 12, 1), 731
FORMATS: tuple[Format, ...] = ("quakeml", "csv", "parquet")


def _network(root: Path, stations: int) -> StationDays:
    return StationDays.open(settings_of(stations, FIRST, DAYS), root)


def write_catalogue(root: Path, stations: int, events: int) -> None:
    """Write a catalogue of events at random times, month by month."""
    network, rng = _network(root, stations), np.random.default_rng(0)
    start, day = pd.Timestamp(FIRST, tz="UTC").value, 86_400_000_000_000
    peak = np.sort(start + rng.integers(0, DAYS * day, events) // 1000 * 1000)
    station = rng.choice(network.stations, events)
    frame = pd.DataFrame({"time_peak": peak, "station": station})
    frame["event_id"] = [event_ids(code, [ns])[0] for code, ns in zip(station, peak.tolist(), strict=True)]
    frame["time_on"], frame["time_off"] = peak - day // 86_400, peak + 2 * day // 86_400
    frame["label"] = rng.integers(-1, 8, events)
    frame["class_name"] = frame["label"].map(lambda number: "unlabelled" if number < 0 else f"class <{number}>")
    named = {"probability_kind": "membership", "acceleration_note": "no response", "found_by": "recursive 0.5/30 s"}
    frame = frame.assign(**named, model_version="k8-bench", source_id="", reviewed=None, assigned=True)
    for field in CATALOGUE_SCHEMA:
        if field.name not in frame:
            frame[field.name] = rng.normal(size=events)
    frame["peak_acceleration"] = np.nan
    when = pd.DatetimeIndex(frame["time_on"])
    for year, number in sorted(set(zip(when.year.tolist(), when.month.tolist(), strict=True))):
        path, own = network.layout.catalogue(year, number), frame[(when.year == year) & (when.month == number)]
        tables.write_table(path, own, CATALOGUE_SCHEMA, Stamp("bench", "1", "i"), {"measured": {}})


def measure_export(root: Path, stations: int) -> dict[str, Any]:
    """Return seconds, memory and bytes of an export; the memory is that of a process which does nothing else."""
    network = _network(root, stations)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    found = export(network, root / "out", Selection(), FORMATS)
    files = [path for path in (root / "out").rglob("*") if path.is_file()]
    return {
        "events": found.total,
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        "start_mb": round(before / 1e3),
        "files": len(files),
        "mb": round(sum(path.stat().st_size for path in files) / 1e6, 1),
    }


def _alone(function: Callable[..., Any], *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def main() -> None:
    """Print seconds, memory and size of exports of a tenth of the events and of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=430_000, help="events of the catalogue")
    parser.add_argument("--stations", type=int, default=34, help="stations")
    arguments = parser.parse_args()
    rows = []
    for events in (arguments.events // 10, arguments.events):
        with tempfile.TemporaryDirectory() as folder:
            write_catalogue(Path(folder), arguments.stations, events)
            rows.append(_alone(measure_export, Path(folder), arguments.stations))
    print(f"QuakeML, CSV and Parquet of {arguments.stations} stations and {DAYS} days")
    print(pd.DataFrame(rows).to_string(index=False))
    print("RESULT " + json.dumps({"tenth": rows[0], "all": rows[1]}))


if __name__ == "__main__":
    main()
