"""A file of the archive that cannot be read: what needs it fails and is named, everything else is kept."""

from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from builders import DAYS, STATIONS, Opened, failure_of, opened, sds_path, sds_values, spoil, write_archive, write_yaml
from dagster_internals import check_evaluations

from ris_core.contracts.station_day import StationDay
from ris_dagster import jobs
from ris_dagster.analysis_jobs import LOOK
from ris_dagster.partitions import partition_key

ALL = {StationDay(station, day) for station in STATIONS for day in DAYS}
# The last day's file also holds the padding of the day before, which is acquired without it.
BROKEN = {StationDay("BB", DAYS[2])}
BEFORE = StationDay("BB", DAYS[1])

pytestmark = pytest.mark.usefixtures("blank_pictures")


def states(network: Opened) -> "pd.Series[str]":
    assert network.run(LOOK).success
    table = pd.read_parquet(network.store.analysis("availability.parquet"))
    return table.set_index(["station", "day"])["state"]


def materialized(network: Opened, asset: str) -> set[StationDay]:
    return {key for key in ALL if network.materialization(asset, key) is not None}


def test_a_broken_file_fails_alone_and_is_taken_up_after_its_repair(data_root: Path, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    path = sds_path(archive, "BB", DAYS[2])
    good = path.read_bytes()
    spoil(path)
    with opened(write_yaml(tmp_path / "small.yaml", sds_values(archive))) as network:
        result = network.run_block("acquire")
        assert not result.success
        message = failure_of(result)
        assert message.startswith("acquire: 1 of 6 station-days failed, the others are recorded")
        for key in BROKEN:
            assert f"{key}: " in message
            failure = network.store.journal.find("acquire", key)
            assert failure is not None and failure.attempts == 1
            assert str(path.parent) in failure.error  # says where to look
        assert materialized(network, "raw_waveforms") == ALL - BROKEN
        assert states(network).value_counts().to_dict() == {"acquired": 5, "failed": 1}
        (evaluation,) = check_evaluations(network.instance, "raw_waveforms", "station_day_quality")
        assert not evaluation.passed
        assert evaluation.severity is dg.AssetCheckSeverity.ERROR
        shown = evaluation.metadata["worth_a_look"].value
        assert f"| {BEFORE} | " in shown and f"no padding from the neighbouring day: {path}" in shown
        found = network.materialization("raw_waveforms", BEFORE)
        assert found is not None
        assert "covers 0.7%" in found.metadata["worth_a_look"].value
        assert found.metadata["day"].value.startswith("![")

        assert not network.run_block("acquire").success
        again = network.store.journal.find("acquire", StationDay("BB", DAYS[2]))
        assert again is not None and again.attempts == 2

        path.write_bytes(good)
        assert network.run_block("acquire").success
        assert materialized(network, "raw_waveforms") == ALL
        assert all(network.store.journal.find("acquire", key) is None for key in ALL)


def test_processing_keeps_what_finished_and_a_retry_does_only_the_rest(data_root: Path, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    path = sds_path(archive, "BB", DAYS[2])
    good = path.read_bytes()
    with opened(write_yaml(tmp_path / "small.yaml", sds_values(archive))) as network:
        assert network.run_block("acquire").success
        spoil(path)
        result = network.run_block("process")
        assert not result.success
        assert all(f"{key}: " in failure_of(result) for key in BROKEN)
        version = network.definitions.resolve_asset_graph()
        for asset in ("detections", "spectrograms"):
            assert materialized(network, asset) == ALL - BROKEN
            for key in ALL - BROKEN:
                found = network.materialization(asset, key)
                assert found is not None and found.tags is not None
                assert found.partition == str(partition_key(key))
                assert found.metadata["dagster/row_count"].value > 5
                assert found.metadata["already_current"].value is False
                assert found.tags["dagster/code_version"] == found.tags["dagster/data_version"]
                assert found.tags["dagster/code_version"] == version.get(found.asset_key).code_version
                assert found.tags["dagster/partition/station"] == key.station
        assert states(network).value_counts().to_dict() == {"processed": 5, "failed": 1}
        assert not network.store.spectrograms(StationDay("BB", DAYS[2])).exists()

        path.write_bytes(good)
        assert network.run_block("process").success
        for key in ALL:
            found = network.materialization("spectrograms", key)
            assert found is not None
            assert found.metadata["already_current"].value is (key not in BROKEN)
        assert states(network).unique().tolist() == ["processed"]


def test_a_stage_asked_for_too_early_says_what_to_do_first(data_root: Path, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:1])
    with opened(write_yaml(tmp_path / "small.yaml", sds_values(archive, stations=["AA"], days=DAYS[:1]))) as network:
        assert "materialize raw_waveforms for it first" in failure_of(network.run_block("process"))
        assert "materialize champion_model first" in failure_of(network.run_block("label"))
        assert "materialize latent_features first" in failure_of(network.run(jobs.CLUSTERS, "2"))


@pytest.mark.parametrize("name", ["detections", "spectrograms"])
def test_a_lost_product_is_made_again_with_the_same_bytes(name: str, data_root: Path, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:1])
    config = write_yaml(tmp_path / "small.yaml", sds_values(archive, stations=["AA"], days=DAYS[:1]))
    with opened(config) as network:
        key = StationDay("AA", DAYS[0])
        assert network.run_block("acquire").success
        assert network.run_block("process").success
        file: Path = getattr(network.store, name)(key)
        before = file.read_bytes()
        file.unlink()
        assert network.run_block("process").success
        assert file.read_bytes() == before
