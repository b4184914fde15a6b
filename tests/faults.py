"""What faults are tried with: commands as processes, their end without warning, and what must hold afterwards."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import psutil
from builders import ENVIRONMENT, Opened, products
from stage_steps import days_at

from ris_core.config import PROJECT_ROOT
from ris_dagster.adapter.queueing import queue_is_served
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.records import recorded_station_days

WAIT_S = 400


def clean_environment(**values: object) -> dict[str, str]:
    """Return an environment in which nothing of ours is set but these."""
    kept = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    return kept | {"COLUMNS": "200", "MPLBACKEND": "Agg"} | {name: str(value) for name, value in values.items()}


def ris_command(*arguments: object) -> list[str]:
    return [str(Path(sys.executable).with_name("ris")), *map(str, arguments)]


def until(true: Callable[[], object], said: Callable[[], str] = str) -> None:
    """Wait until something holds; what is said explains why it did not."""
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, said()
        time.sleep(0.3)


@contextmanager
def daemon(network: Opened, environment: Mapping[str, str] = os.environ) -> Iterator[psutil.Popen]:
    """Run Dagster's daemon; at the end of the block it and all its children are killed."""
    log = network.config.with_name("daemon.log")
    beats = network.instance.get_daemon_heartbeats()
    with log.open("ab") as file:
        process = psutil.Popen(
            [str(Path(sys.executable).with_name("dagster-daemon")), "run", "-w", str(PROJECT_ROOT / "workspace.yaml")],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**environment, "DAGSTER_HOME": str(network.store.dagster_home), "RIS_CONFIG": str(network.config)},
            start_new_session=True,
        )
    try:

        def serves() -> bool:
            assert process.poll() is None, log.read_text()
            # A daemon before this one may have said a moment ago that it lives.
            now = network.instance.get_daemon_heartbeats()
            return queue_is_served(network.instance) and all(now[n].daemon_id != b.daemon_id for n, b in beats.items())

        until(serves, log.read_text)
        yield process
    finally:
        kill_all(process)


def kill_all(process: psutil.Popen) -> None:
    """End a process and its children as a lost machine would: with SIGKILL."""
    found = [process, *(process.children(recursive=True) if process.is_running() else [])]
    for one in found:
        if one.is_running():
            one.kill()
    psutil.wait_procs(found, timeout=60)


def suspend_midway(network: Opened, process: psutil.Process, stage: str, block: int) -> None:
    """Let a process work in small steps until some of a block's station-days are there, and stop it before all are."""
    deadline = time.monotonic() + WAIT_S
    while True:
        process.suspend()
        there = sum(days_at(network.store).stages[stage].exists(key) for key in network.store.station_days())
        if there:
            break
        process.resume()
        assert time.monotonic() < deadline, "nothing is made"
        time.sleep(0.05)
    assert there < block


def check_record(network: Opened, *stages: str) -> None:
    """Everything that Dagster has recorded is on disk, and nothing else or incomplete is there."""
    store = network.store
    for stage in stages:
        there = {key for key in store.station_days() if days_at(store).stages[stage].exists(key)}
        assert recorded_station_days(network.instance, BINDINGS[stage]) == there, stage
    check_whole(store.root)


def check_whole(root: Path) -> None:
    assert [path for path in root.rglob(".*.tmp") if path.is_file()] == []


def made(network: Opened) -> dict[str, bytes]:
    """Return the bytes of all products, without what is noted of failed attempts."""
    return {name: data for name, data in products(network.store).items() if not name.startswith("failures/")}


def outcomes(network: Opened) -> list[dg.DagsterRunStatus]:
    return [run.status for run in network.instance.get_runs()]
