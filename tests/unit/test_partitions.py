from datetime import UTC, date, datetime, timedelta

import dagster as dg
from builders import sds_values
from hypothesis import given, settings
from hypothesis import strategies as st

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_dagster.adapter.run_tags import partition_range_of
from ris_dagster.partitions import (
    build_partitions,
    partition_key,
    range_tags,
    station_day,
)

CODES = st.from_regex(r"[A-Z0-9]{1,8}", fullmatch=True)
DAYS = st.dates(date(1990, 1, 1), date(2035, 12, 31))


def network(stations: list[str], first: date, last: date | None) -> Settings:
    values = sds_values("archive", stations=stations, days=[first])
    return Settings.model_validate(values | {"last_day": last})


@given(CODES, DAYS)
def test_a_station_day_and_its_partition_key_are_the_same_thing(station: str, day: date) -> None:
    key = partition_key(StationDay(station, day))
    assert str(key) == f"{day}|{station}"
    assert station_day(str(key)) == StationDay(station, day)
    assert dict(key.keys_by_dimension) == {"day": day.isoformat(), "station": station}


@given(st.data(), st.lists(CODES, min_size=1, max_size=6, unique=True), DAYS, st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_range_tags_mean_all_stations_of_a_range_on_all_days_of_a_span(
    data: st.DataObject, stations: list[str], first: date, count: int
) -> None:
    days = [first + timedelta(days=n) for n in range(count + 1)]
    defined = build_partitions(network(stations, days[0], days[-1])).station_days
    low = data.draw(st.integers(0, len(stations) - 1))
    high = data.draw(st.integers(low, len(stations) - 1))
    start = data.draw(st.integers(0, count))
    stop = data.draw(st.integers(start, count))
    tags = range_tags(stations[low : high + 1], days[start], days[stop])
    keys = defined.get_partition_keys_in_range(dg.PartitionKeyRange(*(partition_range_of(tags) or ())))
    wanted = {(s, d) for s in stations[low : high + 1] for d in days[start : stop + 1]}
    assert len(keys) == len(wanted)
    assert {station_day(k) for k in keys} == {StationDay(s, d) for s, d in wanted}


def test_partitions_are_the_stations_times_the_days_of_the_settings() -> None:
    defined = build_partitions(network(["B", "A"], date(2020, 2, 28), date(2020, 3, 1)))
    keys = [station_day(k) for k in defined.station_days.get_partition_keys()]
    assert set(keys) == {StationDay(s, date(2020, 2, 28) + timedelta(days=n)) for s in "BA" for n in range(3)}
    assert len(keys) == 6
    stations = defined.station_days.get_partitions_def_for_dimension("station")
    assert stations.get_partition_keys() == ["B", "A"]  # the order of the settings, not of the alphabet
    assert defined.trials.get_partition_keys() == ["bs8_lr2e-3"]
    assert defined.cluster_counts.get_partition_keys() == ["2", "3"]


def test_an_open_ended_network_has_every_day_that_is_over_and_no_other() -> None:
    settings = network(["A"], date(2024, 1, 1), None)
    defined = build_partitions(settings).station_days
    assert {station_day(k).day for k in defined.get_partition_keys()} == set(settings.days())
    keys = [str(k) for k in defined.get_partition_keys(current_time=datetime(2024, 1, 4, 0, 30, tzinfo=UTC))]
    assert keys == ["2024-01-01|A", "2024-01-02|A", "2024-01-03|A"]
    assert settings.days(date(2024, 1, 4)) == [date(2024, 1, n) for n in (1, 2, 3)]
