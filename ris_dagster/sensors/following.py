"""The sensors `following` and `relabel`: acquired station-days are processed, and labelled by the current champion."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import dagster as dg

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.labels.label import LabelStage
from ris_core.stages.attempts import is_due, is_given_up
from ris_core.station_days.station_days import StationDays
from ris_core.storage.journal import FailedAttempt
from ris_dagster.adapter.asset_graph import asset_graph_beside
from ris_dagster.bindings import Bindings
from ris_dagster.planning import plan_by_size
from ris_dagster.records import in_progress
from ris_dagster.resources.data_store import DataStore
from ris_dagster.sensors.asking import (
    found_in_time,
    job_of,
    latest,
    lost_attempts,
    remembered,
    request,
    room,
    status,
    without_failed,
)

FOLLOWING, RELABEL = "following", "relabel"
_INTERVAL_S = 30
# Dagster starts waiting runs with the greatest priority first; the default is 0.
_FOLLOWING_PRIORITY, _RELABEL_PRIORITY = 1, -10


def build_following(settings: Settings, jobs: Sequence[Any], bindings: Bindings) -> list[dg.SensorDefinition]:
    """Return both sensors."""
    operations = settings.operations

    @dg.sensor(
        name=FOLLOWING,
        jobs=[job_of(jobs, binding.name) for binding in bindings if binding.stage.inputs],
        minimum_interval_seconds=_INTERVAL_S,
        default_status=status(operations.following),
        description="Requests spectrograms if raw waveforms are new or changed, and label tables if spectrograms are, "
        "once there is a champion: newest days first, in blocks. Failed station-days wait for catch_up.",
    )
    def following(context: dg.SensorEvaluationContext, store: DataStore) -> dg.SensorResult:
        return follow(context, store.station_days(bindings.kinds), bindings)

    @dg.sensor(
        name=RELABEL,
        job=job_of(jobs, LabelStage.name),
        minimum_interval_seconds=_INTERVAL_S,
        default_status=status(operations.relabel),
        description="Requests the label tables of former champions again, those of the oldest model first, in blocks "
        "with a lower priority than the daily work.",
    )
    def relabel(context: dg.SensorEvaluationContext, store: DataStore) -> dg.SensorResult:
        with store.station_days(bindings.kinds).look() as days:
            return label_again(context, days, bindings)

    return [following, relabel]


def follow(context: dg.SensorEvaluationContext, days: StationDays, bindings: Bindings) -> dg.SensorResult:
    """Request station-days that are ready and missing, or were made from another input."""
    operations, now = days.settings.operations, datetime.now(UTC)
    free = room(context.instance, FOLLOWING, operations.runs_in_flight)
    if not free:
        return dg.SensorResult(skip_reason=f"{operations.runs_in_flight} runs of this sensor wait or work")
    busy = _in_progress(context, days, bindings)
    # Labels come first: they are the final products, and there are never more of them to make than new spectrograms.
    names = [name for name, stage in reversed(days.stages.items()) if stage.inputs and not stage.why_not()]
    # All records are read before the look at the disk: it must have every file whose record is known, or a station-day
    # would be remembered as not ready.
    recorded = {name: _behind(context.instance, days, bindings, name, busy) for name in names}
    requests: list[dg.RunRequest] = []
    left, notes = operations.station_days_per_tick, []
    with days.look() as seen:
        for stage in names:
            behind = {key: recorded[stage][key] for key in without_failed(seen, stage, recorded[stage])}
            lost = lost_attempts(context.instance, seen, bindings, FOLLOWING, stage, set(behind), now)
            kept = {
                key: found for key, found in behind.items() if key not in lost or is_due(lost[key], operations, now)
            }
            if left_alone := sum(is_given_up(record, operations) for record in lost.values()):
                notes.append(f"{stage}: {left_alone} station-days are not requested, their runs died too often")
            wanted = {key: _lost_times(lost, key) for key in _newest_first(seen, stage, kept, left)}
            blocks = plan_by_size(wanted, days.stations, operations.station_days_per_run)[: free - len(requests)]
            requests += [request(stage, block, _FOLLOWING_PRIORITY) for block in blocks]
            left -= sum(map(len, blocks))
    for note in notes:
        context.log.warning(note)
    return dg.SensorResult(
        run_requests=requests, skip_reason=None if requests else "; ".join(["nothing is ready", *notes])
    )


def _lost_times(lost: Mapping[StationDay, FailedAttempt], key: StationDay) -> int:
    return lost[key].attempts if key in lost else 0


def _in_progress(
    context: dg.SensorEvaluationContext, days: StationDays, bindings: Bindings
) -> dict[str, set[StationDay]]:
    return in_progress(context.instance, days.stations, asset_graph_beside(context), bindings)


class _Behind(NamedTuple):
    """A station-day that may have to be made: the number of its input's record, and whether it was ever made."""

    number: int
    made: bool


def _behind(
    instance: dg.DagsterInstance, days: StationDays, bindings: Bindings, name: str, busy: Mapping[str, set[StationDay]]
) -> dict[StationDay, _Behind]:
    """Return station-days that are recorded as missing or older than their input, and that no run works on."""
    known, before = set(days.all()), days.stages[name].inputs
    made = latest(instance, bindings[name], known)
    inputs: dict[StationDay, int] = {}
    for stage in before:
        for key, number in latest(instance, bindings[stage], known).items():
            inputs[key] = max(number, inputs.get(key, -1))
    found = {key: _Behind(number, key in made) for key, number in inputs.items() if made.get(key, -1) < number}
    at_work = busy[name].union(*(busy[stage] for stage in before))
    return {key: behind for key, behind in found.items() if key not in at_work}


def _newest_first(days: StationDays, name: str, behind: Mapping[StationDay, _Behind], at_most: int) -> list[StationDay]:
    """Return the newest station-days that can be made and were not, or were made from something else."""
    stage = days.stages[name]

    def wanted(key: StationDay) -> bool:
        # After a killed run a product may exist without a record: the station-day is requested, and then recorded.
        return stage.is_ready(key) and not (behind[key].made and stage.follows_its_input(key))

    idle = remembered(days.layout.root, name)
    ordered = sorted(behind, key=lambda key: (key.day, key.station), reverse=True)
    new = [key for key in ordered if idle.get(key) != behind[key].number]
    return list(found_in_time(new, wanted, at_most, lambda key: idle.update({key: behind[key].number})))


def label_again(context: dg.SensorEvaluationContext, days: StationDays, bindings: Bindings) -> dg.SensorResult:
    """Request label tables that a former champion made, those of the oldest model first."""
    found = relabelling(context, days, bindings, RELABEL, _RELABEL_PRIORITY)
    reason = f"{found.stale} label tables are by a former champion, and none can be made now" if found.stale else None
    context.log.info(f"{found.stale} label tables are by a former champion")
    return dg.SensorResult(
        run_requests=list(found.requests),
        skip_reason=None if found.requests else found.why_not or reason or "all label tables are by the champion",
    )


@dataclass(frozen=True)
class Relabelling:
    """The label tables of former champions.

    Attributes
    ----------
    requests
        Runs that make some of them again.
    stale
        Number of tables by former champions.
    at_work
        How many of them runs make now.
    unknown
        Number of tables that were not looked at in the time of a tick.
    why_not
        Why none can be requested at present; empty if they can.
    """

    requests: Sequence[dg.RunRequest] = ()
    stale: int = 0
    at_work: int = 0
    unknown: int = 0
    why_not: str = ""


def relabelling(
    context: dg.SensorEvaluationContext, days: StationDays, bindings: Bindings, sensor: str, priority: int
) -> Relabelling:
    """Return which label tables former champions made, and a sensor's requests for them, the oldest model's first.

    Parameters
    ----------
    context, bindings
        Of the sensor.
    days
        One look at the station-days.
    sensor
        Its name; it has no more runs than `operations.relabel_runs_in_flight` at work.
    priority
        Of the runs.
    """
    operations, instance, label = days.settings.operations, context.instance, days.label
    name, before = label.name, label.process.name
    if why := label.why_not():
        return Relabelling(why_not=why)
    free = room(instance, sensor, operations.relabel_runs_in_flight)
    known = set(days.all())
    made, inputs = latest(instance, bindings[name], known), latest(instance, bindings[before], known)
    # A table without a record was made by a run that was killed, or before this Dagster home.
    made |= dict.fromkeys((key for key in known - made.keys() if label.exists(key)), -1)
    current = label.digests_of_champion()
    makers = _makers(days, made)
    stale = {key: model for key, model in makers.items() if model not in current}
    busy = _in_progress(context, days, bindings)
    at_work, unknown = len(stale.keys() & busy[name]), len(made) - len(makers)
    if not free:
        why = f"{operations.relabel_runs_in_flight} runs of this sensor wait or work"
        return Relabelling((), len(stale), at_work, unknown, why)
    kept = without_failed(days, name, stale.keys() - busy[name] - busy[before], label.champion_changed_at())
    now = datetime.now(UTC)
    lost = lost_attempts(instance, days, bindings, sensor, name, set(kept), now)
    due = [key for key in kept if key not in lost or is_due(lost[key], operations, now)]
    # The age of a model is that of its newest table.
    age = {model: max(made[key] for key in stale if stale[key] == model) for model in set(stale.values())}
    idle = remembered(days.layout.root, RELABEL)
    ordered = sorted(
        (key for key in due if idle.get(key) != inputs.get(key, -1)),
        key=lambda key: (age[stale[key]], key.day, key.station),
    )
    wanted = found_in_time(
        ordered,
        label.is_ready,
        operations.station_days_per_tick,
        lambda key: idle.update({key: inputs.get(key, -1)}),
    )
    by_model: dict[str | None, dict[StationDay, int]] = defaultdict(dict)
    for key in wanted:
        by_model[stale[key]][key] = _lost_times(lost, key)
    size = operations.station_days_per_run
    blocks = [block for keys in by_model.values() for block in plan_by_size(keys, days.stations, size)]
    requests = [request(name, block, priority) for block in blocks[:free]]
    return Relabelling(requests, len(stale), at_work, unknown)


def _makers(days: StationDays, made: Mapping[StationDay, int]) -> dict[StationDay, str | None]:
    """Return the digest of the maker of each label table, as many as the time allows."""
    # Looking at all of 25,000 tables takes seconds, so results are kept as long as there is no newer record.
    numbers, digests = remembered(days.layout.root, "numbers of label tables"), remembered(days.layout.root, "makers")
    new = [key for key, number in made.items() if numbers.get(key) != number]
    for key in found_in_time(new, lambda _: True, len(new)):
        digests[key] = days.label.labelled_by(key)
        numbers[key] = made[key]
    return {key: digests[key] for key in made if key in digests}
