"""With a real daemon: acquired station-days are processed automatically; failures are reported and delay no others."""

import os
import time
from pathlib import Path

import dagster as dg
from builders import DAYS, STATIONS, opened, sds_path, sds_values, spoil, write_archive, write_yaml
from champion_builders import appoint_untrained
from faults import daemon
from webhooks import webhook

from ris_core.contracts.station_day import StationDay
from ris_dagster.partitions import partition_key, range_tags
from ris_dagster.records import station_days_of

TWO = DAYS[:2]
ALL = {StationDay(station, day) for station in STATIONS for day in TWO}
BROKEN = StationDay("BB", TWO[1])
WAIT_S = 300
UI = "https://ris.example"


def test_acquired_station_days_are_processed_and_labelled_by_themselves_around_a_broken_one(
    data_root: Path, tmp_path: Path
) -> None:
    archive = write_archive(tmp_path / "archive", days=TWO)
    values = sds_values(archive, days=TWO) | {"operations": {"following": True}}
    config = write_yaml(tmp_path / "small.yaml", values)
    with opened(config) as network, webhook() as (hook, url):
        for job in ("acquire", "process"):
            assert network.run(job, **range_tags(STATIONS, TWO[0], TWO[0])).success
        appoint_untrained(network.store)
        assert network.run("label", **range_tags(STATIONS, TWO[0], TWO[0])).success
        assert network.run("acquire", **range_tags(STATIONS, TWO[1], TWO[1])).success
        spoil(sds_path(archive, BROKEN.station, BROKEN.day))
        wanted = {str(partition_key(key)) for key in ALL - {BROKEN}}
        with daemon(network, os.environ | {"RIS_ALERT_WEBHOOK": url, "RIS_DAGSTER_UI": UI}) as process:
            deadline = time.monotonic() + WAIT_S
            labelled = dg.AssetKey("label_tables")
            while not (network.instance.get_materialized_partitions(labelled) == wanted and hook.posted):
                assert time.monotonic() < deadline, hook.posted
                assert process.poll() is None
                time.sleep(1)
        failure = network.store.journal.find("process", BROKEN)
        assert failure is not None and failure.attempts == 1
        runs = network.instance.get_runs(dg.RunsFilter(tags={"dagster/sensor_name": "following"}))
        assert len([r for r in runs if BROKEN in station_days_of(r.tags, STATIONS)]) == 1
        assert {r.tags["dagster/priority"] for r in runs} == {"1"}
        assert {r.job_name for r in runs} == {"process", "label"}
    (alert,) = hook.posted
    assert alert["job"] == "process" and alert["failed"] == [str(BROKEN)]
    assert alert["url"] == f"{UI}/runs/{alert['run_id']}"
