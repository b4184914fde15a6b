"""Which detections of several stations one source can explain."""

import itertools

import numpy as np
import pandas as pd
import pytest

from ris_core.catalogue.borders import reach_over
from ris_core.catalogue.source_classes import kinds_of, source_classes, sources_of
from ris_core.catalogue.sources import associate, compatible_pairs, longest_differences
from ris_core.config import CatalogueSettings
from ris_core.contracts.station_day import DAY_NS, NS

DISTANCE = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, np.nan], [20.0, np.nan, 0.0]])


def seconds(*values: float) -> np.ndarray:
    return np.array([round(value * NS) for value in values], dtype=np.int64)


def test_the_longest_difference_is_travel_time_and_picking_error() -> None:
    longest = longest_differences(DISTANCE, least_velocity=2.0, picking_error=1.0)
    assert longest.tolist() == [[-1, 6 * NS, 11 * NS], [6 * NS, -1, -1], [11 * NS, -1, -1]]


def test_detections_of_two_stations_within_the_longest_difference_are_one_source() -> None:
    longest = longest_differences(DISTANCE, 2.0, 1.0)
    found = associate(seconds(0, 6, 100, 106.001), np.array([0, 1, 0, 1]), longest)
    assert found.group.tolist() == [0, 0, 2, 3]
    assert found.alone.tolist() == [False, False, True, True]
    assert found.pairs.tolist() == [[0, 1]]


def test_a_source_has_one_detection_of_each_station_and_the_nearest_in_time_wins() -> None:
    longest = longest_differences(DISTANCE, 2.0, 1.0)
    found = associate(seconds(0, 4, 5), np.array([0, 0, 1]), longest)
    assert found.group.tolist() == [0, 1, 1]


def test_stations_without_a_known_distance_are_never_one_source() -> None:
    longest = longest_differences(DISTANCE, 2.0, 1.0)
    found = associate(seconds(0, 0.1), np.array([1, 2]), longest)
    assert found.alone.all()
    assert not len(compatible_pairs(seconds(0, 0.1), np.array([1, 2]), longest))


def test_all_detections_of_a_source_fit_each_other() -> None:
    rng = np.random.default_rng(1)
    places = rng.uniform(0, 30, (6, 2))
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    longest = longest_differences(distance, 3.0, 0.5)
    time = np.sort(rng.integers(0, 2000 * NS, 900))
    station = rng.integers(0, 6, 900)
    found = associate(time, station, longest)
    pairs = {
        (i, j)
        for i, j in itertools.combinations(range(900), 2)
        if station[i] != station[j] and time[j] - time[i] <= longest[station[i], station[j]]
    }
    assert set(map(tuple, found.pairs.tolist())) == pairs
    several = 0
    for group in np.unique(found.group):
        members = np.flatnonzero(found.group == group)
        assert group == members[0]
        assert all((i, j) in pairs for i, j in itertools.combinations(members.tolist(), 2))
        several += len(members) > 1
    assert several > 100


def test_detections_of_one_source_can_be_asked_to_be_of_one_class() -> None:
    longest = longest_differences(DISTANCE, 2.0, 1.0)
    label = np.array([3, 4, 4, 3, -1, -1])
    time, station = seconds(0, 1, 50, 51, 100, 101), np.array([0, 1] * 3)

    def pairs(same_class: bool, of: tuple[int, ...] | None) -> int:
        return len(associate(time, station, longest, kinds_of(label, same_class, of)).pairs)

    assert [pairs(False, None), pairs(True, None), pairs(False, (4, 3)), pairs(False, (4,))] == [3, 1, 2, 0]


@pytest.mark.parametrize("rate", [20, 200, 3000, 12_000])
def test_both_sides_of_a_border_find_the_same_sources(rate: int) -> None:
    rng = np.random.default_rng(rate)
    longest = longest_differences(np.array([[0.0, 30.0], [30.0, 0.0]]), 1.0, 0.0)
    border = 3 * DAY_NS
    time = np.sort(rng.integers(0, 6 * DAY_NS, 6 * rate))
    station = rng.integers(0, 2, len(time))
    # Some events of the earlier month have their peak just after midnight.
    late = (time >= border) & (time < border + 5 * NS) & (rng.random(len(time)) < 0.5)
    earlier = (time < border) | late

    def of(own: np.ndarray, day: np.ndarray, is_earlier: bool) -> dict[int, int]:
        between = reach_over(np.sort(time[own | day]), border, int(longest.max()))
        rows = own.copy()
        if between is not None:
            rows |= day & ((time <= between[1]) if is_earlier else (time >= between[0]))
        chosen = np.flatnonzero(rows)
        group = associate(time[chosen], station[chosen], longest).group
        return {int(time[row]): int(time[chosen[g]]) for row, g in zip(chosen, group, strict=True) if own[row]}

    before = of(earlier, ~earlier & (time < border + DAY_NS), True)
    after = of(~earlier, earlier & (time >= border - DAY_NS), False)
    if reach_over(time, border, int(longest.max())) is None:
        assert set(before.values()).isdisjoint(after.values())
        return
    group = associate(time, station, longest).group
    assert before | after == {int(t): int(time[g]) for t, g in zip(time, group, strict=True)}


def test_a_day_without_a_rest_parts_the_sources_at_the_border() -> None:
    time = np.arange(0, 2 * DAY_NS, 10 * NS)
    assert reach_over(time, DAY_NS, 30 * NS) is None
    assert reach_over(time[:1], DAY_NS, 30 * NS) is not None


def coincidences(*rows: tuple[int, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["label", "coincidences", "expected_by_chance"])


def test_classes_that_coincide_clearly_more_often_than_by_chance_are_chosen() -> None:
    # By chance; improbable but a small excess; a large excess of few; a clear one; not known.
    table = coincidences((0, 100, 98.0), (1, 10_000, 9_000.0), (2, 3, 1.5), (5, 40, 5.0), (7, 40, np.nan), (8, 0, 0.0))
    assert source_classes(CatalogueSettings(), table) == (5,)
    assert source_classes(CatalogueSettings(least_excess=0.05), table) == (1, 5)
    assert source_classes(CatalogueSettings(source_classes="all"), table) is None
    assert source_classes(CatalogueSettings(source_classes=(2, 7)), table) == (2, 7)


def test_sources_are_sought_among_these_classes() -> None:
    rng = np.random.default_rng(0)
    hours = 200
    shared = np.sort(rng.integers(0, hours * 3600, 150)) * NS
    time = np.concatenate([shared, shared + NS, rng.integers(0, hours * 3600 * NS, 4000)])
    station = np.concatenate([np.zeros(150), np.ones(150), rng.integers(0, 2, 4000)]).astype(int)
    label = np.repeat([3, 3, 4], [150, 150, 4000])
    order = np.argsort(time, kind="stable")
    longest = np.array([[-1, 5 * NS], [5 * NS, -1]])
    live = {place: np.array([[0, hours * 3600 * NS]]) for place in (0, 1)}
    arguments = time[order], station[order], label[order], live, longest
    group = sources_of(*arguments, CatalogueSettings())
    together = np.bincount(group, minlength=len(group))[group] > 1
    assert set(label[order][together]) == {3}
    assert together.sum() == 300
    everything = sources_of(*arguments, CatalogueSettings(source_classes="all"))
    assert (np.bincount(everything)[everything] > 1).sum() > 350
