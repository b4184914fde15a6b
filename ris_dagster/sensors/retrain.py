"""The sensor `retrain`: models are trained again once there are enough events that they have not seen.

The jobs of training are separate, since their partitions differ. A *chain* is one passage through all of them, asked
for job by job as they are done. Its name is a tag of its runs, so requests are read from Dagster's record and
never repeated; its state is the sensor's cursor.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ris_core.config import Settings
from ris_core.processing.process import ProcessStage
from ris_core.station_days.station_days import StationDays
from ris_dagster import jobs as names
from ris_dagster.adapter.run_tags import partition_of, will_be_retried, with_priority
from ris_dagster.bindings import Bindings
from ris_dagster.method_runs import training_runs
from ris_dagster.records import AT_WORK, recorded_station_days
from ris_dagster.resources.data_store import DataStore
from ris_dagster.sensors.asking import job_of, status

RETRAIN = "retrain"
CHAIN_TAG = "ris/training_chain"
_TRAINING_SET = dg.AssetKey("training_set")
_INTERVAL_S = 60
_LOOK_EVERY_S = 3600
_PRIORITY = -1


@dataclass(frozen=True)
class State:
    """The cursor.

    Attributes
    ----------
    chain
        Name of the chain that is under way; empty if there is none.
    stopped
        Why the last chain stopped; empty if it went through or there was none.
    stopped_at
        Number of the latest record of the training set then: another one drawn by hand lifts the stop.
    looked
        When the shares were looked at last, s since 1970.
    """

    chain: str = ""
    stopped: str = ""
    stopped_at: int = -1
    looked: float = 0.0


def build_retrain(settings: Settings, jobs: Sequence[Any], bindings: Bindings) -> dg.SensorDefinition:
    """Return the sensor."""

    @dg.sensor(
        name=RETRAIN,
        jobs=[job_of(jobs, name) for name in names.training_jobs(settings, reviewed=True)],
        minimum_interval_seconds=_INTERVAL_S,
        default_status=status(settings.operations.retrain),
        description="Asks for the whole training, from the draw to the champion, when the share of events that are "
        "unseen, or of those not assigned, passes its threshold in the settings (operations). Where a job fails it "
        "stops and says so; resetting its cursor, or drawing the training set by hand, lets it begin again.",
    )
    def retrain(context: dg.SensorEvaluationContext, store: DataStore) -> dg.SensorResult:
        return train_again(context, store.station_days(bindings.kinds), bindings)

    return retrain


def train_again(context: dg.SensorEvaluationContext, days: StationDays, bindings: Bindings) -> dg.SensorResult:
    """Begin a chain if it is due, or request the next job of the present one."""
    state = State(**json.loads(context.cursor)) if context.cursor else State()
    drawn_at = _latest(context.instance, _TRAINING_SET)
    if state.chain:
        return _go_on(context, days, state, drawn_at)
    if state.stopped and drawn_at == state.stopped_at:
        return _result(state, reason=f"stopped: {state.stopped}")
    there = days.layout.training_set.exists() and days.layout.champion.exists()
    missing = "" if there else "there is no champion yet; the first training is for `ris run` or the UI"
    if why := missing or days.label.why_not():
        return _result(state, reason=why)
    now = datetime.now(UTC)
    if now.timestamp() < state.looked + _LOOK_EVERY_S:
        return _result(state, reason="the shares are looked at once an hour")
    state = replace(state, looked=now.timestamp())
    others = context.instance.get_runs_count(dg.RunsFilter(job_name=names.DRAW, statuses=list(AT_WORK)))
    reason = "" if others else _reason(context, days, bindings, drawn_at)
    if not reason:
        return _result(state, reason="there is too little that is unseen or not assigned")
    chain = now.strftime("%Y%m%dT%H%M%SZ")
    context.log.warning(f"training {chain} begins: {reason}")
    return _result(replace(state, chain=chain, stopped=""), [_request(chain, names.DRAW, None)])


def _reason(context: dg.SensorEvaluationContext, days: StationDays, bindings: Bindings, drawn_at: int) -> str:
    from ris_core.training.unseen import unseen_since_draw

    # Station-days that were recorded after the draw; a record older than that was there to be drawn from.
    recorded = recorded_station_days(context.instance, bindings[ProcessStage.name], after=drawn_at)
    candidates = sorted(recorded.intersection(days.all()), key=lambda key: (key.day, key.station))
    unseen = unseen_since_draw(days.layout, days.settings.training_set, candidates)
    context.log.info(
        f"unseen: {unseen.unseen_share:.1%} of {unseen.seen + unseen.unseen} events; "
        f"not assigned: {unseen.unassigned_share:.1%} of {unseen.labelled}"
    )
    return unseen.reason(days.settings.operations)


def _go_on(context: dg.SensorEvaluationContext, days: StationDays, state: State, drawn_at: int) -> dg.SensorResult:
    asked: defaultdict[str, dict[str, dg.DagsterRun]] = defaultdict(dict)
    # Newest first, so what was started again by hand or by Dagster counts instead of the failed run before it.
    for run in context.instance.get_runs(dg.RunsFilter(tags={CHAIN_TAG: state.chain})):
        asked[run.job_name].setdefault(partition_of(run.tags), run)
    at_work = [run for runs in asked.values() for run in runs.values() if run.status in AT_WORK or will_be_retried(run)]
    if at_work:
        return _result(state, reason=f"training {state.chain}: {', '.join(sorted({r.job_name for r in at_work}))}")
    from ris_core.review.summary import is_reviewed

    settings, reviewed = days.settings, is_reviewed(days.layout)
    for job in names.training_jobs(settings, reviewed):
        failed = [run for run in asked[job].values() if not run.is_success]
        enough = job in names.in_partitions(settings) and len(failed) < len(asked[job])
        if failed and job in names.needed(settings, reviewed) and not enough:
            stop = f"training {state.chain}: {job} failed (run {failed[0].run_id}); repair the cause and draw again"
            context.log.error(stop)
            return _result(replace(state, chain="", stopped=stop, stopped_at=drawn_at), reason=stop)
        wanted = [None] if job == names.DRAW else [run.partition for run in training_runs(job, days, False)]
        new = [key for key in wanted if (key or "") not in asked[job]]
        if new:
            return _result(state, [_request(state.chain, job, key) for key in new])
    context.log.info(f"training {state.chain} is through")
    return _result(replace(state, chain=""), reason=f"training {state.chain} is through")


def _request(chain: str, job: str, partition: str | None) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{chain}:{job}:{partition or ''}",
        job_name=job,
        partition_key=partition,
        tags={CHAIN_TAG: chain} | with_priority(_PRIORITY),
    )


def _result(state: State, requests: Sequence[dg.RunRequest] = (), reason: str = "") -> dg.SensorResult:
    return dg.SensorResult(
        run_requests=list(requests),
        skip_reason=None if requests else reason,
        cursor=json.dumps(asdict(state)),
    )


def _latest(instance: dg.DagsterInstance, asset: dg.AssetKey) -> int:
    """Return the number of an asset's latest record, -1 if there is none."""
    found = instance.fetch_materializations(asset, limit=1).records
    return found[0].storage_id if found else -1
