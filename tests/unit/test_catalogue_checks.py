"""The checks of the catalogue see what is wrong with it."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.catalogue_network import settings_of, write_day
from ris_core.catalogue.catalogue_checks import doubled_or_unsorted, labelled_events_missing
from ris_core.catalogue.catalogue_schema import CATALOGUE_SCHEMA
from ris_core.catalogue.catalogue_update import update_catalogue
from ris_core.contracts.station_day import NS
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.layout import open_layout

MONTH = (2015, 1)


@pytest.fixture
def network(tmp_path: Path) -> StationDays:
    settings = settings_of(1, date(2015, 1, 1), 2)
    found = StationDays(settings, open_layout(settings, tmp_path / "data"))
    for key in settings.station_days():
        write_day(found.layout, key, key.start_ns + np.array([10, 20, 30]) * NS, np.array([0, 1, 2]))
    update_catalogue(found)
    return found


def rewritten(network: StationDays, rows: list[int]) -> None:
    """Write the catalogue with some of its rows, in some order."""
    path = network.layout.catalogue(*MONTH)
    stamp, _, _ = tables.read_stamp(path)
    assert stamp is not None
    frame = tables.read_table(path).iloc[rows]
    times = {name: frame[name].astype("int64") for name in ("time_peak", "time_on", "time_off")}
    reviewed = pd.Series([None] * len(frame), index=frame.index, dtype=object)
    tables.write_table(
        path, frame.assign(**times, reviewed=reviewed), CATALOGUE_SCHEMA, stamp, tables.read_summary(path)
    )


def test_nothing_is_wrong_with_a_catalogue_that_was_made(network: StationDays) -> None:
    assert labelled_events_missing(network, [MONTH]) == []
    assert doubled_or_unsorted(network) == ([], [])


def test_missing_doubled_and_unsorted_events_are_named(network: StationDays) -> None:
    rewritten(network, [0, 2, 1, 4, 4])
    (missing,) = labelled_events_missing(network, [MONTH])
    assert missing.startswith("2015-01: 2 labelled events are not in the catalogue (XX.S01..HHZ.20150102T000010")
    (doubled,), (unsorted,) = doubled_or_unsorted(network)
    assert doubled.startswith("1 events come twice (XX.S01..HHZ.20150102T000020")
    assert unsorted == "1 events come before an earlier one"


def test_labels_that_vanished_are_seen(network: StationDays) -> None:
    network.layout.labels(next(network.all())).unlink()
    assert "3 labelled events are without a label table" in labelled_events_missing(network, [MONTH])[0]
