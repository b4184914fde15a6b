"""The arithmetic by which `bench.campaign` extrapolates to the paper's archive."""

from __future__ import annotations

import pytest

from bench.campaign_archive import Size, stations_of
from bench.campaign_estimate import (
    EVENTS,
    STATION_DAYS,
    Command,
    Line,
    Ran,
    StationDayCost,
    Trained,
    dec_epochs,
    line_through,
    per_event,
    published_seconds,
    training_seconds,
)
from bench.campaign_summary import wall_seconds
from ris_core.config import DecSettings
from ris_core.config.sources import StationSettings


def test_a_line_has_the_fixed_part_and_the_slope_of_exact_measurements() -> None:
    found = line_through([(2, 5.0), (10, 9.0), (100, 54.0)])
    assert (found.fixed, found.slope) == pytest.approx((4.0, 0.5))
    assert found.at(1000) == pytest.approx(504.0)


def test_one_size_counts_as_growing_as_a_whole() -> None:
    assert line_through([(4, 8.0), (4, 12.0)]) == Line(0.0, 2.5)


def test_noise_never_makes_a_part_negative() -> None:
    falling, steep = line_through([(1, 9.0), (10, 5.0)]), line_through([(10, 5.0), (20, 20.0)])
    assert (falling.fixed, falling.slope) == pytest.approx((7.0, 0.0))
    assert (steep.fixed, steep.slope) == pytest.approx((0.0, 0.9))


def _command(sizes: list[int]) -> Command:
    """Return a command of 6 s and 0.01 s a station-day, runs of 2 s and 0.3 s a station-day, 4 s of imports."""
    runs = tuple(Ran(n, 2 + 0.3 * n + (4 if number == 0 else 0), number == 0) for number, n in enumerate(sizes))
    size = sum(sizes)
    return Command(size, 6 + 0.01 * size + sum(run.seconds for run in runs), 20 + 0.5 * size, runs)


def test_command_run_and_station_day_are_told_apart_and_an_archive_is_their_sum() -> None:
    cost = StationDayCost.of([_command([1, 1]), _command([8, 248, 7, 7])], per_event_s=0.0, events=17.0)
    assert (cost.outside.fixed, cost.outside.slope) == pytest.approx((6.0, 0.01))
    assert (cost.run.fixed, cost.run.slope) == pytest.approx((2.0, 0.3))
    assert cost.first_run_s == pytest.approx(4.0)
    assert (cost.cpu.fixed, cost.cpu.slope) == pytest.approx((20.0, 0.5))
    runs = 73  # 24,820 station-days, at most 340 in each
    expected = 6 + 0.01 * STATION_DAYS + 4 + 2 * runs + 0.3 * STATION_DAYS
    assert cost.seconds(per_run=340) == pytest.approx(expected)


def test_a_busier_archive_takes_longer_by_its_further_events() -> None:
    cost = StationDayCost.of([_command([1, 1]), _command([8, 248])], per_event_s=0.002, events=10.0)
    further = EVENTS / STATION_DAYS - 10.0
    assert cost.per_station_day_s() == pytest.approx(0.3 + 0.002 * further)
    busier = cost.seconds(per_run=340, events=2 * EVENTS) - cost.seconds(per_run=340)
    assert busier == pytest.approx(0.002 * EVENTS)


def test_seconds_of_events_are_shared_by_the_workers() -> None:
    assert per_event([(0, 0.2), (10, 0.24), (100, 0.6)], workers=2) == pytest.approx(0.002)
    first_of_a_worker = (3, 30.0)
    many = [(n, 0.2 + 0.004 * n) for n in range(20)]
    assert per_event([first_of_a_worker, *many], workers=2) == pytest.approx(0.002, rel=0.05)
    assert per_event([(5, 0.3), (5, 0.4)], workers=2) == 0.0
    assert per_event([(0, 0.3), (50, 0.2)], workers=2) == 0.0


def test_a_training_grows_with_events_and_epochs() -> None:
    line, seconds = training_seconds(Trained(1000, 30, 13.0), Trained(4000, 20, 26.0), 20, events=50_000)
    assert (line.fixed, line.slope) == pytest.approx((5.2, 0.00026))
    assert seconds == pytest.approx(5.2 + 0.00026 * 50_000 * 20)


def test_a_training_of_the_right_size_is_taken_as_measured() -> None:
    few, many = Trained(4000, 1, 100.0), Trained(50_000, 1, 26.0)
    assert training_seconds(few, many, 1, events=50_000)[1] == pytest.approx(26.0)
    assert training_seconds(few, many, 5, events=50_000)[1] == pytest.approx(5 * 26.0)


def test_dec_of_more_events_needs_as_many_epochs_unless_its_steps_are_bounded() -> None:
    assert dec_epochs([10, 30.5], [3, 3], DecSettings(), copies=50_000) == 40.5
    # 50,000 events are 782 batches.
    bounded = DecSettings(max_steps=3910)
    assert dec_epochs([4, 30.5], [3, 3], bounded, copies=50_000) == 4 + 5
    assert dec_epochs([4, 30.5], [2, 1.5], DecSettings(max_steps=1564), copies=50_000) == 3.5
    assert dec_epochs([4, 30.5], [3, 3], DecSettings(max_steps=1564), copies=1_000) == 2 + 2


def test_trainings_that_work_at_once_count_once() -> None:
    runs = [{"began": 10.0, "seconds": 5.0}, {"began": 12.0, "seconds": 8.0}, {"began": 13.0, "seconds": 1.0}]
    assert wall_seconds([*runs, {"began": 30.0, "seconds": 4.0}]) == 10.0 + 4.0
    assert wall_seconds([]) == 0.0


def test_the_published_code_does_the_same_work() -> None:
    found = published_seconds(aec_epochs=25, dec_epochs=60)
    assert found["station-days"] == pytest.approx(24_820 * 8.6)
    assert found["spectrograms"] == pytest.approx(430_000 / 16)
    assert found["autoencoder"] == pytest.approx(25 * 40_000 / 2000)
    assert found["DEC"] == pytest.approx(60 * 40_000 / 840)
    assert found["labels"] == pytest.approx(430_000 / 730)


def test_the_papers_stations_lie_on_the_earth_each_at_a_place_of_its_own() -> None:
    stations = [StationSettings.model_validate(one) for one in stations_of(Size(34, 1, 1.0))]
    assert len({(one.latitude, one.longitude) for one in stations}) == 34
    assert min(one.longitude for one in stations) < 0 < max(one.longitude for one in stations)
