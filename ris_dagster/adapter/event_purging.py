"""Deletion of single events of a run; Dagster itself can delete a run only together with its materializations."""

from collections.abc import Collection
from datetime import datetime

import dagster as dg
import sqlalchemy

from ris_core.relied_upon import relying_on

with relying_on("dagster", __name__):
    from dagster._core.storage.event_log import SqlEventLogStorage
    from dagster._core.storage.event_log.schema import SqlEventLogStorageTable

_PLANNED = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
_MADE = dg.DagsterEventType.ASSET_MATERIALIZATION


def delete_events(instance: dg.DagsterInstance, run_id: str, kept: Collection[dg.DagsterEventType]) -> int:
    """Delete the events of a run but for some types, and return how many were deleted.

    Planned materializations are kept only where nothing was made later: from a plan without a product Dagster tells
    what is under way or has failed, and of a product it needs no plan.

    Parameters
    ----------
    instance
        The instance; its event log must be an SQL one.
    run_id
        The run.
    kept
        Types of events that are kept.

    Raises
    ------
    TypeError
        The event log is not in SQL.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"the event log is a {type(storage).__name__}; only one in SQL can be purged")
    event = SqlEventLogStorageTable.c
    later = SqlEventLogStorageTable.alias()
    made = sqlalchemy.exists().where(
        later.c.asset_key == event.asset_key,
        later.c.dagster_event_type == _MADE.value,
        later.c.partition.is_not_distinct_from(event.partition),
        later.c.id > event.id,
    )
    kind, types = event.dagster_event_type, [each.value for each in {*kept, _PLANNED}]
    spent = sqlalchemy.or_(kind.is_(None), kind.not_in(types), sqlalchemy.and_(kind == _PLANNED.value, made))
    with storage.run_connection(run_id) as connection:
        done = connection.execute(SqlEventLogStorageTable.delete().where(event.run_id == run_id, spent))
    return int(done.rowcount)


def delete_output(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete what a run's process wrote to stdout and stderr."""
    instance.compute_log_manager.delete_logs(prefix=[run_id])


def read_mark(instance: dg.DagsterInstance, name: str) -> datetime | None:
    """Return the time that was kept in the instance under a name; None if there is none."""
    text = instance.daemon_cursor_storage.get_cursor_values({name}).get(name)
    return datetime.fromisoformat(text) if text else None


def write_mark(instance: dg.DagsterInstance, name: str, time: datetime) -> None:
    """Keep a time in the instance under a name."""
    instance.daemon_cursor_storage.set_cursor_values({name: time.isoformat()})
