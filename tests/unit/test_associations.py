from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kstest
from sklearn.metrics import adjusted_mutual_info_score

from ris_core.clustering.associations import association, associations, p_rotated, p_within, quantile_bins

Array = NDArray[Any]


def test_p_values_of_unrelated_labels_are_uniform() -> None:
    rng = np.random.default_rng(0)
    p = [association(rng.integers(0, 4, 200), rng.integers(0, 5, 200), 99, seed)["p"] for seed in range(300)]
    assert kstest(p, "uniform").pvalue > 0.01
    assert min(p) >= 1 / 100


def test_a_planted_association_is_found_and_measured_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 6, 1000)
    values = np.where(rng.random(1000) < 0.3, labels, rng.integers(0, 6, 1000))
    found = association(labels, values, 200, 0)
    assert found["p"] == 1 / 201
    assert found["ami"] == adjusted_mutual_info_score(labels, values) > found["ami_by_chance"]
    assert association(labels, labels, 50, 0)["ami"] == pytest.approx(1.0)


def test_tables_drawn_directly_are_those_of_permuted_labels() -> None:
    rng = np.random.default_rng(2)
    labels, values = rng.integers(0, 3, 400), rng.integers(0, 24, 400)
    permuted = [adjusted_mutual_info_score(rng.permutation(labels), values) for _ in range(400)]
    assert association(labels, values, 2000, 0)["ami_by_chance"] == pytest.approx(
        np.quantile(permuted, 0.95), abs=0.004
    )


def test_nothing_is_said_of_what_does_not_vary() -> None:
    found = association(np.zeros(20, int), np.arange(20), 20, 0)
    assert all(np.isnan(v) for v in found.values())
    with pytest.raises(ValueError, match="one value for each label"):
        association(np.zeros(3, int), np.zeros(4, int), 20, 0)


def test_a_swarm_counts_once_when_clocks_are_turned() -> None:
    free, restricted = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        # Each day has one swarm of forty like events within an hour of its own.
        hour, labels = (np.repeat(rng.integers(0, n, 15), 40) for n in (24, 4))
        free.append(association(labels, hour, 100, seed)["p"])
        restricted.append(p_rotated(labels, hour, np.repeat(np.arange(15), 40), 100, seed))
    assert np.mean(np.array(free) < 0.05) > 0.9  # every swarm looks like forty coincidences
    assert np.mean(np.array(restricted) < 0.05) < 0.12


def test_turned_clocks_find_what_goes_with_the_hour() -> None:
    rng = np.random.default_rng(3)
    day, hour = np.repeat(np.arange(20), 50), rng.integers(0, 24, 1000)
    labels = np.where(rng.random(1000) < 0.5, hour // 8, rng.integers(0, 3, 1000))
    assert p_rotated(labels, hour, day, 199, 0) < 0.02


def test_a_difference_between_stations_is_not_one_between_their_events() -> None:
    rng = np.random.default_rng(4)
    station = np.repeat([0, 1], 400)
    # Station 1 is loud, and has another mixture of labels; within a station loudness and label are unrelated.
    loud = (rng.random(800) < np.array([0.2, 0.8])[station]).astype(int)
    labels = (rng.random(800) < np.array([0.3, 0.7])[station]).astype(int)
    assert association(labels, loud, 199, 0)["p"] < 0.01
    assert p_within(labels, loud, station, 199, 0) > 0.05
    together = np.where(rng.random(800) < 0.3, loud, labels)
    assert p_within(together, loud, station, 199, 0) < 0.01
    assert np.isnan(p_within(labels, station, station, 20, 0))


def test_p_values_within_stations_are_uniform_where_nothing_is_related() -> None:
    rng = np.random.default_rng(6)
    station = np.repeat(np.arange(3), 50)
    p = [p_within(rng.integers(0, 4, 150), rng.integers(0, 5, 150), station, 49, seed) for seed in range(200)]
    assert kstest(p, "uniform").pvalue > 0.01


def test_the_table_leaves_out_what_is_not_known() -> None:
    rng = np.random.default_rng(5)
    labels, station, day = rng.integers(0, 3, 300), np.repeat(["A", "B", "C"], 100), np.arange(300) // 20
    amplitude = np.where(np.arange(300) < 200, rng.integers(0, 10, 300), -1)
    properties = {"station": station, "amplitude": amplitude, "hour": rng.integers(0, 24, 300)}
    found = associations(labels, properties, station, day, 50, 0)
    by_name = found.set_index("variable")
    assert by_name["events"].to_dict() == {"station": 300, "amplitude": 200, "hour": 300}
    assert by_name["levels"].to_dict() == {"station": 3, "amplitude": 10, "hour": 24}
    assert by_name["p_restricted"].isna().to_dict() == {"station": True, "amplitude": False, "hour": False}
    assert by_name["p"].between(0, 1).all()
    assert found.equals(associations(labels, properties, station, day, 50, 0))


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.integers(1, 10))
def test_quantile_bins_keep_the_order_and_are_few(values: list[float], bins: int) -> None:
    array = np.array(values)
    found = quantile_bins(array, bins)
    assert found.shape == array.shape
    assert len(np.unique(found)) <= bins
    order = np.argsort(array)
    assert (np.diff(found[order]) >= 0).all()
    assert all(len(set(found[array == v])) == 1 for v in values)


def test_quantile_bins_are_equally_filled() -> None:
    found = quantile_bins(np.random.default_rng(0).lognormal(size=1000), 10)
    assert np.bincount(found).tolist() == [100] * 10
