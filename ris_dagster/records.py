"""What Dagster's record says of station-days: which are there, and which something is at work on or will be.

Sensors and schedules look here, since this takes a query each, while looking at every product on disk takes
milliseconds for each of 25,000 station-days.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus, PartitionBackfill
from dagster._core.storage.tags import PARTITION_NAME_TAG

from ris_core.contracts.station_day import StationDay
from ris_core.storage.store import STATION_DAY_STAGES, Stage
from ris_dagster import jobs
from ris_dagster.partitions import RANGE_END_TAG, RANGE_START_TAG, station_day
from ris_dagster.processes import PROCESS_TAG, has_ended

ASSETS: Mapping[Stage, tuple[dg.AssetKey, ...]] = {
    "acquire": (dg.AssetKey("raw_waveforms"),),
    "process": (dg.AssetKey("detections"), dg.AssetKey("spectrograms")),
    "label": (dg.AssetKey("label_tables"),),
}
JOBS: Mapping[Stage, str] = {"acquire": jobs.ACQUIRE, "process": jobs.PROCESS, "label": jobs.LABEL}
AT_WORK = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_BACKFILLS_AT_WORK = (BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING)


def recorded_station_days(instance: dg.DagsterInstance, stage: Stage, after: int | None = None) -> set[StationDay]:
    """Return the station-days that are recorded as made by a stage, of the last of its assets.

    Parameters
    ----------
    instance
        Where to look.
    stage
        ``acquire``, ``process`` or ``label``.
    after
        Only what was recorded after the event of this number.
    """
    found = instance.event_log_storage.get_materialized_partitions(ASSETS[stage][-1], after_cursor=after)
    return set(_station_days(found))


def in_progress(
    instance: dg.DagsterInstance, stations: Sequence[str], graph: "BaseAssetGraph[Any]"
) -> dict[Stage, set[StationDay]]:
    """Return the station-days that waiting or working runs, and backfills of the UI, are going to make.

    Parameters
    ----------
    instance
        Where to look.
    stations
        All codes in the order of the settings.
    graph
        The assets, by which a backfill is read.
    """
    found: defaultdict[Stage, set[StationDay]] = defaultdict(set)
    for run in instance.get_runs(dg.RunsFilter(statuses=list(AT_WORK))):
        if has_ended(run.tags.get(PROCESS_TAG, "")):
            continue  # of a `ris run` that was killed: nothing tells Dagster that it is over
        keys = station_days_of(run.tags, stations)
        for stage in stages_of(run):
            found[stage].update(keys)
    for backfill in instance.get_backfills(BulkActionsFilter(statuses=list(_BACKFILLS_AT_WORK))):
        for stage, targeted in _of_backfill(backfill, graph):
            found[stage].update(targeted)
    return {stage: found[stage] for stage in STATION_DAY_STAGES}


def asset_graph_of(context: dg.SensorEvaluationContext | dg.ScheduleEvaluationContext) -> "BaseAssetGraph[Any]":
    """Return the assets that a sensor or schedule stands beside."""
    if context.repository_def is None:
        raise ValueError(f"{type(context).__name__} has no repository_def: build it with one")
    return context.repository_def.asset_graph


def station_days_of(tags: Mapping[str, str], stations: Sequence[str]) -> list[StationDay]:
    """Return the station-days that a run's tags name: a block, or one partition; none for other runs."""
    start, end = tags.get(RANGE_START_TAG), tags.get(RANGE_END_TAG)
    if start is None or end is None:
        return list(_station_days([tags.get(PARTITION_NAME_TAG, "")]))
    corners = list(_station_days([start, end]))
    if len(corners) != 2 or any(corner.station not in stations for corner in corners):
        return []
    (first, last), place = corners, {code: number for number, code in enumerate(stations)}
    between = stations[place[first.station] : place[last.station] + 1]
    return [StationDay(code, day) for day in _days(first, last) for code in between]


def stages_of(run: dg.DagsterRun) -> list[Stage]:
    """Return the stages whose assets a run makes."""
    if run.asset_selection:
        return [stage for stage, assets in ASSETS.items() if run.asset_selection & set(assets)]
    return [stage for stage, job in JOBS.items() if job == run.job_name]


def _days(first: StationDay, last: StationDay) -> Iterator[date]:
    for number in range((last.day - first.day).days + 1):
        yield first.day + timedelta(days=number)


def _station_days(partitions: Iterable[str]) -> Iterator[StationDay]:
    """Yield the station-days among partition keys; there are trials and cluster counts as well."""
    for partition in partitions:
        with suppress(ValueError):
            yield station_day(partition)


def _of_backfill(backfill: PartitionBackfill, graph: "BaseAssetGraph[Any]") -> Iterator[tuple[Stage, set[StationDay]]]:
    if not backfill.is_asset_backfill:
        stages = [stage for stage, job in JOBS.items() if job == backfill.job_name]
        for stage in stages:
            yield stage, set(_station_days(backfill.partition_names or ()))
        return
    left = backfill.get_asset_backfill_data(graph).get_targeted_partitions_without_materialization_status()
    for stage, assets in ASSETS.items():
        for asset in assets:
            if asset in left.partitions_subsets_by_asset_key:
                subset = left.partitions_subsets_by_asset_key[asset]
                yield stage, set(_station_days(subset.get_partition_keys()))
