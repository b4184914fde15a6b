"""What a look at a whole archive costs: ``python -m bench.scale --stations 34 --days 730``.

Makes a network of small products, all current and recorded (`bench.scale_archive`), and measures on it what looks at
every station-day: `ris status` and `ris backfill --dry-run` (as commands, with the start of Python), ticks of the
sensors `catch_up` (with every label failed) and `following` (with nothing to do, and with a day that was acquired
again), the draw of the training set and its check, and `read_labels` of three columns (these in the bench's process).
Each is measured twice: first without the cache of the data root, then with what the first time has left there. The
files are in the memory of the operating system both times, since they were written or read shortly before. Processor
time is that of all threads and commands; it says more than the wall time where others use the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
from rich.console import Console
from rich.table import Table

from bench.operations_memory import record_after_pattern
from bench.operations_network import Network, clear_environment
from bench.scale_archive import made_network, record_missing
from ris_core.access import read_labels
from ris_core.contracts.station_day import StationDay
from ris_core.storage.disk_usage import usage_by_folder
from ris_core.storage.journal import FailedAttempt
from ris_core.storage.json_records import read_json, write_json
from ris_core.training.event_sources import EventSources, changed_since, sources_of
from ris_core.training.training_draw import draw
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.definitions import build_definitions
from ris_dagster.instance import open_instance

_COLUMNS = ["station", "time_peak", "label"]
_LONG_AGO = "2000-01-01T00:00:00+00:00"


def status(network: Network) -> dict[str, float]:
    """Measure `ris status`."""
    return _twice(network, "status", lambda: network.run("status"))


def dry_run(network: Network) -> dict[str, float]:
    """Measure `ris backfill --dry-run`, which must find nothing to do."""
    found = _twice(network, "dry_run", lambda: network.run("backfill", "--dry-run"))
    if "Everything is current" not in network.said()[-200:]:
        raise RuntimeError(f"something is to be done: {network.said()}")
    return found


def catch_up(network: Network) -> dict[str, float]:
    """Measure a tick of `catch_up` with every label failed and due."""
    days = network.days
    failures = days.layout.root / "failures"
    shutil.rmtree(failures, ignore_errors=True)
    with patch("os.fsync"):
        for key in days.all():
            record = FailedAttempt("label", key.station, key.day.isoformat(), "OSError: no such file", 1, _LONG_AGO)
            write_json(days.layout.failure("label", key), asdict(record))
    try:
        with _sensor(network, "catch_up") as tick:
            return _twice(network, "catch_up_tick", tick)
    finally:
        shutil.rmtree(failures)


def following(network: Network) -> dict[str, float]:
    """Measure ticks of `following`: with nothing to do, and with one day of all stations that was acquired again."""
    days = network.days
    last = days.settings.days()[-1]
    renewed = [StationDay(station.code, last) for station in days.settings.stations]
    before = {key: read_json(days.layout.acquisition(key)) for key in renewed}
    with _sensor(network, "following") as tick:
        found = _twice(network, "following_tick", tick)
        if asked := tick():
            raise RuntimeError(f"following asks for {asked} runs where there is nothing to do")
        try:
            for key, record in before.items():
                write_json(days.layout.acquisition(key), record | {"inputs": "0" * 12})
            with open_instance(days.layout) as instance:
                for asset in BINDINGS["acquire"].assets:
                    record_after_pattern(instance, asset, renewed, pictures=False)
            found |= _twice(network, "following_new_day_tick", tick)
            if not tick():
                raise RuntimeError("following does not ask for the day that was acquired again")
        finally:
            for key, record in before.items():
                write_json(days.layout.acquisition(key), record)
            record_missing(network, renewed, anew=True)
    return found


def training(network: Network) -> dict[str, float]:
    """Measure the draw of the training set, and the check that compares it with what is there."""
    days = network.days
    settings = days.settings
    sampling = settings.training_set

    def sources() -> EventSources:
        with days.look() as seen:
            return sources_of(seen.process, seen.all(), sampling)

    def check() -> None:
        if changed_since(days.layout, sources()):
            raise RuntimeError("the training set is said to be drawn from other station-days than there are")

    def draw_it() -> None:
        draw(days.layout, sources(), sampling, settings.normalisation, settings.processing_json())

    return _twice(network, "training_set", draw_it) | _twice(network, "drawn_from", check)


def labels(network: Network) -> dict[str, float]:
    """Measure `read_labels` of three columns of everything."""
    return _twice(network, "read_labels", lambda: read_labels(network.days, columns=_COLUMNS))


PARTS: dict[str, Callable[[Network], dict[str, float]]] = {
    "status": status,
    "dry_run": dry_run,
    "following": following,
    "training_set": training,
    "read_labels": labels,
    "catch_up": catch_up,
}


def run(root: Path, stations: int, days: int, parts: list[str]) -> dict[str, Any]:
    """Make the network, run the parts on it, and return their figures.

    Raises
    ------
    RuntimeError
        A command failed, or a sensor requested something else than it should.
    """
    started = time.perf_counter()
    network = made_network(root, stations, days)
    os.environ |= network.environment | {"RIS_CONFIG": str(network.config)}
    found: dict[str, Any] = {
        "station_days": network.station_days,
        "size_mb": sum(folder.size for folder in usage_by_folder(root).values()) / 2**20,
        "made_s": time.perf_counter() - started,
    }
    for part in parts:
        load = os.getloadavg()[0]
        made = PARTS[part](network)
        print(f"{time.strftime('%H:%M:%S')} {part}: {made}, load {load:.1f}", file=sys.stderr, flush=True)
        found |= made | {f"{part}_load_average": load}
    return found


def _twice(network: Network, name: str, do: Callable[[], object]) -> dict[str, float]:
    """Return what something takes without the cache of the data root, and right after that."""
    shutil.rmtree(network.days.layout.root / "cache", ignore_errors=True)
    found: dict[str, float] = {}
    for place in (f"{name}_first", name):
        wall, cpu = time.perf_counter(), _processor_s()
        do()
        found |= {f"{place}_s": time.perf_counter() - wall, f"{place}_cpu_s": _processor_s() - cpu}
    return found


def _processor_s() -> float:
    """Return the processor time of this process and of commands that have ended, s."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@contextmanager
def _sensor(network: Network, name: str) -> Iterator[Callable[[], int]]:
    """Yield a function that evaluates a sensor as Dagster does and returns the number of requested runs."""
    definitions = build_definitions(network.days.settings)
    repository = definitions.get_repository_def()
    resources = {"store": (definitions.resources or {})["store"]}
    with open_instance(network.days.layout) as instance:

        def tick() -> int:
            with dg.build_sensor_context(instance, repository_def=repository, resources=resources) as context:
                return len(repository.get_sensor_def(name).evaluate_tick(context).run_requests or [])

        yield tick


def table_of(found: dict[str, Any]) -> Table:
    """Return the figures as a table: wall time, and processor time in brackets."""
    table = Table(f"{found['station_days']:,} station-days", "without a cache, s", "again, s")
    for name, text in (
        ("status", "ris status"),
        ("dry_run", "ris backfill --dry-run"),
        ("catch_up_tick", "tick of catch_up, every label failed"),
        ("following_tick", "tick of following, nothing to do"),
        ("following_new_day_tick", "tick of following, a day acquired again"),
        ("training_set", "training_set: the draw"),
        ("drawn_from", "training_set: its check"),
        ("read_labels", "read_labels, three columns"),
    ):
        if f"{name}_s" in found:
            times = (f"{found[f'{n}_s']:.1f} ({found[f'{n}_cpu_s']:.1f})" for n in (f"{name}_first", name))
            table.add_row(text, *times)
    return table


def main() -> None:
    """Parse the command line, run, and print table and RESULT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=34, help="stations of the network (default: %(default)s)")
    parser.add_argument("--days", type=int, default=730, help="days of each station (default: %(default)s)")
    parser.add_argument(
        "--root",
        type=Path,
        help="folder of the network, kept for the next time; by default a temporary folder that is removed",
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure (default: all)")
    arguments = parser.parse_args()
    clear_environment()
    with tempfile.TemporaryDirectory(prefix="ris-scale-") as folder:
        root = (arguments.root or Path(folder) / "network").resolve()
        root.mkdir(parents=True, exist_ok=True)
        found = run(root, arguments.stations, arguments.days, arguments.parts)
    console = Console(width=120)
    console.print(table_of(found))
    console.print(
        f"{os.cpu_count()} cores, {found['size_mb']:,.0f} MB made in {found['made_s']:.0f} s, "
        f"Dagster {dg.__version__}, Python {sys.version.split()[0]}"
    )
    print("RESULT " + json.dumps({"cores": os.cpu_count(), "dagster": dg.__version__} | found))


if __name__ == "__main__":
    main()
