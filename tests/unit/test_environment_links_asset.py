"""The asset of links: what it says of itself in the UI, and its checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from ris_core.access import open_network, read_verdicts
from ris_core.links.link_run import links_are_current
from ris_dagster.assets.environment_links import build_environment_links_assets
from ris_dagster.resources.data_store import DataStore

VALUES: dict[str, Any] = {
    "network": {"name": "truth", "code": "SY"},
    "stations": [
        {"code": "S01", "latitude": -81.5, "longitude": -176.5},
        {"code": "S02", "latitude": -80.2, "longitude": -178.0},
    ],
    "first_day": "2015-01-10",
    "last_day": "2015-01-12",
    "source": {
        "kind": "synthetic",
        "catalogue_first_day": "2014-12-01",
        "catalogue_last_day": "2015-05-31",
        "novelty_from": "2015-03-01",
    },
    "links": {"events": "truth", "annual_harmonics": 1, "solar_harmonics": 1},
}


def test_the_asset_says_that_the_events_are_the_truth_and_draws_three_pictures(data_root: Path, tmp_path: Path) -> None:
    config = tmp_path / "truth.yaml"
    config.write_text(yaml.safe_dump(VALUES))
    network = open_network(config)
    (asset,) = build_environment_links_assets(network.settings)
    found = dg.materialize([asset], resources={"store": DataStore.of(network.settings)})
    (made,) = found.asset_materializations_for_node("environment_links")
    said = made.metadata
    assert "NOT the labels" in str(said["events"].value)
    assert said["path"].value == "analysis/environment_links.parquet"
    assert "rift" in said["links"].value  # type: ignore[operator]
    for name in ("verdict_picture", "phase_picture", "schuster_picture"):
        assert "data:image/png" in said[name].value  # type: ignore[operator]
    checks = {one.check_name: one for one in found.get_asset_check_evaluations()}
    assert not checks["of_the_labels"].passed
    assert checks["noise_known"].passed and checks["identifiable"].passed and checks["unmixed"].passed
    assert not checks["complete"].passed
    assert "melt" in str(checks["complete"].description)
    assert links_are_current(network)
    assert read_verdicts(network).attrs["stations"] == ["S01", "S02"]


def test_imported_events_have_no_such_asset(data_root: Path) -> None:
    from ris_core.config import Settings

    values = {**VALUES, "source": {"kind": "published"}, "links": {}}
    assert build_environment_links_assets(Settings.model_validate(values)) == []
