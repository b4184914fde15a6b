"""A run over a few partitions with a check, and all that a user can see of it in an instance."""

import dagster as dg
from dagster_internals import check_evaluations, planned_partitions

from ris_dagster.adapter.run_tags import of_partition_range

KEYS = [f"k{n:03d}" for n in range(12)]


def run_partitions(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """Materialize the asset `things` over all partitions in one run."""
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

    return dg.materialize([things], instance=instance, tags=of_partition_range(KEYS[0], KEYS[-1]))


def seen(instance: dg.DagsterInstance) -> dict[str, object]:
    """Return what a user can see of the asset, without times and identifiers."""
    key = dg.AssetKey("things")
    records = instance.fetch_materializations(key, limit=100).records
    latest = instance.get_latest_materialization_event(key)
    assert latest is not None and latest.asset_materialization is not None
    (record,) = instance.get_asset_records([key])
    run_id = latest.run_id
    return {
        "events": [(r.partition_key, r.asset_materialization) for r in records],
        "partitions": instance.get_materialized_partitions(key),
        "latest": latest.asset_materialization,
        "entry": record.asset_entry.last_run_id == run_id,
        "runs": sorted(run.status.value for run in instance.get_runs()),
        "run": [e.dagster_event_type for e in instance.all_logs(run_id)],
        "planned": planned_partitions(instance, "things"),
        "checks": [evaluation.passed for evaluation in check_evaluations(instance, "things", "fine")],
    }
