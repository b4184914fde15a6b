"""What Dagster knows of station-days: one event each with its own metadata, written while the run is at work."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from builders import DAYS, STATIONS, Opened, opened, sds_path, sds_values, spoil, write_archive, write_yaml

from ris_core.contracts.station_day import StationDay
from ris_dagster.adapter.batching_sqlite import BatchingSqliteEventLogStorage
from ris_dagster.partitions import partition_key, range_tags

ASSETS = ("raw_waveforms", "detections", "spectrograms")
TWO = DAYS[:2]
ALL = [StationDay(station, day) for day in TWO for station in STATIONS]

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def network(data_root: Path, tmp_path: Path) -> Iterator[Opened]:
    archive = write_archive(tmp_path / "archive", days=TWO)
    with opened(write_yaml(tmp_path / "small.yaml", sds_values(archive, days=TWO))) as network:
        yield network


def events_of(network: Opened, asset: str) -> list[dg.EventLogRecord]:
    found = network.instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records
    return list(found)


@pytest.mark.parametrize("batches", ["1", "0"])
def test_every_station_day_has_one_event_per_asset_with_its_own_metadata_and_versions(
    batches: str, data_root: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("RIS_EVENT_BATCHES", batches)
    network: Opened = request.getfixturevalue("network")
    assert isinstance(network.instance.event_log_storage, BatchingSqliteEventLogStorage) == (batches == "1")
    assert network.run_block("acquire").success
    assert network.run_block("process").success
    for asset in ASSETS:
        records = events_of(network, asset)
        assert sorted(str(r.partition_key) for r in records) == sorted(str(partition_key(key)) for key in ALL)
        paths = {r.asset_materialization.metadata["content"].value for r in records if r.asset_materialization}
        assert len(paths) == len(ALL)
        assert network.instance.get_materialized_partitions(dg.AssetKey(asset)) == {str(partition_key(k)) for k in ALL}
    graph = network.definitions.resolve_asset_graph()
    raw = {r.storage_id for r in events_of(network, "raw_waveforms")}
    for record in events_of(network, "spectrograms"):
        assert record.asset_materialization is not None and record.asset_materialization.tags is not None
        tags = record.asset_materialization.tags
        version = graph.get(dg.AssetKey("spectrograms")).code_version
        assert tags["dagster/code_version"] == tags["dagster/data_version"] == version
        assert int(tags["dagster/input_event_pointer/raw_waveforms"]) == max(raw)
        assert tags["dagster/input_data_version/raw_waveforms"]
    for asset in ASSETS:
        assert {network.stale(asset, key) for key in ALL} == {"FRESH"}


def test_stages_that_follow_in_the_same_run_are_executed(network: Opened) -> None:
    assert network.definitions.assets is not None
    result = dg.materialize(
        list(network.definitions.assets),  # type: ignore[arg-type]
        selection=list(ASSETS),
        instance=network.instance,
        resources=dict(network.definitions.resources or {}),
        tags=range_tags(STATIONS, TWO[0], TWO[-1]),
    )
    assert result.success
    for asset in ASSETS:
        assert len(events_of(network, asset)) == len(ALL)


def test_only_the_selected_asset_of_a_stage_is_recorded(network: Opened) -> None:
    assert network.run_block("acquire").success
    result = network.definitions.resolve_job_def("process").execute_in_process(
        instance=network.instance,
        asset_selection=[dg.AssetKey("detections")],
        tags=range_tags(STATIONS, TWO[0], TWO[-1]),
    )
    assert result.success
    assert len(events_of(network, "detections")) == len(ALL)
    assert events_of(network, "spectrograms") == []


def test_station_days_beside_a_failed_one_are_not_out_of_date(network: Opened, tmp_path: Path) -> None:
    assert network.run_block("acquire").success
    spoil(sds_path(tmp_path / "archive", "BB", TWO[1]))
    assert not network.run_block("process").success
    assert network.stale("spectrograms", StationDay("AA", DAYS[0])) == "FRESH"
    assert network.stale("spectrograms", StationDay("BB", TWO[1])) == "MISSING"


def test_a_run_retried_after_a_failure_is_whole(network: Opened, tmp_path: Path) -> None:
    path = sds_path(tmp_path / "archive", "BB", TWO[1])
    good = path.read_bytes()
    assert network.run_block("acquire").success
    spoil(path)
    assert not network.run_block("process").success
    path.write_bytes(good)
    assert network.run_block("process").success
    for asset in ("detections", "spectrograms"):
        assert network.instance.get_materialized_partitions(dg.AssetKey(asset)) == {str(partition_key(k)) for k in ALL}
        assert {network.stale(asset, key) for key in ALL} == {"FRESH"}


_KILLED = """
import os, signal, sys, time
from pathlib import Path
from builders import opened
from ris_core.station_days.running import run_station_day
from ris_dagster import jobs
from ris_dagster.resources.compute import Compute

class Slow(Compute):
    def map(self, task, keys, at_once=None):
        for number, key in enumerate(keys):
            if number == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            outcome = run_station_day(task, key)
            time.sleep(2.1)
            yield outcome

with opened(Path(sys.argv[1]), compute=Slow.model_validate({"kind": "inline"})) as network:
    network.run_block("acquire")
"""


def test_a_killed_run_leaves_what_it_had_finished_recorded(data_root: Path, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", days=TWO)
    config = write_yaml(tmp_path / "small.yaml", sds_values(archive, days=TWO))
    tests = Path(__file__).resolve().parent.parent
    code = f"import sys; sys.path[:0] = [{str(tests)!r}, {str(tests.parent)!r}]\n{_KILLED}"
    done = subprocess.run([sys.executable, "-c", code, str(config)], check=False, timeout=300)
    assert done.returncode == -signal.SIGKILL
    with opened(config) as network:
        # A station-day is recorded when the next one is about to begin.
        assert network.instance.get_materialized_partitions(dg.AssetKey("raw_waveforms")) == {
            str(partition_key(key)) for key in ALL[:2]
        }
        assert network.run_block("acquire").success
        assert len(network.instance.get_materialized_partitions(dg.AssetKey("raw_waveforms"))) == len(ALL)


def test_a_block_longer_than_a_batch_is_whole(data_root: Path, tmp_path: Path) -> None:
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(70)]
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "read_me.txt").write_text("An archive that is empty might be a disk that is not mounted.")
    with opened(write_yaml(tmp_path / "small.yaml", sds_values(archive, days=days))) as network:
        assert network.run_block("acquire").success
        records = events_of(network, "raw_waveforms")
        assert len(records) == len({r.partition_key for r in records}) == 140
        assert {r.asset_materialization.metadata["state"].value for r in records if r.asset_materialization} == {
            "no_data"
        }
