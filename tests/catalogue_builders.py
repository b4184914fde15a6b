"""A catalogue of events and live intervals on disk, made of a few rows instead of waveforms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ris_core.catalogue.catalogue_schema import CATALOGUE_SCHEMA
from ris_core.catalogue.month_rows import as_written
from ris_core.config import Settings
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays
from ris_core.storage import table_schemas, tables

NAMES = {-1: "unlabelled", 0: "rift", 1: "thermal", 2: "noise"}


def network_of(root: Path, **sections: Any) -> StationDays:
    """Return a network of two stations, A and B, from 30 November to 2 December 2015, without any product."""
    values = {
        "network": {"name": "small", "code": "XX"},
        "stations": [
            {"code": "A", "latitude": -78.0, "longitude": 170.0},
            {"code": "B", "latitude": -78.5, "longitude": -175.0},
        ],
        "first_day": "2015-11-30",
        "last_day": "2015-12-02",
        "source": {"kind": "sds", "root": str(root / "archive")},
        "champion": {"names": {0: "rift", 1: "thermal", 2: "noise"}},
    }
    return StationDays.open(Settings.model_validate(values | sections), root / "data")


def events_of(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows of the catalogue; each row gives at least station, time_on and label."""
    found = []
    for number, row in enumerate(rows):
        time = pd.Timestamp(row["time_on"], tz="UTC")
        label = int(row["label"])
        found.append(
            {
                "event_id": f"XX.{row['station']}..HHZ.{time:%Y%m%dT%H%M%S}.{number:06d}",
                "time_peak": time + pd.Timedelta(seconds=1),
                "time_off": time + pd.Timedelta(seconds=3),
                "class_name": NAMES[label],
                "probability": 0.9,
                "probability_kind": "membership",
                "novelty": 0.1,
                "assigned": label >= 0,
                "reviewed": None,
                "peak_counts": 100.0,
                "peak_acceleration": np.nan,
                "acceleration_note": "no response",
                "snr": 12.0,
                "peak_frequency": 7.0,
                "centroid_frequency": 8.0,
                "duration": 1.0,
                "distance": 0.5,
                "characteristic_max": 20.0,
                "found_by": "recursive_sta_lta",
                "model_version": "model-1" if label >= 0 else "",
                "source_id": "",
                **row,
                "time_on": time,
            }
        )
    if not found:
        empty: pd.DataFrame = CATALOGUE_SCHEMA.empty_table().to_pandas()
        return empty
    frame = pd.DataFrame(found)
    for name in ("time_on", "time_peak", "time_off"):
        frame[name] = frame[name].dt.as_unit("ns")
    return frame.sort_values(["time_peak", "event_id"], ignore_index=True)[CATALOGUE_SCHEMA.names]


def write_catalogue(
    network: StationDays, rows: Iterable[Mapping[str, Any]], days: Sequence[tuple[str, str]], inputs: str = "first"
) -> pd.DataFrame:
    """Write the catalogue of station-days; the rows belong to them."""
    events, layout = events_of(rows), network.layout
    keys = [StationDay(station, date.fromisoformat(day)) for station, day in days]
    for month in sorted({(key.day.year, key.day.month) for key in keys}):
        own = events[(events["time_on"].dt.year == month[0]) & (events["time_on"].dt.month == month[1])]
        of_month = {str(key): "digest" for key in keys if (key.day.year, key.day.month) == month}
        summary = {"events": len(own), "unlabelled": int((own["label"] < 0).sum()), "measured": of_month}
        tables.write_table(
            layout.catalogue(*month), as_written(own), CATALOGUE_SCHEMA, Stamp("s", "1", inputs), summary
        )
    return events


def write_live(network: StationDays, rows: Iterable[tuple[str, str, str]]) -> None:
    """Write the live intervals of station-days: station, start and end within one day."""
    frame = pd.DataFrame(list(rows), columns=["station", "start", "end"])
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ns")
    for (station, day), own in frame.groupby(["station", frame["start"].dt.date]):
        path = network.layout.live(StationDay(str(station), day))
        tables.write_table(path, own, table_schemas.LIVE_SCHEMA, Stamp("s", "1", "i"))
