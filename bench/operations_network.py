"""A network of tiny station-days with its commands, servers and workers, each in a separate process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from bench.archive import FIRST_DAY, settings_of
from bench.ports import free_ports
from ris_core.station_days.station_days import StationDays

PATIENCE_S = 900.0
_OURS = ("RIS_", "DAGSTER_", "MLFLOW_")
_NO_PRODUCTS = ("dagster", "mlflow", "workers", "failures")


def clear_environment() -> None:
    """Unset variables that would lead this process and its children to another network, storage or scheduler."""
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        del os.environ[name]


def first_days(count: int) -> list[date]:
    """Return a number of days from the first one on."""
    return [FIRST_DAY + timedelta(days=n) for n in range(count)]


def until(true: Callable[[], object], what: str) -> None:
    """Wait until a condition is true; raises `TimeoutError` with its name."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {PATIENCE_S:.0f} s")
        time.sleep(0.2)


@dataclass(frozen=True)
class Network:
    """Settings over an archive, with their own data root.

    Attributes
    ----------
    config
        The settings file.
    days
        The network's station-days.
    environment
        Variables that its processes need besides the environment of this one.
    """

    config: Path
    days: StationDays
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def station_days(self) -> int:
        """Return the number of station-days of the network."""
        return len(self.days.settings.stations) * len(self.days.settings.days())

    def on(self, address: str) -> Network:
        """Return the same network with station-days worked on by the workers of a Dask scheduler."""
        return replace(self, environment=self.environment | {"RIS_DEPLOYMENT": "dask", "RIS_DASK_ADDRESS": address})

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        """Start a `ris` command, whose output goes to a file beside the settings."""
        command = [str(Path(sys.executable).with_name("ris")), *map(str, arguments), "--config", str(self.config)]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | self.environment, start_new_session=True
            )

    def run(self, *arguments: object) -> None:
        """Run a `ris` command to its end; raises `RuntimeError` with the end of its output if it fails."""
        code = finish(self.start(*arguments))
        if code:
            raise RuntimeError(f"ris {' '.join(map(str, arguments))}: exit code {code}\n{self.said()}")

    @property
    def log(self) -> Path:
        """Return the file with the output of the commands."""
        return self.config.with_suffix(".log")

    def said(self) -> str:
        """Return the end of the commands' output."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def products(self) -> dict[str, bytes]:
        """Return the bytes of every product."""
        root = self.days.layout.root
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.relative_to(root).parts[0] not in _NO_PRODUCTS
        }


def network_of(folder: Path, archive: Path, stations: Sequence[str], days: Sequence[date]) -> Network:
    """Return a network over an SDS archive, with settings and data root in a new folder."""
    folder.mkdir(parents=True)
    settings = settings_of(archive, stations, days)
    config = folder / "bench.yaml"
    values = settings.model_dump(mode="json", exclude_unset=True)
    config.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    data = folder / "data"
    environment = {"RIS_DATA": str(data), "MPLBACKEND": "Agg", "COLUMNS": "200"}
    return Network(config, StationDays.open(settings, data / settings.network.name), environment)


def finish(process: subprocess.Popen[bytes]) -> int:
    """Wait for a command and return its exit code; if the wait is interrupted, the command is ended."""
    try:
        return process.wait(PATIENCE_S)
    finally:
        end(process)


@dataclass(frozen=True)
class Servers:
    """The processes of `ris ui`, and the address of its Dagster."""

    process: psutil.Process
    address: str

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the answer of GraphQL; raises `RuntimeError` with its errors."""
        asked: dict[str, Any] = {"query": query, "variables": variables}
        answer = requests.post(f"{self.address}/graphql", json=asked, timeout=PATIENCE_S).json()
        if answer.get("errors"):
            raise RuntimeError(f"GraphQL: {answer['errors']}")
        return dict(answer["data"])


@contextmanager
def served(network: Network) -> Iterator[Servers]:
    """Run `ris ui` (webserver, daemon, MLflow) until the end of the block; yields it once it answers."""
    port, mlflow_port = free_ports(2)
    process = network.start("ui", "--port", port, "--mlflow-port", mlflow_port)
    try:

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"ris ui ended: {network.said()}")
            return "Ctrl-C ends them" in network.said()

        until(answers, "ris ui")
        yield Servers(psutil.Process(process.pid), f"http://127.0.0.1:{port}")
    finally:
        end(process)


@contextmanager
def dask_workers(count: int) -> Iterator[str]:
    """Run a Dask scheduler and worker processes of one thread until the end of the block; yields the address."""
    from distributed import Client

    (port,) = free_ports(1)
    address = f"tcp://127.0.0.1:{port}"
    # Without nannies: each worker is one process.
    worker = ["dask_worker", address, "--nthreads", "1", "--no-nanny"]
    on = ["--host", "127.0.0.1", "--no-dashboard"]
    with ExitStack() as stack:
        for command in (["dask_scheduler", "--port", str(port)], *[worker] * count):
            started = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{command[0]}", *command[1:], *on],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            stack.callback(end, started)
        with Client(address, set_as_default=False, timeout=120) as client:
            client.wait_for_workers(count, timeout=120)
        yield address


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process as Ctrl-C does, and the processes that it started."""
    if process.poll() is not None:
        return
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for left in started:
        if left.is_running():
            left.kill()
