"""Runs of commands that were killed: a later command tells Dagster that they ended."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster_internals import run_of_daemon

from ris_dagster import killed_runs
from ris_dagster.killed_runs import end_killed_runs
from ris_dagster.processes import PROCESS_TAG, this_process

STARTED = "STARTED"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as found:
        yield found


def of_process(process: str) -> dict[str, str]:
    return {PROCESS_TAG: process}


def killed_process() -> str:
    host, _, rest = this_process().split(" ", 2)
    return f"{host} 4194304 {rest}"


@pytest.mark.parametrize("status", ["STARTING", STARTED, "CANCELING"])
def test_a_run_whose_process_was_killed_has_failed_and_says_why(status: str, instance: dg.DagsterInstance) -> None:
    run = run_of_daemon(instance, "train_dec", status, of_process(killed_process()))
    assert [found.run_id for found in end_killed_runs(instance)] == [run.run_id]
    (record,) = instance.get_run_records()
    assert record.dagster_run.status == dg.DagsterRunStatus.FAILURE
    event = instance.all_logs(run.run_id)[-1].dagster_event
    assert event is not None and "it was killed, ran out of memory" in str(event.message)
    assert end_killed_runs(instance) == []


def test_runs_that_may_still_work_stay_in_progress(instance: dg.DagsterInstance) -> None:
    _, elsewhere = killed_process().split(" ", 1)
    run_of_daemon(instance, "here", STARTED, of_process(this_process()))
    run_of_daemon(instance, "elsewhere", STARTED, of_process(f"another-host {elsewhere}"))
    run_of_daemon(instance, "of_the_daemon", STARTED, {})
    gone = run_of_daemon(instance, "gone", "FAILURE", of_process(killed_process()))
    # Started again in the UI, it has the tags of the former run, and another process.
    run_of_daemon(instance, "again", STARTED, of_process(killed_process()), again=gone.run_id)
    assert end_killed_runs(instance) == []
    assert len(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))) == 4


def test_a_run_that_ended_between_two_looks_stays_as_it_is(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of_daemon(instance, "train_dec", STARTED, of_process(this_process()))

    def ends_now(process: str) -> bool:
        instance.report_run_failed(run, "as its command says")
        return True

    monkeypatch.setattr(killed_runs, "has_ended", ends_now)
    assert end_killed_runs(instance) == []
    assert len([one for one in instance.all_logs(run.run_id) if one.dagster_event]) == 1
