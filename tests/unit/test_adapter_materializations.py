"""What `ris_dagster/adapter/materializations.py` relies on: its events are those that Dagster itself writes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import dagster as dg
import pytest
from contracts import relied_upon

from ris_dagster.adapter import materializations
from ris_dagster.adapter.materializations import InputVersion

STATION_DAYS = dg.MultiPartitionsDefinition(
    {
        "day": dg.StaticPartitionsDefinition(["2020-03-01", "2020-03-02"]),
        "station": dg.StaticPartitionsDefinition(["AA"]),
    }
)
KEY = dg.MultiPartitionKey({"day": "2020-03-01", "station": "AA"})
SOURCE, MADE, NEVER = dg.AssetKey("source"), dg.AssetKey("made"), dg.AssetKey("never")


def dagster_keeps(what: str) -> AbstractContextManager[None]:
    return relied_upon("dagster", what, "ris_dagster/adapter/materializations.py")


@dg.asset(partitions_def=STATION_DAYS, code_version="s1")
def source() -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(data_version=dg.DataVersion("s1"))


never = dg.AssetSpec("never", partitions_def=STATION_DAYS)


def made_asset(logs_itself: bool) -> dg.AssetsDefinition:
    """Return an asset that leaves its materialization to Dagster, or logs it while it runs."""

    @dg.asset(partitions_def=STATION_DAYS, code_version="m1", deps=[SOURCE, NEVER])
    def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        if not logs_itself:
            return dg.MaterializeResult(metadata={"events": 3}, data_version=dg.DataVersion("m1"))
        tags = materializations.version_tags("m1", materializations.inputs_of_step(context, MADE))
        tags |= materializations.partition_tags(KEY)
        event = dg.AssetMaterialization(MADE, partition=KEY, metadata={"events": 3}, tags=tags)
        materializations.log_in_step(context, [event])
        return dg.MaterializeResult(metadata=materializations.already_logged(), data_version=dg.DataVersion("m1"))

    return made


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def recorded(instance: dg.DagsterInstance, asset: dg.AssetKey) -> list[dg.EventLogRecord]:
    return list(instance.fetch_materializations(asset, limit=100).records)


def materialize(instance: dg.DagsterInstance, *assets: Any, selection: list[dg.AssetKey]) -> None:
    assert dg.materialize([*assets, never], selection=selection, instance=instance, partition_key=KEY).success


def test_a_materialization_logged_in_a_step_is_the_one_that_dagster_logs(instance: dg.DagsterInstance) -> None:
    materialize(instance, source, selection=[SOURCE])
    for logs_itself in (False, True):
        materialize(instance, source, made_asset(logs_itself), selection=[MADE])
    with dagster_keeps("an output marked with already_logged() is not logged again"):
        ours, dagsters = (record.asset_materialization for record in recorded(instance, MADE))
    assert ours is not None and dagsters is not None
    with dagster_keeps("a materialization has tags of versions, inputs and dimensions of its partition"):
        assert ours.tags == dagsters.tags
    assert (ours.partition, ours.metadata) == (dagsters.partition, dagsters.metadata)
    assert materializations.data_version_of(ours) == materializations.data_version_of(dagsters) == "m1"


def test_inputs_are_the_latest_records_and_none_where_there_is_none(instance: dg.DagsterInstance) -> None:
    materialize(instance, source, selection=[SOURCE])
    found: dict[dg.AssetKey, InputVersion] = {}

    @dg.asset(partitions_def=STATION_DAYS, deps=[SOURCE, NEVER])
    def made(context: dg.AssetExecutionContext) -> None:
        found.update(materializations.inputs_of_step(context, MADE))

    materialize(instance, source, made, selection=[MADE])
    with dagster_keeps("a step knows version and record of its inputs"):
        assert found[SOURCE].record == recorded(instance, SOURCE)[0].storage_id
        assert found[NEVER].record is None


def test_a_materialization_without_a_run_is_the_one_that_dagster_reports(instance: dg.DagsterInstance) -> None:
    tags = materializations.version_tags("s1", {}) | materializations.partition_tags(KEY)
    event = dg.AssetMaterialization(SOURCE, partition=KEY, metadata={"events": 3}, tags=tags)
    instance.report_runless_asset_event(event)
    materializations.log_without_run(instance, [event, event])
    records = recorded(instance, SOURCE)
    with dagster_keeps("report_runless_asset_event() logs an event without run and job"):
        assert len(records) == 3
        assert len({(r.run_id, r.event_log_entry.get_dagster_event().job_name) for r in records}) == 1
        assert len({str(r.asset_materialization) for r in records}) == 1
    assert instance.get_materialized_partitions(SOURCE) == {str(KEY)}
