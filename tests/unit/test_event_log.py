"""Events written in batches are those that Dagster writes one by one, and either way of writing reads the other's."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest
import yaml
from recorded_runs import KEYS, run_partitions, seen

from ris_core.config import PROJECT_ROOT
from ris_core.relied_upon import UnsupportedVersionError
from ris_dagster.adapter.batching_sqlite import BatchingInstance, BatchingSqliteEventLogStorage

LOCAL = PROJECT_ROOT / "deploy" / "local" / "dagster.yaml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home as deploy/local configures it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_bytes(LOCAL.read_bytes())
    return home


@pytest.fixture
def instances(home: Path, tmp_path: Path) -> Iterator[dict[str, dg.DagsterInstance]]:
    """The instance of deploy/local, and Dagster's own."""
    plain = tmp_path / "plain"
    plain.mkdir()
    values = yaml.safe_load(LOCAL.read_text(encoding="utf-8"))
    del values["instance_class"]
    (plain / "dagster.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(dg.DagsterInstance.from_config(str(folder)))
            for name, folder in (("batching", home), ("plain", plain))
        }


def test_the_local_deployment_records_in_batches(instances: dict[str, dg.DagsterInstance]) -> None:
    assert isinstance(instances["batching"], BatchingInstance)
    assert isinstance(instances["batching"].event_log_storage, BatchingSqliteEventLogStorage)
    assert not isinstance(instances["plain"].event_log_storage, BatchingSqliteEventLogStorage)


def test_batches_leave_the_same_behind_as_single_events(instances: dict[str, dg.DagsterInstance]) -> None:
    found = {}
    for name, instance in instances.items():
        assert run_partitions(instance).success
        assert run_partitions(instance).success
        found[name] = seen(instance)
    assert len(found["plain"]["events"]) == 2 * len(KEYS)  # type: ignore[arg-type]
    assert found["batching"] == found["plain"]


def test_another_process_of_dagster_reads_a_batching_home(instances: dict[str, dg.DagsterInstance]) -> None:
    assert run_partitions(instances["batching"]).success
    home = instances["batching"].root_directory
    with dg.DagsterInstance.from_ref(dg.DagsterInstance.from_config(home).get_ref()) as again:
        assert seen(again) == seen(instances["batching"])


@pytest.mark.parametrize(("first", "second"), [("1", "0"), ("0", "1")])
def test_what_was_written_with_and_without_batches_is_read_the_other_way(
    home: Path, monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    records = []
    for batches in (first, second, first):
        monkeypatch.setenv("RIS_EVENT_BATCHES", batches)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            assert isinstance(instance.event_log_storage, BatchingSqliteEventLogStorage) == (batches == "1")
            if records:
                assert seen(instance) == records[-1]
            assert run_partitions(instance).success
            records.append(seen(instance))
            assert len(records[-1]["events"]) == len(records) * len(KEYS)  # type: ignore[arg-type]


def test_without_batches_all_that_writes_is_dagsters_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIS_EVENT_BATCHES", "0")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        parts = instance.event_log_storage, instance.run_storage, instance.schedule_storage
        assert {type(part).__module__.split(".")[0] for part in parts} == {"dagster"}


def test_batches_that_do_not_fit_dagster_are_named_and_can_be_done_without(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "ris_dagster.adapter.batching_sqlite")
    monkeypatch.delattr("dagster._core.storage.sqlite.SQLITE_BUSY_TIMEOUT_SECONDS")
    said = "dagster .* no longer has what ris_dagster.adapter.batching_sqlite relies on .*; RIS_EVENT_BATCHES=0 does"
    with pytest.raises(UnsupportedVersionError, match=said):
        dg.DagsterInstance.from_config(str(home))
    monkeypatch.setenv("RIS_EVENT_BATCHES", "0")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert run_partitions(instance).success


def test_an_unknown_value_is_refused_when_a_home_is_opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIS_EVENT_BATCHES", "off")
    with pytest.raises(ValueError, match="RIS_EVENT_BATCHES = 'off': must be 0 or 1"):
        dg.DagsterInstance.from_config(str(home))
