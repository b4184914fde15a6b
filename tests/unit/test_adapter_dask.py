"""What `ris_dagster/dask_adapter` relies on: fails when another version of Dask or dask-jobqueue changes it."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import dask
import pytest
from contracts import relied_upon
from distributed import Client, LocalCluster, Security

from ris_core.relied_upon import supported_versions
from ris_dagster.dask_adapter.certificates import new_certificate
from ris_dagster.dask_adapter.quiet_cluster import keep_quiet
from ris_dagster.dask_adapter.schedulers import address_of, loss_errors, processes_of
from ris_dagster.dask_adapter.slurm_jobs import noting_job_class
from ris_dagster.dask_adapter.tasks import wanted_by_anybody
from ris_dagster.dask_adapter.worker_memory import WORKER_ENVIRONMENT, keep_freed_memory

LONGEST_S = 120
# Tasks of the tests' own process, which is where their worker is.
STARTED, NOT_WANTED = threading.Event(), threading.Event()


def dask_keeps(what: str, module: str, package: str = "distributed") -> AbstractContextManager[None]:
    return relied_upon(package, what, f"ris_dagster/dask_adapter/{module}.py")


def here(workers: int = 1, protocol: str = "tcp", **how: Any) -> LocalCluster:
    """Return a cluster inside this process."""
    where = {"processes": False, "protocol": protocol, "host": "127.0.0.1", "dashboard_address": None}
    return LocalCluster(n_workers=workers, threads_per_worker=1, **where, **how)


@pytest.fixture
def client() -> Iterator[Client]:
    with here() as cluster, Client(cluster, set_as_default=False) as client:
        yield client


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def wait_while_wanted() -> None:
    wanted = wanted_by_anybody()
    assert wanted()
    STARTED.set()
    until(lambda: not wanted())
    NOT_WANTED.set()


@pytest.mark.parametrize("how", ["cancelled", "client gone"])
def test_a_running_task_learns_that_nobody_waits_for_it(client: Client, how: str) -> None:
    STARTED.clear()
    NOT_WANTED.clear()
    with dask_keeps("a worker's state.tasks say whether a task that runs was cancelled", "tasks"):
        asked = Client(address_of(client), set_as_default=False)
        future = asked.submit(wait_while_wanted, pure=False)
        assert STARTED.wait(LONGEST_S)
        if how == "cancelled":
            future.cancel()
        asked.close()
        assert NOT_WANTED.wait(LONGEST_S)


def test_the_address_of_a_scheduler_is_known_by_its_client(client: Client) -> None:
    with dask_keeps("a client's scheduler.address is that of the cluster", "schedulers"):
        assert address_of(client) == client.cluster.scheduler_address


def test_the_loss_of_a_scheduler_shows_as_one_of_the_errors() -> None:
    with dask_keeps("a result whose scheduler has gone is a CancelledError or a CommClosedError", "schedulers"):
        with here() as cluster:
            client = Client(cluster, set_as_default=False, timeout=5)
            future = client.submit(time.sleep, 0.5, pure=False)
        with pytest.raises(loss_errors()):
            future.result(timeout=LONGEST_S)
        client.close()


def test_all_worker_processes_are_counted() -> None:
    with dask_keeps("a cluster's scheduler_info lists all workers", "schedulers"), here(workers=12) as cluster:
        until(lambda: processes_of(cluster) == 12)
        cluster.scale(7)
        until(lambda: processes_of(cluster) == 7)


def secured(folder: Path, certificate: str, key: str) -> Security:
    paths = {"certificate": folder / "certificate.pem", "key": folder / "key.pem"}
    for path, text in zip(paths.values(), (certificate, key), strict=True):
        path.write_text(text, encoding="utf-8")
    roles = {f"tls_{role}_cert": str(paths["certificate"]) for role in ("scheduler", "worker", "client")}
    roles |= {f"tls_{role}_key": str(paths["key"]) for role in ("scheduler", "worker", "client")}
    return Security(tls_ca_file=str(paths["certificate"]), require_encryption=True, **roles)


def test_one_certificate_lets_its_owner_in_and_nobody_else(tmp_path: Path) -> None:
    with dask_keeps("Security.temporary() makes one certificate and key, as PEM, for all roles", "certificates"):
        certificate, key = new_certificate()
        assert certificate.startswith("-----BEGIN CERTIFICATE-----")
        assert "PRIVATE KEY-----" in key.splitlines()[0]
        security = secured(tmp_path, certificate, key)
        (tmp_path / "other").mkdir()
        stranger = secured(tmp_path / "other", *new_certificate())
        with here(security=security, protocol="tls") as cluster:
            with Client(cluster.scheduler_address, security=security, set_as_default=False) as client:
                assert client.submit(sum, [1, 2]).result(timeout=LONGEST_S) == 3
            with pytest.raises(OSError):
                Client(cluster.scheduler_address, security=stranger, set_as_default=False, timeout=2)


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("sbatch", "said"), [("echo 'invalid partition specified' >&2; exit 1", "invalid partition"), (None, "sbatch")]
)
def test_what_slurm_says_when_it_refuses_a_job_is_noted(
    sbatch: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = "SLURMCluster(job_cls=…) starts its jobs by start(), which raises RuntimeError when sbatch fails"
    with dask_keeps(what, "slurm_jobs", "dask-jobqueue"):
        from dask_jobqueue import SLURMCluster

        programs = tmp_path / "bin"
        programs.mkdir()
        if sbatch is not None:
            program(programs, "sbatch", sbatch)
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin:/bin" if sbatch else str(programs))
        refused: list[str] = []
        with SLURMCluster(
            job_cls=noting_job_class(refused),
            cores=1,
            memory="1GiB",
            processes=1,
            scheduler_options={"dashboard_address": None, "host": "127.0.0.1"},
            log_directory=str(tmp_path / "logs"),
        ) as cluster:
            cluster.scale(1)
            until(lambda: refused)
        assert said in refused[0]


@pytest.mark.parametrize("package", ["dask", "dask-jobqueue"])
def test_the_supported_versions_are_known(package: str) -> None:
    assert supported_versions(package).startswith(">=")


def test_workers_start_with_our_settings_unless_the_user_has_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with dask_keeps("a worker's process starts with distributed.nanny.pre-spawn-environ", "worker_memory"):
        keep_freed_memory()
        keep_quiet()
        for name in WORKER_ENVIRONMENT:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("MALLOC_ARENA_MAX", "3")
        with LocalCluster(1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
            started_with = client.submit(_environment_at_start).result()
            interval = client.submit(dask.config.get, "distributed.admin.tick.interval").result()
            profiled = client.submit(dask.config.get, "distributed.worker.profile.enabled").result()
    assert {name: started_with.get(name) for name in WORKER_ENVIRONMENT} == {
        **WORKER_ENVIRONMENT,
        "MALLOC_ARENA_MAX": "3",
    }
    assert (interval, profiled) == ("1s", False)


def _environment_at_start() -> dict[str, str]:
    """Return the variables with which this process was started."""
    pairs = Path("/proc/self/environ").read_text(encoding="utf-8").split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
