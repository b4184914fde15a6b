"""The sensor `after_review`: once someone asks for it, reviews become labels, from the class model to the catalogue.

The jobs are separate, since their partitions differ. A *retraining* begins with a run of `train_class_model` that has
the tag `RETRAINING_TAG`: the explorer launches it, and so may the UI. The sensor then asks for the other jobs with the
same tag, each when the one before is done; so requests are read from Dagster's record and never repeated. The sensor's
cursor is the name of the last retraining that went through.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from ris_core.config import Settings
from ris_core.labels.label import LabelStage
from ris_core.station_days.station_days import StationDays
from ris_dagster import jobs as names
from ris_dagster.adapter.run_tags import will_be_retried
from ris_dagster.analysis_jobs import CATALOGUE, MAP
from ris_dagster.bindings import Bindings
from ris_dagster.records import AT_WORK
from ris_dagster.resources.data_store import DataStore
from ris_dagster.sensors.asking import job_of
from ris_dagster.sensors.following import relabelling

AFTER_REVIEW = "after_review"
RETRAINING_TAG = "ris/retraining"
_INTERVAL_S = 15
_LOOKED_AT = 10
# Someone waits for it: before other re-labelling, behind the daily work.
_PRIORITY = 0
_FIRST = (names.CLASS_MODEL, names.CHAMPION)
_THEN = (CATALOGUE, MAP, names.QUEUE)
"""What follows from new labels and is looked at next in a review."""


def build_after_review(settings: Settings, jobs: Sequence[Any], bindings: Bindings) -> dg.SensorDefinition:
    """Return the sensor; it is on in every network, since it does nothing until someone begins a retraining."""

    @dg.sensor(
        name=AFTER_REVIEW,
        jobs=[job_of(jobs, name) for name in (names.CHAMPION, LabelStage.name, *_THEN)],
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"When a run of {names.CLASS_MODEL} with the tag {RETRAINING_TAG} has succeeded (the button of the "
        "explorer starts one), it makes the class model champion, asks for all label tables again, then for the "
        "catalogue, the map of events and the next suggestions. Where the first two jobs fail it stops. It begins "
        "nothing by itself.",
    )
    def after_review(context: dg.SensorEvaluationContext, store: DataStore) -> dg.SensorResult:
        return ask(context, store.station_days(bindings.kinds), bindings)

    return after_review


def ask(context: dg.SensorEvaluationContext, days: StationDays, bindings: Bindings) -> dg.SensorResult:
    """Request the next job of the newest retraining."""
    instance = context.instance
    newest = instance.get_runs(dg.RunsFilter(job_name=names.CLASS_MODEL), limit=_LOOKED_AT)
    name = next((run.tags[RETRAINING_TAG] for run in newest if run.tags.get(RETRAINING_TAG)), "")
    if not name or name == context.cursor:
        return dg.SensorResult(skip_reason="no retraining is under way")
    runs: defaultdict[str, list[dg.DagsterRun]] = defaultdict(list)
    for run in instance.get_runs(dg.RunsFilter(tags={RETRAINING_TAG: name})):  # newest first
        runs[run.job_name].append(run)
    at_work = sorted({run.job_name for of_job in runs.values() for run in of_job if _is_at_work(run)})
    if set(at_work) - {LabelStage.name}:
        return dg.SensorResult(skip_reason=f"retraining {name}: {', '.join(at_work)}")
    failed = [run for job in _FIRST for run in runs[job][:1] if not run.is_success]
    if failed:
        # It goes on if that run is started again by hand and succeeds.
        stop = f"retraining {name} stopped: {failed[0].job_name} failed (run {failed[0].run_id})"
        return dg.SensorResult(skip_reason=stop)
    if not runs[names.CHAMPION]:
        return _request(name, names.CHAMPION, _choice(days.settings))
    labels = None if any(runs[job] for job in _THEN) else _labels(context, days, bindings, name)
    return labels or _what_follows(instance, name, runs)


def _what_follows(
    instance: dg.DagsterInstance, name: str, runs: Mapping[str, Sequence[dg.DagsterRun]]
) -> dg.SensorResult:
    for job in _THEN:
        if not runs[job]:
            others = instance.get_runs(dg.RunsFilter(job_name=job, statuses=list(AT_WORK)), limit=1)
            return dg.SensorResult(skip_reason=f"{job} is at work") if others else _request(name, job)
    return dg.SensorResult(skip_reason=f"retraining {name} is through", cursor=name)


def _labels(
    context: dg.SensorEvaluationContext, days: StationDays, bindings: Bindings, name: str
) -> dg.SensorResult | None:
    """Request label tables of former champions, or wait for them; none if there is nothing left to wait for."""
    with days.look() as seen:
        found = relabelling(context, seen, bindings, AFTER_REVIEW, _PRIORITY)
    if found.requests:
        tagged = [
            dg.RunRequest(job_name=one.job_name, tags={**one.tags, RETRAINING_TAG: name}) for one in found.requests
        ]
        return dg.SensorResult(run_requests=tagged)
    if found.at_work or found.unknown or found.why_not:
        waits = found.why_not or f"{found.at_work} label tables are being made, {found.unknown} not looked at yet"
        return dg.SensorResult(skip_reason=f"retraining {name}: {waits}")
    if found.stale:
        context.log.warning(
            f"{found.stale} label tables stay those of a former champion: their station-days failed or are not ready; "
            "`ris status` says why"
        )
    return None


def _is_at_work(run: dg.DagsterRun) -> bool:
    return run.status in (*AT_WORK, dg.DagsterRunStatus.NOT_STARTED) or will_be_retried(run)


def _choice(settings: Settings) -> Mapping[str, Any]:
    """Return the configuration that makes the class model champion, also where the settings name another candidate."""
    return {"ops": {"champion_model": {"config": {"candidate": str(settings.class_model_name)}}}}


def _request(name: str, job: str, config: Mapping[str, Any] | None = None) -> dg.SensorResult:
    tags = {RETRAINING_TAG: name}
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{name}:{job}", job_name=job, run_config=config, tags=tags)]
    )
