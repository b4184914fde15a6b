"""Classes that spread from reviewed events over the events around them, and the trees that are grown on them."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ris_core.clustering.reviewed.spreading import grow, surrounding_of
from ris_core.clustering.trees import Trees, fit_trees
from ris_core.config import ClassModelSettings

SETTINGS = ClassModelSettings(trees=60)
ALONE = SETTINGS.model_copy(update={"spread_reviews": 0.0})


def arcs(n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return events of two classes that lie along two arcs, each around an end of the other."""
    random = np.random.default_rng(seed)
    y, angle = np.arange(n) % 2, random.uniform(0, np.pi, n)
    z = np.stack([np.cos(angle) + y, np.where(y, 0.4 - np.sin(angle), np.sin(angle))], axis=1)
    return (z + random.normal(scale=0.05, size=z.shape)).astype(np.float32), y.astype(np.int64)


Z, TRUE = arcs(600, 0)
FEW = np.array([100, 101, 300, 301, 500, 501])


def shares(trees: Trees) -> Any:
    return trees.predict_proba(Z)


def right(trees: Trees) -> float:
    return float((shares(trees).argmax(axis=1) == TRUE).mean())


def test_few_reviews_reach_the_events_around_them() -> None:
    y = TRUE[FEW]
    around = surrounding_of(Z[FEW], Z, SETTINGS, 0)
    assert around is not None
    found, share = around.classes(y, np.ones(len(y), bool), 2)
    assert len(found) == len(around.z) == 600 and share.min() >= 0 and share.max() <= 1
    assert found[: len(FEW)].tolist() == y.tolist() and (share[: len(FEW)] == 1).all()
    alone, spread = grow(Z[FEW], y, 2, ALONE, 0, None), grow(Z[FEW], y, 2, SETTINGS, 0, around)
    assert right(spread) > right(alone) + 0.03


def test_a_wrong_review_does_less_harm_where_its_neighbours_say_otherwise() -> None:
    rows = np.arange(0, 40)
    wrong = TRUE[rows].copy()
    wrong[[4, 7]] = 1 - wrong[[4, 7]]
    around = surrounding_of(Z[rows], Z, SETTINGS, 0)
    near = np.linalg.norm(Z - Z[4], axis=1) < 0.2
    near[rows] = False
    alone, spread = (
        grow(Z[rows], wrong, 2, settings, 0, around)
        for settings in (ALONE, SETTINGS.model_copy(update={"spread_reviews": 40.0}))
    )
    of_truth = [shares(trees)[near, TRUE[4]].mean() for trees in (alone, spread)]
    assert of_truth[1] > of_truth[0] + 0.05


def test_many_reviews_speak_for_themselves() -> None:
    for n, of_others in ((10, 30), (50, 10), (590, 1)):
        rows = np.arange(n)
        around = surrounding_of(Z[rows], Z, SETTINGS, 0)
        trees = grow(Z[rows], TRUE[rows], 2, SETTINGS, 3, around)
        own = fit_trees(Z[rows], TRUE[rows], 2, 60 - of_others, 3)
        assert len(trees.roots) == 60
        np.testing.assert_array_equal(trees.roots[: 60 - of_others], own.roots)
        np.testing.assert_array_equal(trees.threshold[: len(own.threshold)], own.threshold)


@pytest.mark.parametrize("population", [None, Z[FEW]], ids=["unknown", "only reviewed events"])
def test_without_other_events_all_trees_are_of_the_reviews(population: Any) -> None:
    assert surrounding_of(Z[FEW], population, SETTINGS, 0) is None
    found, plain = grow(Z[FEW], TRUE[FEW], 2, SETTINGS, 0, None), fit_trees(Z[FEW], TRUE[FEW], 2, 60, 0)
    assert all(np.array_equal(found.arrays()[name], values) for name, values in plain.arrays().items())


def test_reviews_that_are_left_out_say_nothing() -> None:
    around = surrounding_of(Z[FEW], Z, SETTINGS, 0)
    used = np.array([True, True, True, True, False, False])
    other = np.where(used, TRUE[FEW], 1 - TRUE[FEW])
    first, second = (grow(Z[FEW], y, 2, SETTINGS, 0, around, used) for y in (TRUE[FEW], other))
    assert all(np.array_equal(first.arrays()[name], values) for name, values in second.arrays().items())


def test_events_that_nothing_reaches_get_no_class() -> None:
    far = Z + 100
    around = surrounding_of(Z[FEW], np.concatenate([Z, far]), SETTINGS.model_copy(update={"spread_sample": 1200}), 0)
    assert around is not None
    _, share = around.classes(TRUE[FEW], np.ones(len(FEW), bool), 2)
    assert (share[around.z[:, 0] > 50] == 0).all() and (share[around.z[:, 0] < 50] > 0).all()
    trees = grow(Z[FEW], TRUE[FEW], 2, SETTINGS, 0, around)
    assert np.isfinite(shares(trees)).all()


def test_a_joined_forest_is_the_mean_of_its_trees() -> None:
    first, second = fit_trees(Z[FEW], TRUE[FEW], 3, 10, 0), fit_trees(Z[:50], TRUE[:50], 3, 30, 1)
    both = Trees.joined([first, second])
    np.testing.assert_allclose(shares(both), 0.25 * shares(first) + 0.75 * shares(second), atol=1e-6)
    again = Trees.build(both.arrays())
    np.testing.assert_array_equal(shares(again), shares(both))
