"""The logs of old runs are cleared; what is there of products, checks and failures is known as before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from builders import DAYS, STATIONS, Opened, opened, sds_path, sds_values, spoil, write_archive, write_yaml
from dagster_internals import check_evaluations, let_run_end_at, partitions_tried_in_vain

from ris_core.contracts.station_day import StationDay
from ris_dagster.partitions import partition_key, range_tags
from ris_dagster.purging import PURGE, purge


@pytest.fixture
def network(data_root: Path, tmp_path: Path) -> Iterator[Opened]:
    archive = write_archive(tmp_path / "archive", days=DAYS[:1])
    spoil(sds_path(archive, "BB", DAYS[0]))
    values = sds_values(archive, days=DAYS[:1]) | {"operations": {"purge_after_days": 1}}
    with opened(write_yaml(tmp_path / "small.yaml", values)) as found:
        yield found


def counted(network: Opened, run_id: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in network.instance.all_logs(run_id):
        kind = entry.dagster_event_type.value if entry.dagster_event_type else "log"
        found[kind] = found.get(kind, 0) + 1
    return found


def test_records_of_products_checks_and_failures_outlive_the_purge(network: Opened) -> None:
    good, bad = StationDay("AA", DAYS[0]), StationDay("BB", DAYS[0])
    result = network.run("acquire", **range_tags(STATIONS, DAYS[0], DAYS[0]))
    assert not result.success
    instance, asset = network.instance, dg.AssetKey("raw_waveforms")
    before, seen = counted(network, result.run_id), network.materialization("raw_waveforms", good)
    unmade = partitions_tried_in_vain(instance, "raw_waveforms")
    assert set(unmade) == {str(partition_key(bad))}

    assert purge(instance, datetime.now(UTC) - timedelta(days=1)) == (0, 0)  # it is not old
    done = purge(instance, datetime.now(UTC) + timedelta(seconds=1))
    assert done.runs == 1 and done.events > 0
    after = counted(network, result.run_id)
    assert sum(before.values()) - sum(after.values()) == done.events
    assert "log" not in after and "STEP_START" not in after
    for kept in ("ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION", "STEP_FAILURE", "PIPELINE_FAILURE"):
        assert after[kept] == before[kept]

    assert instance.get_materialized_partitions(asset) == {str(partition_key(good))}
    assert network.materialization("raw_waveforms", good) == seen
    assert partitions_tried_in_vain(instance, "raw_waveforms") == unmade
    run = instance.get_run_by_id(result.run_id)
    assert run is not None and run.status == dg.DagsterRunStatus.FAILURE
    assert len(check_evaluations(instance, "raw_waveforms", "station_day_quality")) == 1
    # Of what is purged nothing is left to do the next time.
    assert purge(instance, datetime.now(UTC) + timedelta(seconds=2)) == (0, 0)


def test_the_job_purges_what_is_older_than_the_settings_say(network: Opened) -> None:
    old, young = (network.run("acquire", **range_tags(["AA"], DAYS[0], DAYS[0])) for _ in range(2))
    assert old.success and young.success
    let_run_end_at(network.instance, old.run_id, datetime.now(UTC) - timedelta(days=2))
    before = counted(network, young.run_id)
    result = network.run(PURGE)
    assert result.success
    said = [entry.user_message for entry in network.instance.all_logs(result.run_id)]
    assert any("events of 1 runs removed" in message for message in said)
    assert "STEP_START" not in counted(network, old.run_id)
    assert counted(network, young.run_id) == before and before["STEP_START"] == 1


def test_a_deleted_run_would_take_its_station_days_along(network: Opened) -> None:
    result = network.run("acquire", **range_tags(["AA"], DAYS[0], DAYS[0]))
    asset = dg.AssetKey("raw_waveforms")
    assert len(network.instance.get_materialized_partitions(asset)) == 1
    network.instance.delete_run(result.run_id)
    assert network.instance.get_materialized_partitions(asset) == set()
