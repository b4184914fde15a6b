"""What tests alone use of Dagster beyond its public API."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

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
    "end_backfill",
    "graphql_schema",
    "let_run_end_at",
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
) -> dg.DagsterRun:
    """Record a run as if the daemon had taken it from the queue; nothing is executed."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("ris"), "__repository__")
    return create_run_for_test(
        instance,
        job,
        tags=tags,
        status=dg.DagsterRunStatus(status),
        remote_job_origin=RemoteJobOrigin(repository, job),
        asset_selection=frozenset(assets) if assets else None,
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
