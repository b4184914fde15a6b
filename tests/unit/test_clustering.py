from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from ris_core.clustering.initialise import given, gmm, initialise, kmeans, random

Array = NDArray[Any]

MEANS = np.random.default_rng(5).uniform(0, 40, size=(4, 9))


@pytest.fixture
def z() -> Array:
    """Four clusters of 100 events in nine dimensions, of which two are dead: zero, and constant."""
    rng = np.random.default_rng(0)
    values = MEANS[np.repeat(np.arange(4), 100)] + rng.normal(size=(400, 9))
    values[:, 3] = 0
    values[:, 7] = 2.5
    return values.astype(np.float32)


@pytest.mark.parametrize("method", ["gmm", "kmeans"])
def test_clear_clusters_are_found_with_dead_latents(z: Array, method: str) -> None:
    start = initialise(method, z, 4, 5, 0)
    assert adjusted_rand_score(np.repeat(np.arange(4), 100), start.labels) == 1.0
    assert start.centroids.shape == (4, 9)
    np.testing.assert_allclose(start.centroids[:, [3, 7]], [[0, 2.5]] * 4, atol=1e-6)
    assert start.sizes == (100, 100, 100, 100)
    wanted = sum(np.square(z[start.labels == j] - start.centroids[j]).sum() for j in range(4))
    assert start.inertia == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("method", ["gmm", "kmeans", "random"])
def test_the_same_seed_gives_the_same_clusters(z: Array, method: str) -> None:
    one, two = (initialise(method, z, 5, 3, 9) for _ in range(2))
    np.testing.assert_array_equal(one.centroids, two.centroids)
    np.testing.assert_array_equal(one.labels, two.labels)


def test_a_gmm_follows_elongated_clusters_better_than_k_means() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(size=(500, 2)) * [4, 0.3] + centre for centre in ([0, 0], [8, 2])])
    truth = np.repeat([0, 1], 500)
    assert adjusted_rand_score(truth, kmeans(values, 2, 5, 0).labels) < 0.8
    assert adjusted_rand_score(truth, gmm(values, 2, 5, 0).labels) > 0.95


def test_random_centroids_are_distinct_events(z: Array) -> None:
    start = random(np.repeat(z[:6], 50, axis=0), 6, 1, 0)
    assert len(np.unique(start.centroids, axis=0)) == 6
    assert all((np.isclose(z[:6], c).all(axis=1)).any() for c in start.centroids)
    assert start.sizes == (50,) * 6


def test_given_centroids_label_by_the_nearest(z: Array) -> None:
    start = given(z, np.stack([z[100 * j : 100 * (j + 1)].mean(axis=0) for j in (3, 2, 1, 0)]))
    np.testing.assert_array_equal(start.labels, np.repeat([3, 2, 1, 0], 100))
    with pytest.raises(ValueError, match=r"\(K, 9\), got \(4, 8\)"):
        given(z, MEANS[:, 1:])
    with pytest.raises(ValueError, match="needs 5 centroids, got 4"):
        initialise("given", z, 5, 1, 0, centroids=MEANS)


@pytest.mark.parametrize("method", ["gmm", "kmeans", "random"])
def test_fewer_distinct_events_than_clusters_are_refused(z: Array, method: str) -> None:
    with pytest.raises(ValueError, match="5 clusters were requested, but the 80 events have only 4 distinct latents"):
        initialise(method, np.repeat(z[:4], 20, axis=0), 5, 1, 0)


def test_unusable_latents_and_unknown_methods_are_refused(z: Array) -> None:
    with pytest.raises(ValueError, match="use gmm, kmeans, random or given"):
        initialise("dbscan", z, 3, 1, 0)
    z[7, 0] = np.nan
    with pytest.raises(ValueError, match="1 of 400 latents are not finite"):
        kmeans(z, 3, 1, 0)
    with pytest.raises(ValueError, match="1 distinct latents"):
        gmm(np.ones((30, 9)), 2, 1, 0)


def test_a_cluster_of_one_event_does_not_break_the_gmm(z: Array) -> None:
    values = np.concatenate([z, np.full((1, 9), 500.0)])
    start = gmm(values, 5, 5, 0)
    assert 1 in start.sizes
    assert np.isfinite(start.centroids).all()
