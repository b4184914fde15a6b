"""What tests alone use of Dagster beyond its public API."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.loader import LoadingContextForTest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.test_utils import create_run_for_test

from ris_dagster.adapter.asset_graph import AssetGraph

if TYPE_CHECKING:
    from graphql import GraphQLSchema

__all__ = [
    "SensorExecutionData",
    "check_evaluations",
    "dagster_commands",
    "end_backfill",
    "graphql_schema",
    "let_run_end_at",
    "partitions_tried_in_vain",
    "planned_partitions",
    "request_backfill",
    "run_of_daemon",
    "stale_status",
]


def run_of_daemon(
    instance: dg.DagsterInstance,
    job: str,
    status: str,
    tags: dict[str, str],
    assets: Collection[dg.AssetKey] | None = None,
    again: str | None = None,
) -> dg.DagsterRun:
    """Record a run as if the daemon had taken it from the queue, ``again`` after another one; nothing is executed."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("ris"), "__repository__")
    return create_run_for_test(
        instance,
        job,
        tags=tags,
        status=dg.DagsterRunStatus(status),
        remote_job_origin=RemoteJobOrigin(repository, job),
        asset_selection=frozenset(assets) if assets else None,
        parent_run_id=again,
        root_run_id=again,
    )


def request_backfill(
    instance: dg.DagsterInstance, graph: AssetGraph, assets: Collection[str], partitions: Collection[str], at: float
) -> None:
    """Record a backfill named ``ui`` as the UI's dialog does; no daemon takes it up."""
    backfill = PartitionBackfill.from_asset_partitions(
        backfill_id="ui",
        asset_graph=graph,
        partition_names=list(partitions),
        asset_selection=[dg.AssetKey(asset) for asset in assets],
        backfill_timestamp=at,
        tags={},
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )
    instance.add_backfill(backfill)


def end_backfill(instance: dg.DagsterInstance) -> None:
    """Record that the backfill of `request_backfill` has succeeded."""
    backfill = instance.get_backfill("ui")
    assert backfill is not None
    instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS))


def check_evaluations(
    instance: dg.DagsterInstance, asset: str, check: str, limit: int = 5
) -> list[dg.AssetCheckEvaluation]:
    """Return the evaluations of a check, the latest first; checks that were planned only are left out."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), check)
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=limit)
    return [record.event.asset_check_evaluation for record in records if record.event is not None]


def planned_partitions(instance: dg.DagsterInstance, asset: str) -> list[str | None]:
    """Return the partitions that runs planned to make, those of the latest run first."""
    planned = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=dg.AssetKey(asset))
    records = instance.event_log_storage.get_event_records(planned)
    return [record.event_log_entry.get_dagster_event().partition for record in records]


def partitions_tried_in_vain(instance: dg.DagsterInstance, asset: str) -> dict[str, tuple[str, int]]:
    """Return run and number of the latest plan of each partition that was planned and not made since."""
    storage = instance.event_log_storage
    return dict(
        storage.get_latest_asset_partition_materialization_attempts_without_materializations(dg.AssetKey(asset))
    )


def graphql_schema() -> "GraphQLSchema":
    """Return the schema of the webserver's GraphQL."""
    from dagster_graphql.schema import create_schema

    return create_schema().graphql_schema


def let_run_end_at(instance: dg.DagsterInstance, run_id: str, time: datetime) -> None:
    """Record that a run ended at another time, which must have a zone."""
    storage = instance.run_storage
    assert isinstance(storage, SqlRunStorage)
    ended = time.astimezone(UTC).replace(tzinfo=None)
    with storage.connect() as connection:
        connection.execute(RunsTable.update().where(RunsTable.c.run_id == run_id).values(update_timestamp=ended))


def stale_status(instance: dg.DagsterInstance, definitions: dg.Definitions, asset: str, partition: str) -> str:
    """Return what the UI says of a partition: ``FRESH``, ``STALE`` or ``MISSING``."""
    resolver = CachingStaleStatusResolver(instance, definitions.resolve_asset_graph(), LoadingContextForTest(instance))
    return str(resolver.get_status(dg.AssetKey(asset), partition).value)


def dagster_commands() -> dict[str, click.Command]:
    """Return Dagster's own commands by their program."""
    from dagster._cli import cli as dagster
    from dagster._daemon.cli import cli as daemon

    return {"dagster": dagster, "dagster-daemon": daemon}
