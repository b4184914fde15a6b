"""Dask workers that others started, by hand or by Slurm: what they make are the bytes that the run itself makes."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from builders import (
    DAYS,
    STATIONS,
    Opened,
    failure_of,
    opened,
    own_environment,
    products,
    sds_values,
    write_archive,
    write_yaml,
)
from distributed import Client
from slurm import slurm, why_not

from bench.ports import free_ports
from ris_core.storage.json_records import read_json
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.workers import NoWorkersError

STATION_DAYS = len(DAYS) * len(STATIONS)
_PATIENCE_S = 60

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def expected(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The products of an undisturbed run in its own process."""
    folder = tmp_path_factory.mktemp("inline")
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, folder / "data")
        with opened(settings_of(archive, folder), compute=Compute()) as network:
            found = made(network)
    assert len([name for name in found if name.startswith("spectrograms/")]) == STATION_DAYS
    return found


def settings_of(archive: Path, folder: Path) -> Path:
    return write_yaml(folder / "small.yaml", sds_values(archive))


def made(network: Opened) -> dict[str, bytes]:
    assert network.run_block("acquire").success
    result = network.run_block("process")
    assert result.success, failure_of(result)
    return {name: data for name, data in products(network.store).items() if not name.startswith("workers/")}


def spectrograms(network: Opened) -> int:
    return len(list((network.store.root / "spectrograms").rglob("[!.]*.h5")))


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@contextmanager
def meanwhile(event: Callable[[], object], act: Callable[[], object]) -> Iterator[None]:
    """Do something once an event has come, while the block is at work."""

    def watch() -> None:
        wait_until(event)
        act()

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        yield
        watching.result()


@contextmanager
def started(*command: object) -> Iterator[psutil.Popen]:
    """Run a program of the virtual environment until the end of the block."""
    process = psutil.Popen(
        [sys.executable, *(str(part) for part in command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@contextmanager
def cluster() -> Iterator[tuple[str, psutil.Popen, list[psutil.Popen]]]:
    """Start a scheduler and two worker processes as their documentation says."""
    (port,) = free_ports(1)
    address = f"tcp://127.0.0.1:{port}"
    on = ("--host", "127.0.0.1", "--no-dashboard")
    with ExitStack() as stack:
        scheduler = stack.enter_context(started("-m", "distributed.cli.dask_scheduler", "--port", port, *on))
        workers = [
            stack.enter_context(
                started("-m", "distributed.cli.dask_worker", address, "--nthreads", 1, "--no-nanny", *on)
            )
            for _ in range(2)
        ]
        with Client(address, set_as_default=False, timeout=_PATIENCE_S) as client:
            client.wait_for_workers(2, timeout=_PATIENCE_S)
        yield address, scheduler, workers


def test_a_killed_worker_costs_nothing_and_a_lost_scheduler_is_named(
    archive: Path, expected: dict[str, bytes], data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIS_DEPLOYMENT", "dask")
    with cluster() as (address, scheduler, workers):
        monkeypatch.setenv("RIS_DASK_ADDRESS", address)
        with opened(settings_of(archive, tmp_path)) as network:
            assert network.run_block("acquire").success
            # A stopped worker keeps the station-days that it was given, so it is killed in the middle of one.
            workers[0].suspend()
            with meanwhile(lambda: spectrograms(network) >= 2, workers[0].kill):
                assert network.run_block("process").success
            assert not workers[0].is_running() or workers[0].status() == psutil.STATUS_ZOMBIE
            assert products(network.store) == expected

        monkeypatch.setenv("RIS_DATA", str(tmp_path / "again"))
        with opened(settings_of(archive, tmp_path)) as network:
            assert network.run_block("acquire").success
            with meanwhile(lambda: spectrograms(network), lambda: (workers[1].suspend(), scheduler.kill())):
                message = failure_of(network.run_block("process"))
            assert f"the Dask scheduler at {address} ended with" in message
            assert spectrograms(network) < STATION_DAYS


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_workers_that_slurm_starts_make_the_same_bytes_and_leave_with_the_command(
    archive: Path, expected: dict[str, bytes], data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings_of(archive, tmp_path)
    monkeypatch.setenv("RIS_DEPLOYMENT", "slurm")
    for name, value in {"CORES": "1", "PROCESSES": "1", "MEMORY": "1GiB", "QUEUE": "main"}.items():
        monkeypatch.setenv(f"DASK_JOBQUEUE__SLURM__{name}", value)
    with slurm(cpus=2) as environment, opened(config) as network:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(NoWorkersError, match="start `ris workers`"):
            Compute.from_environment()._client(network.store.root)
        ris = Path(sys.executable).with_name("ris")
        folder = network.store.root / "workers"
        with started(ris, "workers", "--config", config, "--at-most", 2) as workers:
            wait_until(lambda: (folder / "scheduler.json").exists() or workers.poll() is not None)
            assert made(network) == expected
            # Each worker writes a log. A second one is only started if the first one leaves enough to do.
            assert list((folder / "logs").glob("ris-worker-*.err"))
            # Whoever talks to the scheduler runs code as its user: it listens to nobody without the key.
            assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
            with pytest.raises((OSError, ValueError)):
                Client(read_json(folder / "scheduler.json")["address"].replace("tls", "tcp"), timeout=3)
            workers.send_signal(signal.SIGINT)
            assert workers.wait(_PATIENCE_S) == 0
        asked = ["squeue", "--noheader", "--states=PENDING,RUNNING"]
        wait_until(lambda: not subprocess.run(asked, capture_output=True, check=True, env=os.environ).stdout.strip())
        assert not (folder / "scheduler.json").exists()
