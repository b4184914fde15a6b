from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from builders import sds_values
from hypothesis import given
from hypothesis import strategies as st

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_dagster.planning import Block, complete_days, newest_complete_day, plan, plan_by_size

STATIONS = [f"S{n:02d}" for n in range(1, 9)]
FIRST = date(2015, 1, 28)
KEYS = st.builds(
    lambda station, day: StationDay(station, FIRST + timedelta(days=day)), st.sampled_from(STATIONS), st.integers(0, 12)
)


def keys_of(blocks: list[Block]) -> list[StationDay]:
    return [key for block in blocks for key in block.keys()]  # noqa: SIM118 - no mapping


@given(st.lists(KEYS, max_size=104), st.integers(1, 60))
def test_blocks_hold_every_wanted_station_day_once_and_no_other_oldest_first(
    wanted: list[StationDay], at_most: int
) -> None:
    blocks = plan(wanted, STATIONS, at_most)
    found = keys_of(blocks)
    assert len(found) == len(set(found))
    assert set(found) == set(wanted)
    assert all(1 <= len(block) <= at_most for block in blocks)
    assert [b.first for b in blocks] == sorted(b.first for b in blocks)
    for block in blocks:
        begin = STATIONS.index(block.stations[0])
        assert list(block.stations) == STATIONS[begin : begin + len(block.stations)]


@given(st.sets(KEYS), st.integers(1, 60), st.data())
def test_station_days_that_failed_are_planned_in_smaller_blocks_and_none_is_lost(
    wanted: set[StationDay], at_most: int, data: st.DataObject
) -> None:
    attempts = {key: data.draw(st.integers(0, 3)) for key in wanted}
    blocks = plan_by_size(attempts, STATIONS, at_most)
    found = keys_of(blocks)
    assert len(found) == len(wanted)
    assert set(found) == wanted
    assert [b.first for b in blocks] == sorted(b.first for b in blocks)
    for block in blocks:
        assert all(len(block) <= max(1, at_most // 4 ** attempts[key]) for key in block.keys())  # noqa: SIM118


def test_an_archive_of_34_stations_and_two_years_takes_as_few_runs_as_can_be() -> None:
    stations = [f"S{n:02d}" for n in range(1, 35)]
    days = [date(2014, 12, 1) + timedelta(days=n) for n in range(730)]
    everything = [StationDay(station, day) for station in stations for day in days]
    blocks = plan(everything, stations, 340)
    assert len(blocks) == 73
    assert {len(block) for block in blocks} == {340}
    # An outage of one station divides the stations for its time only; that of all of them divides the days.
    assert len(plan([k for k in everything if k.station != "S10"], stations, 340)) <= 2 * 73
    assert len(plan([k for k in everything if k.day != days[5]], stations, 340)) == 74
    # Each station has outages of its own: stations are taken for themselves, rather than day by day.
    outages = {StationDay(s, days[(20 * n + 97 * i) % 730]) for i, s in enumerate(stations) for n in range(5)}
    assert len(plan(set(everything) - outages, stations, 340)) <= 34 * 8


@pytest.mark.parametrize(
    ("now", "latency", "newest"),
    [
        ("2020-03-05T00:04:59", 0, date(2020, 3, 3)),  # the padding of 300 s has not passed
        ("2020-03-05T00:05:00", 0, date(2020, 3, 4)),
        ("2020-03-05T02:04:59", 2, date(2020, 3, 3)),
        ("2020-03-05T02:05:00", 2, date(2020, 3, 4)),
        ("2020-03-01T00:05:00", 24, date(2020, 2, 28)),
    ],
)
def test_a_day_is_complete_when_its_padding_and_the_latency_have_passed(now: str, latency: float, newest: date) -> None:
    settings = live(operations={"latency": latency})
    time = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert newest_complete_day(settings, time) == newest
    days = complete_days(settings, time)
    assert days[-1] == newest
    assert days[0] == settings.first_day


def test_days_of_a_network_that_has_ended_or_not_begun() -> None:
    ended = live(last_day="2020-02-03")
    assert complete_days(ended, datetime(2020, 3, 1, tzinfo=UTC))[-1] == date(2020, 2, 3)
    assert complete_days(ended, datetime(2020, 2, 1, tzinfo=UTC)) == []


def live(**values: Any) -> Settings:
    base = sds_values("archive", stations=["AA"], days=[date(2020, 2, 1)]) | {"last_day": None}  # type: ignore[arg-type]
    return Settings.model_validate(base | values)


@pytest.mark.parametrize("cron", ["30 2 * *", "0 30 2 * * *", "61 2 * * *", "@daily", "every day", ""])
def test_a_wrong_cron_expression_is_refused_with_key_value_and_an_example(cron: str) -> None:
    with pytest.raises(ValueError, match=r"not a cron expression of five fields .* like '30 2"):
        live(operations={"daily_update_cron": cron})


def test_a_cron_expression_and_times_in_hours_are_taken() -> None:
    operations = live(operations={"daily_update_cron": "*/15 0-6 * * MON-FRI", "latency": "36 h"}).operations
    assert (operations.daily_update_cron, operations.latency) == ("*/15 0-6 * * MON-FRI", 36.0)
    with pytest.raises(ValueError, match="give a number in h"):
        live(operations={"latency": "2 d"})
