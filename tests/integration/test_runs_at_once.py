"""`ris run --at-once`: several numbers of clusters are trained at once, each in a process of its own."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import psutil
import pytest
from builders import DAYS, Opened, opened, own_environment, sds_values, write_archive, write_yaml
from mlflow import MlflowClient

from ris_core.threads import cores
from ris_dagster import jobs
from ris_dagster.method_runs import run_jobs
from ris_dagster.processes import PROCESS_TAG, this_process
from ris_dagster.records import AT_WORK
from ris_dagster.run_processes import RunProcesses

WAIT_S = 180
TRAIN = "train_spectra__kmeans"

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A network with features of its training set."""
    root = tmp_path_factory.mktemp("at_once")
    archive = write_archive(root / "archive", ["AA"], DAYS[:2])
    values = sds_values(archive, stations=["AA"], days=DAYS[:2])
    values |= {"candidates": ["spectra/kmeans"], "clusterers": {"kmeans": {"k": [2, 3, 4]}}}
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        with opened(write_yaml(root / "small.yaml", values)) as found:
            before = ["acquire", "process", jobs.DRAW, jobs.fit_job("spectra")]
            assert run_jobs(found.definitions, found.instance, found.store.days, before) == []
            yield found


def started_process() -> int:
    """Wait until two processes of this one work, and return the number of one of them."""
    until = time.monotonic() + WAIT_S
    while len(found := multiprocessing.active_children()) < 2:
        if time.monotonic() > until:
            raise TimeoutError("no two processes were started")
        time.sleep(0.05)
    return int(found[0].pid or 0)


def test_a_process_that_is_killed_is_said_and_the_other_numbers_of_clusters_are_trained(network: Opened) -> None:
    killed: list[int] = []

    def kill_one() -> None:
        killed.append(started_process())
        os.kill(killed[0], signal.SIGKILL)

    threading.Thread(target=kill_one, daemon=True).start()
    said: list[str] = []
    with closing(RunProcesses(network.settings, network.days.layout, 2)) as processes:
        (failed,) = run_jobs(
            *(network.definitions, network.instance, network.store.days, [TRAIN]),
            report=said.append,
            at_once=processes,
        )
    assert failed.error.startswith("its process was ended (exit status -9")
    assert any(failed.error in line for line in said)
    assert killed and not psutil.pid_exists(killed[0])
    made = network.instance.get_runs(dg.RunsFilter(job_name=TRAIN, statuses=[dg.DagsterRunStatus.SUCCESS]))
    assert {run.tags["dagster/partition"] for run in made} == {"2", "3", "4"} - {failed.run.what}
    assert network.instance.get_runs(dg.RunsFilter(statuses=list(AT_WORK))) == []
    assert this_process() not in {run.tags[PROCESS_TAG] for run in made}
    finished = "attributes.status = 'FINISHED' and params.candidate = 'spectra/kmeans'"
    tracked = MlflowClient(network.tracking.uri).search_runs([network.tracking.prepare()], finished)
    assert [run.data.tags["env.threads"] for run in tracked] == [str(max(1, cores() // 2))] * 2
    # What is lacking is made by the next command.
    assert run_jobs(network.definitions, network.instance, network.store.days, [TRAIN]) == []


def is_at_work(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_sigterm_ends_the_command_and_all_its_processes(network: Opened) -> None:
    command = [str(Path(sys.executable).with_name("ris")), "run", "--config", str(network.config), "--at-once", "2"]
    command += ["--only", TRAIN, "--again"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as ran:
        whole = psutil.Process(ran.pid)
        until = time.monotonic() + WAIT_S
        # Two that train, and the one by which multiprocessing tracks resources.
        while len(whole.children()) < 3 and time.monotonic() < until:
            time.sleep(0.1)
        its = whole.children()
        ran.send_signal(signal.SIGTERM)
        said, _ = ran.communicate(timeout=WAIT_S)
    assert ran.returncode == 130, said
    assert "Interrupted: finished work is kept" in said
    assert len(its) >= 3
    # That by which multiprocessing tracks resources ends when it notices that the command has ended.
    until = time.monotonic() + WAIT_S
    while (at_work := [one for one in its if is_at_work(one)]) and time.monotonic() < until:
        time.sleep(0.1)
    assert not at_work
