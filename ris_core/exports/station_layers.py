"""Stations with the events and rates of their classes, as GeoParquet and as GeoPackage."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from ris_core.catalogue.catalogue_schema import NO_LABEL
from ris_core.catalogue.station_positions import positions
from ris_core.exports.selection import Selection
from ris_core.rates.exposure import HOUR_NS
from ris_core.rates.labelled_time import NoLabelledEventsError
from ris_core.rates.rate_run import counted_events
from ris_core.station_days.station_days import StationDays

if TYPE_CHECKING:
    import geopandas

EXTRA = "release"
GEOPARQUET, GEOPACKAGE = "stations.parquet", "stations.gpkg"
# GDAL writes the time of writing into a GeoPackage; the same stations are to give the same bytes.
_NO_TIME = {"OGR_CURRENT_DATE": "1970-01-01T00:00:00.000Z"}


class MissingReleaseExtraError(ImportError):
    """geopandas and pyogrio are not installed."""

    def __init__(self) -> None:
        super().__init__(
            "stations as GeoParquet and GeoPackage need geopandas and pyogrio: install the extra "
            f"`ris-dagster[{EXTRA}]` (in a checkout: `pip install -c constraints.txt -e '.[{EXTRA}]'`)"
        )


@dataclass(frozen=True, eq=False)
class StationTable:
    """Stations, and what is said of them.

    Attributes
    ----------
    stations
        One row per station: see `station_schema`.
    classes
        label, class_name, events: the classes of the columns.
    notes
        What is not known, in words.
    """

    stations: pd.DataFrame = field(repr=False)
    classes: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()


def require_geopandas() -> None:
    """Raise `MissingReleaseExtraError` unless geopandas and pyogrio are installed."""
    try:
        import geopandas
        import pyogrio  # noqa: F401  # geopandas needs it to write a GeoPackage
    except ImportError as error:
        raise MissingReleaseExtraError from error
    del geopandas


def station_table(
    network: StationDays, selection: Selection, counts: Mapping[tuple[str, int], int], names: Mapping[int, str]
) -> StationTable:
    """Return the stations of a selection with the events of each class and their rates.

    Parameters
    ----------
    network, selection
        The network, and what is selected.
    counts
        Selected events by station and class number.
    names
        Names of the selected classes by number.
    """
    settings, notes = network.settings, list[str]()
    places = positions(settings, network.layout)
    codes = [code for code in network.stations if selection.stations is None or code in selection.stations]
    numbers = sorted(number for number in names if number != NO_LABEL)
    rates, why = _rates(network, selection)
    notes += [why] if why else []
    rows = []
    for code in codes:
        station = settings.station(code)
        latitude, longitude = places.get(code, (np.nan, np.nan))
        known = "elevation" in station.model_fields_set
        row: dict[str, object] = {
            "network": settings.network.code,
            "station": code,
            "latitude": latitude,
            "longitude": longitude,
            "elevation": station.elevation if known else np.nan,
            "live_hours": rates.hours.get(code, np.nan),
            "events": sum(n for (of, _), n in counts.items() if of == code),
            "unlabelled": counts.get((code, NO_LABEL), 0),
        }
        row |= {f"events_{number}": counts.get((code, number), 0) for number in numbers}
        row |= {f"rate_{number}": rates.per_hour.get((code, number), np.nan) for number in numbers}
        rows.append(row)
    if without := [code for code in codes if code not in places]:
        notes.append(f"{', '.join(without)}: no position is known, so these stations have no point")
    classes = pd.DataFrame(
        {
            "label": numbers,
            "class_name": [names[number] for number in numbers],
            "events": [sum(n for (_, of), n in counts.items() if of == number) for number in numbers],
        }
    )
    return StationTable(pd.DataFrame(rows, columns=station_schema(dict.fromkeys(numbers, "")).names), classes,
                        tuple(notes))  # fmt: skip


@dataclass(frozen=True)
class _Rates:
    hours: Mapping[str, float] = field(default_factory=dict)
    per_hour: Mapping[tuple[str, int], float] = field(default_factory=dict)


def _rates(network: StationDays, selection: Selection) -> tuple[_Rates, str]:
    """Return live hours and rates of the selected days, or why there are none."""
    try:
        counted, of_labels = counted_events(network)
    except NoLabelledEventsError:
        return _Rates(), "there are no rates: no event of the catalogue has a label"
    if counted.live is None:
        return _Rates(), f"there are no rates: {of_labels.no_live_time}"
    start, stop = counted.edges[:-1], counted.edges[1:]
    days = np.ones(len(start), bool)
    if selection.first is not None:
        days &= start >= pd.Timestamp(selection.first, tz="UTC").value
    if selection.last is not None:
        days &= stop <= (pd.Timestamp(selection.last, tz="UTC") + pd.Timedelta(days=1)).value
    hours = counted.live[:, days].sum(axis=1) / HOUR_NS
    events = counted.events[:, days].sum(axis=1)
    live = {code: float(value) for code, value in zip(counted.stations, hours, strict=True)}
    per_hour = {
        (code, number): float(events[row, column] / hours[row]) if hours[row] else np.nan
        for row, code in enumerate(counted.stations)
        for column, number in enumerate(counted.numbers)
    }
    return _Rates(live, per_hour), of_labels.left_out


def station_schema(names: Mapping[int, str]) -> pa.Schema:
    """Return the columns of the stations' table, without the point, for classes by number."""
    numbers = sorted(number for number in names if number != NO_LABEL)
    return pa.schema(
        [
            _field("network", pa.string(), "FDSN network code"),
            _field("station", pa.string(), "FDSN station code"),
            _field("latitude", pa.float64(), "Latitude (WGS84); NaN if not known", "degrees"),
            _field("longitude", pa.float64(), "Longitude (WGS84); NaN if not known", "degrees"),
            _field("elevation", pa.float64(), "Elevation of the ground; NaN if the settings do not give it", "m"),
            _field(
                "live_hours",
                pa.float64(),
                "Time of the selected days in which a detection could start, of station-days all of whose events are "
                "labelled; NaN if not known, as of imported events",
                "h",
            ),
            _field("events", pa.int64(), "Selected events of all classes, unlabelled ones included"),
            _field("unlabelled", pa.int64(), "Selected events without a label"),
            *(_field(f"events_{n}", pa.int64(), f"Selected events of the class {_title(n, names)}") for n in numbers),
            *(
                _field(
                    f"rate_{n}",
                    pa.float64(),
                    f"Events of the class {_title(n, names)} per hour of live_hours: those whose trigger began in it",
                    "1/h",
                )
                for n in numbers
            ),
        ]
    )


def _title(number: int, names: Mapping[int, str]) -> str:
    name = names[number]
    return str(number) if name in ("", str(number)) else f"{number} ({name})"


def _field(name: str, kind: pa.DataType, about: str, unit: str = "") -> pa.Field:
    said = {"description": about, "unit": unit}
    return pa.field(name, kind, False, {key: text for key, text in said.items() if text})


def _layer(table: StationTable) -> geopandas.GeoDataFrame:
    import geopandas

    frame = table.stations
    points = geopandas.points_from_xy(frame["longitude"], frame["latitude"], crs="EPSG:4326")
    known = frame["latitude"].notna().to_numpy()
    geometry = geopandas.GeoSeries(points, index=frame.index).where(known, None)
    return geopandas.GeoDataFrame(frame, geometry=geometry, crs="EPSG:4326")


def write_geoparquet(table: StationTable, path: Path) -> None:
    """Write the stations as GeoParquet; raises `MissingReleaseExtraError`."""
    require_geopandas()
    _layer(table).to_parquet(path, index=False)


def write_geopackage(table: StationTable, path: Path) -> None:
    """Write the stations as GeoPackage, with the layers ``stations`` and ``classes``.

    Raises
    ------
    MissingReleaseExtraError
        geopandas or pyogrio is not installed.
    """
    require_geopandas()
    import pyogrio

    pyogrio.set_gdal_config_options(_NO_TIME)
    try:
        # GDAL wants the suffix, which the path of a file that is being written does not have.
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder) / GEOPACKAGE
            pyogrio.write_dataframe(_layer(table), written, layer="stations", driver="GPKG")
            pyogrio.write_dataframe(table.classes, written, layer="classes", driver="GPKG")
            shutil.copyfile(written, path)
    finally:
        pyogrio.set_gdal_config_options(dict.fromkeys(_NO_TIME))
