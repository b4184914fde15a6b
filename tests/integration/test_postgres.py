"""A small network whose Dagster instance lies in a real Postgres server."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from builders import DAYS, STATIONS, opened, sds_path, sds_values, spoil, write_archive, write_yaml
from dagster_internals import planned_partitions
from recorded_runs import KEYS, run_partitions, seen

from bench.postgres import Postgres, find_program, postgres_server
from ris_core.config import PROJECT_ROOT
from ris_core.contracts.station_day import StationDay
from ris_dagster.adapter.batching_postgres import BatchingPostgresEventLogStorage
from ris_dagster.partitions import partition_key

TWO = DAYS[:2]
ALL = [StationDay(station, day) for day in TWO for station in STATIONS]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    try:
        find_program("initdb")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    with postgres_server() as server:
        yield server


@pytest.fixture
def deployed(server: Postgres, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


def test_a_block_is_recorded_in_postgres_and_found_again_by_another_instance(
    deployed: Postgres, data_root: Path, tmp_path: Path
) -> None:
    archive = write_archive(tmp_path / "archive", days=TWO)
    broken = sds_path(archive, "BB", TWO[1])
    good = broken.read_bytes()
    config = write_yaml(tmp_path / "small.yaml", sds_values(archive, days=TWO))
    with opened(config) as network:
        assert network.run_block("acquire").success
        spoil(broken)
        assert not network.run_block("process").success
        broken.write_bytes(good)
        assert network.run_block("process").success
        home = network.store.dagster_home
    assert not list(home.rglob("*.db"))
    assert int(str(deployed.value("SELECT count(*) FROM event_logs"))) > len(ALL) * 3

    with opened(config) as network:
        for asset in ("raw_waveforms", "detections", "spectrograms"):
            found = network.instance.get_materialized_partitions(dg.AssetKey(asset))
            assert found == {str(partition_key(key)) for key in ALL}
        for key in ALL:
            spectrograms = network.materialization("spectrograms", key)
            assert spectrograms is not None and spectrograms.tags is not None
            assert spectrograms.metadata["events"].value > 5
            assert spectrograms.tags["dagster/partition/station"] == key.station
        statuses = [run.status for run in network.instance.get_runs()]
        assert sorted(s.value for s in statuses) == ["FAILURE", "SUCCESS", "SUCCESS"]
        planned = planned_partitions(network.instance, "raw_waveforms")
        assert set(planned) == {str(partition_key(k)) for k in ALL}


@pytest.mark.parametrize(("first", "second"), [("1", "0"), ("0", "1")])
def test_what_was_written_with_and_without_batches_is_read_the_other_way(
    deployed: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    (tmp_path / "dagster.yaml").write_bytes((PROJECT_ROOT / "deploy" / "postgres" / "dagster.yaml").read_bytes())
    records = []
    for batches in (first, second, first):
        monkeypatch.setenv("RIS_EVENT_BATCHES", batches)
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            assert isinstance(instance.event_log_storage, BatchingPostgresEventLogStorage) == (batches == "1")
            if records:
                assert seen(instance) == records[-1]
            assert run_partitions(instance).success
            records.append(seen(instance))
    assert len(records[-1]["events"]) == len(records[0]["events"]) + 2 * len(KEYS)  # type: ignore[arg-type]


def test_a_server_that_does_not_answer_is_named(
    deployed: Postgres, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_PASSWORD", "another-horse")
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:1])
    config = write_yaml(tmp_path / "small.yaml", sds_values(archive, stations=["AA"], days=DAYS[:1]))
    message = r"password authentication failed|too many retries"
    with pytest.raises(Exception, match=message) as caught, opened(config):
        pass
    assert "another-horse" not in "".join(traceback.format_exception(caught.value))
