"""What orchestration costs per station-day: ``python -m bench.archive --stations 34 --days 90``.

A block of cheap synthetic station-days (two minutes of samples with one event, in an SDS archive) goes through the jobs
``acquire`` and ``process`` in real Dagster runs, on SQLite and on Postgres. The time inside the stages is measured in
the runs and subtracted; the rest is orchestration: starting a run, planning, metadata, recording. Pictures are drawn
for the first station-day and attached to each, so that metadata have their real size. The benchmark starts its own
Postgres server and ends it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import psutil
from obspy import Stream, Trace, UTCDateTime
from rich.console import Console
from rich.table import Table
from scipy.stats import linregress

from bench.postgres import Postgres, find_program, postgres_server
from ris_core.config import OperationsSettings, Settings
from ris_core.contracts.outcome import Outcome
from ris_core.contracts.seed_id import SeedId
from ris_core.contracts.station_day import StationDay
from ris_core.processing.process import ProcessStage
from ris_core.station_days.running import StageTask, run_station_day
from ris_core.station_days.station_days import StationDays
from ris_core.storage.layout import Layout, open_layout
from ris_core.waveforms.acquire import AcquireStage
from ris_dagster.definitions import build_definitions
from ris_dagster.instance import open_instance
from ris_dagster.planning import plan
from ris_dagster.resources.compute import Compute

FIRST_DAY = date(2015, 1, 1)
RATE, SECONDS = 100, 120
ASSETS = {AcquireStage.name: 1, ProcessStage.name: 2}
WHOLE = 34 * 730
EARLY, LATE = 100, 3000
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Meter:
    """Measurements inside the runs of one job."""

    work_wall: float = 0.0
    work_cpu: float = 0.0
    rss_mb: list[float] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)


METER = Meter()


class MeasuredCompute(Compute):
    """Compute in the run's own process that records the duration of the stages, and the process's memory."""

    def map(self, task: StageTask, keys: Sequence[StationDay], at_once: int | None = None) -> Iterator[Outcome[Any]]:
        """Run a stage for every key as `Compute` does, one at a time."""
        process = psutil.Process()
        settings = Settings.model_validate_json(task.settings_json)
        plain = StationDays(settings, Layout.of(settings, Path(task.root)), task.kinds, pictures=False)
        for key in keys:
            wall, cpu = time.perf_counter(), time.process_time()
            outcome = _run(task, key, plain)
            METER.work_wall += time.perf_counter() - wall
            METER.work_cpu += time.process_time() - cpu
            METER.rss_mb.append(process.memory_info().rss / 2**20)
            yield outcome


def _run(task: StageTask, key: StationDay, plain: StationDays) -> Outcome[Any]:
    """Run one stage; pictures are drawn only once, since drawing is not orchestration and takes long."""
    if task.stage != ProcessStage.name or not METER.pictures:
        outcome = run_station_day(task, key)
        if task.stage == ProcessStage.name and outcome.made is not None:
            METER.pictures |= outcome.made.pictures
        return outcome
    return Outcome(key, replace(plain.process.run(key), pictures=METER.pictures))


@dataclass(frozen=True)
class Block:
    """One run: its job, station-days before it and in it, and orchestration per station-day and asset in seconds.

    The processor time is that of the run's process and of the database server.
    """

    job: str
    before: int
    count: int
    wall_s: float
    cpu_s: float


def write_archive(
    root: Path, stations: Sequence[str], days: Sequence[date], pitches_hz: Sequence[float] = (9.0,)
) -> None:
    """Write an SDS archive with one small file per station-day: noise, and bursts that the detector finds.

    There is one burst a minute, of each of the pitches.
    """
    rng = np.random.default_rng(0)
    t = np.arange(2 * RATE) / RATE
    bursts = [4000 * np.exp(-t / 0.2) * np.sin(2 * np.pi * pitch * t) for pitch in pitches_hz]
    for station in stations:
        for day in days:
            samples = rng.normal(0, 20, (SECONDS + 60 * (len(bursts) - 1)) * RATE)
            for number, burst in enumerate(bursts, start=1):
                samples[60 * number * RATE : 60 * number * RATE + t.size] += burst
            path = root / SeedId("XX", station, "", "HHZ").sds_path(day)
            path.parent.mkdir(parents=True, exist_ok=True)
            header = {
                "network": "XX",
                "station": station,
                "channel": "HHZ",
                "sampling_rate": RATE,
                "starttime": UTCDateTime(day.year, day.month, day.day, 6),
            }
            trace = Trace(samples.round().astype(np.int32), header)
            Stream([trace]).write(str(path), format="MSEED", encoding="STEIM2")


def settings_of(archive: Path, stations: Sequence[str], days: Sequence[date]) -> Settings:
    """Return the settings of a network over the archive."""
    return Settings.model_validate(
        {
            "network": {"name": "bench", "code": "XX"},
            "stations": [{"code": s, "latitude": -78.0, "longitude": 170.0 + n / 10} for n, s in enumerate(stations)],
            "first_day": days[0].isoformat(),
            "last_day": days[-1].isoformat(),
            "source": {"kind": "sds", "root": str(archive)},
        }
    )


def run_blocks(
    job: str,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    settings: Settings,
    keys_per_run: int,
    server: Postgres | None,
) -> list[Block]:
    """Run a job over all station-days in blocks, as `ris run` does, and return the cost of each run."""
    stations = [s.code for s in settings.stations]
    definition = definitions.resolve_job_def(job)
    found: list[Block] = []
    before = 0
    wanted = [StationDay(code, day) for day in settings.days() for code in stations]
    for block in plan(wanted, stations, keys_per_run):
        METER.work_wall = METER.work_cpu = 0.0
        count = len(block)
        wall, cpu = time.perf_counter(), _cpu(server)
        definition.execute_in_process(run_config=_QUIET, instance=instance, tags=block.tags(), raise_on_error=True)
        wall, cpu = time.perf_counter() - wall - METER.work_wall, _cpu(server) - cpu - METER.work_cpu
        found.append(Block(job, before, count, wall / count / ASSETS[job], cpu / count / ASSETS[job]))
        before += count
        print(f"{job}: {before} station-days, {found[-1].wall_s:.4f} s per asset in this run", file=sys.stderr)
    return found


def _cpu(server: Postgres | None) -> float:
    return time.process_time() + (server.cpu_seconds() if server else 0.0)


def cost_of(found: Sequence[Block]) -> dict[str, float | None]:
    """Return the mean cost of a job's runs, its growth with the recorded station-days, and the whole archive's cost.

    The growth is the slope of a least-squares line through three or more runs. It is used to extrapolate to the whole
    archive if it is greater than twice its standard error in wall and in processor time, which does not depend on other
    work of the machine; otherwise the mean is used.
    """
    total = sum(b.count for b in found)
    recorded = [b.before + b.count / 2 for b in found]
    costs: dict[str, Any] = {}
    fits = []
    for name, values in (("", [b.wall_s for b in found]), ("cpu_", [b.cpu_s for b in found])):
        costs[f"{name}seconds_per_asset"] = sum(v * b.count for v, b in zip(values, found, strict=True)) / total
        fit = linregress(recorded, values) if len(found) > 2 else None
        costs[f"{name}slope_per_1000"] = float(fit.slope) * 1e3 if fit else None
        costs[f"{name}slope_error_per_1000"] = float(fit.stderr) * 1e3 if fit else None
        fits.append(fit)
    grows = all(fit is not None and fit.slope > 2 * fit.stderr for fit in fits)
    for name, fit in zip(("", "cpu_"), fits, strict=True):
        mean = costs[f"{name}seconds_per_asset"]
        start, growth = (fit.intercept, fit.slope) if grows and fit else (mean, 0.0)
        costs[f"{name}whole_archive_hours"] = ASSETS[found[0].job] * (start * WHOLE + growth * WHOLE**2 / 2) / 3600
    return costs


def run(storage: str, stations: int, days: int, keys_per_run: int) -> dict[str, Any]:
    """Run the benchmark on one storage and return its figures."""
    names = [f"S{n:02d}" for n in range(1, stations + 1)]
    dates = [FIRST_DAY + timedelta(days=n) for n in range(days)]
    with tempfile.TemporaryDirectory() as folder, _server(storage) as server:
        os.environ |= {"RIS_DATA": f"{folder}/data", "RIS_DEPLOYMENT": "local"} | (server.environment if server else {})
        os.environ.pop("DAGSTER_HOME", None)
        archive = Path(folder) / "archive"
        write_archive(archive, names, dates)
        settings = settings_of(archive, names, dates)
        layout = open_layout(settings)
        found: dict[str, Any] = {"storage": storage, "station_days": stations * days, "jobs": {}}
        runs = 0
        with open_instance(layout) as instance:
            definitions = build_definitions(settings, {"compute": MeasuredCompute.model_validate({"kind": "inline"})})
            for job in ASSETS:
                METER.rss_mb.clear()
                made = run_blocks(job, definitions, instance, settings, keys_per_run, server)
                runs += len(made)
                memory = {
                    str(n): round(METER.rss_mb[n - 1]) for n in (EARLY, LATE, len(METER.rss_mb)) if n <= stations * days
                }
                found["jobs"][job] = cost_of(made) | {"rss_mb_at_key": memory}
        found["runs"] = runs
        size = server.database_bytes() if server else _sqlite_bytes(layout.dagster_home)
        found["database_mb"] = size / 2**20
        found["database_kb_per_station_day_and_asset"] = size / 2**10 / (stations * days * sum(ASSETS.values()))
        found["picture_kb_per_station_day"] = sum(map(len, METER.pictures.values())) / 2**10
        weights = {job: ASSETS[job] / sum(ASSETS.values()) for job in ASSETS}
        for name in ("seconds_per_asset", "cpu_seconds_per_asset"):
            found[name] = sum(weights[job] * found["jobs"][job][name] for job in ASSETS)
        for name in ("whole_archive_hours", "cpu_whole_archive_hours"):
            found[name] = sum(found["jobs"][job][name] for job in ASSETS)
        found["whole_archive_database_gb"] = size / 2**30 * WHOLE / (stations * days)
    return found


def _server(storage: str) -> Any:
    return postgres_server() if storage == "postgres" else nullcontext()


def _sqlite_bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file() and ".db" in path.name)


def table_of(results: Sequence[dict[str, Any]]) -> Table:
    """Return the figures as a table, one column per storage."""
    table = Table("", *(r["storage"] for r in results))

    def row(name: str, *values: str) -> None:
        table.add_row(name, *values)

    row("station-days", *(f"{r['station_days']:,}" for r in results))
    row("runs", *(str(r["runs"]) for r in results))
    row("orchestration per station-day and asset, s", *(f"{r['seconds_per_asset']:.4f}" for r in results))
    row("  of it processor time, s", *(f"{r['cpu_seconds_per_asset']:.4f}" for r in results))
    for job in ASSETS:
        made = [r["jobs"][job] for r in results]
        row(f"{job}: per station-day and asset, s", *(f"{j['seconds_per_asset']:.4f}" for j in made))
        row("  growth per 1,000 recorded, s", *(_slope(j, "") for j in made))
        row("  the same in processor time, s", *(_slope(j, "cpu_") for j in made))
        row("  memory at key, MB", *(", ".join(f"{n}: {mb}" for n, mb in j["rss_mb_at_key"].items()) for j in made))
    row("instance database, MB", *(f"{r['database_mb']:.0f}" for r in results))
    row("  per station-day and asset, kB", *(f"{r['database_kb_per_station_day_and_asset']:.1f}" for r in results))
    row("pictures per station-day, kB", *(f"{r['picture_kb_per_station_day']:.1f}" for r in results))
    row(f"orchestration of {WHOLE:,} station-days, h", *(f"{r['whole_archive_hours']:.2f}" for r in results))
    row("  of it processor time, h", *(f"{r['cpu_whole_archive_hours']:.2f}" for r in results))
    row("  their instance database, GB", *(f"{r['whole_archive_database_gb']:.2f}" for r in results))
    return table


def _slope(job: dict[str, Any], name: str) -> str:
    slope, error = job[f"{name}slope_per_1000"], job[f"{name}slope_error_per_1000"]
    return "too few runs" if slope is None else f"{slope:+.4f} ± {error:.4f}"


def _in_own_process(storage: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one storage in a process of its own, so that memory and caches are its own."""
    options = {"stations": arguments.stations, "days": arguments.days, "keys-per-run": arguments.keys_per_run}
    command = [sys.executable, "-m", "bench.archive", "--storage", storage]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    (result,) = json.loads(done.stdout.splitlines()[-1].removeprefix("RESULT "))["storages"]
    return dict(result)


def main() -> None:
    """Parse the command line, run, and print table and RESULT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=34, help="stations of the network (default: %(default)s)")
    parser.add_argument("--days", type=int, default=90, help="days of each station (default: %(default)s)")
    parser.add_argument("--storage", choices=("sqlite", "postgres", "both"), default="both", help="default: both")
    parser.add_argument(
        "--keys-per-run", type=int, default=OperationsSettings().station_days_per_run, help="station-days per run"
    )
    arguments = parser.parse_args()
    if arguments.storage != "sqlite":
        # Fails early, before minutes are spent with SQLite.
        find_program("initdb")
    if arguments.storage == "both":
        results = [_in_own_process(storage, arguments) for storage in ("sqlite", "postgres")]
    else:
        results = [run(arguments.storage, arguments.stations, arguments.days, arguments.keys_per_run)]
    console = Console(width=120)
    console.print(table_of(results))
    versions = f"Dagster {dg.__version__}, Python {sys.version.split()[0]}"
    console.print(f"{os.cpu_count()} cores, {versions}, at most {arguments.keys_per_run} station-days per run")
    print("RESULT " + json.dumps({"cores": os.cpu_count(), "dagster": dg.__version__, "storages": results}))


if __name__ == "__main__":
    main()
