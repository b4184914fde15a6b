"""Dagster's Postgres storage that takes a whole batch of planned materializations at once, as it does finished ones."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import dagster as dg
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage

from ris_core.relied_upon import relying_on

with relying_on("dagster", __name__):
    from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
    from dagster._serdes import ConfigurableClassData

_PLANNED = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED


class BatchingPostgresEventLogStorage(PostgresEventLogStorage):
    """Dagster's Postgres event log; materializations that a run plans go in as one insert."""

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store planned materializations together, the rest as Dagster does, in the order given."""
        for planned, same in groupby(events, key=lambda e: e.dagster_event_type == _PLANNED):
            if planned:
                self._store_planned(list(same))
            else:
                super().store_event_batch(list(same))

    def _store_planned(self, events: Sequence[dg.EventLogEntry]) -> None:
        insert = self.prepare_insert_event_batch(events).returning(SqlEventLogStorageTable.c.id)
        with self._connect() as connection:
            ids = [int(row[0]) for row in connection.execute(insert)]
        latest = {e.get_dagster_event().asset_key: (e, number) for e, number in zip(events, ids, strict=True)}
        with self.index_transaction() as connection:
            for event, number in latest.values():
                self._store_asset_event(connection, event, number)


class BatchingPostgresStorage(DagsterPostgresStorage):
    """Dagster's Postgres storage with the batching event log."""

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
        token_provider: Any = None,
    ) -> None:
        super().__init__(postgres_url, should_autocreate_tables, inst_data, token_provider)
        self._event_log_storage = BatchingPostgresEventLogStorage(
            postgres_url, should_autocreate_tables, token_provider=token_provider
        )

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "BatchingPostgresStorage":
        """Make the storage from its configuration; called by Dagster."""
        plain: Any = super().from_config_value(inst_data, config_value)
        return cls(
            plain.postgres_url, plain.should_autocreate_tables, inst_data, plain._event_log_storage._token_provider
        )
