"""Clusterers: k-means and Gaussian mixture, with memberships as scikit-learn or a formula gives them."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from ris_core.clustering.clusterer import Clusterer, clusterer_class
from ris_core.clustering.gmm_clusterer import GmmClusterer
from ris_core.clustering.kmeans_clusterer import KMeansClusterer
from ris_core.config import CLUSTERERS, GmmSettings, KMeansSettings

K = 3


@pytest.fixture(scope="module")
def z() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0, 0, 1.0], [6, 0, 0, 1.0], [0, 9, 3, 1.0]])
    found = centres[np.arange(300) % K] + rng.normal(size=(300, 4)) * [1, 0.5, 2, 0]
    return found.astype(np.float32)


def fitted(kind: str, z: np.ndarray, seed: int = 0) -> Clusterer:
    return clusterer_class(kind).fit(z, K, CLUSTERERS.settings_of(kind)(), seed)


@pytest.mark.parametrize("kind", CLUSTERERS.kinds)
def test_separate_clouds_are_found_and_memberships_sum_to_one(kind: str, z: np.ndarray) -> None:
    model = fitted(kind, z)
    q = model.memberships(z)
    assert (q.shape, q.dtype, model.n_clusters) == ((300, K), np.float32, K)
    np.testing.assert_allclose(q.sum(axis=1), 1, atol=1e-6)
    assert q.min() >= 0
    labels = model.labels(z)
    assert [len(set(labels[i::K])) for i in range(K)] == [1, 1, 1] and len(set(labels)) == K
    centroids = model.centroids
    assert centroids is not None and centroids.shape == (K, 4)
    assert model.memberships(z[:0]).shape == (0, K)


@pytest.mark.parametrize("kind", CLUSTERERS.kinds)
def test_the_same_again_and_built_from_its_arrays_it_gives_the_same(kind: str, z: np.ndarray) -> None:
    model, again = fitted(kind, z), fitted(kind, z)
    for name, values in model.arrays().items():
        np.testing.assert_array_equal(values, again.arrays()[name])
    built = clusterer_class(kind).build(model.spec(), model.arrays())
    np.testing.assert_array_equal(built.memberships(z), model.memberships(z))


@pytest.mark.parametrize("kind", CLUSTERERS.kinds)
def test_fewer_distinct_events_than_clusters_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match=rf"\b{K}\b"):
        fitted(kind, np.zeros((10, 4), np.float32))


def test_the_posterior_of_a_mixture_is_that_of_scikit_learn(z: np.ndarray) -> None:
    model = fitted("gmm", z)
    live = z[:, :3].astype(np.float64)  # the last feature does not vary
    found = model.arrays()
    mixture = GaussianMixture(K)
    mixture.weights_, mixture.means_ = found["weights"], found["centroids"][:, :3]
    mixture.precisions_cholesky_ = found["whitening"]
    overlapping = (live - live.mean(axis=0)) * 0.3 + live.mean(axis=0)
    given = np.concatenate([overlapping, z[:, 3:]], axis=1)
    np.testing.assert_allclose(model.memberships(given), mixture.predict_proba(overlapping), atol=1e-6)


def test_memberships_of_k_means_do_not_depend_on_the_unit(z: np.ndarray) -> None:
    model, scaled = fitted("kmeans", z), fitted("kmeans", z * 1000)
    np.testing.assert_allclose(np.sort(model.memberships(z)), np.sort(scaled.memberships(z * 1000)), atol=1e-4)


def test_the_middle_between_two_centroids_belongs_to_both() -> None:
    model = KMeansClusterer(np.array([[0.0, 0.0], [4.0, 0.0], [100.0, 0.0]]), 1.0)
    np.testing.assert_allclose(model.memberships(np.array([[2.0, 5.0]])), [[0.5, 0.5, 0.0]], atol=1e-6)
    # Posterior of two equal Gaussians at distances 1 and 3: 1 / (1 + exp(-(9 - 1) / 2)).
    np.testing.assert_allclose(model.memberships(np.array([[1.0, 0.0]]))[0, 0], 1 / (1 + np.exp(-4)), rtol=1e-6)


def test_an_event_far_from_clusters_without_spread_belongs_to_the_nearest() -> None:
    z = np.repeat(np.eye(3, 2) * 5, 4, axis=0)
    model = KMeansClusterer.fit(z, K, KMeansSettings(n_init=2), 0)
    np.testing.assert_allclose(model.memberships(np.array([[1e6, 0.0]])).max(), 1)


def test_settings_of_another_kind_are_refused(z: np.ndarray) -> None:
    with pytest.raises(TypeError, match="settings of the kind gmm"):
        GmmClusterer.fit(z, K, KMeansSettings(), 0)
    with pytest.raises(TypeError, match="settings of the kind kmeans"):
        KMeansClusterer.fit(z, K, GmmSettings(), 0)
