"""Roses of hours, months and tides: counts, rates, and what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from explorer_network import Client, Explored

from ris_core.access import read_catalogue
from ris_core.links.tidal_phase import CONSTITUENTS
from ris_core.rates.rate_run import load_rates
from ris_explorer.calendar.calendar_answer import calendar_answer
from ris_explorer.calendar.cycles import clock, season, solar_offset, tide
from ris_explorer.live_time import LiveNow
from ris_explorer.selection import Selection

HOUR_NS = 3_600_000_000_000


def _ns(text: str) -> int:
    return pd.Timestamp(text, tz="UTC").value


@pytest.fixture(autouse=True)
def live_is_known(read_client: Client) -> LiveNow:
    return read_client.explorer.live.wait(read_client.explorer.table)


def test_parts_of_cycles_are_whole_and_cover_the_time_once() -> None:
    begin, end = _ns("2019-12-31 22:30"), _ns("2020-02-01 01:15")
    times = np.array([_ns(text) for text in ("2019-12-31 22:30", "2019-12-31 23:59", "2020-01-01", "2020-02-01 01:00")])
    of_day = clock(begin, end)
    assert of_day.parts_of(times).tolist() == [22, 23, 0, 1]
    assert season(begin, end).parts_of(times).tolist() == [11, 11, 0, 1]
    assert of_day.parts_of(np.array([begin - 1, end])).tolist() == [-1, -1]
    for cycle in (of_day, season(begin, end), tide(begin, end, "M2"), clock(begin, end, solar_offset(-170.0))):
        assert cycle.edges[0] == begin and cycle.edges[-1] == end
        assert cycle.sums(np.diff(cycle.edges)).sum() == end - begin


def test_solar_time_is_ahead_in_the_east() -> None:
    noon = np.array([_ns("2020-03-01 12:00")])
    assert clock(noon[0], noon[0] + 1, solar_offset(90.0)).parts_of(noon).tolist() == [18]
    assert clock(noon[0], noon[0] + 1, solar_offset(-91.0)).parts_of(noon).tolist() == [5]
    assert solar_offset(181.0) == solar_offset(-179.0)


def test_phases_of_the_tide_go_by_its_speed() -> None:
    times = _ns("2015-01-01") + np.arange(1000) * 977_000_000_000
    degrees = CONSTITUENTS["O1"] * times / HOUR_NS % 360
    np.testing.assert_array_equal(tide(times[0], times[-1] + 1, "O1").parts_of(times), degrees // 30)


def test_hours_and_months_are_those_of_the_rates_table(read_client: Client, explored: Explored) -> None:
    rates = load_rates(explored.open().layout)[0]
    found = read_client.json_of("/api/calendar")
    mine = rates[(rates["bin"] == "hour_of_day") & (rates["station"] == "all") & (rates["label"] == 1)].set_index(
        "hour"
    )
    row = found["clock"]["classes"].index(1)
    for hour in range(24):
        rate = found["clock"]["rates"][row][hour]
        if hour not in mine.index:
            assert rate is None and found["clock"]["live_hours"][hour] == 0
        else:
            assert rate == pytest.approx(mine.loc[hour, "rate"], rel=1e-5)
            assert found["clock"]["live_hours"][hour] == pytest.approx(mine.loc[hour, "live_hours"], rel=1e-5)
    months = rates[(rates["bin"] == "month") & (rates["station"] == "all") & (rates["label"] == 1)].set_index("name")
    assert found["season"]["rates"][row][1] == pytest.approx(months.loc["2020-02", "rate"], rel=1e-5)
    assert found["season"]["rates"][row][2] == pytest.approx(months.loc["2020-03", "rate"], rel=1e-5)
    assert sum(found["season"]["counts"][row]) == (read_catalogue(explored.open())["label"] == 1).sum()


def test_each_rose_shows_what_its_own_filter_leaves_out(read_client: Client) -> None:
    free = read_client.json_of("/api/calendar")
    hours = read_client.json_of("/api/calendar", hours="22-4")
    assert hours["clock"] == free["clock"]
    assert (
        hours["season"]["events"]
        == read_client.json_of("/api/counts", hours="22-4")["events"]
        < free["season"]["events"]
    )
    assert sum(hours["season"]["live_hours"]) == pytest.approx(free["clock"]["live_hours"][22], rel=1e-5)
    months = read_client.json_of("/api/calendar", months="2-2")
    assert months["season"] == free["season"]
    assert months["clock"]["events"] == read_client.json_of("/api/counts", months="2-2")["events"]


def test_the_time_of_the_filter_cuts_live_time(read_client: Client) -> None:
    cut = {"from": "2020-02-28T05:05Z", "to": "2020-02-28T05:08Z"}
    found = read_client.json_of("/api/calendar", station="AA", **cut)
    assert found["clock"]["events"] == read_client.json_of("/api/counts", station="AA", **cut)["events"] > 0
    assert sum(found["clock"]["live_hours"]) == pytest.approx(3 / 60)
    nothing = read_client.json_of("/api/calendar", **{"from": "2021-01-01"})
    assert nothing["span"] is None and "clock" not in nothing


def test_solar_hours_leave_out_stations_of_unknown_place(read_client: Client) -> None:
    table = read_client.explorer.table
    now = read_client.explorer.live.wait(table)
    utc = calendar_answer(table, Selection(), now, 0.95)["clock"]
    east = calendar_answer(table, Selection(), now, 0.95, {"AA": 90.0, "BB": 90.0})
    alone = calendar_answer(table, Selection(stations=("AA", "BB")), now, 0.95)["clock"]
    np.testing.assert_array_equal(east["clock"]["counts"], np.roll(alone["counts"], 6, axis=1))
    np.testing.assert_allclose(east["clock"]["live_hours"], np.roll(alone["live_hours"], 6), rtol=1e-5)
    assert east["clock"]["left_out"] == utc["events"] - alone["events"] > 0
    assert "longitude of their station is not known" in east["notes"][0]
    assert calendar_answer(table, Selection(), now, 0.95, {})["clock"]["names"] == ()


def test_a_tide_is_only_shown_where_one_is_configured(read_client: Client) -> None:
    assert "No tide is shown" in read_client.json_of("/api/calendar")["no_tide"]
    refused = read_client.get("/api/calendar", params={"tide": "M2"})
    assert refused.status_code == 400 and "kind tide or tilt" in refused.json()["error"]
    assert read_client.get("/api/calendar", params={"clock": "siderial"}).status_code == 400
    table = read_client.explorer.table
    found = calendar_answer(table, Selection(), read_client.explorer.live.wait(table), 0.95, None, "M2")
    assert found["tide"]["events"] == 320
    assert "4 of 29 days that are needed" in found["notes"][0]
    assert sum(found["tide"]["live_hours"]) == pytest.approx(sum(found["clock"]["live_hours"]), rel=1e-5)


def test_without_live_time_there_are_counts_alone(read_client: Client) -> None:
    found = calendar_answer(read_client.explorer.table, Selection(), LiveNow(None, False, "it was imported"), 0.95)
    assert found["live"]["words"] == "it was imported"
    assert found["clock"]["events"] == 320 and "rates" not in found["clock"]
