"""Exports read back by ObsPy, pandas and geopandas: values are those of the catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
from builders import own_environment, ris, write_yaml
from catalogue_builders import network_of, write_catalogue, write_live
from obspy import read_events
from obspy.core.event.header import EventType
from obspy.io.quakeml.core import _validate

from ris_core.catalogue.catalogue_reading import load_catalogue
from ris_core.catalogue.catalogue_schema import CATALOGUE_SCHEMA
from ris_core.config import EVENT_TYPES
from ris_core.exports.export_dictionary import READ_CSV
from ris_core.exports.export_run import Exported, export
from ris_core.exports.selection import NothingSelectedError, Selection
from ris_core.exports.station_layers import MissingReleaseExtraError
from ris_core.station_days.station_days import StationDays

ODD = 'Äß <b> & "q" \' ; NaN, \u2028 \x07 \ufffe 氷'
DAYS = [(station, day) for station in "AB" for day in ("2015-11-30", "2015-12-01", "2015-12-02")]
ROWS: list[dict[str, Any]] = [
    {"station": "A", "time_on": "2015-11-30T01:00:00.123456789", "label": 0, "peak_acceleration": -1.25e-7},
    {"station": "A", "time_on": "2015-11-30T02:00:00", "label": 1, "class_name": ODD, "reviewed": ODD},
    {"station": "A", "time_on": "2015-11-30T03:00:00", "label": -1, "probability": None, "novelty": None,
     "probability_kind": "", "snr": np.nan, "distance": np.nan, "characteristic_max": np.nan},
    # Its peak lies in December, after the first event of December.
    {"station": "A", "time_on": "2015-11-30T23:59:59.900000", "label": 0,
     "time_peak": pd.Timestamp("2015-12-01T00:00:09", tz="UTC"),
     "time_off": pd.Timestamp("2015-12-01T00:00:11", tz="UTC")},
    {"station": "B", "time_on": "2015-12-01T00:00:01", "label": 2, "class_name": "NA", "probability": 1 / 3},
    {"station": "B", "time_on": "2015-12-02T12:00:00", "label": 0},
]  # fmt: skip


@pytest.fixture
def network(tmp_path: Path) -> StationDays:
    found = network_of(
        tmp_path,
        release={"event_types": {0: "ice quake"}},
        champion={"names": {0: "rift", 1: ODD, 2: "NA"}},
    )
    write_catalogue(found, ROWS, DAYS)
    write_live(found, [(s, f"{day}T00:00:00", f"{day}T20:00:00") for s, day in DAYS])
    return found


def exported(network: StationDays, folder: Path, *formats: Any, **selected: Any) -> Exported:
    return export(network, folder, Selection.of(network, **selected), formats)


def test_csv_is_the_catalogue_when_it_is_read_as_the_dictionary_says(network: StationDays, tmp_path: Path) -> None:
    exported(network, tmp_path / "out", "csv")
    assert READ_CSV in (tmp_path / "out" / "tables.md").read_text(encoding="utf-8")
    found: dict[str, Any] = {}
    exec(READ_CSV.replace('"events.csv"', repr(str(tmp_path / "out" / "events.csv"))), found)  # noqa: S102  # quoted by the dictionary
    wanted = load_catalogue(network.layout)
    assert len(wanted) == len(ROWS)
    assert wanted["time_on"].iloc[0].value % 1000 == 789
    for name in CATALOGUE_SCHEMA.names:
        kind = wanted[name].dtype
        own = found["events"][name]
        if kind.kind == "f":
            assert np.array_equal(own.to_numpy(kind), wanted[name].to_numpy(), equal_nan=True), name
        else:
            assert own.isna().tolist() == wanted[name].isna().tolist(), name
            assert own[own.notna()].tolist() == wanted[name][wanted[name].notna()].tolist(), name
    text = (tmp_path / "out" / "events.csv").read_text(encoding="utf-8")
    assert "2015-11-30T01:00:00.123456789Z" in text


def test_parquet_is_the_catalogue_with_the_words_of_its_columns(network: StationDays, tmp_path: Path) -> None:
    exported(network, tmp_path / "out", "parquet")
    path = tmp_path / "out" / "events.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(path), load_catalogue(network.layout))
    table = pq.read_table(path)
    assert table["probability"].null_count == 1 and table["snr"].null_count == 0
    assert table.schema.field("snr").metadata == CATALOGUE_SCHEMA.field("snr").metadata
    assert json.loads(table.schema.metadata[b"ris"])["network"]["name"] == "small"


def test_quakeml_is_valid_and_has_what_the_catalogue_has(network: StationDays, tmp_path: Path) -> None:
    exported(network, tmp_path / "out", "quakeml")
    files = sorted((tmp_path / "out" / "quakeml").rglob("*.xml"))
    assert [file.name for file in files] == ["XX.A.2015-11.xml", "XX.A.2015-12.xml", "XX.B.2015-12.xml"]
    wanted = load_catalogue(network.layout).set_index("event_id")
    seen, identifiers = set(), set()
    for file in files:
        assert _validate(str(file), verbose=True)
        catalogue = read_events(str(file))
        for event in catalogue:
            event_id = event.resource_id.id.rsplit("/", 1)[1]
            row = wanted.loc[event_id]
            seen.add(event_id)
            (pick,) = event.picks
            identifiers |= {event.resource_id.id, pick.resource_id.id, *(a.resource_id.id for a in event.amplitudes)}
            assert event.origins == [] and event.magnitudes == []
            assert event.event_type == ("ice quake" if row.label == 0 else None)
            assert abs(pick.time.ns - row.time_on.value) < 1000
            assert pick.waveform_id.get_seed_string() == ".".join(event_id.split(".")[:4])
            amplitudes = {a.unit: a for a in event.amplitudes}
            assert amplitudes["other"].generic_amplitude == row.peak_counts
            assert amplitudes["other"].pick_id == pick.resource_id
            window = amplitudes["other"].time_window
            assert abs(window.reference.ns - row.time_peak.value) < 1000
            assert window.begin == (row.time_peak - row.time_on).total_seconds()
            assert ("m/(s*s)" in amplitudes) == bool(np.isfinite(row.peak_acceleration))
            if "m/(s*s)" in amplitudes:
                assert amplitudes["m/(s*s)"].generic_amplitude == row.peak_acceleration
            (comment,) = event.comments
            # What XML cannot hold is written as in JSON.
            said = json.loads(comment.text)
            assert (said["kind"], said["class"], said["name"]) == ("class", row.label, row.class_name)
            assert said.get("reviewed") == (None if pd.isna(row.reviewed) else row.reviewed)
            assert ("probability" in said) == (row.label >= 0)
            if row.label >= 0:
                assert np.float32(said["probability"]) == np.float32(row.probability)
                assert said["model"] == row.model_version
            assert ("snr_db" in said) == bool(np.isfinite(row.snr))
    assert seen == set(wanted.index)
    assert len(identifiers) == 2 * len(ROWS) + len(ROWS) + 1
    assert len(read_events(str(files[1]))) == 1


def test_types_of_events_are_those_of_quakeml() -> None:
    assert set(EVENT_TYPES) == set(EventType.keys())


def test_stations_have_counts_and_rates(network: StationDays, tmp_path: Path) -> None:
    found = exported(network, tmp_path / "out", "stations")
    wanted = load_catalogue(network.layout)
    path = tmp_path / "out" / "stations.gpkg"
    assert [layer for layer, _ in pyogrio.list_layers(path)] == ["stations", "classes"]
    for layer in (geopandas.read_file(path, layer="stations"), geopandas.read_parquet(path.with_suffix(".parquet"))):
        assert layer.crs.to_epsg() == 4326
        own = layer.set_index("station")
        assert (own.geometry["A"].x, own.geometry["A"].y) == (170.0, -78.0)
        for code in "AB":
            rows = wanted[wanted["station"] == code]
            assert own["events"][code] == len(rows)
            assert own["unlabelled"][code] == (rows["label"] == -1).sum()
            for number in range(3):
                assert own[f"events_{number}"][code] == (rows["label"] == number).sum()
        # The first day of A has an event without a label, so its live time does not count; one event of B is in it.
        assert own["live_hours"].to_dict() == {"A": 40.0, "B": 60.0}
        assert own["rate_0"]["B"] == 1 / 60 and own["rate_0"]["A"] == 0
        assert np.isnan(own["elevation"]).all()
    classes = geopandas.read_file(path, layer="classes")
    assert classes["class_name"].tolist() == ["rift", ODD, "NA"]
    assert any("1 station-days are left out" in note for note in found.notes)
    said = (tmp_path / "out" / "tables.md").read_text(encoding="utf-8")
    assert "`rate_0`" in said and "0 (rift)" in said


def test_a_station_without_position_has_no_point_and_that_is_said(tmp_path: Path) -> None:
    network = network_of(tmp_path, stations=[{"code": "A"}, {"code": "B", "latitude": -78.5, "longitude": -175.0}])
    write_catalogue(network, [{"station": "A", "time_on": "2015-11-30T01:00:00", "label": -1}], DAYS)
    found = exported(network, tmp_path / "out", "stations")
    layer = geopandas.read_file(tmp_path / "out" / "stations.gpkg", layer="stations").set_index("station")
    assert layer.geometry["A"] is None and layer.geometry["B"] is not None
    assert np.isnan(layer["live_hours"]["A"])
    assert any(note.startswith("A: no position is known") for note in found.notes)
    assert "there are no rates: no event of the catalogue has a label" in found.notes


def test_counts_of_imported_events_have_no_rates(tmp_path: Path) -> None:
    network = network_of(tmp_path, source={"kind": "published"})
    write_catalogue(network, [{"station": "A", "time_on": "2015-11-30T01:00:00", "label": 0}], DAYS[:1])
    found = exported(network, tmp_path / "out", "stations", "quakeml", "csv")
    layer = geopandas.read_parquet(tmp_path / "out" / "stations.parquet").set_index("station")
    assert layer["events_0"]["A"] == 1 and np.isnan(layer["rate_0"]["A"]) and np.isnan(layer["live_hours"]["A"])
    assert any("its events were imported" in note for note in found.notes)


@pytest.mark.parametrize(
    ("selected", "rows"),
    [
        ({"stations": ("B",)}, [4, 5]),
        ({"classes": (0,)}, [0, 3, 5]),
        ({"classes": ("NA", -1)}, [2, 4]),
        ({"last": "2015-11-30"}, [0, 1, 2]),
        ({"first": "2015-12-01", "last": "2015-12-01"}, [4, 3]),
        ({"stations": ("A",), "classes": ("rift",), "first": "2015-12-01"}, [3]),
    ],
)
def test_a_selection_is_that_of_read_catalogue(
    network: StationDays, tmp_path: Path, selected: dict[str, Any], rows: list[int]
) -> None:
    found = exported(network, tmp_path / "out", "parquet", "stations", **selected)
    assert found.total == len(rows)
    ids = pd.read_parquet(tmp_path / "out" / "events.parquet")["event_id"]
    assert [int(name[-6:]) for name in ids] == rows
    layer = geopandas.read_parquet(tmp_path / "out" / "stations.parquet")
    assert layer["events"].sum() == len(rows)


def test_rates_of_selected_days_are_per_their_live_time(network: StationDays, tmp_path: Path) -> None:
    exported(network, tmp_path / "out", "stations", stations=("B",), first="2015-12-02", classes=("rift",))
    layer = geopandas.read_parquet(tmp_path / "out" / "stations.parquet")
    assert layer["station"].tolist() == ["B"]
    assert (layer["live_hours"][0], layer["events_0"][0], layer["rate_0"][0]) == (20.0, 1, 1 / 20)
    assert "rate_1" not in layer


def test_an_empty_selection_says_what_there_is(network: StationDays, tmp_path: Path) -> None:
    with pytest.raises(NothingSelectedError, match=r"classes rock.*6 events of the stations A, B.*0 \(rift\)"):
        exported(network, tmp_path / "out", "csv", classes=("rock",))
    assert not (tmp_path / "out").exists()
    with pytest.raises(KeyError, match="station C is not in the settings"):
        Selection.of(network, ("C",))


def test_the_same_export_is_there_already_and_a_differing_file_is_kept(network: StationDays, tmp_path: Path) -> None:
    formats = ("quakeml", "csv", "parquet", "stations")
    folder = tmp_path / "out"
    first = exported(network, folder, *formats).placing
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(first.written) == len(before) == 9
    again = exported(network, folder, *formats).placing
    assert (again.written, len(again.same), again.differing) == ([], 9, [])

    (folder / "events.csv").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    third = exported(network, folder, *formats).placing
    assert third.differing == ["events.csv"] and third.strangers() == ["notes.txt"]
    assert (folder / "events.csv").read_text() == "mine"

    forced = export(network, folder, Selection(), formats, force=True).placing
    assert forced.written == ["events.csv"]
    assert {path: path.read_bytes() for path in before} == before
    assert not list(folder.rglob("*.tmp"))


def test_stations_without_the_extra_name_it(
    network: StationDays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "geopandas", None)
    with pytest.raises(MissingReleaseExtraError, match=r"ris-dagster\[release\]"):
        exported(network, tmp_path / "out", "stations")


@pytest.fixture
def config(network: StationDays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of the network for the command `ris`, with its data root."""
    own_environment(monkeypatch, tmp_path / "roots")
    (tmp_path / "roots").mkdir()
    network.layout.root.rename(tmp_path / "roots" / "small")
    return write_yaml(tmp_path / "small.yaml", network.settings.model_dump(mode="json", exclude_unset=True))


def test_the_command_ends_with_1_where_nothing_is_selected_or_a_file_differs(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    done = ris("export", out, "-c", config, "--as", "csv", "--as", "quakeml", "--class", "rift")
    assert done.exit_code == 0, done.output
    assert "3 events: all stations, classes rift" in done.output
    (out / "events.csv").write_text("mine")
    differs = ris("export", out, "-c", config, "--as", "csv", "--class", "rift")
    assert differs.exit_code == 1 and "events.csv; give another folder, or --force" in differs.output
    assert ris("export", out, "-c", config, "--as", "csv", "--class", "rift", "--force").exit_code == 0
    empty = ris("export", out, "-c", config, "--as", "csv", "--station", "A", "--class", "NA")
    assert empty.exit_code == 1 and "no event is selected" in empty.output
    assert ris("export", out, "-c", config, "--station", "Z").exit_code == 2
    assert ris("export", out, "-c", config, "--first", "yesterday").exit_code == 2
