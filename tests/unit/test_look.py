"""One look at all station-days gives the same result as a look at each, with any faults."""

from __future__ import annotations

import functools
import operator
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from champion_builders import appoint_untrained
from obspy import Stream
from stage_steps import days_at
from store import Store
from waveform_builders import burst, make_settings, make_trace, noise

from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.station_days import station_days
from ris_core.station_days.state import State, state_of, states_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import scanned_files, table_schemas, tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_json, write_json
from ris_core.storage.scanned_files import ScannedFiles, cache_path

STATIONS = ("S01", "S02")
RATE = 50
FIRST, DAYS = date(2015, 1, 10), 11


class Source:
    """A source whose samples are copied into the data root."""

    in_place = False

    def fetch(self, station: str, day: date) -> Stream:
        samples = noise(400 * RATE, seed=day.day)
        for at, pitch in ((150.0, 5.0), (230.0, 9.0), (310.0, 14.0)):
            burst(samples, RATE, at, frequency=pitch)
        return Stream([make_trace(StationDay(station, day).start_ns, samples, RATE, station)])

    def inventory(self, station: str) -> Any:
        from ris_core.synthetic.seismometer import build_inventory

        return build_inventory(make_settings(), station)


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def relabel(store: Store, key: StationDay) -> None:
    frame = tables.read_table(store.labels(key))
    tables.write_table(store.labels(key), frame, table_schemas.label_schema(3), Stamp("a", "former", "champion"))


def change(path: Path, **values: Any) -> None:
    write_json(path, read_json(path) | values)


def fail(store: Store, key: StationDay, stage: str, times: int = 1) -> None:
    for _ in range(times):
        store.journal.note(stage, key, "ValueError: why")


def remove_all(store: Store, key: StationDay) -> None:
    for path in (store.acquisition(key), store.waveform(key), store.detections(key), store.spectrograms(key)):
        path.unlink()
    store.live(key).unlink()
    store.labels(key).unlink()


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


WRONGS: dict[str, Callable[[Store, StationDay], Any]] = {
    "nothing": lambda store, key: None,
    "never acquired": remove_all,
    "no label table": lambda store, key: store.labels(key).unlink(),
    "label table of another champion": relabel,
    "label table damaged": lambda store, key: flip(store.labels(key), -40),
    "detections damaged": lambda store, key: flip(store.detections(key), -40),
    "no detections": lambda store, key: store.detections(key).unlink(),
    "live intervals damaged": lambda store, key: flip(store.live(key), -40),
    "no live intervals": lambda store, key: store.live(key).unlink(),
    "spectrograms damaged": lambda store, key: flip(store.spectrograms(key), 40),
    "no spectrograms": lambda store, key: store.spectrograms(key).unlink(),
    "a folder for a file": lambda store, key: to_folder(store.spectrograms(key)),
    "record damaged": lambda store, key: flip(store.acquisition(key), 40),
    "record of another day": lambda store, key: change(store.acquisition(key), day="2015-01-01"),
    "other settings": lambda store, key: change(store.acquisition(key), settings="others"),
    "other samples": lambda store, key: change(store.acquisition(key), inputs="others"),
    "no raw file": lambda store, key: store.waveform(key).unlink(),
    "no data, but a raw file": lambda store, key: change(store.acquisition(key), state="no_data"),
    "failed once": lambda store, key: fail(store, key, "label"),
    "failed at two stages": lambda store, key: (fail(store, key, "process"), fail(store, key, "acquire")),
    "given up": lambda store, key: fail(store, key, "process", 9),
    "failure damaged": lambda store, key: (fail(store, key, "label"), flip(store.failure("label", key), 20)),
}
KEYS = [StationDay(code, FIRST + timedelta(days=n)) for code in STATIONS for n in range(DAYS)]
IS_WRONG = dict(zip(KEYS, WRONGS, strict=True))


def store_at(root: Path) -> Store:
    values = {"first_day": FIRST.isoformat(), "last_day": (FIRST + timedelta(days=DAYS - 1)).isoformat()}
    return Store(
        make_settings(**values, stations=[{"code": c, "latitude": -80.0, "longitude": 0.0} for c in STATIONS]), root
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root in which everything is current."""
    store = store_at(tmp_path_factory.mktemp("whole"))
    days = days_at(store, Source(), pictures=False)
    for stage in ("acquire", "process", "champion", "label"):
        if stage == "champion":
            appoint_untrained(store)
            continue
        for key in days.all():
            days.stages[stage].run(key)
    return store.root


@pytest.fixture
def days(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StationDays:
    """The same with something wrong with each station-day but one, as if it had been so for long."""
    monkeypatch.setattr(station_days, "ScannedFiles", functools.partial(ScannedFiles, worth_saving=1))
    monkeypatch.setattr(scanned_files, "_SETTLED_NS", 0)
    shutil.copytree(whole, tmp_path / "root")
    store = store_at(tmp_path / "root")
    for key, name in IS_WRONG.items():
        WRONGS[name](store, key)
    return days_at(store, Source())


def answer(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except (FileNotFoundError, DamagedFileError) as error:
        return type(error), str(error)


def everything(days: StationDays) -> Iterator[Any]:
    """Ask all that status, plans and sensors ask."""
    for key in days.all():
        yield state_of(days, key)
        for stage in days.stages.values():
            yield key, stage.name, stage.exists(key), stage.is_current(key), stage.follows_its_input(key)
            yield stage.is_ready(key), stage.has_nothing_to_do(key), stage.input_changed_at(key)
            yield [str(error) for error in stage.unreadable(key)], stage.most_at_once([key])
            yield answer(lambda stage=stage, key=key: stage.expected_stamp(key))
            yield answer(lambda stage=stage, key=key: stage.stamps(key))
        yield days.label.labelled_by(key), days.process.current(key), days.acquire.was_dropped(key)
    for stage in days.stages:
        yield days.journal.all(stage, days.files)
    yield days.given_up()


def looked(days: StationDays) -> list[Any]:
    with days.look() as seen:
        return list(everything(seen))


def test_a_look_agrees_with_the_disk_without_a_cache_and_with_one(days: StationDays) -> None:
    expected = list(everything(days))
    assert looked(days) == expected
    assert cache_path(days.layout.root).exists()
    assert looked(days) == expected
    cache_path(days.layout.root).write_bytes(b"no cache")
    assert looked(days) == expected
    assert states_of(days) == [state_of(days, key) for key in days.all()]


def test_the_states_are_those_that_were_made(days: StationDays) -> None:
    states = {IS_WRONG[found.key]: found for found in states_of(days)}
    assert states["nothing"].state is State.PROCESSED
    assert states["nothing"].outdated == ()
    assert states["never acquired"].state is State.NOT_YET
    assert states["label table of another champion"].outdated == ("label",)
    assert states["other samples"].outdated == ("process", "label")
    assert states["given up"].given_up
    damaged = {name for name, found in states.items() if found.state is State.DAMAGED}
    assert damaged == {name for name in WRONGS if "damaged" in name} | {
        "a folder for a file",
        "record of another day",
        "no data, but a raw file",
    }


def test_a_closed_file_or_folder_is_reported_and_the_other_station_days_are_seen(
    days: StationDays, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = next(key for key, name in IS_WRONG.items() if name == "nothing")
    before = states_of(days)
    for closed, reader in ((days.layout.acquisition(key), "read_json"), (days.layout.labels(key).parent, "os.scandir")):
        module, _, name = f"ris_core.storage.scanned_files.{reader}".rpartition(".")
        plain = operator.attrgetter(reader)(scanned_files)

        def read(path: Any, closed: Path = closed, plain: Callable[[Any], Any] = plain) -> Any:
            if os.fspath(path) == os.fspath(closed):
                raise PermissionError(13, "Permission denied", os.fspath(path))
            return plain(path)

        with monkeypatch.context() as patched:
            patched.setattr(f"{module}.{name}", read)
            cache_path(days.layout.root).unlink(missing_ok=True)
            states = states_of(days)
        (found,) = (state for state in states if state.key == key)
        assert found.state is State.DAMAGED and str(closed) in found.damaged[0]
        others = [state for state in states if not any(str(closed) in line for line in state.damaged)]
        assert others and others == [state for state in before if state.key in {other.key for other in others}]


def test_what_changes_between_looks_is_seen(days: StationDays) -> None:
    looked(days)
    store = store_at(days.layout.root)
    names = list(WRONGS)
    # Everything is mended, and each station-day gets what was wrong with another one.
    shutil.rmtree(store.root / "failures")
    fresh = days_at(store, Source(), pictures=False)
    for key in fresh.all():
        for path in (store.acquisition(key), store.spectrograms(key)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for stage in fresh.stages.values():
            stage.run(key)
    for key, name in zip(KEYS, names[7:] + names[:7], strict=True):
        WRONGS[name](store, key)
    expected = list(everything(days))
    assert looked(days) == expected
    assert looked(days) == expected


def test_a_table_changed_in_place_with_the_same_size_is_seen(days: StationDays) -> None:
    key = next(key for key, name in IS_WRONG.items() if name == "nothing")
    path = days.layout.labels(key)
    past = time.time() - 1000
    os.utime(path, (past, past))
    looked(days)
    size, data = path.stat().st_size, path.read_bytes()
    path.write_bytes(data.replace(b"k3-", b"k4-"))
    assert path.stat().st_size == size
    with days.look() as seen:
        assert state_of(seen, key).state is State.DAMAGED


def test_a_look_reads_each_file_once_and_each_fact_of_the_network_once(
    days: StationDays, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    champions: list[int] = []
    plain = scanned_files._answer

    def counted(path: Path, reader: Callable[[Path], Any]) -> list[Any]:
        read.append(path)
        return plain(path, reader)

    from ris_core.labels import label

    plain_champion = label.read_champion
    monkeypatch.setattr(scanned_files, "_answer", counted)
    monkeypatch.setattr(label, "read_champion", lambda layout: (champions.append(1), plain_champion(layout))[1])
    looked(days)
    assert len(read) == len(set(read))
    assert len(champions) == 1
