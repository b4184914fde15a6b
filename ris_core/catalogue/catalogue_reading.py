"""Reading the catalogue: only months in question are opened, and of them only wanted columns and rows are unpacked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ris_core.catalogue.catalogue_schema import CATALOGUE_SCHEMA
from ris_core.contracts.station_day import StationDay
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout

CATALOGUE_AGAIN = "`ris run --only update_catalogue` brings it up to date"
_FILE = re.compile(r"year=(\d{4})/month=(\d{2})\.parquet")
Month = tuple[int, int]
"""Year and month."""


class NoCatalogueError(FileNotFoundError):
    """There is no catalogue yet, or it has nothing of the wanted time."""


def months_on_disk(layout: Layout) -> list[Month]:
    """Return the months that have a file, in their order."""
    root = layout.catalogue(1970, 1).parent.parent
    found = (_FILE.fullmatch(path.relative_to(root).as_posix()) for path in root.glob("year=*/month=*.parquet"))
    return sorted((int(each[1]), int(each[2])) for each in found if each)


def catalogue_days(layout: Layout) -> list[StationDay]:
    """Return the station-days that the catalogue is made of, also those without events.

    Raises
    ------
    NoCatalogueError
        There is no catalogue.
    DamagedFileError
        A file of it is damaged.
    """
    found = []
    for path in _paths(layout, None, None).values():
        said = tables.read_summary(path).get("measured")
        if not isinstance(said, dict):
            raise DamagedFileError(path, "it does not say which station-days it is made of", CATALOGUE_AGAIN)
        for name in said:
            station, _, day = str(name).rpartition(" ")
            found.append(StationDay(station, date.fromisoformat(day)))
    return found


def load_catalogue(
    layout: Layout,
    stations: Collection[str] | None = None,
    classes: Collection[int | str] | None = None,
    first: date | None = None,
    last: date | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the events of the catalogue, sorted by time of the peak and then by identifier.

    Parameters
    ----------
    layout
        The data root.
    stations
        Codes; by default all.
    classes
        Numbers or names of classes; by default all, unlabelled events included.
    first, last
        UTC days of the peak, inclusive; by default all.
    columns
        Names of `CATALOGUE_SCHEMA`, in the order in which they are wanted; by default all.

    Returns
    -------
    DataFrame
        Without rows if nothing fits. Times are datetime64[ns, UTC].

    Raises
    ------
    NoCatalogueError
        There is no catalogue.
    ValueError
        There is no such column.
    DamagedFileError
        A file of a month in question does not match its digest.
    """
    paths = _paths(layout, first, last).values()
    wanted = list(CATALOGUE_SCHEMA.names if columns is None else columns)
    if unknown := [name for name in wanted if name not in CATALOGUE_SCHEMA.names]:
        raise ValueError(
            f"columns = {unknown}: the catalogue has no such columns; it has {', '.join(CATALOGUE_SCHEMA.names)}"
        )
    needed = {"time_peak", "event_id", *wanted}
    needed |= set() if stations is None else {"station"}
    needed |= set() if classes is None else {"label", "class_name"}
    names = [name for name in CATALOGUE_SCHEMA.names if name in needed]
    parts = [_filtered(tables.read_arrow(path, names), stations, classes, first, last) for path in paths]
    empty = pa.schema([CATALOGUE_SCHEMA.field(name) for name in names]).empty_table()
    found = pa.concat_tables([part for part in parts if part.num_rows] or [_plain(empty)])
    frame: pd.DataFrame = found.to_pandas()
    # An event at midnight may have its peak after the first ones of the next month.
    if len(parts) > 1 and not frame["time_peak"].is_monotonic_increasing:
        frame = frame.sort_values(["time_peak", "event_id"], kind="stable", ignore_index=True)
    return frame[wanted]


def months_of_catalogue(
    layout: Layout,
    stations: Collection[str] | None = None,
    classes: Collection[int | str] | None = None,
    first: date | None = None,
    last: date | None = None,
) -> Iterator[tuple[Month, pa.Table]]:
    """Yield the selected rows month by month, so that one month at a time is in memory.

    Each event comes once, in the month of its peak (UTC), in the order of `load_catalogue`. Absent values stay absent,
    and NaN stays NaN.

    Parameters
    ----------
    layout, stations, classes, first, last
        As in `load_catalogue`.

    Raises
    ------
    NoCatalogueError, DamagedFileError
        As in `load_catalogue`.
    """
    pending = _plain(CATALOGUE_SCHEMA.empty_table())
    for (year, month), path in _paths(layout, first, last).items():
        found = tables.read_arrow(path, CATALOGUE_SCHEMA.names)
        pending = pa.concat_tables([pending, _filtered(found, stations, classes, first, last)])
        # An event at midnight may have its peak in the month after that of its onset, whose file comes next.
        yield from _by_month(pending, until=12 * year + month - 1)
        number = _month_number(pending)
        pending = pending.filter(pc.greater(number, 12 * year + month - 1))
    yield from _by_month(pending)


def _by_month(table: pa.Table, until: int | None = None) -> Iterator[tuple[Month, pa.Table]]:
    number = _month_number(table)
    for each in sorted(pc.unique(number).to_pylist()):
        if until is None or each <= until:
            own = table.filter(pc.equal(number, each))
            yield (each // 12, each % 12 + 1), own.sort_by([("time_peak", "ascending"), ("event_id", "ascending")])


def _month_number(table: pa.Table) -> pa.ChunkedArray:
    peak = table["time_peak"]
    return pc.add(pc.multiply(pc.year(peak), 12), pc.subtract(pc.month(peak), 1))


def _paths(layout: Layout, first: date | None, last: date | None) -> dict[Month, Path]:
    months = months_on_disk(layout)
    if not months:
        tables_of_days = layout.detections(StationDay("X", date(1970, 1, 1))).parent.parent
        processed = any(tables_of_days.glob("station=*/day=*.parquet"))
        before = "" if processed else "no station-day is processed: first `ris run`, which makes it too; later "
        remedy = before + CATALOGUE_AGAIN
        raise NoCatalogueError(f"{layout.root}: there is no catalogue of events yet; {remedy}")
    # An event belongs to the day of its onset.
    since = None if first is None else first - timedelta(days=1)
    return {
        month: layout.catalogue(*month)
        for month in months
        if (since is None or month >= (since.year, since.month)) and (last is None or month <= (last.year, last.month))
    }


def _plain(table: pa.Table) -> pa.Table:
    return table.cast(pa.schema([field.remove_metadata() for field in table.schema]))


def _filtered(
    table: pa.Table,
    stations: Collection[str] | None,
    classes: Collection[int | str] | None,
    first: date | None,
    last: date | None,
) -> pa.Table:
    kept = []
    if stations is not None:
        kept.append(pc.is_in(table["station"], pa.array(sorted(stations), pa.string())))
    if classes is not None:
        numbers = sorted(number for number in classes if not isinstance(number, str))
        names = sorted(name for name in classes if isinstance(name, str))
        kept.append(
            pc.or_(
                pc.is_in(table["label"], pa.array(numbers, pa.int32())),
                pc.is_in(table["class_name"], pa.array(names, pa.string())),
            )
        )
    if first is not None:
        kept.append(pc.greater_equal(table["time_peak"], _midnight(first)))
    if last is not None:
        kept.append(pc.less(table["time_peak"], _midnight(last + timedelta(days=1))))
    for mask in kept[1:]:
        kept[0] = pc.and_(kept[0], mask)
    return _plain(table.filter(kept[0]) if kept else table)


def _midnight(day: date) -> pa.Scalar:
    return pa.scalar(pd.Timestamp(day, tz="UTC").value, pa.timestamp("ns", tz="UTC"))
