"""The asset of environmental series: a partition each, its checks, its picture; and the access function."""

import dagster as dg
import pytest
import yaml
from series_builders import settings_of

from ris_core.access import open_network, read_environment
from ris_core.environment.series import NoSeriesError
from ris_core.environment.series_run import series_are_current
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.verification import damaged_models
from ris_dagster.assets.environment import ENVIRONMENT_SERIES, build_environment_assets
from ris_dagster.definitions import build_definitions
from ris_dagster.partitions import build_partitions
from ris_dagster.resources.data_store import DataStore

SYNTHETIC = {
    "kind": "synthetic",
    "catalogue_first_day": "2015-01-08",
    "catalogue_last_day": "2015-02-10",
}
AIR = {
    "name": "air",
    "reader": "csv",
    "kind": "temperature",
    "unit": "degC",
    "path": "air.csv",
    "on_fault": "leave_out",
}
WIND = {"name": "wind", "reader": "synthetic", "kind": "wind", "noise_covariate": True}


@pytest.fixture
def network(data_root, tmp_path, monkeypatch):
    values = settings_of(AIR, WIND, source=SYNTHETIC).model_dump(mode="json", exclude_unset=True)
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump(values))
    monkeypatch.setenv("RIS_CONFIG", str(config))
    return open_network(config)


def materialize(network, name, **options):
    settings = network.settings
    (asset,) = build_environment_assets(settings, build_partitions(settings))
    found = dg.materialize(
        [asset], partition_key=name, resources={"store": DataStore.of(settings)}, raise_on_error=False, **options
    )
    checks = {one.check_name: one for one in found.get_asset_check_evaluations()}
    return found, checks


def write_air(network, *lines):
    path = network.layout.environment_files / "air.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("time,value\n" + "\n".join(lines))


def test_a_series_is_a_partition_with_its_picture_and_its_checks(network):
    found, checks = materialize(network, "wind")
    assert found.success
    (made,) = found.asset_materializations_for_node("environment_series")
    metadata = made.metadata
    assert made.partition == "wind"
    assert (metadata["kind"].value, metadata["unit"].value, metadata["noise_covariate"].value) == ("wind", "m/s", True)
    assert metadata["covered"].value == 1.0
    assert metadata["path"].value == "environment/wind.parquet"
    assert [c.name for c in metadata["dagster/column_schema"].value.columns][:2] == ["time", "value"]
    assert metadata["coverage"].value.startswith("![wind: ")
    assert {name: one.passed for name, one in checks.items()} == dict.fromkeys(
        ("unit", "range", "ascending", "duplicates", "coverage"), True
    )


def test_what_was_left_out_is_in_the_checks(network):
    write_air(
        network,
        "2015-01-10T01:00Z,-5",
        "2015-01-10T00:00Z,-4",
        "2015-01-10T02:00Z,444",
        "2015-01-10T03:00Z,-3",
        "2015-01-10T03:00Z,-2",
        "2015-01-10T04:00Z,-2",
    )
    found, checks = materialize(network, "air")
    assert found.success
    assert {name for name, one in checks.items() if not one.passed} == {"range", "ascending", "duplicates", "coverage"}
    assert checks["range"].description == "1 values out of range were left out"
    assert all(one.severity == dg.AssetCheckSeverity.WARN for one in checks.values() if not one.passed)


def test_an_absent_file_fails_with_what_to_do_and_keeps_the_earlier_table(network):
    write_air(network, "2015-01-10T00:00Z,-5", "2015-01-10T01:00Z,-5")
    assert materialize(network, "air")[0].success
    (network.layout.environment_files / "air.csv").unlink()
    found, _ = materialize(network, "air")
    assert not found.success
    (failure,) = [event for event in found.all_events if event.is_step_failure]
    assert "docs/environment.md says where to get it" in str(failure.step_failure_data.error)
    assert network.layout.environment("air").exists()
    assert not series_are_current(network.layout, network.settings)


def test_the_access_function_gives_one_table(network):
    write_air(network, "2015-01-10T00:00Z,-5", "2015-01-11T12:00Z,-6", "2015-01-12T00:00Z,-7")
    with pytest.raises(NoSeriesError, match="has not been read; read it first"):
        read_environment(network, "air")
    assert materialize(network, "air")[0].success
    assert materialize(network, "wind")[0].success
    air = read_environment(network, "air", first="2015-01-11", last="2015-01-11")
    assert air["value"].tolist() == [-6.0]
    assert air.iloc[0][["series", "kind", "unit", "source"]].tolist() == ["air", "temperature", "degC", "csv: air.csv"]
    both = read_environment(network)
    assert both["series"].unique().tolist() == ["air", "wind"]
    assert both.groupby("series")["noise_covariate"].first().tolist() == [False, True]
    with pytest.raises(KeyError, match="ice is not in the settings; known: air, wind"):
        read_environment(network, "ice")


def test_a_changed_byte_of_a_series_is_noticed(network):
    assert materialize(network, "wind")[0].success
    path = network.layout.environment("wind")
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"wind\.parquet"):
        read_environment(network, "wind")
    assert [error.path for error in damaged_models(network.layout, (), ())] == [path]
    assert materialize(network, "wind")[0].success
    assert not list(damaged_models(network.layout, (), ()))


def test_a_network_without_series_has_no_such_asset():
    settings = settings_of()
    assert build_environment_assets(settings, build_partitions(settings)) == []
    keys = build_definitions(settings).resolve_asset_graph().get_all_asset_keys()
    assert ENVIRONMENT_SERIES not in keys
    with pytest.raises(ValueError, match="no section `environment`"):
        read_environment(type("Network", (), {"settings": settings, "layout": Layout.of(settings)})())
