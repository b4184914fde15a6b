"""Station-days in Dagster's record: which ones exist, and which ones runs or backfills work on or will make.

Sensors and schedules use this record, which takes one query each, because a look at every product on disk takes
milliseconds for each of 25,000 station-days.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta

import dagster as dg

from ris_core.contracts.station_day import StationDay
from ris_dagster.adapter.asset_graph import AssetGraph
from ris_dagster.adapter.backfills import targets_of_backfills_at_work
from ris_dagster.adapter.run_tags import partition_of, partition_range_of
from ris_dagster.bindings import Binding, Bindings
from ris_dagster.partitions import station_day
from ris_dagster.processes import executing_process, has_ended

AT_WORK = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def recorded_station_days(instance: dg.DagsterInstance, binding: Binding, after: int | None = None) -> set[StationDay]:
    """Return the station-days that are recorded as made by a stage, of the last of its assets.

    Parameters
    ----------
    instance
        The instance.
    binding
        The stage.
    after
        Only records after the event with this number.
    """
    return set(_station_days(instance.get_materialized_partitions(binding.assets[-1], after_cursor=after)))


def in_progress(
    instance: dg.DagsterInstance, stations: Sequence[str], graph: AssetGraph, bindings: Bindings
) -> dict[str, set[StationDay]]:
    """Return the station-days that waiting or working runs, and backfills of the UI, are going to make.

    Parameters
    ----------
    instance
        The instance.
    stations
        All codes in the order of the settings.
    graph
        The assets, which are needed to read a backfill.
    bindings
        All stages.
    """
    found: defaultdict[str, set[StationDay]] = defaultdict(set)
    for run in instance.get_runs(dg.RunsFilter(statuses=list(AT_WORK))):
        if has_ended(executing_process(run)):
            continue  # of a killed command; Dagster learns of it from the next one (`killed_runs`)
        keys = station_days_of(run.tags, stations)
        for stage in bindings.of_run(run):
            found[stage].update(keys)
    for target in targets_of_backfills_at_work(instance, graph):
        for binding in bindings:
            if target.asset in binding.assets or target.job == binding.name:
                found[binding.name].update(_station_days(target.partitions))
    return {stage: found[stage] for stage in bindings.names}


def station_days_of(tags: Mapping[str, str], stations: Sequence[str]) -> list[StationDay]:
    """Return the station-days that a run's tags name: a block, or one partition; none for other runs."""
    ends = partition_range_of(tags)
    if ends is None:
        return list(_station_days([partition_of(tags)]))
    corners = list(_station_days(ends))
    if len(corners) != 2 or any(corner.station not in stations for corner in corners):
        return []
    (first, last), place = corners, {code: number for number, code in enumerate(stations)}
    between = stations[place[first.station] : place[last.station] + 1]
    return [StationDay(code, day) for day in _days(first, last) for code in between]


def _days(first: StationDay, last: StationDay) -> Iterator[date]:
    for number in range((last.day - first.day).days + 1):
        yield first.day + timedelta(days=number)


def _station_days(partitions: Iterable[str]) -> Iterator[StationDay]:
    """Yield the station-days among partition keys; there are trials and cluster counts as well."""
    for partition in partitions:
        with suppress(ValueError):
            yield station_day(partition)
