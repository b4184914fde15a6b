"""The ranking of partitions without truth, on partitions of which the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ris_core.clustering.ranking.information import bins_within, information_within
from ris_core.clustering.ranking.others import agreement_with_others
from ris_core.clustering.ranking.partition import NOT_KNOWN, Covariates, Partition
from ris_core.clustering.ranking.rank import Ranking, rank_partitions, support
from ris_core.clustering.ranking.same_source import coincident, same_source_same_cluster

N = 1500
_S = 1_000_000_000


def _truth(rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.integers(0, 4, N)


def _noisy(truth: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    wrong = rng.random(len(truth)) < share
    return np.where(wrong, rng.integers(0, 4, len(truth)), truth)


def _world() -> tuple[NDArray[np.int64], Covariates, np.random.Generator]:
    """Return classes whose rates vary over the day, each in its own way, and what is known of the events."""
    rng = np.random.default_rng(0)
    truth = _truth(rng)
    hour = (truth * 6 + rng.normal(0, 4, N).round().astype(np.int64)) % 24
    station = rng.choice(["S01", "S02", "S03"], N)
    amplitude = np.exp(rng.normal(truth, 1.5))
    return truth, Covariates(station, hour, amplitude, None), rng


def _ranked(parts: list[Partition], covariates: Covariates, **more: Any) -> Ranking:
    return rank_partitions(parts, covariates, permutations=50, **more)


def test_a_good_partition_beats_a_random_one_and_one_of_stations() -> None:
    truth, covariates, rng = _world()
    of_station = np.unique(covariates.station, return_inverse=True)[1]
    parts = [
        Partition("random/kmeans", 4, rng.integers(0, 4, N)),
        Partition("station/kmeans", 3, of_station),
        Partition("poor/kmeans", 4, _noisy(truth, 0.6, rng)),
        Partition("good/kmeans", 4, _noisy(truth, 0.1, rng)),
    ]
    found = _ranked(parts, covariates)
    assert found.best == ("good/kmeans", 4)
    assert found.used == ("agreement", "hour_ami")
    assert found.table["candidate"].tolist()[:2] == ["good/kmeans", "poor/kmeans"]
    assert found.table["rank"].tolist() == [1, 2, 3, 4]


def test_a_partition_that_is_not_proposed_is_not_chosen_though_it_ranks_well() -> None:
    truth, covariates, rng = _world()
    parts = [
        Partition("good/kmeans", 4, _noisy(truth, 0.05, rng)),
        Partition("good/kmeans", 3, np.minimum(_noisy(truth, 0.1, rng), 2)),
        Partition("poor/kmeans", 4, _noisy(truth, 0.6, rng)),
        Partition("poor/kmeans", 5, _noisy(truth, 0.8, rng)),
    ]
    proposed = {("good/kmeans", 3), ("poor/kmeans", 4)}
    found = _ranked(parts, covariates, proposed=proposed)
    assert found.best == ("good/kmeans", 3)
    assert found.table["proposed"].tolist() == [True, True, False, False]
    assert found.table["k"].tolist() == [3, 4, 4, 5]
    assert found.table["rank"].tolist() == [1, 2, 3, 4]
    shares = support(parts, covariates, halves=5, proposed=proposed)
    assert shares["good/kmeans"] == 1


def test_many_variants_of_one_family_do_not_win() -> None:
    truth, _, rng = _world()
    other = rng.integers(0, 4, N)
    many = [Partition("variants/kmeans", k, _noisy(other, 0.02, rng)) for k in range(2, 22)]
    few = [Partition(f"{name}/gmm", 4, _noisy(truth, 0.2, rng)) for name in ("one", "two", "three")]
    agreement = agreement_with_others([*many, *few])
    assert agreement[:20].max() < 0.05
    assert agreement[20:].min() > 0.2


def test_every_other_family_counts_the_same() -> None:
    truth, _, rng = _world()
    own, alike, unlike = truth, truth.copy(), rng.integers(0, 4, N)
    few = agreement_with_others([Partition("a/x", 4, own), Partition("b/x", 4, alike), Partition("c/x", 4, unlike)])
    more = [Partition("c/x", k, unlike) for k in range(5, 15)]
    many = agreement_with_others(
        [Partition("a/x", 4, own), Partition("b/x", 4, alike), Partition("c/x", 4, unlike), *more]
    )
    assert few[0] == pytest.approx(0.5, abs=0.02)
    assert many[0] == pytest.approx(few[0])


def test_clusters_of_a_station_say_nothing_about_the_hour() -> None:
    rng = np.random.default_rng(1)
    station = np.repeat(["S01", "S02"], N // 2)
    hour = np.where(station == "S01", rng.integers(0, 8, N), rng.integers(12, 20, N))
    labels = (station == "S02") * 2 + rng.integers(0, 2, N)
    found = information_within(labels, hour, station, 100, 0)
    assert abs(found.ami) < 0.01
    assert found.p > 0.05
    assert found.by_station["station"].tolist() == ["S01", "S02"]


def test_clusters_that_follow_the_hour_are_far_above_the_permutations() -> None:
    truth, covariates, _ = _world()
    found = information_within(truth, covariates.hour, covariates.station, 100, 0)
    assert found.ami > 0.1
    assert found.z > 10
    assert found.p == pytest.approx(1 / 101)
    assert information_within(truth, covariates.hour, covariates.station, 100, 0).z == found.z


def test_permutations_are_drawn_with_the_seed() -> None:
    _, covariates, rng = _world()
    labels = rng.integers(0, 4, N)
    z = [information_within(labels, covariates.hour, covariates.station, 50, seed).z for seed in (0, 0, 1)]
    assert z[0] == z[1] != z[2]


def test_one_candidate_alone_has_no_agreement_and_says_so() -> None:
    truth, covariates, rng = _world()
    found = _ranked([Partition("aec/dec", k, _noisy(truth, k / 20, rng)) for k in (4, 8)], covariates)
    assert found.used == ("hour_ami",)
    assert "one candidate" in found.absent["agreement"]
    assert found.table["agreement"].isna().all()


def test_rates_that_do_not_vary_leave_the_hour_out() -> None:
    truth, covariates, rng = _world()
    steady = Covariates(covariates.station, rng.integers(0, 24, N), None, None)
    parts = [Partition("a/x", 4, _noisy(truth, 0.1, rng)), Partition("b/x", 4, _noisy(truth, 0.1, rng))]
    found = _ranked(parts, steady)
    assert found.used == ("agreement",)
    assert "rates do not vary" in found.absent["hour_ami"]
    assert found.absent["amplitude_ami"] == "no amplitude is known"
    assert found.absent["same_source"] == "there is one station"
    assert found.absent["silhouette"] == "not given"


def test_nothing_to_rank_by_gives_no_best() -> None:
    _, covariates, rng = _world()
    steady = Covariates(covariates.station, rng.integers(0, 24, N), None, None)
    found = _ranked([Partition("a/x", 4, rng.integers(0, 4, N))], steady)
    assert found.used == ()
    assert found.best is None


def test_a_single_cluster_stands_last() -> None:
    truth, covariates, rng = _world()
    parts = [
        Partition("a/x", 2, np.zeros(N, dtype=int)),
        Partition("b/x", 4, _noisy(truth, 0.3, rng)),
        Partition("c/x", 4, _noisy(truth, 0.3, rng)),
    ]
    assert _ranked(parts, covariates).table["candidate"].iloc[-1] == "a/x"


def test_partitions_of_other_events_are_refused() -> None:
    truth, covariates, _ = _world()
    with pytest.raises(ValueError, match=r"a/x/k=4 has labels of shape \(10,\)"):
        _ranked([Partition("a/x", 4, truth[:10])], covariates)
    with pytest.raises(ValueError, match="a/x/k=4: given more than once"):
        _ranked([Partition("a/x", 4, truth), Partition("a/x", 4, truth)], covariates)


def test_the_bins_of_the_amplitude_are_of_each_station() -> None:
    station = np.repeat(["near", "far"], 100)
    values = np.concatenate([np.arange(100.0) * 1000, np.arange(100.0)])
    values[0] = np.nan
    bins = bins_within(values, station, 4)
    assert bins[0] == -1
    assert np.bincount(bins[1:100]).tolist() == pytest.approx([25] * 4, abs=1)
    assert np.bincount(bins[100:]).tolist() == pytest.approx([25] * 4, abs=1)


def test_events_near_in_time_at_other_stations_are_of_one_source() -> None:
    time = np.array([0, 1, 100, 200, 201, 202, 203]) * _S
    station = np.array(["A", "B", "A", "A", "B", "C", "B"])
    source = coincident(time, station, 3.0)
    assert source[0] == source[1] != NOT_KNOWN
    assert source[2] == NOT_KNOWN
    assert source[3] == source[4] == source[5] != source[0]
    assert source[6] == NOT_KNOWN


def test_stations_that_agree_have_a_kappa_of_one() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    source = np.tile(np.arange(200), 2)
    station = np.repeat(["A", "B"], 200)
    same = same_source_same_cluster(np.tile(truth, 2), source, station, 50, 0)
    assert same.kappa == pytest.approx(1.0)
    assert same.pairs == 200
    unlike = same_source_same_cluster(np.concatenate([truth, rng.integers(0, 4, 200)]), source, station, 50, 0)
    assert abs(unlike.kappa) < 0.15
    # A cluster for each station agrees no more than by chance.
    of_station = same_source_same_cluster(np.repeat([0, 1], 200), source, station, 50, 0)
    assert of_station.kappa <= 0
    few = same_source_same_cluster(np.tile(truth, 2)[:5], source[:5], station[:5], 50, 0)
    assert np.isnan(few.kappa)


def test_support_says_whether_the_choice_hangs_on_the_events() -> None:
    truth, covariates, rng = _world()
    clear = [
        Partition("good/x", 4, truth),
        Partition("half/x", 4, _noisy(truth, 0.5, rng)),
        Partition("random/x", 4, rng.integers(0, 4, N)),
    ]
    assert support(clear, covariates, halves=10)["good/x"] == 1
    same = [Partition(f"{name}/x", 4, _noisy(truth, 0.2, rng)) for name in ("a", "b", "c")]
    shares = support(same, covariates, halves=20)
    assert sum(shares.values()) == pytest.approx(1)
    assert max(shares.values()) < 0.9
