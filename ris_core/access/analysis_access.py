"""Tables of the analysis: what is computed from the labels."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ris_core.access.days import Day, period
from ris_core.catalogue.catalogue_reading import CATALOGUE_AGAIN, load_catalogue
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables


def read_catalogue(
    network: StationDays,
    stations: Sequence[str] | str | None = None,
    classes: Sequence[int | str] | int | str | None = None,
    first: Day | None = None,
    last: Day | None = None,
    columns: Sequence[str] | str | None = None,
) -> pd.DataFrame:
    """Return the catalogue of events of stations, classes and days (inclusive; by default all), sorted by time.

    Months outside of these days are not opened, and only these columns and rows are unpacked. docs/tables.md has the
    meaning of the columns.

    Parameters
    ----------
    network
        As `open_network` returns it.
    stations
        Codes, or one code.
    classes
        Numbers or names of classes, or one of them; by default all, unlabelled events (-1) included.
    first, last
        UTC days of the peak, as dates, Timestamps or text like ``2015-01-31``.
    columns
        Names of columns, in the order in which they are wanted; by default all.

    Returns
    -------
    DataFrame
        Without rows if no event fits.

    Raises
    ------
    KeyError
        A station is not in the settings.
    TypeError, ValueError
        A day cannot be read, the first day is after the last, or there is no such column.
    NoCatalogueError
        There is no catalogue yet (a `FileNotFoundError`).
    DamagedFileError
        A file is not what was written; the message names it.
    """
    codes = [stations] if isinstance(stations, str) else stations
    for code in codes or ():
        network.settings.station(code)
    wanted = [classes] if isinstance(classes, int | str) else classes
    names = [columns] if isinstance(columns, str) else columns
    since, until = period(first, last)
    return load_catalogue(network.layout, codes, wanted, since, until, names)


def read_associations(network: StationDays) -> pd.DataFrame:
    """Return how often each pair of stations detected what one source can explain, and how often by chance.

    Raises
    ------
    FileNotFoundError
        There is no catalogue yet.
    DamagedFileError
        The file is damaged.
    """
    return _read(network, "associations.parquet", f"no coincidences have been counted yet; {CATALOGUE_AGAIN}")


def read_class_associations(network: StationDays) -> pd.DataFrame:
    """Return for each class how often its events coincide at two stations, and how often by chance.

    Raises
    ------
    FileNotFoundError
        There is no catalogue yet.
    DamagedFileError
        The file is damaged.
    """
    return _read(network, "class_associations.parquet", f"no coincidences have been counted yet; {CATALOGUE_AGAIN}")


def read_repeaters(network: StationDays) -> pd.DataFrame:
    """Return the events that belong to families of repeating events.

    Raises
    ------
    FileNotFoundError
        They have not been sought; `catalogue.repeaters` of the settings asks for them.
    DamagedFileError
        The file is damaged.
    """
    wanted = "`ris run --only find_repeaters`"
    if network.settings.catalogue.repeaters is None:
        wanted = f"set catalogue.repeaters in the settings (`{{}}` for the defaults), then {wanted}"
    return _read(network, "repeaters.parquet", f"no families of repeating events have been sought; {wanted}")


def _read(network: StationDays, name: str, absent: str) -> pd.DataFrame:
    path = network.layout.analysis(name)
    if not path.exists():
        raise FileNotFoundError(f"{path}: {absent}")
    return tables.read_table(path)
