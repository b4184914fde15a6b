"""Processes that die in the middle of their work: a run, the daemon with all it started; and two commands at once."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import psutil
import pytest
import yaml
from builders import Opened, opened, own_environment, sds_values, write_archive, write_yaml
from faults import check_record, clean_environment, daemon, kill_all, made, ris_command, suspend_midway, until

from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.records import recorded_station_days

DAYS = [date(2020, 3, 1) + timedelta(days=n) for n in range(14)]
BLOCK = 20


@dataclass(frozen=True)
class Archive:
    """Settings of an archive, and the products of an undisturbed run over it."""

    config: Path
    expected: dict[str, bytes]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("processes")
    values = sds_values(write_archive(folder / "archive", days=DAYS), days=DAYS)
    config = write_yaml(folder / "small.yaml", values | {"operations": {"station_days_per_run": BLOCK}})
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, folder / "data")
        with opened(config) as network:
            for job in ("acquire", "process"):
                assert network.run_block(job).success
            yield Archive(config, made(network))


def set_up(network: Opened) -> None:
    """One run at a time, so that others wait; and a run whose process has died is noticed within seconds."""
    path = network.store.dagster_home / "dagster.yaml"
    values = yaml.safe_load(path.read_text())
    values["concurrency"]["runs"]["max_concurrent_runs"] = 1
    values["run_monitoring"]["poll_interval_seconds"] = 2
    write_yaml(path, values)


def process_of(network: Opened, run: dg.DagsterRun, started_by: psutil.Process) -> psutil.Process:
    """Return the process of a run, which the daemon must have started."""
    said = [entry.get_dagster_event() for entry in network.instance.all_logs(run.run_id) if entry.is_dagster_event]
    numbers = [
        int(str(event.engine_event_data.metadata["pid"].value))
        for event in said
        if event.event_type == dg.DagsterEventType.ENGINE_EVENT and "pid" in event.engine_event_data.metadata
    ]
    (found,) = [child for child in started_by.children(recursive=True) if child.pid == numbers[-1]]
    return found


def runs(network: Opened, *statuses: str) -> list[dg.DagsterRun]:
    return list(network.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus(s) for s in statuses])))


def test_killed_runs_and_a_killed_daemon_cost_nothing(archive: Archive, data_root: Path, tmp_path: Path) -> None:
    with opened(archive.config) as network:
        set_up(network)
    environment = clean_environment(RIS_DATA=data_root)
    log = tmp_path / "backfill.log"
    with opened(archive.config) as network, log.open("wb") as file:
        command = ris_command("backfill", "--yes", "-c", archive.config)

        def at_work() -> list[dg.DagsterRun]:
            assert following.poll() is None, log.read_text()
            return [run for run in runs(network, "STARTED") if run.job_name == "process"]

        with daemon(network, environment) as process:
            following = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
            until(at_work, log.read_text)
            (run,) = at_work()
            worker = process_of(network, run, process)
            suspend_midway(network, worker, "process", BLOCK)
            worker.kill()
            before = recorded_station_days(network.instance, BINDINGS["process"])
            until(lambda: run.run_id in {r.run_id for r in runs(network, "FAILURE")}, log.read_text)
            assert before <= recorded_station_days(network.instance, BINDINGS["process"])
            until(lambda: runs(network, "QUEUED"), log.read_text)
            waiting = {r.run_id for r in runs(network, "QUEUED", "STARTING", "STARTED")}
            kill_all(process)
        with daemon(network, environment):
            assert following.wait(600) == 1
            told = log.read_text()
            assert f"run {run.run_id}" in told and "repeat the command" in told
            # The next daemon starts killed runs again and continues with waiting ones.
            until(lambda: not runs(network, "QUEUED", "STARTING", "STARTED", "CANCELING"), log.read_text)
            ended = {r.run_id: r for r in network.instance.get_runs()}
            again = [r for r in ended.values() if r.parent_run_id == run.run_id]
            assert [r.is_success for r in again] == [True]
            assert all(
                ended[number].is_success or any(r.parent_run_id == number for r in ended.values()) for number in waiting
            )
            assert made(network) == archive.expected
            check_record(network, "acquire", "process")
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert (done.returncode, "Everything is current" in done.stdout) == (0, True), done.stdout


def test_two_commands_over_the_same_block_at_once_make_it_as_one_does(archive: Archive, data_root: Path) -> None:
    command = ris_command("run", "--only", "acquire", "--only", "process", "-c", archive.config)
    environment = clean_environment(RIS_DATA=data_root)
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=600)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    with opened(archive.config) as network:
        assert made(network) == archive.expected
        check_record(network, "acquire", "process")
        assert {run.status for run in network.instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
