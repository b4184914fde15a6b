"""Rates, counts and statistics of the classes for a notebook."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ris_core.rates.calendar_bins import KINDS
from ris_core.rates.counted import series_of
from ris_core.rates.live_reading import NoLiveTimeError
from ris_core.rates.rate_run import counted_events, load_rates
from ris_core.rates.rate_schema import ALL_STATIONS
from ris_core.station_days.station_days import StationDays
from ris_core.statistics.statistics_reading import load_statistics

_Classes = Sequence[int | str] | int | str | None


def read_class_rates(
    network: StationDays,
    stations: Sequence[str] | str | None = None,
    classes: _Classes = None,
    bins: Sequence[str] | str | None = None,
    need_rates: bool = False,
) -> pd.DataFrame:
    """Return events of each class per hour of live time, by station and bin of time.

    Bins without live time have no row; those with live time and no event have a row with 0. docs/tables.md has the
    meaning of the columns, docs/analysis.md what they assume.

    Parameters
    ----------
    network
        As `open_network` returns it.
    stations
        Codes, or one code; ``all`` for all stations together. By default all of these.
    classes
        Numbers or names of classes, or one of them; by default all.
    bins
        Kinds of bins, or one kind: hour_of_day, day, week, month, season, quarter, month_hour, whole.
    need_rates
        Whether to refuse events without live time; otherwise their rates are NaN and their counts are there.

    Returns
    -------
    DataFrame
        With what is said of the whole table in its ``attrs``: ``correction`` (how rates were corrected for confused
        classes, or why not), ``no_live_time`` (why there are no rates; empty if there are), ``left_out`` (station-days
        whose events have no label yet), ``level`` of the intervals.

    Raises
    ------
    NoRatesError
        They have not been made (a `FileNotFoundError`).
    NoLiveTimeError
        `need_rates`, and the events were imported.
    KeyError, ValueError
        A station is not in the settings; there is no such class or kind of bin.
    DamagedFileError
        The table is not what was written.
    """
    table, summary = load_rates(network.layout)
    if need_rates and summary["no_live_time"]:
        raise NoLiveTimeError(f"there are no rates, but counts and shares: {summary['no_live_time']}")
    kinds = _listed(bins)
    if kinds is not None and (unknown := [kind for kind in kinds if kind not in KINDS]):
        raise ValueError(f"bins = {unknown}: there are no such kinds of bins; there are {', '.join(KINDS)}")
    codes = _stations(network, stations)
    keep = pd.Series(True, index=table.index)
    if codes is not None:
        keep &= table["station"].isin(codes)
    if classes is not None:
        keep &= table["label"].isin(_numbers(table, classes))
    if kinds is not None:
        keep &= table["bin"].isin(kinds)
    found = table[keep].reset_index(drop=True)
    found.attrs.update(summary)
    return found


def read_hourly_counts(
    network: StationDays, stations: Sequence[str] | str | None = None, classes: _Classes = None
) -> pd.DataFrame:
    """Return the events of each class in each hour UTC with live time, counted now from the catalogue.

    Columns: station, label, class_name, time (start of the hour), events, live_hours. Hours without live time have no
    row. Of imported events, hours without an event of the station have none either, and live_hours is NaN.

    Parameters
    ----------
    network, stations, classes
        As in `read_class_rates`, without ``all``.

    Raises
    ------
    NoCatalogueError, NoLabelledEventsError
        There is no catalogue, or no event of it has a label (a `FileNotFoundError`). Otherwise as `read_class_rates`.
    """
    counted, _ = counted_events(network)
    codes = [code for code in _stations(network, stations) or network.stations if code != ALL_STATIONS]
    known = pd.DataFrame({"label": counted.numbers, "class_name": counted.names})
    return series_of(counted, codes, counted.numbers if classes is None else _numbers(known, classes))


def read_statistics(network: StationDays, table: str) -> pd.DataFrame:
    """Return a table of statistics of the classes.

    Parameters
    ----------
    network
        As `open_network` returns it.
    table
        stations, amplitudes, frequencies, seasons, peak_ranges, label_change or performance; docs/tables.md has the
        meaning of their columns.

    Raises
    ------
    NoStatisticsError
        It has not been made, or cannot be; the message says why (a `FileNotFoundError`).
    ValueError
        There is no such table.
    DamagedFileError
        It is not what was written.
    """
    return load_statistics(network.layout, table)


def _listed(values: Sequence[str] | str | None) -> list[str] | None:
    return None if values is None else [values] if isinstance(values, str) else list(values)


def _stations(network: StationDays, stations: Sequence[str] | str | None) -> list[str] | None:
    codes = _listed(stations)
    for code in codes or ():
        if code != ALL_STATIONS:
            network.settings.station(code)
    return codes


def _numbers(table: pd.DataFrame, classes: _Classes) -> list[int]:
    """Return the numbers of classes given by number or name; raises `ValueError` for one that the table lacks."""
    wanted = [classes] if isinstance(classes, int | str) else list(classes or ())
    known = table[["label", "class_name"]].drop_duplicates()
    found = known[known["label"].isin(wanted) | known["class_name"].isin(wanted)]
    if missing := [name for name in wanted if name not in {*known["label"], *known["class_name"]}]:
        raise ValueError(f"classes = {missing}: there are no such classes; there are {', '.join(known['class_name'])}")
    return [int(number) for number in found["label"]]
