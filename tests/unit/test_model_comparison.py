"""Cross-tabulation of two models, numbers of clusters after another model, accuracy by reviews."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from ris_core.clustering.model_comparison import accuracy_by_reviews, compare_labels, numbers_like


def test_rows_and_columns_of_common_classes_come_first_in_the_same_order() -> None:
    found = compare_labels(np.array([3, 3, 0, 5, 5]), np.array([3, 0, 0, 7, 7]))
    assert (found.before_numbers, found.after_numbers) == ((0, 3, 5), (0, 3, 7))
    np.testing.assert_array_equal(found.counts, [[1, 0, 0], [1, 1, 0], [0, 0, 2]])
    np.testing.assert_array_equal(found.changed, [False, True, False, True, True])


def test_agreement_does_not_depend_on_numbers() -> None:
    found = compare_labels(np.array([0, 0, 1, 1]), np.array([4, 4, 2, 2]))
    assert (found.adjusted_rand, found.mutual_information) == (1.0, 1.0)
    assert found.changed.all()


def test_no_event_is_a_comparison_without_agreement() -> None:
    found = compare_labels(np.array([], int), np.array([], int))
    assert found.counts.shape == (0, 0)
    assert np.isnan(found.adjusted_rand)


def test_labels_of_other_events_are_refused() -> None:
    with pytest.raises(ValueError, match="same events"):
        compare_labels(np.zeros(3), np.zeros(4))


def test_clusters_get_the_numbers_of_classes_with_the_same_events() -> None:
    labels = np.array([5, 5, 5, 2, 2, 2, 2])
    clusters = np.array([1, 1, 1, 0, 0, 2, 2])
    assert numbers_like(labels, clusters, 3, 9, 0.6) == (9, 5, 10)
    assert numbers_like(labels, clusters, 3, 0, 0.6) == (6, 5, 7)


def test_an_event_has_no_say_about_itself() -> None:
    # Label 1 has one event: nothing says what it is. In label 0 two of three agree.
    found = accuracy_by_reviews(np.array([0, 0, 0, 1]), ["a", "a", "b", "c"])
    assert (found.right, found.count) == (0, 4)  # of three, each "a" sees one "a" and one "b"
    found = accuracy_by_reviews(np.array([0, 0, 0, 0]), ["a", "a", "a", "b"])
    assert (found.right, found.count) == (3, 4)
    assert accuracy_by_reviews(np.array([], int), []).count == 0


def test_of_some_events_all_others_have_a_say() -> None:
    labels, words = np.array([0, 0, 0, 0]), ["a", "a", "a", "b"]
    audit = np.array([True, False, False, True])
    found = accuracy_by_reviews(labels, words, audit)
    assert (found.right, found.count) == (1, 2)
    assert accuracy_by_reviews(labels, words, np.zeros(4, bool)).count == 0


def test_agreement_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    before = rng.integers(0, 5, 300)
    for after in (rng.integers(0, 4, 300), np.where(rng.random(300) < 0.8, before, 0), np.zeros(300, int), before + 1):
        found = compare_labels(before, after)
        assert found.adjusted_rand == pytest.approx(adjusted_rand_score(before, after), abs=1e-12)
        assert found.mutual_information == pytest.approx(normalized_mutual_info_score(before, after), abs=1e-12)
    assert compare_labels(np.zeros(3, int), np.ones(3, int)).adjusted_rand == 1.0
