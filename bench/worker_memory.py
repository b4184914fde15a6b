"""What a station-day costs on Dask workers with Dask's own memory settings, and with ours that keep freed memory.

``python -m bench.worker_memory``. Real-size station-days (24 h, 200 Hz, STEIM2) of the archive of `bench.campaign` are
acquired and processed on a local cluster, in turns with the one and the other settings, each time in a new data root.
The first station-days of each turn, in which workers import, do not count.

The archive is kept in the folder. The last line is ``RESULT {json}``: medians over the turns.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import psutil

from bench.campaign_archive import Size, make_archive, settings_values, spoiled
from bench.runs import environment
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.running import StageTask
from ris_core.station_days.station_days import StationDays
from ris_dagster.dask_adapter.worker_memory import WORKER_ENVIRONMENT
from ris_dagster.resources.compute import Compute

# What Dask gives its workers, with glibc's values where it gives none.
DASKS = {"MALLOC_TRIM_THRESHOLD_": "65536", "MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_ARENA_MAX": "0"}
# Variables of the environment win over Dask's configuration, so each turn has the ones that it is named after.
SETTINGS: Mapping[str, Mapping[str, str]] = {"dask": DASKS, "ours": WORKER_ENVIRONMENT}
STAGES = ("acquire", "process")
_STATIONS, _EVENTS_PER_DAY, _WARM_EACH = 4, 130.0, 2


def _used() -> tuple[float, float]:
    """Return CPU seconds and greatest peak memory, MB, of the processes that this one has started."""
    seconds, peak = 0.0, 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            times = process.cpu_times()
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        except (psutil.Error, OSError):
            continue
        seconds += times.user + times.system
        lines = (line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
        peak = max([peak, *(int(line[1]) / 1024 for line in lines)])
    return seconds, peak


def turn(days: StationDays, stage: str, keys: Sequence[StationDay], workers: int) -> dict[str, float]:
    """Do a stage for all keys on new workers; return ms of CPU and of wall time a station-day, and peak memory, MB."""
    task = StageTask(stage, days.settings.model_dump_json(), str(days.layout.root))
    warm = _WARM_EACH * workers
    began, cpu = 0.0, 0.0
    for number, found in enumerate(
        Compute.model_validate({"kind": "dask", "workers": workers}).map(task, keys), start=1
    ):
        if found.made is None:
            raise RuntimeError(f"{found.key}: {found.error}")
        if number == warm:
            began, (cpu, _) = time.perf_counter(), _used()
        if number == len(keys):
            wall = time.perf_counter() - began
            last, peak = _used()
    count = len(keys) - warm
    return {"cpu_ms": (last - cpu) / count * 1e3, "wall_ms": wall / count * 1e3, "peak_mb": peak}


def run(folder: Path, station_days: int, turns: int, workers: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return the medians over the turns, by settings and stage."""
    # A twentieth of the station-days has no data.
    size = Size(_STATIONS, math.ceil(station_days / (0.9 * _STATIONS)), _EVENTS_PER_DAY)
    make_archive(size, folder / "archive", folder / "inventory", workers)
    settings = Settings.model_validate(settings_values(size, folder, "recommended"))
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number in range(turns):
        for name, values in SETTINGS.items():
            with environment(values), tempfile.TemporaryDirectory(dir=folder) as root:
                days = StationDays.open(settings, Path(root) / settings.network.name)
                absent = set(spoiled(size)["missing"])
                keys = [key for key in days.all() if str(key) not in absent][:station_days]
                for stage in STAGES:
                    found = turn(days, stage, keys, workers)
                    rows.setdefault((name, stage), []).append(found)
                    print(f"turn {number + 1}, {name}, {stage}: {_said(found)}", flush=True)
    return {
        name: {
            stage: {figure: median(row[figure] for row in rows[name, stage]) for figure in rows[name, stage][0]}
            for stage in STAGES
        }
        for name in SETTINGS
    }


def _said(found: Mapping[str, float]) -> str:
    return f"{found['cpu_ms']:.0f} ms CPU, {found['wall_ms']:.0f} ms wall a station-day, {found['peak_mb']:.0f} MB"


def main() -> None:
    """Measure, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("worker_memory"), help="archive; some 0.8 GB")
    parser.add_argument("--station-days", type=int, default=28)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    if sys.platform != "linux":
        parser.error("the variables are those of glibc, and the peak memory is read from /proc: this needs Linux")
    if arguments.station_days <= _WARM_EACH * arguments.workers:
        parser.error(f"--station-days must exceed {_WARM_EACH} for each worker")
    load = os.getloadavg()[0]
    found = run(arguments.folder, arguments.station_days, arguments.turns, arguments.workers)
    print("RESULT " + json.dumps({"load": round(load, 1)} | found))


if __name__ == "__main__":
    main()
