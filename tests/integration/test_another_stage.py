"""A stage of station-days that is added: one module with the stage and its asset, and all of Dagster's side works."""

from pathlib import Path

import pandas as pd
import pytest
from builders import DAYS, STATIONS, Opened, failure_of, sds_values, spoil, write_archive, write_yaml
from loudness_stage import BINDING, LOUDNESS
from sensor_builders import tick
from store import Store

from ris_core.config import load_settings
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.state import states_of
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.backfill import Asked, outstanding
from ris_dagster.definitions import build_definitions
from ris_dagster.instance import open_instance
from ris_dagster.method_runs import all_jobs
from ris_dagster.records import recorded_station_days, station_days_of
from ris_dagster.resources.compute import Compute

MORE = BINDINGS + BINDING
ALL = {StationDay(station, day) for station in STATIONS for day in DAYS}

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.mark.parametrize("kind", ["inline", "dask"])
def test_an_added_stage_runs_records_follows_and_is_counted(data_root: Path, tmp_path: Path, kind: str) -> None:
    config = write_yaml(tmp_path / "small.yaml", sds_values(write_archive(tmp_path / "archive")))
    settings = load_settings(config)
    store = Store(settings)
    definitions = build_definitions(settings, {"compute": Compute(kind=kind, workers=1)}, MORE)
    days = MORE.station_days(settings, store)
    with open_instance(store) as instance:
        network = Opened(settings, store, config, definitions, instance)
        assert [name for name in all_jobs(settings, MORE) if name in MORE.names] == [
            "acquire",
            "process",
            "loudness",
            "label",
        ]
        assert network.run_block("acquire").success
        early = network.run_block("loudness")
        assert not early.success and "NotProcessedError" in failure_of(early)
        assert days.journal.find("loudness", StationDay(STATIONS[0], DAYS[0])) is not None
        assert network.run_block("process").success
        for key in ALL:
            assert days.journal.forgive("loudness", key)

        asked = tick(definitions, instance, "catch_up").run_requests or []
        assert {key for r in asked for key in station_days_of(r.tags, days.stations)} == ALL
        assert {r.job_name for r in asked} == {"loudness"}

        assert network.run_block("loudness").success
        assert recorded_station_days(instance, BINDING) == ALL
        assert all(days.stages["loudness"].is_current(key) for key in ALL)
        made = network.materialization("loudness", StationDay(STATIONS[0], DAYS[0]))
        assert made is not None and made.metadata["already_current"].value is False
        table = pd.read_parquet(store.table("loudness", StationDay(STATIONS[0], DAYS[0])))
        assert 0 < made.metadata["loudest"].value == pytest.approx(table["counts"].max(), rel=1e-3)
        assert outstanding(days, MORE, instance, Asked(("loudness",), tuple(ALL))) == {"loudness": set()}

        changed = StationDay(STATIONS[1], DAYS[1])
        spoil(store.table("loudness", changed))
        states = {state.key: state for state in states_of(days)}
        assert states[changed].outdated == ("loudness",)
        assert [str(store.table("loudness", changed)) in line for line in states[changed].damaged] == [True]
        assert outstanding(days, MORE, instance, Asked(("loudness",), tuple(ALL))) == {"loudness": {changed}}
        assert LOUDNESS in definitions.resolve_asset_graph().get_all_asset_keys()


def test_a_stage_that_is_to_be_made_does_not_concern_stages_without_its_products(copied: Opened) -> None:
    days = MORE.station_days(copied.settings, copied.store)
    keys = tuple(days.all())
    todo = outstanding(days, MORE, copied.instance, Asked(("process", "loudness", "label"), keys))
    assert todo == {"process": set(), "loudness": set(keys), "label": set()}
    days.layout.spectrograms(keys[0]).unlink()
    todo = outstanding(days, MORE, copied.instance, Asked(("process", "loudness", "label"), keys))
    assert todo == {"process": {keys[0]}, "loudness": set(keys), "label": {keys[0]}}
    assert days.inputs_of("label") == {"acquire", "process"}
