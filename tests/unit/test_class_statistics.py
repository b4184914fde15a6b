"""Tables of statistics against counts by hand, with the faults of the published ones mended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogue_builders import events_of, network_of, write_catalogue, write_live

from ris_core.access import read_statistics
from ris_core.rates.rate_run import NoRatesError, make_rates
from ris_core.station_days.station_days import StationDays
from ris_core.statistics.event_statistics import peak_edges, peak_ranges, within_peaks
from ris_core.statistics.statistics_figures import statistics_figures
from ris_core.statistics.statistics_reading import NoStatisticsError
from ris_core.statistics.statistics_run import make_statistics, statistics_are_current
from ris_core.statistics.statistics_schema import SCHEMAS

DAYS = [("A", "2015-11-30"), ("A", "2015-12-01"), ("B", "2015-12-01")]
ROWS = [
    {"station": "A", "time_on": "2015-11-30 10:00", "label": 0, "peak_counts": -100.0, "peak_frequency": 4.0},
    {"station": "A", "time_on": "2015-12-01 10:00", "label": 0, "peak_counts": 300.0, "peak_frequency": 8.0},
    {"station": "A", "time_on": "2015-12-01 10:30", "label": 1, "peak_counts": 20.0, "peak_acceleration": -2e-6},
    {"station": "B", "time_on": "2015-12-01 11:00", "label": 0, "peak_counts": -1100.0, "peak_frequency": 6.0},
]


@pytest.fixture
def small(tmp_path: Path) -> StationDays:
    network = network_of(tmp_path)
    write_live(network, [(station, f"{day} 06:00", f"{day} 18:00") for station, day in DAYS])
    write_catalogue(network, ROWS, DAYS)
    make_rates(network)
    make_statistics(network)
    return network


def row(network: StationDays, table: str, **wanted: object) -> pd.Series:
    found = read_statistics(network, table)
    for name, value in wanted.items():
        found = found[found[name] == value]
    assert len(found) == 1, found
    return found.iloc[0]


def test_stations_have_counts_and_shares_and_zeros_only_with_live_time(small: StationDays) -> None:
    rift = row(small, "stations", station="A", class_name="rift")
    assert (rift["events"], rift["station_events"], rift["share_of_network"]) == (2, 3, 0.75)
    assert rift["share_of_station"] == pytest.approx(2 / 3) and rift["share_of_class"] == pytest.approx(2 / 3)
    none = row(small, "stations", station="B", class_name="thermal")
    assert none["events"] == 0 and none["live_hours"] == 12
    assert row(small, "stations", station="all", class_name="rift")["share_of_class"] == 1


def test_a_station_without_live_time_has_no_row(tmp_path: Path) -> None:
    network = network_of(tmp_path)
    write_live(network, [("A", "2015-11-30 06:00", "2015-11-30 18:00")])
    write_catalogue(network, ROWS[:1], DAYS[:1])
    make_rates(network)
    assert set(make_statistics(network).tables["stations"]["station"]) == {"A", "all"}


def test_amplitudes_are_of_absolute_peaks(small: StationDays) -> None:
    rift = row(small, "amplitudes", station="A", class_name="rift", quantity="counts")
    assert (rift["mean"], rift["median"], rift["maximum"], rift["minimum"]) == (200, 200, 300, 100)
    assert rift["standard_deviation"] == pytest.approx(np.std([100, 300], ddof=1))
    single = row(small, "amplitudes", station="A", class_name="thermal", quantity="acceleration")
    assert (single["known"], single["unknown"], single["maximum"]) == (1, 0, pytest.approx(2e-6))
    assert np.isnan(single["standard_deviation"])
    unknown = row(small, "amplitudes", station="all", class_name="rift", quantity="acceleration")
    assert (unknown["known"], unknown["unknown"]) == (0, 3) and np.isnan(unknown["mean"])


def test_each_event_counts_once_in_the_mean_frequency(small: StationDays) -> None:
    rift = row(small, "frequencies", station="all", class_name="rift", quantity="peak_frequency")
    assert (rift["mean"], rift["median"], rift["minimum"], rift["maximum"]) == (6, 6, 4, 8)
    assert row(small, "frequencies", station="all", class_name="rift", quantity="centroid_frequency")["mean"] == 8


def test_seasons_are_the_right_ones_with_live_time(small: StationDays) -> None:
    autumn, summer = (
        row(small, "seasons", station="A", class_name="rift", name=name) for name in ("SON 2015", "DJF 2015/16")
    )
    assert (autumn["events"], summer["events"]) == (1, 1)
    assert autumn["share_of_class"] == 0.5 and autumn["live_hours"] == 12 and autumn["rate"] == pytest.approx(1 / 12)
    none = row(small, "seasons", station="A", class_name="thermal", name="SON 2015")
    assert none["events"] == 0
    assert read_statistics(small, "seasons").query("station == 'B' and name == 'SON 2015'").empty


def test_quarters_are_those_of_the_published_table(tmp_path: Path) -> None:
    network = network_of(tmp_path, first_day="2015-03-31", last_day="2015-06-01")
    days = [("A", day) for day in ("2015-03-31", "2015-05-31", "2015-06-01")]
    write_live(network, [(station, f"{day} 00:00", f"{day} 12:00") for station, day in days])
    write_catalogue(network, [{"station": "A", "time_on": f"{day} 10:00", "label": 0} for _, day in days], days)
    make_rates(network)
    seasons = make_statistics(network).tables["seasons"]
    quarters = seasons[(seasons["bin"] == "quarter") & (seasons["station"] == "A")].set_index("name")
    assert quarters["events"].to_dict() == {"JFM 2015": 1, "JJA 2015": 1}
    # One event lies in no quarter, so their shares do not add up to 1.
    assert quarters["share_of_class"].sum() == pytest.approx(2 / 3)


def test_ranges_of_peaks_are_half_open_and_of_absolute_values(small: StationDays) -> None:
    ranges = read_statistics(small, "peak_ranges").query("station == 'all' and class_name == 'rift'")
    assert dict(zip(ranges["low"], ranges["events"], strict=True)) == {10.0: 0, 100.0: 2, 1000.0: 1}
    assert ranges["share_of_class"].sum() == pytest.approx(1)


def test_given_edges_lose_no_event() -> None:
    events = events_of(ROWS)
    edges = peak_edges(events["peak_counts"], (100.0, 300.0))
    assert edges.tolist() == [0, 100, 300, np.inf]
    found = peak_ranges(events, edges).query("station == 'all'")
    assert found["events"].sum() == len(events)
    rift = found[found["class_name"] == "rift"]
    assert rift["events"].tolist() == [0, 1, 2] and np.isnan(rift["high"].iloc[-1])


def test_edges_reach_beyond_powers_of_ten_and_to_zero() -> None:
    assert peak_edges(pd.Series([-10.0, 100.0])).tolist() == [10, 100, 1000]
    assert peak_edges(pd.Series([0.0, 5.0])).tolist() == [0, 1, 10]
    assert peak_edges(pd.Series([0.0])).tolist() == [0, np.inf]


def test_a_threshold_on_peaks_keeps_negative_ones() -> None:
    events = events_of(ROWS)
    assert within_peaks(events, 100)["peak_counts"].tolist() == [-100, 300, -1100]
    assert within_peaks(events, 100, 300)["peak_counts"].tolist() == [-100]
    assert within_peaks(events, high=100)["peak_counts"].tolist() == [20]


def test_statistics_are_current_until_rates_or_settings_change(small: StationDays, tmp_path: Path) -> None:
    assert statistics_are_current(small)
    assert not statistics_are_current(network_of(tmp_path, statistics={"peak_edges": [1, 2]}))
    write_catalogue(small, ROWS, DAYS, inputs="others")
    assert not statistics_are_current(small)
    with pytest.raises(NoRatesError, match="update_catalogue"):
        make_statistics(small)
    make_rates(small)
    make_statistics(small)
    assert statistics_are_current(small)
    path = small.layout.analysis("statistics_seasons.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    assert not statistics_are_current(small)


def test_why_a_table_is_absent_is_said(small: StationDays, tmp_path: Path) -> None:
    with pytest.raises(NoStatisticsError, match="training"):
        read_statistics(small, "label_change")
    with pytest.raises(NoStatisticsError, match="choose_champion"):
        read_statistics(small, "performance")
    with pytest.raises(ValueError, match="there are stations, amplitudes"):
        read_statistics(small, "whales")
    with pytest.raises(NoStatisticsError, match="describe_classes"):
        read_statistics(network_of(tmp_path / "other"), "stations")


def test_imported_events_have_counts_without_zeros(tmp_path: Path) -> None:
    network = network_of(tmp_path, source={"kind": "published"})
    write_catalogue(network, ROWS, DAYS)
    make_rates(network)
    found = make_statistics(network).tables
    assert (found["stations"]["events"] > 0).all() and found["stations"]["live_hours"].isna().all()
    assert (found["seasons"]["events"] > 0).all() and found["seasons"]["rate"].isna().all()
    assert found["amplitudes"]["known"].sum() > 0


def test_no_event_is_lost_in_a_table_and_figures_show_all(small: StationDays) -> None:
    found = make_statistics(small)
    assert found.lost() == []
    assert list(dict(statistics_figures(found))) == ["distributions"]
    spoilt = replace(found, events=found.events.iloc[1:])
    assert "peak_ranges: 4 of 3 events" in spoilt.lost()


def test_every_table_has_the_columns_of_its_schema(small: StationDays) -> None:
    for name in ("stations", "amplitudes", "frequencies", "seasons", "peak_ranges"):
        assert list(read_statistics(small, name).columns) == SCHEMAS[name].names
