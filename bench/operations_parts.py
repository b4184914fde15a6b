"""Parts of `bench.operations` over a block: three ways to fill it, and the cost of a killed run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import psutil

from bench.operations_network import Network, Servers, dask_workers, end, finish, served, until
from ris_core.processing.process import ProcessStage
from ris_core.station_days.station_days import StationDays
from ris_core.waveforms.acquire import AcquireStage
from ris_dagster.adapter.backfills import has_ended
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.instance import open_instance
from ris_dagster.partitions import partition_key

LAUNCH = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
WORKERS = 2
# Number of runs that the default dagster.yaml lets work at once.
RUNS_AT_ONCE = 2
_STAGES = (AcquireStage.name, ProcessStage.name)
_LOAD = """
import time
start = time.perf_counter()
from ris_dagster.definitions import defs
repository = defs().get_repository_def()
repository.get_all_jobs()
print(time.perf_counter() - start)
"""


def by_ui(network: Network) -> dict[str, Any]:
    """Fill the network as the UI's dialog does: one backfill of the three assets over all station-days."""
    with served(network) as servers:
        return _measured(network, RUNS_AT_ONCE, lambda: _launch_and_wait(network, servers))


def by_command_inline(network: Network) -> dict[str, Any]:
    """Fill it by `ris backfill --inline`, which works in the command's own process."""
    return _measured(network, 1, lambda: network.run("backfill", "--inline", "--yes"))


def by_command_on_dask(network: Network) -> dict[str, Any]:
    """Fill it by `ris backfill` through the daemon, with station-days worked on by two Dask workers."""
    with dask_workers(WORKERS) as address:
        network = network.on(address)
        with served(network):
            return _measured(network, WORKERS, lambda: network.run("backfill", "--yes"))


def orchestration(wall_s: float, work_s: float, lanes: int, station_days: int) -> float:
    """Return the seconds of orchestration per station-day: wall time without the stages.

    Parameters
    ----------
    wall_s
        From the request to its end.
    work_s
        Sum of the seconds of all station-days inside their stages.
    lanes
        Number of station-days that are worked on at once.
    station_days
        Number of station-days.
    """
    return (wall_s - work_s / lanes) / station_days


def _measured(network: Network, lanes: int, fill: Callable[[], None]) -> dict[str, Any]:
    begin, wall = time.time(), time.perf_counter()
    fill()
    wall = time.perf_counter() - wall
    with open_instance(network.days.layout) as instance:
        records = instance.get_run_records()
        bad = [record.dagster_run.run_id for record in records if not record.dagster_run.is_success]
        made = {stage: _seconds(instance, BINDINGS[stage].assets[-1], network.station_days) for stage in _STAGES}
    if bad or any(len(found) != network.station_days for found in made.values()):
        counts = {stage: len(found) for stage, found in made.items()}
        raise RuntimeError(f"of {network.station_days} station-days {counts} were made; failed runs: {bad}")
    work = sum(sum(found.values()) for found in made.values())
    return {
        "wall_s": wall,
        "last_run_ended_s": max(record.end_time or 0.0 for record in records) - begin,
        "runs": len(records),
        "lanes": lanes,
        "work_s": work,
        "orchestration_s_per_station_day": orchestration(wall, work, lanes, network.station_days),
    }


def _seconds(instance: dg.DagsterInstance, asset: dg.AssetKey, count: int) -> dict[str, float]:
    """Return the seconds of each station-day inside the stage that makes an asset, by partition."""
    records = instance.fetch_materializations(asset, limit=2 * count).records
    found = {}
    for record in records:
        materialization = record.asset_materialization
        if materialization is not None and materialization.partition is not None:
            found[materialization.partition] = float(str(materialization.metadata["seconds"].value))
    return found


def _launch_and_wait(network: Network, servers: Servers) -> None:
    keys = [str(partition_key(key)) for key in network.days.all()]
    assets = [{"path": list(asset.path)} for stage in _STAGES for asset in BINDINGS[stage].assets]
    asked = {"assetSelection": assets, "partitionNames": keys, "fromFailure": False, "tags": []}
    answer = servers.ask(LAUNCH, params=asked)["launchPartitionBackfill"]
    if "backfillId" not in answer:
        raise RuntimeError(f"the backfill was refused: {answer}")
    with open_instance(network.days.layout) as instance:
        until(lambda: has_ended(instance, answer["backfillId"]), "the backfill of the UI")


def after_kill(network: Network) -> dict[str, Any]:
    """Kill the run that processes a block when a quarter is done; repeat `ris backfill` until nothing is missing."""
    total, days = network.station_days, network.days
    network.run("backfill", "--inline", "--yes", "--assets", "acquire")

    process = StationDays(days.settings, days.layout).process

    def missing() -> int:
        return sum(not process.is_current(key) for key in days.all())

    def done() -> int:
        return len(list((days.layout.root / "spectrograms").rglob("[!.]*.h5")))

    with served(network) as servers, open_instance(days.layout) as instance:
        first = network.start("backfill", "--yes", "--assets", "process")
        try:
            until(lambda: done() >= max(1, total // 4), "a quarter of the block")
            _run_process(instance, servers).kill()
            killed, left = time.monotonic(), missing()
            finish(first)
        finally:
            end(first)
        noticed, repeated = time.monotonic() - killed, 0
        while missing():
            finish(network.start("backfill", "--yes", "--assets", "process"))
            repeated += 1
        caught_up = time.monotonic() - killed
        runs = instance.get_runs_count(dg.RunsFilter(job_name="process"))
    return {
        "station_days": total,
        "missing_after_kill": left,
        "command_ended_s": noticed,
        "repeated": repeated,
        "caught_up_s": caught_up,
        "process_runs": runs,
    }


def _run_process(instance: dg.DagsterInstance, servers: Servers) -> psutil.Process:
    """Return the process of the run that works, which the servers must have started."""
    (run,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    events = [entry.get_dagster_event() for entry in instance.all_logs(run.run_id, dg.DagsterEventType.ENGINE_EVENT)]
    numbers = [
        int(str(event.engine_event_data.metadata["pid"].value))
        for event in events
        if "pid" in event.engine_event_data.metadata
    ]
    (found,) = [child for child in servers.process.children(recursive=True) if child.pid == numbers[-1]]
    return found


def load_seconds(network: Network, folder: Path) -> list[float]:
    """Return the seconds of importing and building the code location, in three separate processes."""
    environment = os.environ | network.environment | {"RIS_CONFIG": str(network.config)}
    return [
        float(
            subprocess.run(
                [sys.executable, "-c", _LOAD], env=environment, cwd=folder, check=True, capture_output=True, text=True
            ).stdout.split()[-1]
        )
        for _ in range(3)
    ]
