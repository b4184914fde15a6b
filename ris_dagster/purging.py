"""The job `purge`: what old runs said while they worked is cleared; the record of the products stays.

Dagster deletes a run with all its events, materializations too, and would then take its station-days for missing. So
runs stay, and of their events only those go that nothing is derived from any more.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import dagster as dg
import sqlalchemy
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable

from ris_core.config import Settings

PURGE = "purge"
_CURSOR = "ris/purged_until"
_RUNS_AT_ONCE = 100

_PLANNED = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
_MADE = dg.DagsterEventType.ASSET_MATERIALIZATION
# Records of products and checks, what became of a run, and why. All else tells of the course of a run.
_KEPT = {
    _MADE,
    _PLANNED,  # of what was never made; see `_clear`
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
    """How many runs were looked at and how many of their events cleared."""

    runs: int
    events: int


def purge(instance: dg.DagsterInstance, before: datetime) -> Purged:
    """Clear the logs of runs that ended before a time.

    Parameters
    ----------
    instance
        The Dagster instance; its event log must be an SQL one.
    before
        Runs that ended earlier are purged, each one once.
    """
    after = instance.run_storage.get_cursor_values({_CURSOR}).get(_CURSOR)
    ended = dg.RunsFilter(
        statuses=FINISHED_STATUSES,
        updated_before=before,
        updated_after=datetime.fromisoformat(after) if after else None,
    )
    runs = events = 0
    cursor: str | None = None
    while found := instance.get_runs(ended, cursor=cursor, limit=_RUNS_AT_ONCE):
        for run in found:
            events += _clear(instance, run.run_id)
            instance.compute_log_manager.delete_logs(prefix=[run.run_id])
        runs += len(found)
        cursor = found[-1].run_id
    instance.run_storage.set_cursor_values({_CURSOR: before.isoformat()})
    return Purged(runs, events)


def _clear(instance: dg.DagsterInstance, run_id: str) -> int:
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"the event log is a {type(storage).__name__}; only one in SQL can be purged")
    event = SqlEventLogStorageTable.c
    later = SqlEventLogStorageTable.alias()
    # Dagster tells from a plan without a product what is under way or has failed; of a product it needs no plan.
    made = sqlalchemy.exists().where(
        later.c.asset_key == event.asset_key,
        later.c.dagster_event_type == _MADE.value,
        later.c.partition.is_not_distinct_from(event.partition),
        later.c.id > event.id,
    )
    kind = event.dagster_event_type
    spent = sqlalchemy.or_(
        kind.is_(None), kind.not_in([kept.value for kept in _KEPT]), sqlalchemy.and_(kind == _PLANNED.value, made)
    )
    with storage.run_connection(run_id) as connection:
        done = connection.execute(SqlEventLogStorageTable.delete().where(event.run_id == run_id, spent))
    return int(done.rowcount)


def build_purge(settings: Settings) -> tuple[dg.JobDefinition, dg.ScheduleDefinition]:
    """Return the job that clears the logs of old runs, and its daily schedule."""
    days = settings.operations.purge_after_days

    @dg.op(name="clear_old_logs", description=f"Clear the logs of runs that ended over {days} days ago.")
    def clear_old_logs(context: dg.OpExecutionContext) -> None:
        done = purge(context.instance, datetime.now(UTC) - timedelta(days=days))
        context.log.info(f"{done.events} events of {done.runs} runs cleared; all records of products stay")

    @dg.job(
        name=PURGE,
        description=f"Clear what runs logged over {days} days ago; records of products, checks and failures stay.",
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
    )
    return purge_job, schedule
