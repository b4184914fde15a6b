from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from ris_core.clustering.agreement import consensus, mean_of_pairs, pairwise_ari, renamed

Array = NDArray[Any]
K = 4

partitions_of_events = hnp.arrays(
    np.int32, st.tuples(st.integers(1, 5), st.integers(1, 40)), elements=st.integers(0, K - 1)
)


@given(partitions_of_events, st.randoms(use_true_random=False))
def test_names_of_clusters_change_neither_agreement_nor_consensus(partitions: Array, random: Any) -> None:
    others = partitions.copy()
    # The first gives the names, so it keeps its own.
    for row in others[1:]:
        names = list(range(K))
        random.shuffle(names)
        row[:] = np.array(names)[row]
    np.testing.assert_allclose(pairwise_ari(list(partitions)), pairwise_ari(list(others)))
    if len(partitions) == 2:  # with more, ties between equally good matches may be broken otherwise
        one, two = consensus(list(partitions), K), consensus(list(others), K)
        assert adjusted_rand_score(one.labels, two.labels) == pytest.approx(1.0)


@given(partitions_of_events)
def test_agreement_counts_the_partitions_that_give_the_consensus_label(partitions: Array) -> None:
    found = consensus(list(partitions), K)
    assert found.labels.dtype == np.int32
    assert found.labels.min() >= 0
    assert found.labels.max() < K
    # At least one partition gives the winning label, and shares are multiples of one partition.
    assert (found.agreement >= 1 / len(partitions) - 1e-12).all()
    np.testing.assert_allclose(found.agreement * len(partitions), np.round(found.agreement * len(partitions)))


@given(hnp.arrays(np.int32, st.integers(1, 40), elements=st.integers(0, K - 1)), st.permutations(range(K)))
def test_the_same_partition_by_other_names_is_recognised(labels: Array, names: list[int]) -> None:
    other = np.array(names)[labels]
    np.testing.assert_array_equal(renamed(other, labels, K), labels)
    found = consensus([labels, other, labels], K)
    np.testing.assert_array_equal(found.labels, labels)
    assert (found.agreement == 1).all()


def test_the_majority_wins_event_by_event() -> None:
    truth = np.repeat(np.arange(4), 50)
    rng = np.random.default_rng(0)
    partitions = []
    for _ in range(9):
        noisy = truth.copy()
        wrong = rng.choice(200, 40, replace=False)
        noisy[wrong] = rng.integers(0, 4, 40)
        partitions.append(rng.permutation(4)[noisy])
    found = consensus(partitions, 4)
    assert adjusted_rand_score(truth, found.labels) > 0.97 > adjusted_rand_score(truth, partitions[0])
    assert 0.8 < found.agreement.mean() < 0.95
    # By the names of the first partition.
    assert np.mean(found.labels == partitions[0]) > 0.75
    with pytest.raises(ValueError, match="no partition"):
        consensus([], 4)


def test_the_outlier_among_the_partitions_is_outvoted_even_if_it_is_the_first() -> None:
    good = np.repeat(np.arange(3), 40)
    bad = np.random.default_rng(1).integers(0, 3, 120)
    found = consensus([bad, good, good, good], 3)
    assert adjusted_rand_score(found.labels, good) == 1.0
    assert (found.agreement >= 0.75).all()


def test_fifty_thousand_events_need_little_memory() -> None:
    import tracemalloc

    labels = [np.random.default_rng(s).integers(0, 8, 50_000).astype(np.int32) for s in range(10)]
    tracemalloc.start()
    consensus(labels, 8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # a matrix of all pairs of events would be 20 GB


def test_pairs_agree_fully_by_chance_or_in_part() -> None:
    rng = np.random.default_rng(0)
    one = rng.integers(0, 5, 4000)
    ari = pairwise_ari([one, (one + 2) % 5, rng.integers(0, 5, 4000)])
    assert ari[0, 1] == pytest.approx(1.0)
    assert abs(ari[0, 2]) < 0.01
    assert mean_of_pairs(ari) == pytest.approx((1 + 2 * ari[0, 2]) / 3, abs=0.01)
    assert np.isnan(mean_of_pairs(ari[:1, :1]))
