"""Coincidences between stations, and those expected by chance."""

import numpy as np
import pandas as pd
import pytest

from ris_core.catalogue.coincidences import added_up, chance, count_pairs, live_shares
from ris_core.catalogue.sources import compatible_pairs
from ris_core.contracts.station_day import DAY_NS, NS

HOUR = 3600 * NS


def test_the_share_of_live_time_is_counted_in_cells_of_ten_minutes() -> None:
    start = 1_420_070_400 * NS
    intervals = np.array([[start, start + 900 * NS], [start + 1500 * NS, start + 1800 * NS]])
    assert live_shares(intervals, start, 4) == pytest.approx([1.0, 0.5, 0.5, 0.0])
    assert live_shares(np.empty((0, 2), np.int64), start, 2).tolist() == [0.0, 0.0]


def test_expected_coincidences_are_two_tau_times_both_rates() -> None:
    # Six and three events in one live hour, tau 10 s: 2 · 10 · 6 · 3 / 3600.
    time = np.array([*range(6), *range(3)], dtype=np.int64) * 600 * NS
    station = np.array([0] * 6 + [1] * 3)
    longest = np.array([[-1, 10 * NS], [10 * NS, -1]])
    whole = np.array([[0, 10 * HOUR]])
    found = chance(time, station, station * 0, {0: whole, 1: whole}, longest, 0, DAY_NS)
    (row,) = found.pairs.to_dict("records")
    assert row["expected_by_chance"] == pytest.approx(0.1)
    assert (row["events_a"], row["events_b"]) == (6, 3)
    assert row["live_hours"] == pytest.approx(10)
    assert found.classes == pytest.approx([0.1])


def test_events_while_the_other_station_was_off_do_not_count() -> None:
    time = np.array([100, 200, HOUR + 100 * NS], dtype=np.int64)
    longest = np.array([[-1, 10 * NS], [10 * NS, -1]])
    live = {0: np.array([[0, 2 * HOUR]]), 1: np.array([[0, HOUR]])}
    found = chance(time, np.array([0, 1, 0]), np.zeros(3, int), live, longest, 0, DAY_NS)
    (row,) = found.pairs.to_dict("records")
    assert (row["events_a"], row["events_b"], row["live_hours"]) == (1, 1, pytest.approx(1.0))
    assert row["expected_by_chance"] == pytest.approx(2 * 10 / 3600)


def test_only_pairs_of_one_class_are_expected_where_only_these_count() -> None:
    longest = np.array([[-1, 10 * NS], [10 * NS, -1]])
    whole = {0: np.array([[0, HOUR]]), 1: np.array([[0, HOUR]])}
    arguments = np.arange(4, dtype=np.int64), np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), whole, longest, 0, DAY_NS
    apart, alike = chance(*arguments), chance(*arguments, same_class=True)
    assert apart.pairs["expected_by_chance"][0] == pytest.approx(4 * 20 / 3600)
    assert alike.pairs["expected_by_chance"][0] == pytest.approx(2 * 20 / 3600)
    assert apart.classes == pytest.approx([0, 2 * 20 / 3600])


def test_without_live_times_nothing_is_expected() -> None:
    longest = np.array([[-1, NS], [NS, -1]])
    found = chance(np.array([0, 1]), np.array([0, 1]), np.zeros(2, int), None, longest, 0, DAY_NS)
    assert np.isnan(found.pairs["expected_by_chance"][0])
    assert np.isnan(found.classes).all()


def test_independent_stations_coincide_as_often_as_expected() -> None:
    rng = np.random.default_rng(4)
    n, days = 40_000, 30
    # Rates that change by the hour of the day, in the same way at both stations.
    hours = rng.choice(24 * days, n, p=np.tile(np.linspace(1, 5, 24) / np.linspace(1, 5, 24).sum(), days) / days)
    time = np.sort(hours * HOUR + rng.integers(0, HOUR, n))
    station = rng.integers(0, 2, n)
    longest = np.array([[-1, 20 * NS], [20 * NS, -1]])
    live = {place: np.array([[0, days * DAY_NS]]) for place in (0, 1)}
    expected = chance(time, station, station * 0, live, longest, 0, days * DAY_NS).pairs["expected_by_chance"][0]
    found = count_pairs(compatible_pairs(time, station, longest), station, 2)[0, 1]
    assert found == pytest.approx(expected, abs=4 * expected**0.5)


def test_months_are_added_up_and_what_is_unknown_stays_unknown() -> None:
    one = pd.DataFrame({"a": ["x", "y"], "km": [1.0, 2.0], "n": [1, 2], "chance": [0.5, np.nan]})
    other = pd.DataFrame({"a": ["x", "z"], "km": [1.0, 3.0], "n": [10, 20], "chance": [0.5, 1.0]})
    found = added_up([one, other], ["a"], ["km"])
    assert found[["a", "km", "n"]].values.tolist() == [["x", 1.0, 11], ["y", 2.0, 2], ["z", 3.0, 20]]
    assert found["chance"].tolist() == pytest.approx([1.0, np.nan, 1.0], nan_ok=True)
