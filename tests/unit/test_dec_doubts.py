"""Doubts about DEC models that may be used: what is said, and when nothing is."""

from typing import Any

import numpy as np
import pytest

from ris_core.clustering.dec_doubts import StrongestStation, dec_doubts, strongest_stations

GOOD: dict[str, Any] = {
    "metrics": {"silhouette": 0.2, "label_change": 0.001},
    "stopped": "tolerance",
    "stations": [StrongestStation(0, "AA", 0.4, 0.3)],
}


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
            "it has not settled: 5.00% of the labels changed at the last update, 0.30% (dec.tolerance) would be "
            "settled. Train longer (dec.max_epochs), or let the learning rate fall (dec.schedule: cosine)",
        ),
        ({"metrics": {"silhouette": 0.1, "label_change": 0.001}, "stopped": "max_epochs"}, None),
        (
            {"metrics": {"silhouette": 0.1, "label_change": 0.05}, "stopped": "max_steps"},
            "it has not settled: 5.00% of the labels changed at the last update, 0.30% (dec.tolerance) would be "
            "settled. Train longer (dec.max_steps), or",
        ),
        ({"metrics": {}}, None),
        (
            {"stations": [StrongestStation(3, "BB", 0.9, 0.5)]},
            "cluster 3 is of station BB by 90%, which has 50% of all events",
        ),
        (
            {"stations": [StrongestStation(1, "BB", 0.9, 0.5)], "classes": (0, 4)},
            "class 4 is of station BB by 90%, which has 50% of all events",
        ),
        # One of two stations, and the only one there is.
        ({"stations": [StrongestStation(3, "BB", 0.7, 0.5)]}, None),
        ({"stations": [StrongestStation(3, "BB", 1.0, 1.0)]}, None),
    ],
)
def test_what_speaks_against_a_dec_is_said(change: dict[str, Any], doubt: str | None) -> None:
    found = dec_doubts(**GOOD | change, tolerance=0.003)
    assert len(found) == (doubt is not None)
    assert doubt is None or found[0].startswith(doubt)


def test_the_station_that_has_most_of_a_class_is_found() -> None:
    names = [f"XX.{station}..HHZ.{n}" for n, station in enumerate(["AA", "AA", "BB", "CC", "BB", "CC"])]
    assert strongest_stations(names, np.array([0, 0, 0, 2, 2, 2]), 3) == (
        StrongestStation(0, "AA", pytest.approx(2 / 3), pytest.approx(1 / 3)),
        StrongestStation(2, "CC", pytest.approx(2 / 3), pytest.approx(1 / 3)),
    )
