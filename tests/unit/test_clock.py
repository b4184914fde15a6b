"""A clock that goes back, over midnight too: nothing is requested twice, and nothing raises."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from builders import sds_values
from sensor_builders import catch_up_at, record_acquired
from store import Store

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_dagster import schedules
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.definitions import build_definitions
from ris_dagster.planning import complete_days, newest_complete_day
from ris_dagster.records import station_days_of

STATIONS = ["AA", "BB"]
FIRST = date(2020, 3, 1)
LATENCY_H = 6.0
Tick = Callable[[datetime], set[StationDay]]


@pytest.fixture
def live(data_root: Path, tmp_path: Path) -> Iterator[tuple[dg.DagsterInstance, Store, dg.Definitions]]:
    """A network whose end is open."""
    days = [FIRST, FIRST + timedelta(days=1)]
    values: dict[str, Any] = sds_values(tmp_path, stations=STATIONS, days=days)
    values |= {"last_day": None, "operations": {"latency": LATENCY_H}}
    settings = Settings.model_validate(values)
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield instance, Store(settings), build_definitions(settings)


@pytest.fixture
def daily(live: tuple[dg.DagsterInstance, Store, dg.Definitions]) -> Tick:
    """Ask the schedule at a time; what it asks for is acquired at once."""
    instance, store, definitions = live
    graph = definitions.resolve_asset_graph()

    def tick(now: datetime) -> set[StationDay]:
        found = schedules.ask(instance, graph, store.days, BINDINGS, now)
        if isinstance(found, dg.SkipReason):
            return set()
        keys = {key for request in found for key in station_days_of(request.tags, STATIONS)}
        record_acquired(instance, keys)
        return keys

    return tick


def test_the_schedule_asks_for_each_day_once_whatever_the_clock_does(daily: Tick) -> None:
    midnight = datetime(2020, 3, 5, tzinfo=UTC)
    complete = midnight + timedelta(hours=LATENCY_H, minutes=5)
    fourth = {StationDay(station, date(2020, 3, 4)) for station in STATIONS}
    third = {StationDay(station, date(2020, 3, 3)) for station in STATIONS}
    assert daily(complete) == fourth
    # Back over the moment at which it was complete: the day before, which is not there; and over midnight: none.
    assert daily(complete - timedelta(minutes=20)) == third
    assert daily(midnight - timedelta(seconds=1)) == set()
    for minutes in (-30, -10, -1, 0, 1, 10, 600):
        assert daily(complete + timedelta(minutes=minutes)) == set()
    assert daily(complete + timedelta(days=1)) == {StationDay(station, date(2020, 3, 5)) for station in STATIONS}
    assert daily(datetime(2020, 2, 20, tzinfo=UTC)) == set()


def test_catch_up_asks_for_nothing_twice_when_the_clock_goes_back(
    live: tuple[dg.DagsterInstance, Store, dg.Definitions],
) -> None:
    instance, store, definitions = live
    graph = definitions.resolve_asset_graph()
    now = datetime(2020, 3, 3, int(LATENCY_H), 10, tzinfo=UTC)
    failed = StationDay("BB", FIRST)
    asked: list[StationDay] = []
    cursor: str | None = None
    for minutes in (0, -20, -7 * 60, -60 * 48, 0, 1):
        result = catch_up_at(now + timedelta(minutes=minutes), instance, graph, store, cursor)
        cursor = result.cursor
        keys = [key for request in result.run_requests or [] for key in station_days_of(request.tags, STATIONS)]
        asked += keys
        for key in keys:
            if key == failed:
                store.journal.note("acquire", key, "the station was not reached")
            else:
                record_acquired(instance, [key])
    assert sorted(asked) == sorted({StationDay(s, FIRST + timedelta(days=n)) for s in STATIONS for n in range(2)})


def test_days_are_complete_by_the_clock_of_now_alone(live: tuple[dg.DagsterInstance, Store, dg.Definitions]) -> None:
    settings = live[1].settings
    now = datetime(2020, 3, 5, 6, 10, tzinfo=UTC)
    before = now - timedelta(hours=8)
    assert newest_complete_day(settings, now) == date(2020, 3, 4)
    assert newest_complete_day(settings, before) == date(2020, 3, 3)
    assert set(complete_days(settings, before)) < set(complete_days(settings, now))
    assert complete_days(settings, datetime(2020, 2, 1, tzinfo=UTC)) == []
