"""What `ris_dagster/adapter/run_tags.py` relies on: the tags mean to Dagster what the functions say."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import dagster as dg
import pytest
import yaml
from contracts import relied_upon
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon

from ris_dagster.adapter import run_tags

KEYS = ["a", "b", "c"]


def dagster_keeps(what: str) -> AbstractContextManager[None]:
    return relied_upon("dagster", what, "ris_dagster/adapter/run_tags.py")


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(KEYS), backfill_policy=dg.BackfillPolicy.single_run())
def letters(context: dg.AssetExecutionContext) -> None:
    context.log.info(",".join(context.partition_keys))


JOB = dg.Definitions([letters], jobs=[dg.define_asset_job("write", [letters])]).resolve_job_def("write")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    settings = {"run_retries": {"enabled": True, "max_retries": 2}, "telemetry": {"enabled": False}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def test_a_run_over_a_partition_is_tagged_with_it(instance: dg.DagsterInstance) -> None:
    result = dg.materialize([letters], instance=instance, partition_key="b")
    run = instance.get_run_by_id(result.run_id)
    with dagster_keeps("a run over a partition has the tag of_partition()"):
        assert run is not None and run_tags.of_partition("b").items() <= run.tags.items()
        assert run_tags.partition_of(run.tags) == "b"
        assert run_tags.partition_range_of(run.tags) is None


def test_a_run_with_the_tags_of_a_range_is_over_all_of_it(instance: dg.DagsterInstance) -> None:
    result = dg.materialize([letters], instance=instance, tags=run_tags.of_partition_range("a", "b"))
    run = instance.get_run_by_id(result.run_id)
    with dagster_keeps("a run with the tags of_partition_range() is over all partitions between"):
        made = {event.partition for event in result.get_asset_materialization_events()}
        assert made == {"a", "b"}
        assert run is not None and run_tags.partition_range_of(run.tags) == ("a", "b")
        assert run_tags.partition_of(run.tags) == ""


def test_a_run_of_a_sensor_is_tagged_with_its_name() -> None:
    sensor = dg.SensorDefinition(name="watch", job=JOB, evaluation_fn=lambda _: None)
    with dagster_keeps("runs that a sensor requests have the tag of_sensor()"):
        assert dict(dg.DagsterRun.tags_for_sensor(sensor)) == run_tags.of_sensor("watch")


def test_the_queue_starts_runs_of_greater_priority_first() -> None:
    runs = [dg.DagsterRun(JOB.name, tags=run_tags.with_priority(n) if n else {}) for n in (-1, 0, 5)]
    with dagster_keeps("the queue sorts runs by the tag with_priority(), 0 without it"):
        ordered = QueuedRunCoordinatorDaemon._priority_sort(None, runs)  # type: ignore[arg-type]
        assert [run.run_id for run in ordered] == [run.run_id for run in reversed(runs)]


@pytest.mark.parametrize("retried", [True, False])
def test_a_failed_run_says_whether_it_is_started_again(instance: dg.DagsterInstance, retried: bool) -> None:
    run = instance.create_run_for_job(JOB, tags={} if retried else run_tags.never_retried())
    assert not run_tags.will_be_retried(run)
    instance.report_run_failed(run)
    failed = instance.get_run_by_id(run.run_id)
    with dagster_keeps("a failed run has the tag of will_be_retried(), and never_retried() forbids it"):
        assert failed is not None and failed.status == dg.DagsterRunStatus.FAILURE
        assert run_tags.will_be_retried(failed) == retried
        assert auto_reexecution_should_retry_run(instance, failed, None) == retried
