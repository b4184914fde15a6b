"""The live intervals of station-days, read from their tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays
from ris_core.storage import table_schemas, tables


class NoLiveTimeError(ValueError):
    """It is not known when a detection could start, so that there is no rate."""


def live_files(days: StationDays, keys: Iterable[StationDay] | None = None) -> list[Path]:
    """Return the tables of live intervals of the processed station-days among some, by default all; as `load_live`."""
    layout = days.layout
    if days.settings.imported:
        raise NoLiveTimeError(
            f"{days.settings.network.name}: its events were imported, and the published file does not say when a "
            "detection could start; there are no live intervals"
        )
    found = []
    for key in days.all() if keys is None else keys:
        if layout.live(key).exists():
            found.append(layout.live(key))
        elif layout.detections(key).exists():
            raise NoLiveTimeError(
                f"{layout.live(key)} is absent: an earlier version has processed {key}; process it again"
            )
    return found


def load_live(days: StationDays, keys: Iterable[StationDay] | None = None) -> pd.DataFrame:
    """Return the live intervals of processed station-days: those in which a detection could start.

    Parameters
    ----------
    days
        The network.
    keys
        Station-days; by default all. Those that are not processed are left out: nothing is known of them.

    Returns
    -------
    DataFrame
        station, start, end (UTC; the end does not belong to the interval); without rows if nothing is processed. An
        interval ends at midnight, where one of the next day may continue it.

    Raises
    ------
    NoLiveTimeError
        The events were imported, or a station-day was processed by an earlier version.
    DamagedFileError
        A table does not match its digest.
    """
    paths = live_files(days, keys)
    if not paths:
        empty: pd.DataFrame = table_schemas.LIVE_SCHEMA.empty_table().to_pandas()
        return empty
    return tables.read_tables(paths)
