"""Backfills that were started in the UI: what they are still going to make."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

import dagster as dg

from ris_core.relied_upon import relying_on
from ris_dagster.adapter.asset_graph import AssetGraph

with relying_on("dagster", __name__):
    from dagster._core.execution.backfill import (
        BULK_ACTION_TERMINAL_STATUSES,
        BulkActionsFilter,
        BulkActionStatus,
        PartitionBackfill,
    )

    _AT_WORK = [status for status in BulkActionStatus if status not in BULK_ACTION_TERMINAL_STATUSES]


class BackfillTarget(NamedTuple):
    """Partitions that a backfill is going to make.

    Attributes
    ----------
    asset
        The asset; None in a backfill of a job.
    job
        The job; empty in a backfill of assets.
    partitions
        Keys of the partitions.
    """

    asset: dg.AssetKey | None
    job: str
    partitions: Collection[str]


def targets_of_backfills_at_work(instance: dg.DagsterInstance, graph: AssetGraph) -> Iterator[BackfillTarget]:
    """Yield what the backfills that have not ended are going to make, asset by asset or for a whole job.

    Parameters
    ----------
    instance
        Where to look.
    graph
        The assets, by which a backfill of assets is read.
    """
    for backfill in instance.get_backfills(BulkActionsFilter(statuses=_AT_WORK)):
        yield from _targets(backfill, graph)


def has_ended(instance: dg.DagsterInstance, backfill_id: str) -> bool:
    """Return whether a backfill has ended, well or badly."""
    backfill = instance.get_backfill(backfill_id)
    return backfill is not None and backfill.status in BULK_ACTION_TERMINAL_STATUSES


def _targets(backfill: PartitionBackfill, graph: AssetGraph) -> Iterator[BackfillTarget]:
    if not backfill.is_asset_backfill:
        yield BackfillTarget(None, str(backfill.job_name), backfill.partition_names or ())
        return
    left = backfill.get_asset_backfill_data(graph).get_targeted_partitions_without_materialization_status()
    for asset, subset in left.partitions_subsets_by_asset_key.items():
        yield BackfillTarget(asset, "", list(subset.get_partition_keys()))
