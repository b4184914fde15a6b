"""What the adapter relies on in Dagster's event log: tables, methods of storages, numbers, deletion."""

import inspect
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from contracts import relied_upon
from dagster._core.storage.legacy_storage import CompositeStorage
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from recorded_runs import KEYS, run_partitions

from ris_dagster.adapter.batching_postgres import BatchingPostgresStorage
from ris_dagster.adapter.batching_sqlite import BatchingInstance, ConsolidatedSqliteEventLogStorage
from ris_dagster.adapter.consolidated_instance import ConsolidatedInstance, InstanceRef
from ris_dagster.adapter.event_purging import SqlEventLogStorageTable, delete_events, read_mark, write_mark
from ris_dagster.adapter.event_records import latest_record


def dagster_keeps(what: str, module: str, package: str = "dagster") -> AbstractContextManager[None]:
    return relied_upon(package, what, f"ris_dagster/adapter/{module}.py")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_events_have_the_columns_that_are_read_and_deleted_by() -> None:
    with dagster_keeps("the table of events has these columns", "event_purging"):
        columns = {column.name: column.type.python_type for column in SqlEventLogStorageTable.columns}
        used = {"id": int, "run_id": str, "dagster_event_type": str, "asset_key": str, "partition": str}
        assert used.items() <= columns.items()


def test_batches_are_stored_by_methods_of_dagsters_storage() -> None:
    with dagster_keeps("the instance asks for the size of a batch and hands batches over", "batching_sqlite"):
        assert callable(dg.DagsterInstance._get_event_batch_size)
        inspect.signature(ConsolidatedSqliteEventLogStorage.store_event_batch).bind(None, [])
    for storage, module in (
        (ConsolidatedSqliteEventLogStorage, "batching_sqlite"),
        (PostgresEventLogStorage, "batching_postgres"),
    ):
        with dagster_keeps("a storage inserts events and the rows of assets by these methods", module):
            inspect.signature(storage.prepare_insert_event).bind(None, None)
            inspect.signature(storage.prepare_insert_event_batch).bind(None, [])
            inspect.signature(storage._store_asset_event).bind(None, None, None, 1)
            inspect.signature(storage._store_asset_event_tags).bind(None, None, [], [])
            inspect.signature(storage._connect).bind(None)
            inspect.signature(storage.index_transaction).bind(None)


def test_the_sqlite_storage_has_one_database_under_its_folder(tmp_path: Path) -> None:
    with dagster_keeps("the consolidated storage opens event_log.db by _conn_string", "batching_sqlite"):
        storage = ConsolidatedSqliteEventLogStorage(str(tmp_path))
        assert storage._conn_string.startswith("sqlite:///") and str(tmp_path) in storage._conn_string
        assert [path.name for path in tmp_path.glob("*.db")] == ["event_log.db"]
        storage.dispose()


def test_the_parts_of_an_instance_are_named_as_before(tmp_path: Path) -> None:
    with dagster_keeps("an instance has defaults for these parts, and one for all storages", "consolidated_instance"):
        usual = InstanceRef.config_defaults(str(tmp_path))
        assert {"run_storage", "event_log_storage", "schedule_storage", "storage"} <= usual.keys()
        for kind in (ConsolidatedInstance, BatchingInstance):
            ours = kind.config_defaults(str(tmp_path))
            assert ours.keys() == usual.keys()
            changed = {name for name in usual if ours[name] != usual[name]}
            assert changed == {"event_log_storage", "storage"}
            assert ours["event_log_storage"].class_name == kind.event_log[1]
            assert ours["storage"].class_name == CompositeStorage.__name__
            assert ours["storage"].module_name == CompositeStorage.__module__


def test_the_postgres_storage_is_made_as_before() -> None:
    with dagster_keeps(
        "DagsterPostgresStorage(url, autocreate, inst_data, token_provider)", "batching_postgres", "dagster-postgres"
    ):
        ours, theirs = (inspect.signature(kind) for kind in (BatchingPostgresStorage, DagsterPostgresStorage))
        assert list(ours.parameters) == list(theirs.parameters)
        source = inspect.getsource(DagsterPostgresStorage)
        assert "self._event_log_storage = PostgresEventLogStorage(" in source
        assert "return self._event_log_storage" in source
        assert "_token_provider" in inspect.getsource(PostgresEventLogStorage)


def test_records_are_numbered_upwards(instance: dg.DagsterInstance) -> None:
    with dagster_keeps("the event log knows its greatest number", "event_records"):
        assert latest_record(instance) == 0
        instance.report_runless_asset_event(dg.AssetMaterialization("things"))
        first = latest_record(instance)
        instance.report_runless_asset_event(dg.AssetMaterialization("things"))
        assert 0 < first < latest_record(instance)
        (newest, _) = instance.fetch_materializations(dg.AssetKey("things"), limit=2).records
        assert newest.storage_id == latest_record(instance)


def test_only_the_types_that_are_kept_are_left_of_a_run(instance: dg.DagsterInstance) -> None:
    result = run_partitions(instance)
    made = dg.DagsterEventType.ASSET_MATERIALIZATION
    before = len(instance.all_logs(result.run_id))
    with dagster_keeps("events of a run can be deleted by their type", "event_purging"):
        deleted = delete_events(instance, result.run_id, {made})
        left = instance.all_logs(result.run_id)
        # Plans of what has been made are deleted with the rest.
        assert {event.dagster_event_type for event in left} == {made}
        assert (len(left), deleted) == (len(KEYS), before - len(KEYS))


def test_a_mark_is_kept_in_the_instance(instance: dg.DagsterInstance) -> None:
    with dagster_keeps("the instance keeps values by name", "event_purging"):
        assert read_mark(instance, "ris/test") is None
        time = datetime(2020, 3, 1, 12, tzinfo=UTC)
        write_mark(instance, "ris/test", time)
        assert read_mark(instance, "ris/test") == time
