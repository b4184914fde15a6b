"""A small network whose Dagster instance lies in a real Postgres server."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from builders import DAYS, STATIONS, opened, sds_path, sds_values, write_archive, write_yaml

from bench.postgres import Postgres, find_program, postgres_server
from ris_core.station_day import StationDay
from ris_dagster import jobs
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
        assert network.run_block(jobs.ACQUIRE).success
        broken.write_bytes(b"this is not miniSEED" * 400)
        assert not network.run_block(jobs.PROCESS).success
        broken.write_bytes(good)
        assert network.run_block(jobs.PROCESS).success
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
        planned = network.instance.event_log_storage.get_event_records(
            dg.EventRecordsFilter(
                dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=dg.AssetKey("raw_waveforms")
            )
        )
        assert {r.event_log_entry.get_dagster_event().partition for r in planned} == {
            str(partition_key(k)) for k in ALL
        }


def test_a_server_that_does_not_answer_is_named(
    deployed: Postgres, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_PASSWORD", "wrong")
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:1])
    config = write_yaml(tmp_path / "small.yaml", sds_values(archive, stations=["AA"], days=DAYS[:1]))
    with pytest.raises(Exception, match=r"password authentication failed|too many retries"), opened(config):
        pass
