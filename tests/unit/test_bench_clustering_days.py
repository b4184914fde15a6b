"""The days of the clustering benchmark's networks."""

from datetime import date

from bench.clustering_chains import days_of
from bench.clustering_windows import Size


def test_more_days_keep_the_first_ones_and_are_spread_over_the_year() -> None:
    few, many = days_of(0, Size(days=6)), days_of(0, Size(days=30))
    assert few == [
        date(2016, 1, 1),
        date(2016, 3, 24),
        date(2016, 5, 30),
        date(2016, 7, 4),
        date(2016, 8, 19),
        date(2016, 11, 18),
    ]
    assert many[:6] == few
    assert len(set(many)) == 30
    first = date(2015, 12, 1)
    assert [sum((day - first).days // 61 == part for day in many) for part in range(6)] == [5] * 6
