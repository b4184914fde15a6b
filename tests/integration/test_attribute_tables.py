"""Attributes of station-days through Dagster: recorded with picture, check and columns, followed and made again."""

from pathlib import Path

import pytest
from builders import DAYS, STATIONS, Opened, failure_of, opened, sds_values, spoil, write_archive, write_yaml
from sensor_builders import tick

from ris_core.access import read_attributes
from ris_core.contracts.station_day import StationDay
from ris_dagster.assets.attributes import ATTRIBUTES
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.backfill import Asked, outstanding
from ris_dagster.method_runs import all_jobs
from ris_dagster.records import recorded_station_days, station_days_of

ALL = {StationDay(station, day) for station in STATIONS for day in DAYS}

pytestmark = pytest.mark.usefixtures("blank_pictures")


def test_attributes_are_made_recorded_and_made_again(data_root: Path, tmp_path: Path) -> None:
    values = sds_values(write_archive(tmp_path / "archive")) | {"attributes": {"table": True}}
    with opened(write_yaml(tmp_path / "small.yaml", values)) as network:
        check_runs(network)


def check_runs(network: Opened) -> None:
    stages = BINDINGS.wanted_by(network.settings)
    assert all_jobs(network.settings, stages)[:3] == ["acquire", "process", "describe"]
    assert network.run_block("acquire").success and network.run_block("process").success
    asked = tick(network.definitions, network.instance, "following").run_requests or []
    assert {key for r in asked if r.job_name == "describe" for key in station_days_of(r.tags, list(STATIONS))} == ALL
    first = network.run_block("describe")
    assert first.success, failure_of(first)
    assert recorded_station_days(network.instance, ATTRIBUTES) == ALL
    days = stages.station_days(network.settings, network.store)
    key = StationDay(STATIONS[0], DAYS[0])
    made = network.materialization("attributes", key)
    table = read_attributes(days, key.station, key.day, key.day)
    assert made is not None and made.metadata["dagster/row_count"].value == len(table) > 0
    assert "data:image/png" in str(made.metadata["attributes"].value)
    assert outstanding(days, stages, network.instance, Asked(("describe",), tuple(ALL))) == {"describe": set()}
    spoil(network.store.attributes(key))
    assert outstanding(days, stages, network.instance, Asked(("describe",), tuple(ALL))) == {"describe": {key}}
    assert network.run_block("describe").success
    assert read_attributes(days, key.station, key.day, key.day).equals(table)
