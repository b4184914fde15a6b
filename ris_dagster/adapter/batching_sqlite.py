"""A Dagster instance that writes the events of a block of station-days together, in one SQLite database.

Dagster's usual SQLite storage makes a database for each run, writes the events of assets twice (there and into an
index) and takes a batch apart again: several connections and transactions for each event, most of what a cheap
station-day costs. Its consolidated storage has one database; here it takes batches as well.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import groupby
from typing import Any, ClassVar

import dagster as dg
import sqlalchemy

from ris_core.relied_upon import relying_on
from ris_dagster.adapter.consolidated_instance import ConsolidatedInstance

with relying_on("dagster", __name__):
    from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
    from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS

EVENTS_PER_BATCH = 200
_TOGETHER = (
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_OBSERVATION,
)


class BatchingSqliteEventLogStorage(ConsolidatedSqliteEventLogStorage):
    """Dagster's event log in one SQLite database, with a batch of events in one transaction."""

    @contextmanager
    def _connect(self) -> Iterator[sqlalchemy.Connection]:
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @cached_property
    def _engine(self) -> sqlalchemy.Engine:
        # A connection stays open: when the last one closes, SQLite empties its write-ahead log into the database.
        engine = sqlalchemy.create_engine(
            self._conn_string,
            poolclass=sqlalchemy.QueuePool,
            pool_size=1,
            max_overflow=-1,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )

        @sqlalchemy.event.listens_for(engine, "connect")
        def _wait_less(connection: Any, _: Any) -> None:
            # Of write-ahead logs alone, as here: whole after a crash of the process; a power cut may cost the last
            # records, which the next run makes again from what is on disk.
            connection.execute("PRAGMA synchronous=NORMAL")

        return engine

    def dispose(self) -> None:
        """Close what is open; called by Dagster."""
        super().dispose()  # type: ignore[no-untyped-call]
        self._engine.dispose()

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events of assets that follow one another together, what else is among them one by one."""
        for together, same in groupby(events, key=_is_of_asset):
            if together:
                self._store_together(list(same))
            else:
                for event in same:
                    self.store_event(event)

    def _store_together(self, events: Sequence[dg.EventLogEntry]) -> None:
        with self.index_transaction() as connection:
            results: list[Any] = [connection.execute(self.prepare_insert_event(event)) for event in events]
            ids = [int(result.inserted_primary_key[0]) for result in results]
            self._store_asset_event_tags(connection, events, ids)
            # An asset's row has its latest event of each type.
            numbered = zip(events, ids, strict=True)
            latest = {(e.get_dagster_event().asset_key, e.dagster_event_type): (e, number) for e, number in numbered}
            for event, number in latest.values():
                self._store_asset_event(connection, event, number)


def _is_of_asset(event: dg.EventLogEntry) -> bool:
    return event.dagster_event_type in _TOGETHER and event.get_dagster_event().asset_key is not None


class BatchingInstance(ConsolidatedInstance):
    """Dagster's instance with batches of events switched on, and SQLite that takes them."""

    event_log: ClassVar[tuple[str, str]] = (__name__, "BatchingSqliteEventLogStorage")

    def _get_event_batch_size(self) -> int:
        return super()._get_event_batch_size() or EVENTS_PER_BATCH
