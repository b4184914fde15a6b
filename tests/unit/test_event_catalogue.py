"""The catalogue of events: what is in it, and what an update writes."""

import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from waveform_builders import make_settings

from bench.catalogue_network import settings_of, write_day, write_labels
from ris_core.access import read_associations, read_catalogue, read_class_associations, read_repeaters
from ris_core.catalogue.catalogue_reading import NoCatalogueError, catalogue_days, months_on_disk
from ris_core.catalogue.catalogue_schema import CATALOGUE_SCHEMA
from ris_core.catalogue.catalogue_update import (
    NothingProcessedError,
    event_catalogue_is_current,
    update_catalogue,
)
from ris_core.catalogue.station_positions import positions, without_position
from ris_core.config import Settings
from ris_core.contracts.decision import Decision
from ris_core.contracts.station_day import NS, StationDay
from ris_core.review.log import ReviewLog
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import open_layout

FIRST = date(2015, 1, 30)
DAYS = [FIRST + timedelta(days=n) for n in range(4)]
JANUARY, FEBRUARY = (2015, 1), (2015, 2)


def times(key: StationDay, *seconds: float) -> np.ndarray:
    return np.array([key.start_ns + round(s * NS) for s in seconds], dtype=np.int64)


def opened(root: Path, stations: int = 2, **catalogue: object) -> StationDays:
    settings = settings_of(stations, FIRST, len(DAYS), **catalogue)
    return StationDays(settings, open_layout(settings, root / "data"))


@pytest.fixture
def network(tmp_path: Path) -> Iterator[StationDays]:
    """Two stations, the last two days of January and the first two of February; S02 hears all of S01 3 s later."""
    found = opened(tmp_path)
    for key in found.settings.station_days():
        late = 3.0 if key.station == "S02" else 0.0
        # The last event of a day of S01 is heard at S02 after midnight, with its onset before.
        when = times(key, 1000 + late, 40_000 + late, 86_399 + late)
        write_day(found.layout, key, when, np.array([0, 1, 2]))
    yield found


def test_every_event_is_in_the_catalogue_once_and_in_the_order_of_time(network: StationDays) -> None:
    found = update_catalogue(network)
    catalogue = read_catalogue(network)
    assert list(catalogue.columns) == CATALOGUE_SCHEMA.names
    assert found.written == (JANUARY, FEBRUARY)
    assert len(catalogue) == found.events == 2 * 4 * 3
    assert sorted(catalogue_days(network.layout)) == sorted(network.settings.station_days())
    assert catalogue["event_id"].is_unique
    assert catalogue["time_peak"].is_monotonic_increasing
    assert catalogue["label"].value_counts().to_dict() == {0: 8, 1: 8, 2: 8}
    assert set(catalogue["class_name"]) == {"0", "1", "2"}
    assert set(catalogue["probability_kind"]) == {"membership"}
    assert catalogue["probability"].to_numpy() == pytest.approx(0.9)
    assert catalogue["reviewed"].isna().all()
    assert set(catalogue["acceleration_note"]) == {"no response"}
    # A pulse of 0.8 s around 9 Hz.
    assert catalogue["peak_frequency"].to_numpy() == pytest.approx(9.0, abs=1.5)
    assert catalogue["duration"].to_numpy() == pytest.approx(0.8, abs=0.1)


def test_an_update_writes_only_months_that_have_changed(network: StationDays) -> None:
    assert not event_catalogue_is_current(network)
    update_catalogue(network)
    assert event_catalogue_is_current(network)
    again = update_catalogue(network)
    assert (again.written, again.kept) == ((), (JANUARY, FEBRUARY))
    # The second day of February is no neighbour of January.
    key = StationDay("S01", DAYS[3])
    write_labels(network.layout, key, np.array([5, 5, 5]))
    assert not event_catalogue_is_current(network)
    changed = update_catalogue(network)
    assert changed.written == (FEBRUARY,)
    assert changed.content != again.content
    labels = read_catalogue(network, stations="S01", first=DAYS[3])["label"]
    assert labels.tolist() == [5, 5, 5]


def test_a_station_day_that_vanished_is_gone_from_the_catalogue_and_so_is_an_empty_month(network: StationDays) -> None:
    update_catalogue(network)
    layout = network.layout
    for day in DAYS[2:]:
        for station in ("S01", "S02"):
            layout.detections(StationDay(station, day)).unlink()
    found = update_catalogue(network)
    assert (found.removed, found.written) == ((FEBRUARY,), (JANUARY,))
    assert months_on_disk(layout) == [JANUARY]
    assert event_catalogue_is_current(network)


def test_sources_across_the_border_of_months_are_one(network: StationDays) -> None:
    update_catalogue(network)
    catalogue = read_catalogue(network)
    sources = catalogue.groupby("source_id").size()
    assert "" not in sources.index
    assert set(sources) == {2}
    first = catalogue[catalogue["source_id"] == catalogue["event_id"]]
    assert set(first["station"]) == {"S01"}
    assert len(first) == 12
    (pair,) = read_associations(network).to_dict("records")
    assert (pair["station_a"], pair["station_b"], pair["coincidences"], pair["associated"]) == ("S01", "S02", 12, 12)
    assert pair["live_hours"] == pytest.approx(96)
    assert pair["longest_difference"] == pytest.approx(pair["distance"] / 2 + 1, abs=1e-6)
    classes = read_class_associations(network)
    assert classes[["label", "events", "coincidences"]].values.tolist() == [[0, 8, 4], [1, 8, 4], [2, 8, 4]]


def test_other_classes_that_take_part_change_the_sources_of_all_months(network: StationDays) -> None:
    update_catalogue(network)
    assert read_class_associations(network)["takes_part"].all()
    before = read_catalogue(network)
    chosen = opened(network.layout.root.parent, source_classes=[1])
    assert not event_catalogue_is_current(chosen)
    assert update_catalogue(chosen).written == (JANUARY, FEBRUARY)
    catalogue = read_catalogue(chosen)
    assert set(catalogue["label"][catalogue["source_id"] != ""]) == {1}
    assert read_class_associations(chosen)["takes_part"].tolist() == [False, True, False]
    pd.testing.assert_frame_equal(catalogue.drop(columns="source_id"), before.drop(columns="source_id"))
    # By chance classes are chosen by all months together: here only class 0 of the last day is heard by both.
    for key in network.settings.station_days():
        write_labels(network.layout, key, np.array([0, 1, 1] if key.station == "S01" else [0, 2, 2]))
    assert update_catalogue(network).written == (JANUARY, FEBRUARY)
    assert event_catalogue_is_current(network)
    catalogue = read_catalogue(network)
    assert set(catalogue["label"][catalogue["source_id"] != ""]) == {0}


def test_an_update_of_parts_is_the_same_as_one_of_all(network: StationDays, tmp_path: Path) -> None:
    late = [StationDay(station, DAYS[2]) for station in ("S01", "S02")]
    moved = {key: [path(key) for path in (network.layout.detections, network.layout.labels)] for key in late}
    for paths in moved.values():
        for path in paths:
            path.rename(path.with_suffix(".away"))
    update_catalogue(network)
    for paths in moved.values():
        for path in paths:
            path.with_suffix(".away").rename(path)
    # The first day of February is a neighbour of January.
    assert update_catalogue(network).written == (JANUARY, FEBRUARY)
    before = read_catalogue(network)
    for month in (JANUARY, FEBRUARY):
        network.layout.catalogue(*month).unlink()
    update_catalogue(network)
    pd.testing.assert_frame_equal(read_catalogue(network), before)


def test_events_without_a_label_of_their_spectrogram_are_unlabelled(network: StationDays) -> None:
    key = StationDay("S02", DAYS[0])
    network.layout.labels(key).unlink()
    other = StationDay("S02", DAYS[1])
    write_day(network.layout, other, times(other, 10, 20), None, seed=1)  # its labels are of other spectrograms
    found = update_catalogue(network)
    assert found.unlabelled == 5
    unlabelled = read_catalogue(network, classes="unlabelled")
    assert set(unlabelled["label"]) == {-1}
    assert len(read_catalogue(network, classes=-1)) == 5
    assert unlabelled[["probability", "novelty", "distance"]].isna().all().all()
    assert set(unlabelled["model_version"]) == {""}
    assert not unlabelled["assigned"].any()


def test_filters_do_not_open_other_months(network: StationDays) -> None:
    update_catalogue(network)
    network.layout.catalogue(*FEBRUARY).write_bytes(b"damaged")
    found = read_catalogue(network, stations=["S02"], classes=[1, "2"], last=DAYS[1], columns=["label", "station"])
    assert list(found.columns) == ["label", "station"]
    # The last peak of each day of S02 is after midnight.
    assert sorted(found["label"]) == [1, 1, 2]
    with pytest.raises(DamagedFileError, match=r"month=02"):
        read_catalogue(network)
    assert not event_catalogue_is_current(network)
    assert update_catalogue(network).written == (FEBRUARY,)
    assert len(read_catalogue(network, first=DAYS[2])) == 13
    assert len(read_catalogue(network, first="2016-01-01")) == 0


def test_an_absent_catalogue_says_what_makes_it(network: StationDays) -> None:
    with pytest.raises(NoCatalogueError, match=r"yet; `ris run --only update_catalogue` brings"):
        read_catalogue(network)
    shutil.rmtree(network.layout.root / "detections")
    with pytest.raises(NoCatalogueError, match=r"no station-day is processed: first `ris run`"):
        read_catalogue(network)


def test_unknown_stations_and_columns_are_named(network: StationDays) -> None:
    update_catalogue(network)
    with pytest.raises(KeyError, match="S99"):
        read_catalogue(network, stations="S99")
    with pytest.raises(ValueError, match=r"no such columns.*event_id"):
        read_catalogue(network, columns=["event"])


def test_a_network_without_processed_days_has_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(NothingProcessedError, match="no station-day is processed"):
        update_catalogue(opened(tmp_path))


def test_detections_and_spectrograms_of_two_processings_are_left_out(network: StationDays) -> None:
    key = StationDay("S01", DAYS[0])
    spare = network.layout.spectrograms(key).read_bytes()
    write_day(network.layout, key, times(key, 5), np.array([1]), seed=7)
    network.layout.spectrograms(key).write_bytes(spare)
    found = update_catalogue(network)
    assert found.events == 21
    assert "not of one processing" in found.left_out[0]


def test_an_empty_station_day_is_no_trouble(tmp_path: Path) -> None:
    found = opened(tmp_path)
    key = StationDay("S01", FIRST)
    write_day(found.layout, key, times(key), np.array([], dtype=np.int64))
    assert update_catalogue(found).events == 0
    assert len(read_catalogue(found)) == 0
    assert len(read_associations(found)) == 1


def test_spectrograms_are_read_once(network: StationDays, monkeypatch: pytest.MonkeyPatch) -> None:
    from ris_core.catalogue import month_rows

    update_catalogue(network)
    read: list[Path] = []
    original = month_rows.spectral_columns
    monkeypatch.setattr(month_rows, "spectral_columns", lambda path, q: (read.append(path), original(path, q))[1])
    for key in network.settings.station_days():
        write_labels(network.layout, key, np.array([4, 4, 4]))
    before = read_catalogue(network)
    update_catalogue(network)
    assert read == []
    after = read_catalogue(network)
    pd.testing.assert_series_equal(after["duration"], before["duration"])
    assert set(after["label"]) == {4}


def test_names_of_the_settings_are_those_of_the_classes(network: StationDays) -> None:
    update_catalogue(network)
    named = network.settings.model_copy(
        update={"champion": network.settings.champion.model_copy(update={"names": {1: "rift"}})}
    )
    renamed = StationDays(named, network.layout)
    assert not event_catalogue_is_current(renamed)
    update_catalogue(renamed)
    assert len(read_catalogue(renamed, classes="rift")) == 8


def test_imported_events_have_no_chance_and_so_no_sources(network: StationDays) -> None:
    values = network.settings.model_dump(mode="json", exclude_unset=True) | {"source": {"kind": "published"}}
    imported = StationDays(Settings.model_validate(values), network.layout)
    for key in imported.all():
        imported.layout.live(key).unlink()
    update_catalogue(imported)
    assert set(read_catalogue(imported)["source_id"]) == {""}
    (pair,) = read_associations(imported).to_dict("records")
    assert np.isnan([pair["expected_by_chance"], pair["live_hours"]]).all()
    assert pair["coincidences"] == 12
    assert event_catalogue_is_current(imported)


def test_stations_without_a_position_have_no_sources(tmp_path: Path) -> None:
    settings = settings_of(2, FIRST, 1, source_classes="all")
    bare = [station.model_copy(update={"latitude": None, "longitude": None}) for station in settings.stations]
    settings = settings.model_copy(update={"stations": (settings.stations[0], *bare[1:])})
    found = StationDays(settings, open_layout(settings, tmp_path / "data"))
    for key in settings.station_days():
        write_day(found.layout, key, times(key, 1000), np.array([1]))
    update_catalogue(found)
    assert set(read_catalogue(found)["source_id"]) == {""}
    assert len(read_associations(found)) == 0
    known = positions(settings, found.layout)
    assert without_position(settings, known).startswith("S02: no position is known")


def test_positions_of_stationxml_are_used(tmp_path: Path) -> None:
    from obspy.core.inventory import Inventory, Network, Station

    from ris_core.waveforms.stored_response import write_response

    settings = settings_of(1, FIRST, 1)
    bare = settings.stations[0].model_copy(update={"latitude": None, "longitude": None})
    settings = settings.model_copy(update={"stations": (bare,)})
    layout = open_layout(settings, tmp_path / "data")
    made = Inventory([Network("XX", [Station("S01", -79.5, 171.25, 50.0)])], source="test")
    path = tmp_path / "station.xml"
    made.write(str(path), format="STATIONXML")
    write_response(layout.inventory("S01"), path.read_bytes())
    assert positions(settings, layout) == {"S01": (-79.5, 171.25)}


def test_a_review_is_in_the_catalogue_at_once_and_only_its_month_is_written(network: StationDays) -> None:
    update_catalogue(network)
    name = read_catalogue(network, stations="S02", first=DAYS[2], last=DAYS[2])["event_id"].iloc[-1]
    ReviewLog(network.layout.reviews).append([Decision("label", "ann", (name,), "rift")])
    assert update_catalogue(network).written == (FEBRUARY,)
    reviewed = read_catalogue(network).set_index("event_id")["reviewed"].dropna()
    assert reviewed.to_dict() == {name: "rift"}


def test_probabilities_of_a_calibrated_model_are_called_so(
    network: StationDays, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ris_core.catalogue import month_rows

    centroids = np.eye(8, 9)
    centroids[2] = 3 * np.eye(9)[0]
    monkeypatch.setattr(month_rows, "_maker", lambda folder: month_rows._Maker(True, centroids))
    update_catalogue(network)
    catalogue = read_catalogue(network)
    assert set(catalogue["probability_kind"]) == {"calibrated"}
    # The features of all events are 0.
    assert catalogue.groupby("label")["distance"].unique().map(list).to_dict() == {0: [1.0], 1: [1.0], 2: [3.0]}


def test_tables_of_station_days_that_are_the_same_are_not_read_again(
    network: StationDays, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ris_core.catalogue import month_rows

    update_catalogue(network)
    read: list[StationDay] = []
    original = month_rows._labels
    monkeypatch.setattr(month_rows, "_labels", lambda layout, day: (read.append(day.key), original(layout, day))[1])
    key = StationDay("S02", DAYS[1])
    write_labels(network.layout, key, np.array([7, 7, 7]))
    # The last day of January is a neighbour of February.
    assert update_catalogue(network).written == (JANUARY, FEBRUARY)
    assert read == [key]
    kept = read_catalogue(network)
    for month in (JANUARY, FEBRUARY):
        network.layout.catalogue(*month).unlink()
    update_catalogue(network)
    pd.testing.assert_frame_equal(read_catalogue(network), kept)


@pytest.mark.parametrize(
    ("read", "remedy"),
    [
        (read_catalogue, "update_catalogue"),
        (read_associations, "update_catalogue"),
        (read_class_associations, "update_catalogue"),
        (read_repeaters, "set catalogue.repeaters"),
    ],
)
def test_a_table_that_is_absent_is_named_with_what_makes_it(read, remedy, data_root):
    network = StationDays.open(make_settings())
    with pytest.raises(FileNotFoundError, match=f"{re.escape(str(network.layout.root))}.*{remedy}"):
        read(network)
