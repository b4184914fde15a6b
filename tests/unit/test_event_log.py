"""Events written in batches are those that Dagster writes one by one."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest

from ris_core.config import PROJECT_ROOT
from ris_dagster.event_log import BatchingInstance, BatchingSqliteEventLogStorage

KEYS = [f"k{n:03d}" for n in range(12)]


@pytest.fixture
def instances(tmp_path: Path) -> Iterator[dict[str, dg.DagsterInstance]]:
    """The instance of deploy/local, and Dagster's own."""
    with ExitStack() as stack:
        found = {}
        for name in ("batching", "plain"):
            home = tmp_path / name
            home.mkdir()
            text = (PROJECT_ROOT / "deploy" / "local" / "dagster.yaml").read_text(encoding="utf-8")
            if name == "plain":
                text = "\n".join(line for line in text.splitlines() if "ris_dagster" not in line)
                text = text.replace("instance_class:", "").replace("  class: BatchingInstance", "")
            (home / "dagster.yaml").write_text(text, encoding="utf-8")
            found[name] = stack.enter_context(dg.DagsterInstance.from_config(str(home)))
        yield found


def run(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    partitions = dg.StaticPartitionsDefinition(KEYS)

    @dg.asset(
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        code_version="1",
        check_specs=[dg.AssetCheckSpec("fine", asset="things")],
    )
    def things(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        for key in context.partition_keys:
            context.add_asset_metadata({"key": key}, partition_key=key)
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="fine")])

    return dg.materialize(
        [things],
        instance=instance,
        tags={"dagster/asset_partition_range_start": KEYS[0], "dagster/asset_partition_range_end": KEYS[-1]},
    )


def seen(instance: dg.DagsterInstance) -> dict[str, object]:
    """Return what a user can see of the asset, without times and identifiers."""
    key = dg.AssetKey("things")
    records = instance.fetch_materializations(key, limit=100).records
    latest = instance.get_latest_materialization_event(key)
    assert latest is not None and latest.asset_materialization is not None
    (record,) = instance.get_asset_records([key])
    run_id = latest.run_id
    check = dg.AssetCheckKey(key, "fine")
    return {
        "events": [(r.partition_key, r.asset_materialization) for r in records],
        "partitions": instance.get_materialized_partitions(key),
        "latest": latest.asset_materialization,
        "entry": record.asset_entry.last_run_id == run_id,
        "run": [e.dagster_event_type for e in instance.all_logs(run_id)],
        "planned": [
            (r.event_log_entry.get_dagster_event().partition)
            for r in instance.event_log_storage.get_event_records(
                dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=key)
            )
        ],
        "checks": [str(c.status) for c in instance.event_log_storage.get_asset_check_execution_history(check, limit=5)],
    }


def test_the_local_deployment_records_in_batches(instances: dict[str, dg.DagsterInstance]) -> None:
    assert isinstance(instances["batching"], BatchingInstance)
    assert isinstance(instances["batching"].event_log_storage, BatchingSqliteEventLogStorage)
    assert not isinstance(instances["plain"].event_log_storage, BatchingSqliteEventLogStorage)


def test_batches_leave_the_same_behind_as_single_events(instances: dict[str, dg.DagsterInstance]) -> None:
    found = {}
    for name, instance in instances.items():
        assert run(instance).success
        assert run(instance).success
        found[name] = seen(instance)
    assert len(found["plain"]["events"]) == 2 * len(KEYS)  # type: ignore[arg-type]
    assert found["batching"] == found["plain"]


def test_another_process_of_dagster_reads_a_batching_home(instances: dict[str, dg.DagsterInstance]) -> None:
    assert run(instances["batching"]).success
    home = instances["batching"].root_directory
    with dg.DagsterInstance.from_ref(dg.DagsterInstance.from_config(home).get_ref()) as again:
        assert seen(again) == seen(instances["batching"])
