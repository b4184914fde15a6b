"""What the sensor `catch_up` and the schedule `daily_update` ask for, from Dagster's record and the failed attempts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from builders import sds_values
from dagster_internals import end_backfill, request_backfill, run_of_daemon
from sensor_builders import asked, catch_up_at, record_acquired, tick
from store import Store

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.storage.json_records import write_json
from ris_dagster import schedules
from ris_dagster.adapter.asset_graph import AssetGraph, asset_graph_of
from ris_dagster.adapter.run_tags import of_partition, of_sensor, partition_range_of
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.definitions import build_definitions
from ris_dagster.partitions import partition_key, range_tags
from ris_dagster.processes import PROCESS_TAG, this_process
from ris_dagster.records import in_progress, station_days_of

STATIONS = ["AA", "BB", "CC"]
DAYS = [date(2020, 3, 1) + timedelta(days=n) for n in range(4)]
ALL = {StationDay(station, day) for station in STATIONS for day in DAYS}
NOW = datetime(2020, 4, 1, tzinfo=UTC)


@dataclass
class Network:
    store: Store
    instance: dg.DagsterInstance
    graph: AssetGraph
    cursor: str | None = None
    said: str | None = None

    def record(self, *keys: StationDay) -> None:
        record_acquired(self.instance, keys)

    def tick(self, now: datetime = NOW) -> list[tuple[str, set[StationDay]]]:
        """Return job and station-days of each run that a tick of catch_up asks for."""
        result = catch_up_at(now, self.instance, self.graph, self.store, self.cursor)
        self.cursor, self.said = result.cursor, result.skip_reason.skip_message if result.skip_reason else ""
        return asked(result.run_requests, STATIONS)

    def at_work(self, job: str = "acquire", status: str = "STARTED", **tags: str) -> dg.DagsterRun:
        return run_of_daemon(self.instance, job, status, tags)


Make = Callable[..., Network]


@pytest.fixture
def network(data_root: Path, tmp_path: Path) -> Iterator[Make]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:

        def make(last_day: date | None = DAYS[-1], **operations: Any) -> Network:
            values = sds_values(tmp_path, stations=STATIONS, days=DAYS) | {"operations": operations}
            settings = Settings.model_validate(values | {"last_day": last_day})
            graph = asset_graph_of(build_definitions(settings))
            return Network(Store(settings), instance, graph)

        yield make


def days(*numbers: int, stations: list[str] = STATIONS) -> set[StationDay]:
    return {StationDay(station, DAYS[n]) for n in numbers for station in stations}


def test_what_was_never_acquired_is_asked_for_oldest_first_in_blocks_of_bounded_size(network: Make) -> None:
    found = network(station_days_per_run=4, station_days_per_tick=7)
    # Four station-days hold one whole day; a second block would make six, a third more than seven.
    assert found.tick() == [("acquire", days(0)), ("acquire", days(1))]
    found.record(*days(0, 1), *days(2, stations=["BB"]))
    asked = found.tick()
    assert set().union(*(keys for _, keys in asked)) == ALL - days(0, 1) - days(2, stations=["BB"])
    assert sum(len(keys) for _, keys in asked) == 5  # none twice
    found.record(*ALL)
    assert found.tick() == []
    assert found.said == "nothing is missing that could be requested"


def test_days_that_are_not_complete_are_not_asked_for(network: Make) -> None:
    found = network(last_day=None, latency=6)
    assert found.tick(datetime(2020, 3, 3, 6, 4, tzinfo=UTC)) == [("acquire", days(0))]
    assert found.tick(datetime(2020, 3, 3, 6, 5, tzinfo=UTC)) == [("acquire", days(0, 1))]


@pytest.mark.parametrize("status", ["QUEUED", "STARTING", "STARTED", "CANCELING"])
def test_what_runs_are_at_work_on_is_not_asked_for(status: str, network: Make) -> None:
    found = network()
    found.at_work(status=status, **range_tags(["AA", "BB"], DAYS[0], DAYS[2]))
    found.at_work("__ASSET_JOB", status=status, **of_partition("2020-03-01|CC"))
    raw_waveforms = dg.AssetKey("raw_waveforms")
    run_of_daemon(found.instance, "__ASSET_JOB", status, of_partition("2020-03-02|CC"), [raw_waveforms])
    found.at_work("train_autoencoders", status=status, **of_partition("bs8_lr2e-3"))
    asked = set().union(*(keys for _, keys in found.tick()))
    # A run of an unnamed job that makes no station-days keeps nothing back.
    assert asked == days(3) | days(0, 2, stations=["CC"])
    found.at_work(status="FAILURE", **range_tags(STATIONS, DAYS[0], DAYS[3]))
    assert set().union(*(keys for _, keys in found.tick())) == asked


def test_a_run_of_a_command_that_was_killed_keeps_nothing_back(network: Make) -> None:
    found = network()
    host, _, rest = this_process().split(" ", 2)
    tags = range_tags(STATIONS, DAYS[0], DAYS[3])
    gone = found.at_work(**tags, **{PROCESS_TAG: f"{host} 4194304 {rest}"})
    assert found.tick() == [("acquire", ALL)]
    found.instance.delete_run(gone.run_id)
    # Started again in the UI, it has the tags of the former run, and another process.
    again = run_of_daemon(found.instance, "acquire", "STARTED", dict(gone.tags), again=gone.run_id)
    assert found.tick() == []
    found.instance.delete_run(again.run_id)
    found.at_work(**tags, **{PROCESS_TAG: this_process()})
    assert found.tick() == []


def test_a_backfill_of_the_ui_that_has_not_begun_is_waited_for(network: Make) -> None:
    found = network()
    partitions = [str(partition_key(key)) for key in days(1, 2)]
    assets = ("raw_waveforms", "detections", "spectrograms")
    request_backfill(found.instance, found.graph, assets, partitions, NOW.timestamp())
    busy = in_progress(found.instance, STATIONS, found.graph, BINDINGS)
    assert busy == {"acquire": days(1, 2), "process": days(1, 2), "describe": set(), "label": set()}
    assert set().union(*(keys for _, keys in found.tick())) == days(0, 3)
    end_backfill(found.instance)
    assert set().union(*(keys for _, keys in found.tick())) == ALL


def test_no_more_runs_are_in_flight_than_allowed(network: Make) -> None:
    found = network(station_days_per_run=3, runs_in_flight=2)
    assert len(found.tick()) == 2
    found.at_work(**range_tags(STATIONS, DAYS[0], DAYS[0]), **of_sensor("catch_up"))
    found.at_work(**range_tags(STATIONS, DAYS[3], DAYS[3]))  # of someone else
    assert found.tick() == [("acquire", days(1))]
    found.at_work(status="QUEUED", **range_tags(STATIONS, DAYS[1], DAYS[1]), **of_sensor("catch_up"))
    assert found.tick() == []
    assert found.said == "2 runs of this sensor wait or work"


def test_what_fails_is_tried_again_after_a_wait_until_it_is_given_up_and_again_after_a_reset(network: Make) -> None:
    found = network(attempts=3, attempt_wait=2)
    broken = StationDay("BB", DAYS[1])
    found.record(*(ALL - {broken}))
    for number in (1, 2):
        record = found.store.journal.note("acquire", broken, "the archive cannot be read")
        last = datetime.fromisoformat(record.last_attempt)
        assert found.tick(last + timedelta(hours=2 * number - 0.1)) == []
        assert found.tick(last + timedelta(hours=2 * number)) == [("acquire", {broken})]
    found.store.journal.note("acquire", broken, "the archive cannot be read")
    later = datetime.now(UTC) + timedelta(days=365)
    assert found.tick(later) == []
    assert "1 are given up (`ris status` names them, `ris reset` allows new attempts)" in str(found.said)
    assert [(stage, key) for stage, key in found.store.days.given_up()] == [("acquire", broken)]
    assert found.store.journal.forgive("acquire", broken)
    assert found.tick(datetime.now(UTC)) == [("acquire", {broken})]
    assert found.store.days.given_up() == {}
    assert not found.store.journal.forgive("acquire", StationDay("AA", DAYS[1]))


def test_what_fails_while_the_sensor_looks_waits_for_its_next_attempt(
    network: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = network(attempt_wait=1)
    failing = StationDay("BB", DAYS[1])

    def slow(*arguments: Any) -> dict[str, set[StationDay]]:
        if made.store.journal.find("acquire", failing) is None:
            made.store.journal.note("acquire", failing, "ended just now")
        return in_progress(*arguments)

    monkeypatch.setattr("ris_dagster.sensors.catch_up.in_progress", slow)
    assert set().union(*(keys for _, keys in made.tick(datetime.now(UTC)))) == ALL - {failing}


def test_failed_processing_is_tried_again_once_its_waveforms_are_there(network: Make) -> None:
    found = network(attempt_wait=0)
    found.record(*ALL)
    key = StationDay("CC", DAYS[2])
    found.store.journal.note("process", key, "no response")
    found.store.journal.note("label", key, "no spectrograms")
    assert found.tick() == []
    write_json(found.store.acquisition(key), {})
    assert found.tick(datetime.now(UTC)) == [("process", {key})]


def test_runs_that_died_count_as_attempts_at_what_they_said_nothing_of(network: Make) -> None:
    found = network(attempts=2, attempt_wait=0, station_days_per_run=12)
    assert found.tick() == [("acquire", ALL)]
    for _ in range(2):
        found.at_work(status="FAILURE", **range_tags(STATIONS, DAYS[0], DAYS[3]), **of_sensor("catch_up"))
        blocks = found.tick(datetime.now(UTC))
        assert all(len(keys) <= 3 for _, keys in blocks)  # smaller blocks, so that the others get done
    assert blocks == []
    assert {key for _, key in found.store.days.given_up()} == ALL
    assert "ended without a result for it" in next(iter(found.store.days.given_up().values())).error
    assert found.tick(datetime.now(UTC)) == []  # each run counts once
    assert {record.attempts for record in found.store.days.given_up().values()} == {2}


def daily(found: Network, now: str) -> list[set[StationDay]] | str:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    result = schedules.ask(found.instance, found.graph, found.store.days, BINDINGS, at)
    if isinstance(result, dg.SkipReason):
        return str(result.skip_message)
    return [set(station_days_of(request.tags, STATIONS)) for request in result]


def test_the_newest_complete_day_of_all_stations_is_asked_for_in_one_run_and_once(network: Make) -> None:
    found = network(last_day=None)
    assert daily(found, "2020-03-04T02:00") == [days(1)]
    assert daily(found, "2020-03-04T02:30") == [days(2)]
    run = found.at_work(status="QUEUED", **range_tags(STATIONS, DAYS[2], DAYS[2]))
    assert daily(found, "2020-03-04T02:30") == "2020-03-03: 3 under way"
    found.record(*days(2, stations=["AA", "BB"]))
    found.instance.report_run_canceled(run)
    assert daily(found, "2020-03-04T02:30") == [days(2, stations=["CC"])]
    found.store.journal.note("acquire", StationDay("CC", DAYS[2]), "no answer")
    assert daily(found, "2020-03-04T02:30") == "2020-03-03: 2 there, 1 failed and left to catch_up"


def test_a_network_that_has_ended_or_not_begun_asks_for_nothing(network: Make) -> None:
    found = network()
    assert daily(found, "2020-03-05T03:00") == [days(3)]  # its last day
    assert daily(found, "2020-03-06T03:00") == "the network ended on 2020-03-04"
    assert daily(found, "2020-02-20T03:00") == "the network begins on 2020-03-01"


@pytest.mark.parametrize("on", [True, False])
def test_schedule_and_sensor_are_switched_on_by_the_settings_alone(on: bool, network: Make) -> None:
    settings = network(daily_update=on, catch_up=on, daily_update_cron="5 1 * * *").store.settings
    definitions = build_definitions(settings)
    schedule = definitions.resolve_schedule_def("daily_update")
    assert schedule.cron_schedule == "5 1 * * *"
    assert schedule.default_status.value == ("RUNNING" if on else "STOPPED")
    assert definitions.resolve_sensor_def("catch_up").default_status.value == ("RUNNING" if on else "STOPPED")


def test_schedule_and_sensor_ask_as_dagster_evaluates_them(network: Make, tmp_path: Path) -> None:
    found = network()
    definitions = build_definitions(found.store.settings)
    repository = definitions.get_repository_def()
    resources = {"store": (definitions.resources or {})["store"]}
    result = tick(definitions, found.instance, "catch_up")
    assert asked(result.run_requests, STATIONS) == [("acquire", ALL)]
    at_time = datetime(2020, 3, 4, 2, 30, tzinfo=UTC)
    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        dg.build_schedule_context(
            instance, scheduled_execution_time=at_time, repository_def=repository, resources=resources
        ) as at,
    ):
        scheduled = definitions.resolve_schedule_def("daily_update").evaluate_tick(at)
    (request,) = scheduled.run_requests or []
    assert partition_range_of(request.tags) == ("2020-03-03|AA", "2020-03-03|CC")
