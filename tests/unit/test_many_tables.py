"""Many tables read as one: rows in order, chosen columns, and any damage named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ris_core.access import read_detections, read_labels
from ris_core.config import Settings
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays
from ris_core.storage import table_schemas, tables
from ris_core.storage.damage import DamagedFileError

STATIONS = ("AA", "BB")
DAYS = 40  # more tables than a thread takes at once
VALUES = {
    "network": {"name": "many", "code": "XX"},
    "stations": [{"code": code, "latitude": -78.0, "longitude": 170.0} for code in STATIONS],
    "first_day": "2015-01-01",
    "last_day": "2015-02-09",
    "source": {"kind": "synthetic"},
    "champion": {"names": {2: "tremor"}},
}


def write_labels(path: Path, station: str, number: int, k: int = 3, events: int = 3) -> None:
    frame = pd.DataFrame(
        {
            "event_id": [f"{station} {number} {event}" for event in range(events)],
            "station": station,
            "time_peak": 1_000_000 * number + np.arange(events),
            "label": np.arange(events) % k,
            "probability": 0.5,
            "probabilities": list(np.full((events, k), 1 / k, np.float32)),
            "latent": list(np.full((events, 9), number, np.float32)),
            "reconstruction_error": None,
            "novelty": 0.5,
            "assigned": [True] * events,
            "model_version": f"k{k}",
        }
    )
    tables.write_table(path, frame, table_schemas.label_schema(k), Stamp("s", "1", "i"))


@pytest.fixture
def network(tmp_path: Path) -> StationDays:
    """Make a network with label tables: some have no events, others are by a model of more clusters."""
    found = StationDays.open(Settings.model_validate(VALUES), tmp_path)
    for number, key in enumerate(found.settings.station_days()):
        path, k, events = found.layout.labels(key), 3 if number < 50 else 5, 0 if number % 10 == 0 else 3
        write_labels(path, key.station, number, k, events)
    return found


def slowly(network: StationDays) -> pd.DataFrame:
    frames = [tables.read_table(network.layout.labels(key)) for key in network.settings.station_days()]
    return pd.concat([frame for frame in frames if len(frame)], ignore_index=True)


def test_the_rows_come_in_the_order_of_stations_and_days(network: StationDays) -> None:
    expected = slowly(network)
    found = read_labels(network)
    assert found.columns[found.columns.get_loc("label") + 1] == "class_name"
    assert set(found["class_name"]) == {"0", "1", "tremor"}
    pd.testing.assert_frame_equal(found.drop(columns="class_name"), expected)
    one = read_labels(network, stations="BB", first="2015-01-05", last="2015-01-06")
    keys = [key for key in network.settings.station_days() if key.station == "BB" and key.day.day in (5, 6)][:2]
    assert one["event_id"].tolist() == [
        name for key in keys for name in tables.read_table(network.layout.labels(key))["event_id"]
    ]


def test_only_the_columns_that_are_asked_for_come_in_their_order(network: StationDays) -> None:
    expected = slowly(network)
    chosen = ["time_peak", "station", "label"]
    pd.testing.assert_frame_equal(read_labels(network, columns=chosen), expected[chosen])
    named = read_labels(network, columns=["class_name", "event_id"])
    assert named.columns.tolist() == ["class_name", "event_id"]
    assert named["class_name"].tolist() == ["tremor" if n == 2 else str(n) for n in expected["label"]]
    assert read_labels(network, columns="station")["station"].tolist() == expected["station"].tolist()


def test_a_column_that_no_table_has_is_named(network: StationDays) -> None:
    with pytest.raises(ValueError, match=r"\['lable'\].*label, .*class_name"):
        read_labels(network, columns=["station", "lable"])
    with pytest.raises(ValueError, match=r"\['class_name'\]"):
        read_detections(network, columns=["class_name"])


def test_tables_without_events_are_an_empty_table_with_all_columns(network: StationDays) -> None:
    found = read_labels(network, "AA", first="2015-01-01", last="2015-01-01")
    assert len(found) == 0
    assert found.columns.tolist()[:5] == ["event_id", "station", "time_peak", "label", "class_name"]


@pytest.mark.parametrize("place", [10, -20, -700])
def test_a_damaged_byte_anywhere_is_named_whatever_the_columns(network: StationDays, place: int) -> None:
    path = network.layout.labels(StationDay("BB", network.settings.days()[-1]))
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DamagedFileError, match=str(path)):
        read_labels(network, columns=["station"])


def test_tables_of_an_earlier_version_are_read_by_the_digest_of_their_rows(network: StationDays) -> None:
    expected = slowly(network)
    path = network.layout.labels(StationDay("AA", network.settings.days()[3]))
    pq.write_table(pq.read_table(path, partitioning=None), path, compression="zstd")
    pd.testing.assert_frame_equal(read_labels(network, columns=["label"]), expected[["label"]])
