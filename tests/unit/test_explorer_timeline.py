"""The timeline's bins, counts, rates, live time and series, against the events and live intervals themselves."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from explorer_network import Client, Explored

from ris_core.access import read_catalogue, read_hourly_counts
from ris_core.contracts.station_day import StationDay
from ris_core.rates.live_reading import load_live
from ris_core.storage import table_schemas, tables
from ris_explorer.answers import RefusedError
from ris_explorer.live_time import LiveNow
from ris_explorer.timeline.series_bins import binned
from ris_explorer.timeline.time_bins import MOST_BINS, WIDTHS, bins_of, possible_widths

HOUR = 3600


def _ns(text: str) -> int:
    return pd.Timestamp(text, tz="UTC").value


def _said(edges: np.ndarray) -> list[str]:
    return [str(each)[:16] for each in pd.DatetimeIndex(edges)]


@pytest.fixture(autouse=True)
def live_is_known(read_client: Client) -> LiveNow:
    return read_client.explorer.live.wait(read_client.explorer.table)


@pytest.mark.parametrize(
    ("name", "begin", "end", "edges"),
    [
        ("hour", "2020-03-29 00:30", "2020-03-29 03:00", [f"2020-03-29 0{hour}:00" for hour in range(4)]),
        ("day", "2020-02-28", "2020-03-01", ["2020-02-28 00:00", "2020-02-29 00:00", "2020-03-01 00:00"]),
        ("week", "2020-02-29", "2020-03-02", ["2020-02-24 00:00", "2020-03-02 00:00"]),
        ("month", "2020-02-29", "2020-03-01 00:01", ["2020-02-01 00:00", "2020-03-01 00:00", "2020-04-01 00:00"]),
        ("6 hours", "1969-12-31 13:00", "1970-01-01", ["1969-12-31 12:00", "1969-12-31 18:00", "1970-01-01 00:00"]),
    ],
)
def test_bins_are_whole_and_in_utc(name: str, begin: str, end: str, edges: list[str]) -> None:
    assert _said(bins_of(_ns(begin), _ns(end), name)[1]) == edges


def test_the_shortest_bin_is_chosen_of_which_a_screen_can_show_all() -> None:
    begin = _ns("2014-11-03 07:21")
    for days, name in (
        (0.1, "minute"),
        (3, "10 minutes"),
        (20, "hour"),
        (100, "6 hours"),
        (500, "day"),
        (760, "week"),
        (9000, "month"),
    ):
        width, edges = bins_of(begin, begin + round(days * 86400e9))
        assert width.name == name
        assert len(edges) - 1 <= MOST_BINS
        assert (np.diff(edges) > 0).all() and edges[0] <= begin and edges[-1] >= begin + round(days * 86400e9)
    with pytest.raises(RefusedError, match="more than 600 bins; possible: hour"):
        bins_of(begin, begin + 20 * 86400 * 10**9, "minute")
    with pytest.raises(RefusedError, match="none of minute, 10 minutes"):
        bins_of(begin, begin + 10**12, "fortnight")
    assert possible_widths(begin, begin + 10**9) == list(WIDTHS)


def test_counts_and_live_hours_are_those_of_the_network(read_client: Client, explored: Explored) -> None:
    network = explored.open()
    events, live = read_catalogue(network), load_live(network)
    found = read_client.json_of("/api/timeline", bin="hour")
    edges = pd.DatetimeIndex(np.array(found["edges"]) * 1e9, tz="UTC")
    assert found["live"]["known"] and len(edges) == 4 * 24 + 1 and str(edges[0]) == "2020-02-28 00:00:00+00:00"
    for own in found["classes"]:
        mine = events[events["label"] == own["number"]]
        wanted = [int(((mine["time_peak"] >= a) & (mine["time_peak"] < b)).sum()) for a, b in pairwise(edges)]
        assert own["counts"] == wanted
    hours = np.zeros((3, len(edges) - 1))
    for row, code in enumerate(("AA", "BB", "CC")):
        for start, end in live.loc[live["station"] == code, ["start", "end"]].itertuples(index=False):
            for place, (a, b) in enumerate(pairwise(edges)):
                hours[row, place] += max((min(end, b) - max(start, a)).total_seconds(), 0) / HOUR
    np.testing.assert_allclose(found["live_hours"], hours.sum(axis=0), rtol=1e-6)
    assert found["absent_bins"] == (hours.sum(axis=0) == 0).sum() == 88
    assert found["partial_bins"] == 8
    for own, wanted in zip(found["availability"], hours, strict=True):
        assert ((np.array(own["share"]) == 0) == (wanted == 0)).all()
        np.testing.assert_allclose(own["share"], np.ceil(100 * wanted - 1e-9), atol=1)


def test_rates_are_those_of_ris_core(read_client: Client, explored: Explored) -> None:
    wanted = read_hourly_counts(explored.open(), ("AA", "CC"))
    wanted = wanted[wanted["time"] < pd.Timestamp("2020-03-01", tz="UTC")]
    found = read_client.json_of("/api/timeline", bin="hour", station="AA,CC", end="2020-03-01")
    assert found["stations"] == ["AA", "CC"]
    for own in found["classes"]:
        if own["number"] < 0:
            continue
        mine = wanted[wanted["label"] == own["number"]]
        sums = mine.groupby("time")[["events", "live_hours"]].sum()
        at = [found["edges"].index(time.timestamp()) for time in sums.index]
        rates = np.array(own["rates"], float)
        np.testing.assert_allclose(rates[at], sums["events"] / sums["live_hours"], rtol=1e-5)
        assert np.isnan(np.delete(rates, at)).all()
        low, high = np.array(own["low"], float)[at], np.array(own["high"], float)[at]
        assert (low <= rates[at]).all() and (rates[at] < high).all()
    # Intervals of many bins could not be seen apart.
    assert "low" not in read_client.json_of("/api/timeline", bin="hour")["classes"][0]


def test_the_time_of_the_filter_leaves_the_timeline_as_it_is(read_client: Client) -> None:
    all_times = read_client.json_of("/api/timeline", bin="day")
    day = {"from": "2020-02-29", "to": "2020-03-01"}
    assert read_client.json_of("/api/timeline", bin="day", **day)["classes"] == all_times["classes"]
    brushed = sum(own["counts"][1] for own in all_times["classes"])
    assert read_client.json_of("/api/counts", **day)["events"] == brushed > 0


def test_a_view_has_its_own_bins_and_says_what_lies_outside(read_client: Client) -> None:
    found = read_client.json_of("/api/timeline", begin="2020-02-28T05:00Z", end="2020-02-28T06:00Z")
    assert found["bin"]["name"] == "minute" and len(found["edges"]) == 61
    assert 0 < found["shown"] < found["events"] == 320
    assert found["extent"] == [_ns("2020-02-28") / 1e9, _ns("2020-03-03") / 1e9]
    answer = read_client.get("/api/timeline", params={"begin": "2021-01-01"})
    assert answer.status_code == 400 and "from 2020-02-28 to 2020-03-02" in answer.json()["error"]


def test_hours_over_midnight_have_the_live_time_of_these_hours(read_client: Client) -> None:
    found = read_client.json_of("/api/timeline", bin="day", hours="22-4")
    evening = read_client.json_of("/api/timeline", bin="hour", hours="22-22")
    hourly = read_client.json_of("/api/timeline", bin="hour")
    wanted = np.array(hourly["live_hours"]).reshape(4, 24)[:, [22, 23, 0, 1, 2, 3, 4]].sum(axis=1)
    np.testing.assert_allclose(found["live_hours"], wanted, rtol=1e-6)
    at_22 = np.zeros((4, 24))
    at_22[:, 22] = np.array(hourly["live_hours"]).reshape(4, 24)[:, 22]
    np.testing.assert_allclose(evening["live_hours"], at_22.ravel(), rtol=1e-6)
    assert found["events"] == evening["events"] == read_client.json_of("/api/counts", hours="22-4")["events"]


def test_no_event_has_rates_of_zero_where_a_station_was_live(read_client: Client) -> None:
    found = read_client.json_of("/api/timeline", bin="day", snr="900..")
    assert found["events"] == 0
    assert {rate for own in found["classes"] for rate in own["rates"]} == {0.0}


def test_an_event_that_began_outside_of_live_time_is_in_no_rate(explorer_without_first_hour: Client) -> None:
    client = explorer_without_first_hour
    found = client.json_of("/api/timeline", bin="day", station="AA")
    began = client.explorer.table.onset[(client.explorer.table.station == 0)]
    outside = int((began < _ns("2020-02-28 06:00")).sum())
    assert found["outside_live"] == outside > 0
    counted, hours = (sum(own["counts"][0] for own in found["classes"]), found["live_hours"][0])
    assert found["all_rates"][0] == pytest.approx((counted - outside) / hours, rel=1e-5)


@pytest.fixture
def explorer_without_first_hour(own_client: Client, explored_copy: Explored) -> Client:
    """Ask an explorer of a network in which AA was not live before 6 o'clock of the first day."""
    network = explored_copy.open()
    path = network.layout.live(StationDay("AA", date(2020, 2, 28)))
    frame = tables.read_table(path)
    tables.write_table(
        path,
        frame[frame["start"] >= pd.Timestamp("2020-02-28 06:00", tz="UTC")],
        table_schemas.LIVE_SCHEMA,
        tables.read_stamp(path)[0],
    )
    own_client.explorer.live.wait(own_client.explorer.table)
    return own_client


def test_live_time_that_is_not_known_is_said(own_client: Client, explored_copy: Explored) -> None:
    network = explored_copy.open()
    path = network.layout.live(StationDay("BB", date(2020, 2, 29)))
    path.write_bytes(path.read_bytes()[:-40])
    own_client.explorer.live.wait(own_client.explorer.table)
    found = own_client.json_of("/api/timeline")
    assert not found["live"]["known"] and not found["live"]["reading"] and str(path) in found["live"]["words"]
    assert found["shown"] == 320 and "rates" not in found["classes"][0]


def test_a_series_is_binned_without_interpolation(read_client: Client) -> None:
    view = {"begin": "2020-02-28T00:00Z", "end": "2020-02-29T00:00Z"}
    found = read_client.json_of("/api/timeline/series/temperature", bin="hour", **view)
    values = [round(-20 + 5 * np.sin(hour / 4), 2) for hour in range(24)]
    assert found["unit"] == "degC" and found["bins"] == found["values"] == 23
    assert found["mean"][13] is found["least"][13] is None
    assert found["mean"][:13] + found["mean"][14:] == pytest.approx(values[:13] + values[14:], rel=1e-6)
    half_days = read_client.json_of("/api/timeline/series/temperature", bin="6 hours", **view)
    assert half_days["greatest"][0] == pytest.approx(max(values[:6]))
    assert half_days["mean"][2] == pytest.approx(np.mean(values[12:13] + values[14:18]), rel=1e-6)
    assert read_client.get("/api/timeline/series/wind", params=view).status_code == 404
    assert read_client.get("/api/timeline/series/temperature").status_code == 400


def test_bins_of_a_series_that_has_gaps() -> None:
    time, value = np.array([5, 11, 12, 40], np.int64), np.array([1.0, 2.0, 4.0, 9.0])
    least, mean, greatest, number = binned(time, value, np.array([0, 10, 20, 30, 40], np.int64))
    assert number.tolist() == [1, 2, 0, 0]
    np.testing.assert_array_equal(mean, np.float32([1, 3, np.nan, np.nan]))
    np.testing.assert_array_equal(least[:2], [1, 2])
    np.testing.assert_array_equal(greatest[:2], [1, 4])
    assert np.isnan(binned(time[:0], value[:0], np.array([0, 10], np.int64))[1]).all()
