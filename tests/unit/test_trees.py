"""Trees as plain arrays: the same answers as scikit-learn's, and none from arrays that are not a forest."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from ris_core.clustering.trees import Trees, fit_trees


@pytest.fixture(scope="module")
def events():
    random = np.random.default_rng(3)
    x = random.normal(size=(240, 12)).astype(np.float32)
    x[:, 5] = np.round(x[:, 5])  # ties lie on thresholds
    return x, np.digitize(x[:, 0] + 0.5 * x[:, 1] ** 2, [-0.5, 0.3, 0.9])


@pytest.mark.parametrize(
    "forest",
    [
        ExtraTreesClassifier(40, class_weight="balanced", random_state=0),
        ExtraTreesClassifier(40, bootstrap=True, min_samples_leaf=4, random_state=0),
        RandomForestClassifier(40, random_state=0),
    ],
)
def test_probabilities_are_those_of_scikit_learn(events, forest):
    x, y = events
    forest.fit(x, y)
    new = np.vstack((x, np.random.default_rng(4).normal(size=(3000, 12)))).astype(np.float32)
    assert np.abs(Trees.of(forest, 4).predict_proba(new) - forest.predict_proba(new)).max() < 1e-6


def test_a_class_that_the_forest_has_not_seen_has_the_probability_0(events):
    x, y = events
    found = fit_trees(x[y != 2], y[y != 2], 5, 20, seed=0).predict_proba(x)
    assert found.shape == (240, 5)
    assert not found[:, [2, 4]].any()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_one_class_alone_is_certain(events):
    x, _ = events
    found = fit_trees(x, np.ones(len(x), dtype=int), 2, 5, seed=0).predict_proba(x)
    np.testing.assert_array_equal(found, np.tile([0.0, 1.0], (len(x), 1)))


def test_the_same_seed_gives_the_same_bytes_and_arrays_give_the_same_forest(events):
    x, y = events
    first, again = fit_trees(x, y, 4, 20, seed=7), fit_trees(x, y, 4, 20, seed=7)
    for name, values in first.arrays().items():
        assert values.tobytes() == again.arrays()[name].tobytes()
    np.testing.assert_array_equal(Trees.build(first.arrays()).predict_proba(x), first.predict_proba(x))


def test_no_events_have_no_probabilities(events):
    x, y = events
    assert fit_trees(x, y, 4, 5, seed=0).predict_proba(x[:0]).shape == (0, 4)


def test_other_features_are_refused(events):
    x, y = events
    with pytest.raises(ValueError, match="12 features"):
        fit_trees(x, y, 4, 5, seed=0).predict_proba(x[:, :7])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("child", lambda child: child * 0),
        ("child", lambda child: child + 10_000),
        ("feature", lambda feature: feature + 12),
        ("leaf", lambda leaf: leaf + 1),
        ("values", lambda values: values[:-3]),
        ("values", lambda values: values * np.nan),
        ("threshold", lambda threshold: threshold[:-1]),
        ("threshold", lambda threshold: threshold * np.nan),
        ("roots", lambda roots: roots[:0]),
        ("roots", lambda roots: roots - 1),
    ],
)
def test_arrays_that_are_no_forest_are_refused(events, name, change):
    x, y = events
    arrays = fit_trees(x, y, 4, 5, seed=0).arrays()
    with pytest.raises(ValueError):
        Trees.build({**arrays, name: change(arrays[name])})
