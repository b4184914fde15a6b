"""Bins of the calendar: borders of weeks, months, seasons and years, and sums over them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ris_core.rates.calendar_bins import KINDS, bins_of, hour_edges

EDGES = hour_edges(date(2015, 11, 29), date(2016, 3, 2))


def hour(text: str) -> int:
    return int(np.flatnonzero(pd.Timestamp(text).value == EDGES)[0])


def name(kind: str, text: str) -> str | None:
    bins = bins_of(kind, EDGES)
    number = bins.group[hour(text)]
    return None if number < 0 else bins.names[number]


def test_hours_cover_the_days_once() -> None:
    edges = hour_edges(date(2015, 1, 1), date(2015, 1, 2))
    assert len(edges) == 49
    assert pd.Timestamp(edges[0]) == pd.Timestamp("2015-01-01") and pd.Timestamp(edges[-1]) == pd.Timestamp(
        "2015-01-03"
    )


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("hour_of_day", "2015-12-01 07:00", "07"),
        ("day", "2015-12-31 23:00", "2015-12-31"),
        ("day", "2016-01-01 00:00", "2016-01-01"),
        ("week", "2015-11-29 23:00", "2015-W48"),
        ("week", "2015-11-30 00:00", "2015-W49"),
        ("week", "2016-01-03 23:00", "2015-W53"),  # ISO 8601: the week of this Sunday began in 2015
        ("week", "2016-01-04 00:00", "2016-W01"),
        ("month", "2015-11-30 23:00", "2015-11"),
        ("month", "2015-12-01 00:00", "2015-12"),
        ("season", "2015-11-30 23:00", "SON 2015"),
        ("season", "2015-12-01 00:00", "DJF 2015/16"),
        ("season", "2016-02-29 23:00", "DJF 2015/16"),
        ("season", "2016-03-01 00:00", "MAM 2016"),
        ("quarter", "2015-12-31 23:00", None),
        ("quarter", "2016-01-01 00:00", "JFM 2016"),
        ("month_hour", "2016-02-29 05:00", "2016-02 05"),
        ("whole", "2016-02-29 05:00", "whole"),
    ],
)
def test_an_hour_belongs_to_the_bin_of_the_calendar(kind: str, text: str, expected: str | None) -> None:
    assert name(kind, text) == expected


def test_winter_and_the_turn_of_a_century() -> None:
    edges = hour_edges(date(1999, 8, 31), date(2000, 1, 1))
    assert bins_of("quarter", edges).names == ("JJA 1999", "JFM 2000")
    assert bins_of("season", edges).names == ("JJA 1999", "SON 1999", "DJF 1999/00")


def test_bounds_are_those_of_the_calendar_also_where_the_network_begins_later() -> None:
    bins = bins_of("season", EDGES)
    assert bins.start is not None and bins.end is not None
    bounds = [
        (str(pd.Timestamp(a).date()), str(pd.Timestamp(b).date())) for a, b in zip(bins.start, bins.end, strict=True)
    ]
    assert bounds == [("2015-09-01", "2015-12-01"), ("2015-12-01", "2016-03-01"), ("2016-03-01", "2016-06-01")]
    assert bins.hours.tolist() == [48, 91 * 24, 48]


@pytest.mark.parametrize("kind", KINDS)
def test_sums_over_bins_lose_nothing(kind: str) -> None:
    values = np.random.default_rng(0).integers(0, 5, (2, len(EDGES) - 1, 3))
    bins = bins_of(kind, EDGES)
    sums = bins.sums(values)
    assert sums.shape == (2, len(bins.names), 3)
    assert (sums.sum(axis=1) == values[:, bins.group >= 0].sum(axis=1)).all()
    for number in range(0, len(bins.names), 11):
        assert (sums[:, number] == values[:, bins.group == number].sum(axis=1)).all()


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="there are hour_of_day, day"):
        bins_of("fortnight", EDGES)
