"""The figures of the rates, from their table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from ris_core.figures.class_counts import counts_by_station, cumulative_counts
from ris_core.figures.class_hours import hours_by_month
from ris_core.figures.rate_lines import rates_over_time
from ris_core.figures.station_map import station_map
from ris_core.rates.calendar_bins import DAY, MONTH, MONTH_HOUR, WEEK, WHOLE
from ris_core.rates.rate_schema import ALL_STATIONS

_FEW_DAYS, _FEW_WEEKS = 70, 160

TITLES = {
    "counts": "Events by station and class",
    "map": "Shares of the classes at the stations",
    "rates": "Rate of each class over time, and live time",
    "hours": "Hour of the day by month",
    "cumulative": "Cumulative events and live time",
}
"""Titles of the figures, by name."""


def rate_figures(
    table: pd.DataFrame, level: float, positions: Mapping[str, tuple[float, float]]
) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of a table of rates by name (`TITLES`); each is drawn when the iterator reaches it.

    Parameters
    ----------
    table
        Columns of `ris_core.rates.rate_schema.RATE_SCHEMA`.
    level
        Probability of its intervals.
    positions
        Latitude and longitude of the stations; those that are not known are not on the map.
    """
    whole = table[(table["bin"] == WHOLE) & (table["station"] != ALL_STATIONS)]
    yield "counts", counts_by_station(whole)
    names = {int(label): str(name) for label, name in zip(whole["label"], whole["class_name"], strict=True)}
    counts = {
        str(station): {int(label): float(n) for label, n in zip(own["label"], own["events"], strict=True)}
        for station, own in whole.groupby("station")
    }
    yield "map", station_map(positions, counts, names)
    together = table[table["station"] == ALL_STATIONS]
    yield "rates", rates_over_time(together[together["bin"] == time_bin(table)], level)
    yield "hours", hours_by_month(together[together["bin"] == MONTH_HOUR])
    yield "cumulative", cumulative_counts(together[together["bin"] == DAY])


def time_bin(table: pd.DataFrame) -> str:
    """Return the kind of bin in which rates over time are drawn: days, weeks or months, by the length of time."""
    days = table.loc[table["bin"] == DAY, "name"].nunique()
    if days <= _FEW_DAYS:
        return DAY
    return WEEK if days <= 7 * _FEW_WEEKS else MONTH
