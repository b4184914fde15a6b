"""The table of rates on disk: from the catalogue and live intervals, station-days without labels, currency, damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from catalogue_builders import network_of, write_catalogue, write_live

from ris_core.access import read_class_rates, read_hourly_counts
from ris_core.catalogue.catalogue_reading import NoCatalogueError
from ris_core.clustering.champion import Champion, appoint
from ris_core.rates.labelled_time import NoLabelledEventsError, labelled_time
from ris_core.rates.rate_figures import rate_figures
from ris_core.rates.rate_run import NoRatesError, make_rates, rates_are_current
from ris_core.station_days.station_days import StationDays
from ris_core.statistics.statistics_run import make_statistics
from ris_core.storage.damage import DamagedFileError

DAYS = [("A", "2015-11-30"), ("A", "2015-12-01"), ("B", "2015-12-01")]
ROWS = [
    {"station": "A", "time_on": "2015-11-30 10:00", "label": 0},
    {"station": "A", "time_on": "2015-12-01 10:00", "label": 0},
    {"station": "A", "time_on": "2015-12-01 10:30", "label": 1},
]


@pytest.fixture
def small(tmp_path: Path) -> StationDays:
    network = network_of(tmp_path)
    write_live(network, [(station, f"{day} 06:00", f"{day} 18:00") for station, day in DAYS])
    write_catalogue(network, ROWS, DAYS)
    return network


def test_rates_are_made_from_catalogue_and_live_intervals_and_read_again(small: StationDays) -> None:
    made = make_rates(small)
    table = read_class_rates(small)
    assert len(table) == len(made.table) and table.attrs["correction"] == made.summary["correction"]
    whole = read_class_rates(small, bins="whole", stations="A", classes="rift").iloc[0]
    assert (whole["events"], whole["live_hours"]) == (2, 24.0)
    assert whole["rate"] == pytest.approx(2 / 24)
    # B was live and heard nothing.
    assert read_class_rates(small, bins="whole", stations="B")["events"].tolist() == [0, 0]
    assert read_class_rates(small, bins=["day"], stations="A", classes=[0])["name"].tolist() == [
        "2015-11-30",
        "2015-12-01",
    ]


def test_a_station_day_with_an_unlabelled_event_counts_neither_events_nor_time(tmp_path: Path) -> None:
    network = network_of(tmp_path)
    write_live(network, [(station, f"{day} 06:00", f"{day} 18:00") for station, day in DAYS])
    write_catalogue(network, [*ROWS, {"station": "A", "time_on": "2015-11-30 11:00", "label": -1}], DAYS)
    made = make_rates(network)
    assert made.summary["left_out"] == ["A 2015-11-30"]
    assert "job label" in made.summary["doubts"][0]
    whole = read_class_rates(network, bins="whole", stations="A", classes=0).iloc[0]
    assert (whole["events"], whole["live_hours"]) == (1, 12.0)


def test_without_any_label_it_is_said_which_jobs_make_them(tmp_path: Path) -> None:
    network = network_of(tmp_path)
    with pytest.raises(NoCatalogueError):
        make_rates(network)
    write_live(network, [("A", "2015-11-30 06:00", "2015-11-30 18:00")])
    write_catalogue(network, [ROWS[0] | {"label": -1}], DAYS[:1])
    with pytest.raises(NoLabelledEventsError, match="job label"):
        make_rates(network)


def test_live_time_without_any_event_gives_zeros_of_each_class_of_the_champion(tmp_path: Path) -> None:
    network = network_of(tmp_path)
    write_live(network, [("A", "2015-11-30 06:00", "2015-11-30 18:00")])
    write_catalogue(network, [], DAYS[:1])
    assert make_rates(network).table.empty
    assert make_statistics(network).lost() == []
    names = {0: "rift", 1: "thermal"}
    appoint(network.layout, Champion(2, "m", "here", (0, 1), 2, {}, {}, "", names=names))
    whole = make_rates(network).table.query("bin == 'whole' and station == 'A'")
    assert whole["events"].tolist() == [0, 0] and whole["rate_high"].tolist() == pytest.approx(
        [3.6889 / 12] * 2, abs=1e-4
    )
    drawn = dict(rate_figures(make_rates(network).table, 0.95, {}))
    assert len(drawn) == 5


def test_a_network_that_still_records_ends_with_its_last_live_day(tmp_path: Path) -> None:
    network = network_of(tmp_path, last_day=None)
    write_live(network, [("A", "2015-11-30 00:00", "2015-12-01 00:00"), ("A", "2015-12-01 00:00", "2015-12-01 12:00")])
    write_catalogue(network, ROWS[:1], DAYS[:2])
    whole = make_rates(network).table.query("bin == 'whole' and station == 'A' and label == 0").iloc[0]
    assert (whole["live_hours"], whole["live_share"]) == (36.0, 0.75)


def test_live_time_of_station_days_that_the_catalogue_does_not_have_does_not_count(small: StationDays) -> None:
    write_live(small, [("B", "2015-12-02 00:00", "2015-12-02 12:00")])
    live = labelled_time(small, []).live
    assert live is not None and live["start"].dt.date.astype(str).max() == "2015-12-01"


def test_rates_are_current_until_catalogue_or_settings_change(small: StationDays, tmp_path: Path) -> None:
    assert not rates_are_current(small)
    make_rates(small)
    assert rates_are_current(small)
    assert not rates_are_current(network_of(tmp_path, rates={"level": 0.9}))
    write_catalogue(small, ROWS, DAYS, inputs="other live intervals")
    assert not rates_are_current(small)
    make_rates(small)
    assert rates_are_current(small)


def test_damage_is_found_and_absence_is_said(small: StationDays) -> None:
    with pytest.raises(NoRatesError, match="job update_catalogue"):
        read_class_rates(small)
    make_rates(small)
    path = small.layout.analysis("class_rates.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert not rates_are_current(small)
    with pytest.raises(DamagedFileError, match="class_rates"):
        read_class_rates(small)


def test_imported_events_have_no_rates_and_the_reason_is_given(tmp_path: Path) -> None:
    network = network_of(tmp_path, source={"kind": "published"})
    write_catalogue(network, ROWS, DAYS)
    made = make_rates(network)
    assert "imported" in made.summary["no_live_time"] and str(tmp_path) not in made.summary["no_live_time"]
    table = read_class_rates(network)
    assert "imported" in table.attrs["no_live_time"]
    assert table["rate"].isna().all() and (table["events"] > 0).all()
    with pytest.raises(ValueError, match="imported"):
        read_class_rates(network, need_rates=True)


def test_hourly_counts_hold_hours_with_live_time(small: StationDays) -> None:
    hours = read_hourly_counts(small, stations="A", classes="rift")
    assert len(hours) == 24 and hours["events"].sum() == 2
    assert (hours["live_hours"] == 1).all()


def test_unknown_stations_kinds_of_bins_and_classes_are_refused(small: StationDays) -> None:
    make_rates(small)
    with pytest.raises(KeyError, match="C"):
        read_class_rates(small, stations="C")
    with pytest.raises(ValueError, match="fortnight"):
        read_class_rates(small, bins="fortnight")
    with pytest.raises(ValueError, match="whale"):
        read_class_rates(small, classes="whale")
