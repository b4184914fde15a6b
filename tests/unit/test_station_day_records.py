"""Records of acquisition and of failed attempts: their shape is looked at, and damage costs one station-day."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from damage import DAMAGES
from published_builders import import_into, published, published_network
from stage_steps import run_and_record
from waveform_builders import KEY, NEXT_KEY, make_settings, record, sds_settings, write_sds

from ris_core.contracts.acquisition import SamplesAt
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.state import state_of, state_table
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.journal import FailedAttempt
from ris_core.storage.json_records import read_json, write_json
from ris_core.verification import damaged_files

SETTINGS = make_settings()
GOOD = {"state": "data", "reason": "", "inputs": "0123", "path": "in place", "coverage": 0.5, "gaps": 1}
GOOD |= {"gap_seconds": 2.5}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    root = tmp_path / "archive"
    write_sds(root, record(KEY, 0, 600, [200.0, 300.0]), record(NEXT_KEY, 0, 600, [450.0]))
    return root


@pytest.fixture
def network(tmp_path: Path, archive: Path) -> StationDays:
    """A network whose two station-days are processed."""
    found = StationDays.open(sds_settings(archive), tmp_path / "data")
    for key in (KEY, NEXT_KEY):
        for stage in ("acquire", "process"):
            assert run_and_record(found, stage, key).error == ""
    return found


def files_of(network: StationDays, key: StationDay) -> list[Path]:
    return [network.layout.acquisition(key), *network.process.products(key)]


def row_of(network: StationDays, key: StationDay = KEY) -> dict[str, Any]:
    (row,) = state_table([state_of(network, key)]).to_dict("records")
    return row


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": None}, "'state' cannot be 'None'"),
        ({"state": "maybe"}, "'state' cannot be 'maybe'"),
        ({"coverage": "much"}, "'coverage' cannot be 'much'"),
        ({"inputs": 5}, "'inputs' cannot be '5'"),
        ({"gaps": [1]}, r"'gaps' cannot be '\[1\]'"),
        ("path", "'path' is missing"),
        ({"channels": [{"channel": "HHZ", "state": "maybe"}]}, "the result of channel 'HHZ' cannot be read"),
        ({"channels": [{"channel": "HHZ", "state": "data", "reason": ""}]}, "'path'"),
        ({"channels": [{"state": "data"}]}, "'channel'"),
        ({"channels": 5}, "not iterable"),
        ([1, 2], "not a mapping of fields"),
        ("state only", "is missing"),
    ],
)
def test_a_record_of_acquisition_of_another_shape_is_damaged(tmp_path: Path, change: Any, why: str) -> None:
    network = StationDays.open(SETTINGS, tmp_path)
    value: Any = change
    if isinstance(change, dict):
        value = GOOD | change
    elif change == "state only":
        value = {"state": "data"}
    elif isinstance(change, str):
        value = {name: v for name, v in GOOD.items() if name != change}
    write_json(network.layout.acquisition(KEY), value)
    with pytest.raises(DamagedFileError, match=why) as raised:
        network.acquire.read(KEY)
    assert raised.value.path == network.layout.acquisition(KEY)
    assert "`ris backfill` acquires its station-day again" in str(raised.value)


def test_a_record_without_a_digest_is_read_as_before(tmp_path: Path) -> None:
    network = StationDays.open(SETTINGS, tmp_path)
    path = network.layout.acquisition(KEY)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(GOOD))
    found = network.acquire.read(KEY)
    assert found is not None
    assert (found.key, found.has_data, found.reason, found.content) == (KEY, True, "", "0123")
    assert (found.samples_at, found.stored_as) == (SamplesAt.IN_PLACE, None)
    assert (found.quality.coverage, found.quality.gaps, found.quality.gap_seconds) == (0.5, 1, 2.5)


def test_an_imported_station_day_says_that_it_is_to_be_imported_again(tmp_path: Path) -> None:
    network = StationDays.open(make_settings(source={"kind": "published"}), tmp_path)
    write_json(network.layout.acquisition(KEY), {})
    with pytest.raises(DamagedFileError, match="ris import-h5 FILE"):
        network.acquire.read(KEY)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_of_acquisition_is_made_again_by_acquisition(network: StationDays, damage: str) -> None:
    path = network.layout.acquisition(KEY)
    good = path.read_bytes()
    DAMAGES[damage](path)
    with pytest.raises(DamagedFileError):
        network.acquire.read(KEY)
    assert network.stages["acquire"].exists(KEY)
    assert not network.stages["acquire"].is_current(KEY)
    assert not network.stages["process"].is_current(KEY)
    assert not network.stages["label"].is_current(KEY)
    assert not network.stages["process"].follows_its_input(KEY)
    row = row_of(network)
    assert row["state"] == "damaged" and row["outdated"] == "acquire,process"
    assert str(path) in row["damaged"] and "`ris backfill` acquires its station-day again" in row["damaged"]
    assert row["events"] == 2, "readable parts are reported"
    assert row_of(network, NEXT_KEY)["state"] == "processed"
    assert [error.path for error in found_damaged(network)] == [path]
    assert run_and_record(network, "acquire", KEY).error == ""
    assert path.read_bytes() == good
    assert row_of(network)["state"] == "processed"


def test_sound_files_of_another_station_day_are_not_taken_for_those_of_this_one(network: StationDays) -> None:
    good = [path.read_bytes() for path in files_of(network, KEY)]
    for theirs, path in zip(files_of(network, NEXT_KEY), files_of(network, KEY), strict=True):
        path.write_bytes(theirs.read_bytes())
    with pytest.raises(DamagedFileError, match=f"it is of {NEXT_KEY}"):
        network.acquire.read(KEY)
    assert not network.stages["acquire"].is_current(KEY) and not network.stages["process"].is_current(KEY)
    assert row_of(network)["state"] == "damaged"
    assert [
        (error.path, "another station-day" in str(error) or f"of {NEXT_KEY}" in str(error))
        for error in found_damaged(network)
    ] == [(path, True) for path in files_of(network, KEY)]
    assert run_and_record(network, "acquire", KEY).error == "" and run_and_record(network, "process", KEY).error == ""
    assert [path.read_bytes() for path in files_of(network, KEY)] == good
    assert found_damaged(network) == []


def found_damaged(network: StationDays) -> list[DamagedFileError]:
    found = list(damaged_files(network, [KEY, NEXT_KEY]))
    assert all(isinstance(error, DamagedFileError) for error in found)
    return [error for error in found if isinstance(error, DamagedFileError)]


def test_a_fault_of_the_platform_is_not_called_damage(network: StationDays, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> None:
        raise TypeError("a fault of ours")

    monkeypatch.setattr("ris_core.storage.tables.verify", broken)
    found = list(damaged_files(network, [KEY, NEXT_KEY]))
    assert {type(error) for error in found} == {OSError}, "`ris verify --remove` removes what is damaged, and no more"
    assert str(found[0]).startswith(
        f"{network.layout.detections(KEY)}: a fault of the platform stopped its verification"
    )
    assert "TypeError: a fault of ours" in str(found[0])
    assert any(str(network.layout.detections(NEXT_KEY)) in str(error) for error in found), (
        "the others are looked at all the same"
    )


@pytest.mark.parametrize("damage", DAMAGES)
def test_processing_acquires_a_station_day_again_whose_record_is_damaged(network: StationDays, damage: str) -> None:
    good = {path: path.read_bytes() for path in files_of(network, KEY)}
    DAMAGES[damage](network.layout.acquisition(KEY))
    assert run_and_record(network, "process", KEY).error == ""
    assert {path: path.read_bytes() for path in good} == good


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("product", ["detections", "live", "spectrograms"])
def test_a_damaged_product_that_says_so_costs_its_station_day_and_is_made_again(
    network: StationDays, product: str, damage: str
) -> None:
    path: Path = getattr(network.layout, product)(KEY)
    good = path.read_bytes()
    DAMAGES[damage](path)
    assert [error.path for error in found_damaged(network)] == [path]
    if row_of(network)["state"] == "damaged":
        assert str(path) in row_of(network)["damaged"] and row_of(network)["outdated"] == "process"
        assert not network.stages["process"].is_current(KEY)
    elif product == "spectrograms":
        path.unlink()  # damage that lies behind the head: `ris verify --remove`
    assert network.stages["process"].is_current(NEXT_KEY)
    assert run_and_record(network, "process", KEY).error == ""
    assert path.read_bytes() == good
    assert found_damaged(network) == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_of_failure_tells_of_no_attempts(network: StationDays, damage: str) -> None:
    for _ in range(3):
        network.journal.note("process", KEY, "worker lost")
    network.journal.note("process", NEXT_KEY, "worker lost")
    path = network.layout.failure("process", KEY)
    DAMAGES[damage](path)
    with pytest.raises(DamagedFileError, match="the next attempt replaces it") as raised:
        network.journal.read("process", KEY)
    assert raised.value.path == path
    assert network.journal.find("process", KEY) is None
    assert set(network.journal.all("process")) == {NEXT_KEY}
    assert network.given_up() == {}
    assert row_of(network)["state"] == "damaged" and str(path) in row_of(network)["damaged"]
    assert row_of(network, NEXT_KEY)["state"] == "failed"
    assert [error.path for error in found_damaged(network)] == [path]
    assert network.journal.note("process", KEY, "again").attempts == 1
    assert network.journal.read("process", KEY) is not None
    DAMAGES[damage](path)
    assert network.journal.forgive("process", KEY)
    assert not path.exists()
    network.journal.note("process", KEY, "again")
    DAMAGES[damage](path)
    assert run_and_record(network, "process", KEY).error == ""
    assert not path.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"attempts": "many"},
        {"last_attempt": "yesterday"},
        {"last_attempt": "2020-01-01T00:00:00"},
        {"day": "2015-01-11"},
        {"station": "S09"},
        {"stage": "acquire"},
        {"error": None},
    ],
)
def test_a_record_of_failure_that_cannot_be_is_damaged(tmp_path: Path, change: dict[str, Any]) -> None:
    network = StationDays.open(SETTINGS, tmp_path)
    network.journal.note("process", KEY, "worker lost")
    path = network.layout.failure("process", KEY)
    write_json(path, read_json(path) | change)
    with pytest.raises(DamagedFileError):
        network.journal.read("process", KEY)
    assert network.journal.all("process") == {}


def test_records_of_failure_with_other_names_or_more_fields_are_no_trouble(tmp_path: Path) -> None:
    network = StationDays.open(SETTINGS, tmp_path)
    known = network.journal.note("process", KEY, "worker lost")
    path = network.layout.failure("process", KEY)
    write_json(path, read_json(path) | {"of_a_later_version": 1})
    (path.parent / "day=copy of 2015-01-10.json").write_bytes(path.read_bytes())
    assert network.journal.all("process") == {KEY: known}
    assert isinstance(known, FailedAttempt)


def test_a_folder_with_files_in_the_place_of_a_record_is_named(network: StationDays) -> None:
    path = network.layout.acquisition(KEY)
    path.unlink()
    path.mkdir()
    (path / "mine").write_text("kept")
    error = run_and_record(network, "acquire", KEY).error
    assert str(path) in error and "there is a folder with files at this path; move it away" in error
    assert (path / "mine").read_text() == "kept"


def test_a_data_centre_is_spared_where_damaged_records_make_processing_ask_it(tmp_path: Path) -> None:
    network = StationDays.open(make_settings(source={"kind": "fdsn", "provider": "http://127.0.0.1:1"}), tmp_path)
    write_json(network.layout.acquisition(KEY), GOOD | {"state": "no_data"})
    assert network.stages["process"].most_at_once([KEY, StationDay("S02", date(2015, 1, 9))]) is None
    network.layout.acquisition(KEY).write_bytes(b"")
    assert network.stages["process"].most_at_once([KEY]) == network.settings.source.simultaneous_requests


@pytest.mark.parametrize("damage", ["cut to half", "not text", "a bit in the middle"])
def test_an_imported_station_day_with_a_damaged_record_is_imported_again(tmp_path: Path, damage: str) -> None:
    file = published(("AA",), each=5).write(tmp_path / "events.h5", table=False)
    network = published_network(tmp_path / "root", stations=[{"code": "AA"}])
    (key, written), *_ = import_into(network, file).items()
    assert written
    good = {path: path.read_bytes() for path in files_of(network, key)}
    DAMAGES[damage](network.layout.acquisition(key))
    assert not network.stages["acquire"].is_current(key) and not network.stages["process"].is_current(key)
    assert row_of(network, key)["state"] == "damaged"
    assert import_into(network, file)[key], "a damaged record does not count as another import"
    assert {path: path.read_bytes() for path in good} == good
