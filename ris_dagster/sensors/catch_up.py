"""The sensor `catch_up`: requests station-days that were never acquired or failed, until they are given up."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import dagster as dg

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.stages.attempts import is_due
from ris_core.station_days.station_days import StationDays
from ris_dagster.adapter.asset_graph import AssetGraph, asset_graph_beside
from ris_dagster.adapter.run_tags import of_sensor
from ris_dagster.bindings import Bindings
from ris_dagster.method_runs import ENDED_BADLY, error_of
from ris_dagster.partitions import partition_key
from ris_dagster.planning import complete_days, plan_by_size
from ris_dagster.records import in_progress, recorded_station_days, station_days_of
from ris_dagster.resources.data_store import DataStore
from ris_dagster.sensors.asking import job_of, request, room, status, utc

CATCH_UP = "catch_up"
_INTERVAL_S = 60
# After the daily work, whose runs have priority 0 or more.
_PRIORITY = -5
_NAMED_AT_MOST = 5
# Blocks are planned from the oldest station-days that are ready: so many times what a tick may ask for.
_LOOKED_AHEAD = 4
# Times of runs may be kept in whole seconds.
_OVERLAP_S = 2.0


def build_catch_up(settings: Settings, jobs: Sequence[Any], bindings: Bindings) -> dg.SensorDefinition:
    """Return the sensor."""

    @dg.sensor(
        name=CATCH_UP,
        jobs=[job_of(jobs, binding.name) for binding in bindings],
        minimum_interval_seconds=_INTERVAL_S,
        default_status=status(settings.operations.catch_up),
        description="Requests station-days that were never acquired, oldest first, in blocks. After a wait it also "
        "requests failed ones of every stage, until they are given up. `ris reset` sets their attempts to zero.",
    )
    def catch_up(context: dg.SensorEvaluationContext, store: DataStore) -> dg.SensorResult:
        days = store.station_days(bindings.kinds)
        return ask(context, asset_graph_beside(context), days, bindings, datetime.now(UTC))

    return catch_up


def ask(
    context: dg.SensorEvaluationContext, graph: AssetGraph, days: StationDays, bindings: Bindings, now: datetime
) -> dg.SensorResult:
    """Return the runs that a tick requests, within `station_days_per_tick` and, with working ones, `runs_in_flight`."""
    first = {"since": now.timestamp(), "seen": [], "given_up": 0}
    cursor: dict[str, Any] = json.loads(context.cursor) if context.cursor else first
    # This writes, so it comes before the disk is read.
    cursor |= note_lost_runs(context.instance, days, bindings, cursor["since"], cursor["seen"])
    operations = days.settings.operations
    with days.look() as seen:
        left_alone = seen.given_up()
    if len(left_alone) != cursor["given_up"]:
        for (stage, key), record in list(left_alone.items())[:_NAMED_AT_MOST]:
            context.log.warning(f"{stage} of {key} is given up after {record.attempts} attempts: {record.error}")
        cursor["given_up"] = len(left_alone)
    notes = [f"{len(left_alone)} are given up (`ris status` names them, `ris reset` allows new attempts)"] * bool(
        left_alone
    )
    free = room(context.instance, CATCH_UP, operations.runs_in_flight)
    if free == 0:
        reason = f"{operations.runs_in_flight} runs of this sensor wait or work"
        return dg.SensorResult(skip_reason="; ".join([reason, *notes]), cursor=json.dumps(cursor))
    left, requests = operations.station_days_per_tick, list[dg.RunRequest]()
    size = min(operations.station_days_per_run, left)
    for stage, keys in wanted(context.instance, graph, days, bindings, now).items():
        for block in plan_by_size(keys, days.stations, size):
            if len(block) > left or len(requests) == free:
                break
            requests.append(request(stage, block, _PRIORITY))
            left -= len(block)
    nothing = None if requests else "; ".join(["nothing is missing that could be requested", *notes])
    return dg.SensorResult(run_requests=requests, skip_reason=nothing, cursor=json.dumps(cursor))


def wanted(
    instance: dg.DagsterInstance, graph: AssetGraph, days: StationDays, bindings: Bindings, now: datetime
) -> Mapping[str, Mapping[StationDay, int]]:
    """Return the wanted station-days, with their failed attempts, by stage.

    Acquisition: complete days that were never recorded, and failed ones. Processing and labelling: failed ones that
    have their input; the sensor `following` requests those that are ready for the first time. A failed station-day is
    wanted when its wait is over and it is not given up. Station-days of working runs and backfills are left out.
    Of very many station-days the oldest are returned: several times as many as a tick may ask for.
    """
    operations = days.settings.operations
    busy = set[StationDay]().union(*in_progress(instance, days.stations, graph, bindings).values())
    known = {StationDay(code, day) for day in complete_days(days.settings, now) for code in days.stations}
    free = known - busy
    # All records are read before the look at the disk: it must have the failures of runs that are no longer at work.
    recorded = {b.name: recorded_station_days(instance, b) for b in bindings if not b.stage.inputs}
    found: dict[str, dict[StationDay, int]] = {}
    with days.look() as seen:
        # The last stage comes first: it has few station-days, and acquiring an archive would delay them for weeks.
        for name, stage in reversed(seen.stages.items()):
            if stage.why_not():
                continue
            failures = seen.journal.all(name, seen.files)
            keys = {key: record.attempts for key, record in failures.items() if is_due(record, operations, now)}
            if name in recorded:
                keys |= dict.fromkeys(known - recorded[name] - failures.keys(), 0)
            due = sorted(free.intersection(keys), key=lambda key: (key.day, key.station))
            ready = islice(filter(stage.is_ready, due), _LOOKED_AHEAD * operations.station_days_per_tick)
            found[name] = {key: keys[key] for key in ready}
    return found


def note_lost_runs(
    instance: dg.DagsterInstance, days: StationDays, bindings: Bindings, since: float, seen: Sequence[str]
) -> dict[str, Any]:
    """Count runs of this sensor that ended without a result for some station-days as failed attempts at these.

    A killed process records nothing about its station-days; without a count they would be requested again and again.

    Parameters
    ----------
    instance, days, bindings
        The instance, and the station-days with their journal.
    since
        Runs that ended later are read, s since 1970.
    seen
        Runs that were already read.

    Returns
    -------
    dict
        `since` and `seen` for the next time.
    """
    ended = dg.RunsFilter(
        tags=of_sensor(CATCH_UP),
        statuses=[dg.DagsterRunStatus.FAILURE],
        updated_after=datetime.fromtimestamp(since - _OVERLAP_S, UTC),
    )
    times: dict[str, float] = {}
    for found in instance.get_run_records(ended):
        run = found.dagster_run
        times[run.run_id] = utc(found.update_timestamp).timestamp()
        if run.run_id not in seen:
            _note_lost(instance, days, bindings, run, utc(found.create_timestamp))
    since = max([since, *times.values()])
    return {"since": since, "seen": [run_id for run_id, time in times.items() if time > since - _OVERLAP_S]}


def _note_lost(
    instance: dg.DagsterInstance, days: StationDays, bindings: Bindings, run: dg.DagsterRun, began: datetime
) -> None:
    events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    made = {event.get_dagster_event().partition for event in events}
    why = error_of(entry.get_dagster_event() for entry in instance.all_logs(run.run_id, of_type=ENDED_BADLY))
    for stage in bindings.of_run(run):
        failures = days.journal.all(stage)
        for key in station_days_of(run.tags, days.stations):
            said = key in failures and datetime.fromisoformat(failures[key].last_attempt) >= began
            if str(partition_key(key)) not in made and not said:
                days.journal.note(stage, key, f"run {run.run_id} ended without a result for it: {why}")
