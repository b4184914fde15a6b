"""Doubts about models that may be used: what is said, and when nothing is."""

from typing import Any

import numpy as np
import pytest

from ris_core import config
from ris_core.training.doubts import aec_doubts, dec_doubts, strongest_stations

DEC = config.DecSettings(tolerance=0.003)
GOOD: dict[str, Any] = {
    "metrics": {"silhouette": 0.2, "label_change": 0.001},
    "stopped": "tolerance",
    "stations": [{"cluster": 0, "station": "AA", "of_class": 0.4, "of_all": 0.3}],
}


def test_an_autoencoder_worse_than_principal_components_is_doubted() -> None:
    assert aec_doubts({"val_mse": 1e-5, "pca9_mse": 2e-5}) == ()
    assert aec_doubts({"val_mse": 3e-5, "pca9_mse": 2e-5}) == (
        "its validation MSE 3e-05 is not below that of 9 principal components, 2e-05",
    )
    assert len(aec_doubts({"val_mse": 2e-5, "pca9_mse": 2e-5})) == 1
    assert len(aec_doubts({"val_mse": float("nan"), "pca9_mse": 2e-5})) == 1
    assert aec_doubts({"val_mse": 1e-5}) == ()


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({}, None),
        ({"metrics": {"silhouette": -0.02}}, "its silhouette in data space is -0.020"),
        ({"metrics": {"silhouette": 0.0}}, "its silhouette in data space is 0.000"),
        ({"metrics": {"silhouette": None}}, "its silhouette in data space is not defined"),
        ({"metrics": {"silhouette": float("nan")}}, "its silhouette in data space is not defined"),
        (
            {"metrics": {"silhouette": 0.1, "label_change": 0.05}, "stopped": "max_epochs"},
            "it has not settled: 5.00% of the labels changed at the last update, 0.30% (dec.tolerance) would be",
        ),
        ({"metrics": {"silhouette": 0.1, "label_change": 0.001}, "stopped": "max_epochs"}, None),
        ({"metrics": {}}, None),
        (
            {"stations": [{"cluster": 3, "station": "BB", "of_class": 0.9, "of_all": 0.5}]},
            "class 3 is of station BB by 90%, which has 50% of all events",
        ),
        # One of two stations, and the only one there is.
        ({"stations": [{"cluster": 3, "station": "BB", "of_class": 0.7, "of_all": 0.5}]}, None),
        ({"stations": [{"cluster": 3, "station": "BB", "of_class": 1.0, "of_all": 1.0}]}, None),
    ],
)
def test_what_speaks_against_a_dec_is_said(change: dict[str, Any], doubt: str | None) -> None:
    found = dec_doubts(GOOD | change, DEC)
    assert len(found) == (doubt is not None)
    assert doubt is None or found[0].startswith(doubt)


def test_the_station_that_has_most_of_a_class_is_found() -> None:
    names = [f"XX.{station}..HHZ.{n}" for n, station in enumerate(["AA", "AA", "BB", "CC", "BB", "CC"])]
    assert strongest_stations(names, np.array([0, 0, 0, 2, 2, 2]), 3) == [
        {"cluster": 0, "station": "AA", "of_class": pytest.approx(2 / 3), "of_all": pytest.approx(1 / 3)},
        {"cluster": 2, "station": "CC", "of_class": pytest.approx(2 / 3), "of_all": pytest.approx(1 / 3)},
    ]
