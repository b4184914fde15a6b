"""Environmental series by the hour: means of straight lines, and nothing over a gap."""

import numpy as np
import pytest

from ris_core.environment.series import Series

HOUR = 3_600_000_000_000


def series(hours, values, gap=6 * 3600.0):
    time = np.round(np.asarray(hours) * HOUR).astype(np.int64)
    return Series("t", "temperature", "degC", time, np.asarray(values, float), "test", longest_gap=gap)


def edges(first, last):
    return np.arange(first, last + 1, dtype=np.int64) * HOUR


def test_a_straight_line_has_its_value_at_the_middle_of_each_bin():
    found = series(np.arange(0, 25), 2.0 * np.arange(0, 25)).hourly(edges(0, 24))
    assert found == pytest.approx(2.0 * (np.arange(24) + 0.5))


def test_times_between_the_hours_are_weighted_by_how_long_they_last():
    # 0 until 0:30, then a line to 2 at 1:30: the mean from 0:00 to 1:00 is (0 · 0.5 + 0.5 · 0.5) h / 1 h.
    found = series([0, 0.5, 1.5], [0, 0, 2]).hourly(edges(0, 1))
    assert found == pytest.approx([0.25])


def test_samples_every_ten_minutes_give_the_mean_of_the_hour():
    minutes = np.arange(0, 24 * 6 + 1) / 6
    found = series(minutes, np.sin(minutes)).hourly(edges(0, 24))
    exact = np.cos(np.arange(24)) - np.cos(np.arange(1, 25))
    assert found == pytest.approx(exact, abs=0.003)


def test_nothing_is_taken_over_a_gap_or_from_outside():
    found = series([0, 1, 2, 10, 11], [1, 1, 1, 5, 5]).hourly(edges(-2, 13))
    assert np.isfinite(found).tolist() == [h in (0, 1, 10) for h in range(-2, 13)]
    assert series([0, 1, 2, 10, 11], [1, 1, 1, 5, 5]).hourly(edges(0, 11), 9 * 3600.0)[5] == pytest.approx(2.75)


def test_a_bin_needs_lines_over_half_of_it():
    assert np.isnan(series([0, 0.4], [1, 1]).hourly(edges(0, 1))).all()
    assert series([0, 0.5], [1, 1]).hourly(edges(0, 1)) == pytest.approx([1])


def test_a_daily_series_with_a_gap_of_two_days_is_known_by_the_hour():
    found = series([12, 36, 60], [0, 24, 48], gap=48 * 3600.0).hourly(edges(12, 60))
    assert found == pytest.approx(np.arange(48) + 0.5)


@pytest.mark.parametrize(
    ("hours", "values", "said"),
    [([0, 0], [1, 2], "ascend"), ([1, 0], [1, 2], "ascend"), ([0, 1], [1, np.nan], "finite"), ([0], [1, 2], "as many")],
)
def test_a_series_without_order_or_with_holes_is_refused(hours, values, said):
    with pytest.raises(ValueError, match=said):
        series(hours, values)


def test_one_value_is_no_line():
    assert np.isnan(series([0.5], [1]).hourly(edges(0, 2))).all()
