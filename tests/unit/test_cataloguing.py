"""The catalogue of events follows new label tables, and is not asked for while they are being made."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import sensor_builders
from builders import DAYS, STATIONS, Opened, opened, sds_values, write_archive, write_yaml
from champion_builders import appoint_untrained

from ris_core.access import read_catalogue
from ris_dagster.partitions import range_tags
from ris_dagster.sensors.cataloguing import CATALOGUING


@pytest.fixture
def small(data_root: Path, tmp_path: Path) -> Iterator[Opened]:
    archive = write_archive(tmp_path / "archive", days=DAYS[:2])
    with opened(write_yaml(tmp_path / "small.yaml", sds_values(archive, days=DAYS[:2]))) as network:
        yield network


def tick(network: Opened) -> tuple[list[dg.RunRequest], str]:
    found = sensor_builders.tick(network.definitions, network.instance, CATALOGUING)
    return list(found.run_requests or []), found.skip_message or ""


def labelled_days(network: Opened) -> set[date]:
    events = read_catalogue(network.store.days)
    return set(events["time_peak"][events["label"] >= 0].dt.date)


def test_the_catalogue_follows_label_tables_once(small: Opened) -> None:
    assert tick(small) == ([], "there are no label tables")
    for job in ("acquire", "process"):
        assert small.run(job, **range_tags(STATIONS, DAYS[0], DAYS[1])).success
    appoint_untrained(small.store)
    assert small.run("label", **range_tags(STATIONS, DAYS[0], DAYS[0])).success
    (request,), _ = tick(small)
    assert small.run("update_catalogue").success
    assert labelled_days(small) == {DAYS[0]}
    assert tick(small) == ([], "the catalogue is newer than all label tables")
    assert small.run("label", **range_tags(STATIONS, DAYS[1], DAYS[1])).success
    (another,), _ = tick(small)
    assert another.run_key != request.run_key  # Dagster starts a run of each key once
    working = dg.DagsterRun(job_name="label", status=dg.DagsterRunStatus.STARTED)
    small.instance.add_run(working)
    assert tick(small) == ([], "label tables are being made")
    small.instance.delete_run(working.run_id)
    assert small.run("update_catalogue").success
    assert labelled_days(small) == set(DAYS[:2])
