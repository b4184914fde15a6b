"""The job `purge` removes the logs of old runs and keeps the record of their products.

Dagster deletes a run with all its events, including materializations, and would then count its station-days as missing.
So runs are kept, and only events are deleted from which nothing is derived.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import dagster as dg

from ris_core.config import Settings
from ris_dagster.adapter.event_purging import delete_events, delete_output, read_mark, write_mark

PURGE = "purge"
_MARK = "ris/purged_until"
_RUNS_AT_ONCE = 100
_ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)

# Records of products and checks, and the outcome of a run with its reason. Other events describe a run's course.
_KEPT = {
    dg.DagsterEventType.ASSET_MATERIALIZATION,  # also planned ones without a product: see `delete_events`
    dg.DagsterEventType.ASSET_OBSERVATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.ASSET_FAILED_TO_MATERIALIZE,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.RUN_ENQUEUED,
    dg.DagsterEventType.RUN_START,
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
}


class Purged(NamedTuple):
    """Number of runs that were looked at, and of events that were deleted."""

    runs: int
    events: int


def purge(instance: dg.DagsterInstance, before: datetime) -> Purged:
    """Remove the logs of runs that ended before a time.

    Parameters
    ----------
    instance
        The Dagster instance; its event log must be an SQL one.
    before
        Runs that ended earlier are purged, each one once.
    """
    ended = dg.RunsFilter(statuses=_ENDED, updated_before=before, updated_after=read_mark(instance, _MARK))
    runs = events = 0
    cursor: str | None = None
    while found := instance.get_runs(ended, cursor=cursor, limit=_RUNS_AT_ONCE):
        for run in found:
            events += delete_events(instance, run.run_id, _KEPT)
            delete_output(instance, run.run_id)
        runs += len(found)
        cursor = found[-1].run_id
    write_mark(instance, _MARK, before)
    return Purged(runs, events)


def build_purge(settings: Settings) -> tuple[dg.JobDefinition, dg.ScheduleDefinition]:
    """Return the job that removes the logs of old runs, and its daily schedule."""
    days = settings.operations.purge_after_days

    @dg.op(name="clear_old_logs", description=f"Remove the logs of runs that ended over {days} days ago.")
    def clear_old_logs(context: dg.OpExecutionContext) -> None:
        done = purge(context.instance, datetime.now(UTC) - timedelta(days=days))
        context.log.info(f"{done.events} events of {done.runs} runs removed; all records of products are kept")

    @dg.job(
        name=PURGE,
        description=f"Remove logs of runs over {days} days ago; records of products, checks and failures are kept.",
        executor_def=dg.in_process_executor,
    )
    def purge_job() -> Any:
        clear_old_logs()

    running = settings.operations.purge
    schedule = dg.ScheduleDefinition(
        name=PURGE,
        job=purge_job,
        cron_schedule="30 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED,
        description=f"Removes logs of runs over {days} days ago; records of products, checks and failures are kept.",
    )
    return purge_job, schedule
