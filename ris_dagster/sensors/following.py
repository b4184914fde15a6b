"""The sensors `following` and `relabel`: what is acquired is processed and labelled, by the champion of now."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import dagster as dg

from ris_core.attempts import is_due, is_given_up
from ris_core.clustering.champion import why_nothing_labels
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.storage.journal import FailedAttempt
from ris_core.storage.store import Stage, Store
from ris_dagster import jobs as names
from ris_dagster.adapter.asset_graph import asset_graph_beside
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
# Of runs that wait, Dagster starts those of greatest priority first; without a word it is 0.
_FOLLOWING_PRIORITY, _RELABEL_PRIORITY = 1, -10
_BEFORE: Mapping[Stage, Stage] = {"process": "acquire", "label": "process"}


def build_following(settings: Settings, jobs: Sequence[Any]) -> list[dg.SensorDefinition]:
    """Return both sensors."""
    operations = settings.operations

    @dg.sensor(
        name=FOLLOWING,
        jobs=[job_of(jobs, names.PROCESS), job_of(jobs, names.LABEL)],
        minimum_interval_seconds=_INTERVAL_S,
        default_status=status(operations.following),
        description="Asks for spectrograms where raw waveforms are new or were renewed, and for label tables where "
        "spectrograms are, once there is a champion: newest days first, in blocks. What failed waits for catch_up.",
    )
    def following(context: dg.SensorEvaluationContext, store: DataStore) -> dg.SensorResult:
        return follow(context, store.open())

    @dg.sensor(
        name=RELABEL,
        job=job_of(jobs, names.LABEL),
        minimum_interval_seconds=_INTERVAL_S,
        default_status=status(operations.relabel),
        description="Asks for the label tables of former champions again, those of the oldest model first, in blocks "
        "that give way to the daily work.",
    )
    def relabel(context: dg.SensorEvaluationContext, store: DataStore) -> dg.SensorResult:
        return label_again(context, store.open())

    return [following, relabel]


def follow(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult:
    """Ask for what is ready and missing, or made from what is no longer there."""
    operations, now = store.settings.operations, datetime.now(UTC)
    free = room(context.instance, FOLLOWING, operations.runs_in_flight)
    if not free:
        return dg.SensorResult(skip_reason=f"{operations.runs_in_flight} runs asked for here wait or work")
    busy = _in_progress(context, store)
    # Labels first: they are what the rest is for, and there are never more to make than spectrograms have come.
    requests: list[dg.RunRequest] = []
    left, notes = operations.station_days_per_tick, []
    for stage in _stages(store):
        behind = _behind(context.instance, store, stage, busy)
        lost = lost_attempts(context.instance, store, FOLLOWING, stage, set(behind), now)
        kept = {key: found for key, found in behind.items() if key not in lost or is_due(lost[key], operations, now)}
        if left_alone := sum(is_given_up(record, operations) for record in lost.values()):
            notes.append(f"{stage}: {left_alone} station-days are left alone, their runs died too often")
        wanted = {key: _lost_times(lost, key) for key in _newest_first(store, stage, kept, left)}
        stations = [s.code for s in store.settings.stations]
        blocks = plan_by_size(wanted, stations, operations.station_days_per_run)[: free - len(requests)]
        requests += [request(stage, block, _FOLLOWING_PRIORITY) for block in blocks]
        left -= sum(map(len, blocks))
    for note in notes:
        context.log.warning(note)
    return dg.SensorResult(
        run_requests=requests, skip_reason=None if requests else "; ".join(["everything follows", *notes])
    )


def _lost_times(lost: Mapping[StationDay, FailedAttempt], key: StationDay) -> int:
    return lost[key].attempts if key in lost else 0


def _stages(store: Store) -> list[Stage]:
    # Imported station-days have no waveforms to be processed.
    process: list[Stage] = [] if store.settings.imported else ["process"]
    label: list[Stage] = [] if why_nothing_labels(store) else ["label"]
    return label + process


def _in_progress(context: dg.SensorEvaluationContext, store: Store) -> dict[Stage, set[StationDay]]:
    stations = [s.code for s in store.settings.stations]
    return in_progress(context.instance, stations, asset_graph_beside(context))


class _Behind(NamedTuple):
    """A station-day that may have to be made: the number of its input's record, and whether it was ever made."""

    number: int
    made: bool


def _behind(
    instance: dg.DagsterInstance, store: Store, stage: Stage, busy: Mapping[Stage, set[StationDay]]
) -> dict[StationDay, _Behind]:
    """Return what is recorded as missing or older than what it is made from, and nothing is at work on."""
    before = _BEFORE[stage]
    known = set(store.station_days())
    made, inputs = latest(instance, stage, known), latest(instance, before, known)
    found = {key: _Behind(number, key in made) for key, number in inputs.items() if made.get(key, -1) < number}
    kept = without_failed(store, stage, found.keys() - busy[stage] - busy[before])
    return {key: found[key] for key in kept}


def _newest_first(store: Store, stage: Stage, behind: Mapping[StationDay, _Behind], at_most: int) -> list[StationDay]:
    """Return the newest station-days that can be made and were not, or were made from something else."""
    from ris_core.freshness import is_made_from_now, is_ready

    def wanted(key: StationDay) -> bool:
        # A record may be missing where the product stands, after a killed run: it is asked for, and then recorded.
        return is_ready(stage, store, key) and not (behind[key].made and is_made_from_now(stage, store, key))

    idle = remembered(store.root, stage)
    ordered = sorted(behind, key=lambda key: (key.day, key.station), reverse=True)
    new = [key for key in ordered if idle.get(key) != behind[key].number]
    return list(found_in_time(new, wanted, at_most, lambda key: idle.update({key: behind[key].number})))


def label_again(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult:
    """Ask for label tables that a former champion made, those of the oldest model first."""
    from ris_core.freshness import digests_of_champion, is_ready

    operations, instance = store.settings.operations, context.instance
    free = room(instance, RELABEL, operations.relabel_runs_in_flight)
    if not free:
        return dg.SensorResult(skip_reason=f"{operations.relabel_runs_in_flight} runs asked for here wait or work")
    if why := why_nothing_labels(store):
        return dg.SensorResult(skip_reason=why)
    known = set(store.station_days())
    made, inputs = latest(instance, "label", known), latest(instance, "process", known)
    of_now = digests_of_champion(store)
    stale = {key: model for key, model in _makers(store, made).items() if model not in of_now}
    busy = _in_progress(context, store)
    kept = without_failed(store, "label", stale.keys() - busy["label"] - busy["process"], champion_too=True)
    now = datetime.now(UTC)
    lost = lost_attempts(instance, store, RELABEL, "label", set(kept), now)
    due = [key for key in kept if key not in lost or is_due(lost[key], operations, now)]
    # The age of a model is that of the newest table it made.
    age = {model: max(made[key] for key in stale if stale[key] == model) for model in set(stale.values())}
    idle = remembered(store.root, RELABEL)
    ordered = sorted(
        (key for key in due if idle.get(key) != inputs.get(key, -1)),
        key=lambda key: (age[stale[key]], key.day, key.station),
    )
    wanted = found_in_time(
        ordered,
        lambda key: is_ready("label", store, key),
        operations.station_days_per_tick,
        lambda key: idle.update({key: inputs.get(key, -1)}),
    )
    by_model: dict[str | None, dict[StationDay, int]] = defaultdict(dict)
    for key in wanted:
        by_model[stale[key]][key] = _lost_times(lost, key)
    stations = [s.code for s in store.settings.stations]
    blocks = [b for keys in by_model.values() for b in plan_by_size(keys, stations, operations.station_days_per_run)]
    requests = [request("label", block, _RELABEL_PRIORITY) for block in blocks[:free]]
    reason = f"{len(stale)} label tables are by a former champion, none of them can be made now" if stale else None
    context.log.info(f"{len(stale)} label tables are by a former champion")
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else reason or "all label tables are by the champion",
    )


def _makers(store: Store, made: Mapping[StationDay, int]) -> dict[StationDay, str | None]:
    """Return the digest of what made each label table, as far as the time to look suffices."""
    from ris_core.freshness import labelled_by

    # Looking at all of 25,000 tables takes seconds, so what was found is kept as long as there is no newer record.
    numbers, digests = remembered(store.root, "numbers of label tables"), remembered(store.root, "makers")
    new = [key for key, number in made.items() if numbers.get(key) != number]
    for key in found_in_time(new, lambda _: True, len(new)):
        digests[key] = labelled_by(store, key)
        numbers[key] = made[key]
    return {key: digests[key] for key in made if key in digests}
