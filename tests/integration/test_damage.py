"""Damaged files of station-days: said by name, a matter of their station-day alone, and healed to the same bytes."""

import itertools
import os
import time
from pathlib import Path

import pytest
from builders import (
    DAYS,
    STATIONS,
    Opened,
    products,
    ris,
)
from damage import DAMAGES, endless, without_head
from faults import check_record, made
from sensor_builders import asked, record_acquired, tick
from stage_steps import is_current
from store import Store

from ris_core.contracts.station_day import StationDay
from ris_core.storage import hdf5_probe

TWO = DAYS[:2]
KEYS = [StationDay(station, day) for station in STATIONS for day in TWO]
FIRST = KEYS[0]
SENSORS = ("following", "relabel", "catch_up", "retrain")

pytestmark = pytest.mark.usefixtures("blank_pictures")


def files_of(store: Store, key: StationDay) -> list[Path]:
    found = [store.acquisition(key), store.detections(key), store.live(key), store.spectrograms(key), store.labels(key)]
    return found


def named(output: str, word: str) -> set[str]:
    """Return the paths that lines of `ris verify` name."""
    lines = [line for line in output.splitlines() if line.startswith(f"{word}: ")]
    return {line.removeprefix(f"{word}: ").partition(" (")[0] for line in lines}


@pytest.mark.parametrize("round_", [0, 1])
def test_every_kind_of_damage_to_every_product_is_found_removed_and_healed_to_the_same_bytes(
    copied: Opened, round_: int
) -> None:
    store, config = copied.store, copied.config
    good = products(store)
    # Each product has each kind of damage in one of the rounds.
    ways = list(DAMAGES.values())
    spoilt = []
    for (place, key), (number, _) in itertools.product(enumerate(KEYS), enumerate(files_of(store, FIRST))):
        path = files_of(store, key)[number]
        ways[(len(KEYS) * round_ + place + number) % len(ways)](path)
        spoilt.append(path)
    status = ris("status", "-c", config)
    assert status.exit_code == 0
    assert "files of station-days are damaged or cannot be read" in status.output
    found = ris("verify", "-c", config)
    assert found.exit_code == 1 and named(found.output, "damaged") == {str(path) for path in spoilt}
    removed = ris("verify", "-c", config, "--remove")
    assert removed.exit_code == 0 and named(removed.output, "removed") == {str(path) for path in spoilt}
    assert "20 damaged files are removed; `ris backfill` makes them again" in removed.output
    assert not any(path.exists() for path in spoilt)
    assert ris("backfill", "-c", config, "--yes", "--inline").exit_code == 0
    assert products(store) == good
    assert ris("verify", "-c", config).exit_code == 0
    check_record(copied, "acquire", "process", "label")


@pytest.mark.parametrize(
    "command", [("backfill", "--yes", "--inline"), ("run", "--only", "acquire", "--only", "process", "--only", "label")]
)
def test_what_is_seen_to_be_damaged_is_healed_by_the_next_command_alone(
    copied: Opened, command: tuple[str, ...]
) -> None:
    store, config = copied.store, copied.config
    good = products(store)
    seen = [name for name in DAMAGES if not name.startswith("a bit")]
    for number, (key, name) in enumerate(zip(itertools.cycle(KEYS[1:]), seen, strict=False)):
        DAMAGES[name](files_of(store, key)[number % 5])
    done = ris(*command, "-c", config)
    assert done.exit_code == 0, done.output
    assert made(copied) == good
    assert ris("verify", "-c", config).exit_code == 0


def test_files_of_earlier_versions_stay_current_and_one_that_hdf5_would_read_for_ever_is_one_station_day(
    copied: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, config = copied.store, copied.config
    good = products(store)
    for key in KEYS[:2]:
        path = store.spectrograms(key)
        without_head(path, path.with_name("old.h5")).replace(path)
    assert all(is_current(stage, store, key) for stage in ("process", "label") for key in KEYS)
    endless(store.spectrograms(FIRST))
    monkeypatch.setattr(hdf5_probe, "_SECONDS", 0.5)
    said = f"{store.spectrograms(FIRST)}: damaged (HDF5 does not finish reading it"
    assert said in ris("status", "-c", config).output
    found = ris("verify", "-c", config)
    assert found.exit_code == 1
    assert named(found.output, "damaged") == {str(store.spectrograms(FIRST))}
    assert "HDF5 does not finish reading it" in found.output
    assert ris("backfill", "-c", config, "--yes", "--inline").exit_code == 0
    assert ris("verify", "-c", config).exit_code == 0
    old = store.spectrograms(KEYS[1]).relative_to(store.root).as_posix()
    assert {name for name, content in products(store).items() if content != good[name]} == {old}


def test_a_damaged_station_day_is_counted_and_named_and_the_others_go_on(copied: Opened) -> None:
    store, config = copied.store, copied.config
    store.journal.note("label", KEYS[1], "worker lost")
    spoilt = [*files_of(store, FIRST)[:2], store.failure("label", KEYS[1])]
    for path in spoilt:
        path.write_bytes(path.read_bytes()[:-20])
    status = ris("status", "-c", config).output
    rows = {cells[1].strip(): cells[2].strip() for line in status.splitlines() if len(cells := line.split("│")) > 3}
    assert (rows["damaged"], rows["processed"], rows["failed"]) == ("2", "2", "0")
    assert "3 files of station-days are damaged or cannot be read:" in status
    for path in spoilt:
        assert f"{path}: damaged (" in status
    assert copied.run("show_availability").success
    metadata = copied.latest("availability").metadata
    assert metadata["states"].value == {"damaged": 2, "processed": 2}
    assert "damaged" in metadata
    assert ris("backfill", "-c", config, "--yes", "--inline").exit_code == 0
    assert is_current("label", store, FIRST)
    assert "damaged or cannot be read" in ris("status", "-c", config).output, "nothing has replaced the failure"
    assert ris("reset", "-c", config).exit_code == 0
    assert "damaged or cannot be read" not in ris("status", "-c", config).output


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_tick_fails_for_damaged_files_and_what_follows_is_asked_for(copied: Opened, damage: str) -> None:
    store = copied.store
    for path in files_of(store, FIRST):
        DAMAGES[damage](path)
    for stage in ("acquire", "process", "label"):
        store.journal.note(stage, KEYS[1], "worker lost")
        DAMAGES[damage](store.failure(stage, KEYS[1]))
    # So that each of them is behind, and looked at.
    record_acquired(copied.instance, KEYS)
    for sensor in SENSORS:
        found = tick(copied.definitions, copied.instance, sensor)
        wanted = asked(found.run_requests, STATIONS)
        if sensor == "following" and not damage.startswith("a bit"):
            assert wanted == [("process", {FIRST})]
        else:
            assert all(keys == {FIRST} for _, keys in wanted), sensor
    # Requested station-days are repaired, including the record of acquisition.
    for request in tick(copied.definitions, copied.instance, "following").run_requests or []:
        assert copied.run(str(request.job_name), **dict(request.tags)).success
        assert is_current("process", store, FIRST)


def test_a_command_that_cannot_go_on_without_a_damaged_file_is_one_line(copied: Opened) -> None:
    marker = copied.store.root / "network.json"
    marker.write_bytes(b"\xff\xfe")
    for command in ("status", "verify", "run"):
        done = ris(command, "-c", copied.config)
        assert done.exit_code == 2
        assert f"{marker}: damaged (" in done.output and "Traceback" not in done.output
        assert len(done.output.strip().splitlines()) == 1


def test_what_lies_outside_of_station_days_is_verified_as_well(copied: Opened) -> None:
    store, config = copied.store, copied.config
    assert copied.run("show_availability").success
    report = store.analysis("availability.parquet")
    spoilt = [store.training_set, store.champion, report]
    for path in spoilt:
        DAMAGES["cut to half"](path)
    found = ris("verify", "-c", config)
    assert found.exit_code == 1 and named(found.output, "damaged") == {str(path) for path in spoilt}
    assert ris("verify", "-c", config, "--stations", "AA").exit_code == 0, "a selection is of station-days"


def test_a_label_table_of_another_station_is_found_removed_and_made_again(copied: Opened) -> None:
    store, config = copied.store, copied.config
    good = products(store)
    theirs = store.labels(StationDay("BB", FIRST.day)).read_bytes()
    store.labels(FIRST).write_bytes(theirs)
    assert not is_current("label", store, FIRST)
    done = ris("verify", "-c", config, "--remove")
    assert named(done.output, "removed") == {str(store.labels(FIRST))}
    assert "events are of another station-day, as XX.BB." in done.output
    assert ris("backfill", "-c", config, "--yes", "--inline").exit_code == 0
    assert products(store) == good


def test_verify_says_what_it_cannot_remove(copied: Opened) -> None:
    path = copied.store.labels(FIRST)
    path.unlink()
    path.mkdir()
    (path / "mine").write_text("kept")
    done = ris("verify", "-c", copied.config, "--remove")
    assert done.exit_code == 1
    assert f"damaged: {path} (" in done.output
    assert "there is a folder with files at this path; move it away" in done.output
    assert (path / "mine").exists()


def test_the_next_command_that_writes_removes_what_a_killed_one_has_left(copied: Opened) -> None:
    left = copied.store.labels(FIRST).with_name(".day=2020-03-01.parquet.0123abcd.tmp")
    left.write_bytes(bytes(2_000_000))
    long_ago = time.time() - 7200
    os.utime(left, (long_ago, long_ago))
    assert "temporary" not in ris("status", "-c", copied.config).output
    said = "Removed 1 temporary files of processes that were killed (2.0 MB)."
    assert said in ris("backfill", "-c", copied.config, "--yes", "--inline").output
    assert not left.exists()
