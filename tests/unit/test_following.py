"""Acquired station-days are processed and labelled automatically, and labelled again by a new champion."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sensor_builders
from builders import DAYS, STATIONS, Opened, opened, sds_path, sds_values, spoil, write_archive, write_day, write_yaml
from champion_builders import appoint_untrained

from ris_core.config import SdsSettings
from ris_core.contracts.station_day import StationDay
from ris_core.storage import tables
from ris_dagster.adapter.run_tags import never_retried, of_sensor
from ris_dagster.bindings import Binding
from ris_dagster.partitions import range_tags
from ris_dagster.sensors.asking import latest, without_failed

ALL = {StationDay(station, day) for station in STATIONS for day in DAYS}
BAD = StationDay("BB", DAYS[1])


@pytest.fixture
def small(data_root: Path, tmp_path: Path) -> Iterator[Opened]:
    archive = write_archive(tmp_path / "archive")
    values = sds_values(archive) | {"operations": {"station_days_per_run": 4, "attempts": 2, "attempt_wait": 0}}
    with opened(write_yaml(tmp_path / "small.yaml", values)) as network:
        yield network


def archive_of(network: Opened) -> Path:
    assert isinstance(network.settings.source, SdsSettings)
    return network.settings.source.root


def tick(network: Opened, sensor: str = "following") -> list[dg.RunRequest]:
    return list(sensor_builders.tick(network.definitions, network.instance, sensor).run_requests or [])


def asked(requests: list[dg.RunRequest]) -> list[tuple[str, set[StationDay]]]:
    return sensor_builders.asked(requests, STATIONS)


def execute(network: Opened, requests: list[dg.RunRequest], sensor: str = "following") -> list[bool]:
    return [network.run(str(r.job_name), **(dict(r.tags) | of_sensor(sensor))).success for r in requests]


def all_of(requests: list[dg.RunRequest], job: str) -> set[StationDay]:
    return set[StationDay]().union(*(keys for name, keys in asked(requests) if name == job))


def acquire(network: Opened, stations: tuple[str, ...] = STATIONS, first: Any = DAYS[0], last: Any = DAYS[-1]) -> None:
    assert network.run("acquire", **range_tags(stations, first, last)).success


def test_station_days_go_on_to_spectrograms_and_labels_one_stage_and_block_a_run(small: Opened) -> None:
    assert tick(small) == []
    acquire(small)
    first = tick(small)
    assert all_of(first, "process") == ALL and sum(len(keys) for _, keys in asked(first)) == len(ALL)
    assert all(len(keys) <= 4 for _, keys in asked(first))
    assert all(never_retried().items() <= r.tags.items() for r in first)
    assert all(execute(small, first))
    assert tick(small) == []  # there is no champion to label with
    appoint_untrained(small.store)
    second = tick(small)
    assert all_of(second, "label") == ALL and all_of(second, "process") == set()
    assert all(execute(small, second))
    assert tick(small) == []
    # What comes again with the same samples asks for nothing; what has changed is followed.
    acquire(small)
    assert tick(small) == []
    write_day(archive_of(small), "AA", DAYS[2], minutes=12)
    acquire(small, ("AA",), DAYS[2], DAYS[2])
    changed = {StationDay("AA", DAYS[2])}
    assert asked(tick(small)) == [("process", changed)]
    assert all(execute(small, tick(small)))
    assert asked(tick(small)) == [("label", changed)]


def test_one_that_is_acquired_while_the_sensor_looks_at_the_disk_is_not_forgotten(
    small: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = {StationDay("AA", day) for day in DAYS[:2]}, [StationDay("AA", DAYS[2])]
    acquire(small, ("AA",), DAYS[0], DAYS[1])
    assert all(execute(small, tick(small)))
    appoint_untrained(small.store)
    wanted = set(late)

    def slow(instance: dg.DagsterInstance, binding: Binding, known: set[StationDay]) -> dict[StationDay, int]:
        if binding.name == "acquire" and late:
            key = late.pop()
            acquire(small, (key.station,), key.day, key.day)
        return latest(instance, binding, known)

    monkeypatch.setattr("ris_dagster.sensors.following.latest", slow)
    first = tick(small)
    assert all_of(first, "label") == early
    assert all_of(first + tick(small), "process") == wanted


def test_one_that_fails_is_left_to_catch_up_and_its_neighbours_go_on(small: Opened) -> None:
    acquire(small)
    path = sds_path(archive_of(small), BAD.station, BAD.day)
    good = path.read_bytes()
    spoil(path)
    outcome = execute(small, tick(small))
    assert not all(outcome)
    appoint_untrained(small.store)
    # The padding of the day before lies in the broken file as well, without which it is processed.
    following = tick(small)
    assert all_of(following, "label") == ALL - {BAD}
    assert all_of(following, "process") == set()
    assert all(execute(small, following))
    assert tick(small) == []
    path.write_bytes(good)
    assert tick(small) == []
    # Acquired again, with other samples, it is followed once more.
    write_day(archive_of(small), BAD.station, BAD.day, minutes=12)
    acquire(small, (BAD.station,), BAD.day, BAD.day)
    assert BAD in all_of(tick(small), "process")


def test_what_fails_within_a_second_of_its_input_is_not_asked_for(small: Opened) -> None:
    acquire(small)
    small.store.acquisition(BAD).touch()
    small.store.journal.note("process", BAD, "at once")
    assert set(without_failed(small.store.days, "process", ALL)) == ALL - {BAD}


def test_what_is_at_work_is_not_asked_for_and_runs_in_flight_are_bounded(small: Opened) -> None:
    acquire(small)
    job = small.definitions.resolve_job_def("process")
    block = range_tags(["AA"], DAYS[0], DAYS[2])
    run = small.instance.create_run_for_job(job, tags=block, status=dg.DagsterRunStatus.STARTED)
    assert all_of(tick(small), "process") == {key for key in ALL if key.station == "BB"}
    small.instance.add_run_tags(run.run_id, of_sensor("following"))
    for _ in range(small.settings.operations.runs_in_flight - 1):
        tags = range_tags(["AA"], DAYS[0], DAYS[0]) | of_sensor("following")
        small.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    assert tick(small) == []


def test_what_a_killed_run_took_down_is_asked_for_in_smaller_blocks_and_then_left(small: Opened) -> None:
    acquire(small)
    job = small.definitions.resolve_job_def("process")
    tags = range_tags(STATIONS, DAYS[0], DAYS[2]) | of_sensor("following")
    small.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.FAILURE)
    patient = sds_values(archive_of(small)) | {"operations": {"attempt_wait": 1}}
    with opened(write_yaml(small.config.with_name("patient.yaml"), patient)) as waiting:
        assert tick(waiting) == [], "not before the wait of a failed attempt is over"
    again = tick(small)
    assert all_of(again, "process") <= ALL
    assert all(len(keys) == 1 for _, keys in asked(again))
    small.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.FAILURE)
    assert tick(small) == []


def test_a_change_of_settings_asks_for_nothing(small: Opened) -> None:
    acquire(small)
    assert all(execute(small, tick(small)))
    appoint_untrained(small.store)
    assert all(execute(small, tick(small)))
    values = sds_values(archive_of(small)) | {
        "detector": {"threshold_on": 12},
        "labelling": {"reconstruction_error": False},
        "novelty": {"score": "distance"},
    }
    with opened(write_yaml(small.config.with_name("other.yaml"), values)) as changed:
        assert tick(changed) == []
        assert tick(changed, "relabel") == []


def test_a_new_champion_labels_again_the_oldest_model_first_and_after_the_daily_work(small: Opened) -> None:
    acquire(small, ("AA",))
    assert all(execute(small, tick(small)))
    appoint_untrained(small.store, 1)
    assert all(execute(small, tick(small)))
    appoint_untrained(small.store, 2)
    acquire(small, ("BB",))
    assert all(execute(small, tick(small)))
    assert all(execute(small, tick(small)))  # those of BB are labelled by the second
    assert tick(small) == []
    third = appoint_untrained(small.store, 3)
    assert tick(small) == []
    for station in ("AA", "BB"):
        requests = tick(small, "relabel")
        assert asked(requests) == [("label", {StationDay(station, day) for day in DAYS})]
        assert int(requests[0].tags["dagster/priority"]) < 0
        assert all(execute(small, requests, "relabel"))
    assert tick(small, "relabel") == []
    versions = {str(tables.read_table(small.store.labels(key))["model_version"].iloc[0]) for key in ALL}
    assert versions == {third.model_version}
