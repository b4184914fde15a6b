"""Live hours and counts in bins, against sums by hand, and through gaps, overlaps and borders of bins."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ris_core.rates.exposure import HOUR_NS, hourly_counts, intervals_of, is_live, live_hours

START = pd.Timestamp("2015-01-01", tz="UTC").value


def ns(*hours: float) -> np.ndarray:
    return np.array([START + round(hour * HOUR_NS) for hour in hours], np.int64)


def spans(*pairs: tuple[float, float]) -> np.ndarray:
    return np.array([ns(*pair) for pair in pairs], np.int64).reshape(-1, 2)


def test_live_hours_are_the_parts_of_intervals_in_each_bin():
    found = live_hours(spans((0.5, 1.25), (1.5, 3.0)), ns(0, 1, 2, 3, 4))
    assert found.tolist() == [0.5, 0.75, 1.0, 0.0]


def test_overlapping_and_touching_intervals_in_any_order_count_once():
    found = live_hours(spans((2, 3), (0, 1), (0.5, 2), (0.6, 0.7), (5, 5)), ns(0, 4, 6))
    assert found.tolist() == [3.0, 0.0]


def test_an_interval_longer_than_the_bins_fills_them_and_no_more():
    assert live_hours(spans((-10, 10)), ns(0, 0.5, 3)).tolist() == [0.5, 2.5]
    assert live_hours(spans(), ns(0, 1)).tolist() == [0.0]
    assert live_hours(spans((0, 1)), ns()).size == 0


def test_an_event_on_an_edge_belongs_to_the_bin_that_starts_there():
    found = hourly_counts(ns(-0.1, 0, 0.999, 1, 1.5, 2, 3), ns(0, 1, 2))
    assert found.tolist() == [2, 2]
    assert hourly_counts(ns(), ns(0, 1)).tolist() == [0]


def test_the_end_of_an_interval_does_not_belong_to_it():
    assert is_live(ns(-1, 0, 0.5, 1, 2, 2.5), spans((0, 1), (2, 3))).tolist() == [False, True, True, False, True, True]
    assert not is_live(ns(0), spans()).any()


def test_edges_that_do_not_ascend_and_intervals_that_end_early_are_refused():
    with pytest.raises(ValueError, match="ascend"):
        live_hours(spans((0, 1)), ns(0, 0))
    with pytest.raises(ValueError, match="ascend"):
        hourly_counts(ns(0), ns(1, 0))
    with pytest.raises(ValueError, match="ends before"):
        live_hours(spans((1, 0)), ns(0, 1))


def test_intervals_of_a_station_come_from_its_rows_alone():
    live = pd.DataFrame(
        {
            "station": ["S01", "S02", "S01"],
            "start": pd.to_datetime(["2015-01-01", "2015-01-01", "2015-01-02"], utc=True),
            "end": pd.to_datetime(["2015-01-01T01:00", "2015-01-01T02:00", "2015-01-02T03:00"], utc=True),
        }
    )
    assert intervals_of(live, "S01").tolist() == spans((0, 1), (24, 27)).tolist()
    assert intervals_of(live, "S03").shape == (0, 2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)), max_size=12),
    st.lists(st.integers(0, 260), min_size=2, max_size=9, unique=True),
)
def test_live_time_is_what_counting_minute_by_minute_gives(stretches, edges):
    minute = HOUR_NS // 60
    intervals = np.array([[a, a + length] for a, length in stretches], np.int64).reshape(-1, 2) * minute + START
    edges = np.sort(np.array(edges, np.int64))
    live = np.zeros(261, bool)
    for a, length in stretches:
        live[a : a + length] = True
    by_hand = [live[a:b].sum() / 60 for a, b in itertools.pairwise(edges)]
    np.testing.assert_allclose(live_hours(intervals, edges * minute + START), by_hand, atol=1e-12)
    middle = np.arange(261, dtype=np.int64) * minute + START + minute // 2
    assert (is_live(middle, intervals) == live).all()
