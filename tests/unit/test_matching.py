"""Class numbers outlive a change of the model where the clusters hold the same events."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ris_core.clustering.matching import first_classes, jaccard, known_classes, match_clusters

Array = NDArray[Any]
BEFORE = np.repeat([0, 1, 2, 3], [400, 300, 200, 100])


def test_the_first_model_has_classes_in_the_order_of_its_clusters() -> None:
    first = first_classes(np.array([0, 0, 2]), 4)
    assert (first.classes, first.sizes, first.next_class) == ((0, 1, 2, 3), (2, 0, 1, 0), 4)
    assert first.states == ("new",) * 4


def test_clusters_in_another_order_keep_their_classes() -> None:
    order = np.array([2, 0, 3, 1])
    found = match_clusters(BEFORE, order[BEFORE], (0, 1, 2, 3), 4, 4, 0.3)
    assert [found.classes[order[j]] for j in range(4)] == [0, 1, 2, 3]
    assert found.overlap == (1.0,) * 4 and found.states == ("kept",) * 4
    assert (found.next_class, found.lost) == (4, ())


def test_classes_are_kept_from_the_former_models_numbers_and_not_from_its_order() -> None:
    found = match_clusters(BEFORE, 3 - BEFORE, (7, 0, 9, 2), 4, 12, 0.3)
    assert found.classes == (2, 9, 0, 7)


def test_some_other_events_in_a_cluster_do_not_take_its_class() -> None:
    after = BEFORE.copy()
    after[::7] = (after[::7] + 1) % 4
    found = match_clusters(BEFORE, after, (0, 1, 2, 3), 4, 4, 0.3)
    assert found.classes == (0, 1, 2, 3)
    np.testing.assert_allclose(found.overlap, np.diag(jaccard(BEFORE, after, 4, 4)))
    assert all(0.4 < value < 1 for value in found.overlap)


def test_of_a_class_that_falls_apart_the_greater_part_keeps_it_and_the_other_is_new() -> None:
    after = BEFORE.copy()
    after[:120] = 4
    found = match_clusters(BEFORE, after, (0, 1, 2, 3), 5, 4, 0.3)
    assert found.classes == (0, 1, 2, 3, 4)
    assert found.states == ("kept", "kept", "kept", "kept", "new")
    assert found.overlap[0] == pytest.approx(280 / 400) and found.overlap[4] == 0
    assert found.next_class == 5


def test_of_two_classes_that_become_one_the_greater_goes_on_and_the_other_is_lost() -> None:
    after = np.where(BEFORE == 3, 0, BEFORE)
    found = match_clusters(BEFORE, after, (0, 1, 2, 3), 3, 4, 0.3)
    assert (found.classes, found.lost, found.next_class) == ((0, 1, 2), (3,), 4)
    assert found.overlap[0] == pytest.approx(400 / 500)


def test_a_class_of_which_too_little_is_left_is_lost_and_its_number_never_used_again() -> None:
    after = np.arange(1000) % 4  # nothing to do with the clusters before
    found = match_clusters(BEFORE, after, (0, 1, 2, 3), 4, 6, 0.3)
    assert (found.classes, found.lost, found.next_class) == ((6, 7, 8, 9), (0, 1, 2, 3), 10)
    again = match_clusters(after, after, found.classes, 4, found.next_class, 0.3)
    assert (again.classes, again.next_class) == ((6, 7, 8, 9), 10)


def test_pairs_below_the_least_overlap_do_not_cost_a_good_pair() -> None:
    # The two others are of 1/3 each, more together than the one of 1/2.
    before = np.repeat([0, 0, 1], [60, 30, 30])
    after = np.repeat([0, 1, 0], [60, 30, 30])
    found = match_clusters(before, after, (0, 1), 2, 2, 0.4)
    assert found.classes == (0, 2)
    assert found.overlap == (0.5, 0.0)
    assert match_clusters(before, after, (0, 1), 2, 2, 0.3).classes == (1, 0)


def test_an_empty_cluster_is_new_even_if_any_overlap_counts() -> None:
    found = match_clusters(BEFORE, BEFORE, (0, 1, 2, 3), 5, 4, 0.0)
    assert found.classes == (0, 1, 2, 3, 4)
    assert found.states == ("kept", "kept", "kept", "kept", "new")


def test_without_shared_events_every_class_is_new() -> None:
    none = np.empty(0, np.int64)
    assert match_clusters(none, none, (0, 1), 3, 2, 0.3).classes == (2, 3, 4)


@given(
    labels=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6)), max_size=60),
    least=st.floats(0, 1),
)
def test_class_numbers_are_never_given_twice(labels: list[tuple[int, int]], least: float) -> None:
    both = np.array(labels, dtype=np.int64).reshape(-1, 2)
    classes = (3, 1, 8, 0, 5, 4)
    found = match_clusters(both[:, 0], both[:, 1], classes, 7, 11, least)
    assert len(set(found.classes)) == 7
    new = {number for number, state in zip(found.classes, found.states, strict=True) if state == "new"}
    assert new == set(range(11, found.next_class))
    assert set(found.classes) - new <= set(classes)
    assert set(found.lost) == set(classes) - set(found.classes)
    assert all(value >= least for value, state in zip(found.overlap, found.states, strict=True) if state == "kept")


def test_a_model_that_labelled_before_has_the_classes_that_it_had() -> None:
    after = np.where(BEFORE == 3, 0, BEFORE)
    second = match_clusters(BEFORE, after, (0, 1, 2, 3), 3, 4, 0.3)
    found = known_classes(after, BEFORE, second.classes, (0, 1, 2, 3), 4)
    assert found.classes == (0, 1, 2, 3)
    assert found.states == ("kept", "kept", "kept", "back")
    assert found.overlap == (400 / 500, 1.0, 1.0, 0.0)
    assert (found.lost, found.next_class) == ((), 4)


def test_labels_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="labels of the same events"):
        match_clusters(BEFORE, BEFORE[1:], (0, 1, 2, 3), 4, 4, 0.3)
    with pytest.raises(ValueError, match="after: labels must lie between 0 and 2, got 0 to 3"):
        match_clusters(BEFORE, BEFORE, (0, 1, 2, 3), 3, 4, 0.3)
    with pytest.raises(ValueError, match=r"next_class is 3, but the classes \[0, 1, 2, 3\] are taken"):
        match_clusters(BEFORE, BEFORE, (0, 1, 2, 3), 4, 3, 0.3)
