"""The stations' table and map, and live time of imported networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_network import Client, Explored
from published_builders import import_into, published, published_network

from ris_core.access import read_catalogue
from ris_core.catalogue.catalogue_update import update_catalogue
from ris_core.rates.rate_run import load_rates
from ris_explorer.explorer import Explorer
from ris_explorer.stations.station_places import station_places


def test_rows_are_those_of_the_network(read_client: Client, explored: Explored) -> None:
    network = explored.open()
    events, rates = read_catalogue(network), load_rates(network.layout)[0]
    read_client.explorer.live.wait(read_client.explorer.table)
    found = read_client.json_of("/api/stations")
    assert [row["station"] for row in found["stations"]] == ["AA", "BB", "CC"]
    for row in found["stations"]:
        mine = events[events["station"] == row["station"]]
        whole = rates[(rates["bin"] == "whole") & (rates["station"] == row["station"])]
        assert row["events"] == sum(row["counts"]) == len(mine)
        assert row["live_hours"] == pytest.approx(whole["live_hours"].iloc[0], rel=1e-6)
        assert row["rate"] == pytest.approx(whole["rate"].sum(), rel=1e-5)
        assert row["low"] < row["rate"] < row["high"]
        known = mine["peak_acceleration"].abs().dropna()
        assert row["amplitudes"] == len(known)
        assert row["amplitude"] is None if known.empty else row["amplitude"] == pytest.approx(known.median(), rel=1e-4)
    assert found["amplitude_unit"] == "m/s^2"


def test_all_stations_stay_where_the_filter_names_one(read_client: Client) -> None:
    read_client.explorer.live.wait(read_client.explorer.table)
    found = read_client.json_of(
        "/api/stations", station="BB", **{"class": "1", "from": "2020-03-01", "to": "2020-03-02"}
    )
    assert [row["events"] > 0 for row in found["stations"]] == [True, True, False]
    assert found["stations"][2]["live_hours"] == 0 and found["stations"][2]["rate"] is None
    assert read_client.get("/api/stations", params={"station": "ZZ"}).status_code == 404
    assert found["map"]["projection"].startswith("polar stereographic")
    assert found["without_position"] == []


def test_a_map_has_true_distances_and_north() -> None:
    places = {"A": (45.0, 10.0), "B": (45.0, 10.2), "C": (45.2, 10.0)}
    found = station_places(places, {"A": 100, "B": 1, "C": 0})
    assert found is not None
    at = {each["station"]: each for each in found["stations"]}
    assert np.hypot(at["B"]["x"] - at["A"]["x"], at["B"]["y"] - at["A"]["y"]) == pytest.approx(15.77, abs=0.02)
    assert np.hypot(at["C"]["x"] - at["A"]["x"], at["C"]["y"] - at["A"]["y"]) == pytest.approx(22.23, abs=0.02)
    assert at["A"]["north"] == pytest.approx(0, abs=0.2)
    assert at["A"]["radius"] > at["B"]["radius"] > at["C"]["radius"] > 0
    assert {"45° N", "10° E"} <= {line["name"] for line in found["lines"]}
    west, south, east, north = found["bounds"]
    assert all(west < each["x"] < east and south < each["y"] < north for each in at.values())
    assert found["scale_km"] <= 0.3 * (east - west)


def test_north_is_outward_around_the_south_pole_and_one_station_has_a_map() -> None:
    found = station_places({"A": (-78.0, 180.0)}, {"A": 3})
    assert found is not None and abs(found["stations"][0]["north"]) == pytest.approx(180, abs=0.1)
    assert station_places({}, {}) is None


def test_a_map_over_the_180th_meridian_is_small() -> None:
    found = station_places({"A": (-40.0, 179.9), "B": (-40.0, -179.9)}, {"A": 1, "B": 1})
    assert found is not None and found["bounds"][2] - found["bounds"][0] < 40
    assert {"180° E", "180° W"} & {line["name"] for line in found["lines"]}


def test_imported_events_have_counts_and_no_rates(tmp_path: Path) -> None:
    network = published_network(tmp_path / "data")
    import_into(network, published().write(tmp_path / "published.h5"))
    update_catalogue(network)
    client = Client(Explorer(network))
    now = client.explorer.live.wait(client.explorer.table)
    assert now.live is None and "its events were imported" in now.words
    for path in ("timeline", "calendar", "stations"):
        found = client.json_of(f"/api/{path}")
        assert found["live"] == {"known": False, "reading": False, "words": now.words}
    assert all(row["events"] > 0 and "rate" not in row for row in found["stations"])
    assert found["map"] is None and found["without_position"] == ["AA", "BB"]
    timeline = client.json_of("/api/timeline", bin="day")
    assert timeline["shown"] == sum(row["events"] for row in found["stations"])
    assert "live_hours" not in timeline and "availability" not in timeline
