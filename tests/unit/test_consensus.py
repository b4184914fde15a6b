"""Consensus of clusterings: co-association, tree, lifetimes, votes that fail, and events that are assigned."""

import importlib
import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score

from ris_core.clustering.consensus import algorithms
from ris_core.clustering.consensus.algorithms import spectral_coordinates
from ris_core.clustering.consensus.co_association import average_linkage, cluster_similarity, co_association
from ris_core.clustering.consensus.dendrogram import cut, lifetimes, longest_lived
from ris_core.clustering.consensus.neighbour_votes import nearest_votes
from ris_core.clustering.consensus.tree import ConsensusTree, consensus_tree
from ris_core.clustering.consensus.votes import NoConsensusError
from ris_core.clustering.consensus_clusterer import ConsensusClusterer, margin
from ris_core.clustering.micro_clusterer import MicroClusterer
from ris_core.clustering.neighbour_graph import neighbour_graph
from ris_core.config import ConsensusSettings, MicroSettings

QUICK = ConsensusSettings(member_k=(3, 5, 7), n_init=3)


def clouds(n: int = 400, k: int = 5, seed: int = 0, spread: float = 0.5) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return features (n, 6) of k round clouds, and the cloud of each."""
    rng = np.random.default_rng(seed)
    of = np.arange(n) % k
    return (5 * np.eye(6)[of] + rng.normal(size=(n, 6)) * spread).astype(np.float32), of


def test_a_tree_is_cut_as_scipy_cuts_it() -> None:
    z, _ = clouds(60, spread=2)
    tree = linkage(z, "average")
    for k in (1, 2, 7, 60):
        labels = cut(tree, k)
        assert adjusted_rand_score(labels, fcluster(tree, k, "maxclust")) == 1
        _, first = np.unique(labels, return_index=True)
        assert list(first) == sorted(first) and len(first) == k  # numbered in the order of the first event
    with pytest.raises(ValueError, match="between 1 and 60"):
        cut(tree, 61)


def test_equal_heights_are_cut_into_k_clusters_all_the_same() -> None:
    tree = linkage(np.zeros((6, 2)), "average")
    assert [cut(tree, k).max() + 1 for k in (1, 2, 5, 6)] == [1, 2, 5, 6]


def test_the_lifetime_is_the_range_of_heights_with_k_clusters() -> None:
    # Two close pairs and a far event: merges at 1, 2, 10 and 100 (single values on a line, average linkage).
    tree = np.array([[0, 1, 0.1, 2], [2, 3, 0.2, 2], [5, 6, 0.7, 4], [4, 7, 1.0, 5]])
    found = lifetimes(tree, range(2, 12))
    assert found == pytest.approx({2: 0.3, 3: 0.5, 4: 0.1, 5: 0.1})
    assert longest_lived(found) == 3
    assert longest_lived({4: 0.5, 2: 0.5, 3: 0.1}) == 2
    with pytest.raises(ValueError, match="no number of clusters"):
        longest_lived({})


def test_k_beyond_the_curve_have_their_lifetimes_too() -> None:
    z, _ = clouds(150, spread=2)
    tree = consensus_tree(z, QUICK, 0)
    counts = (21, 25, 30)
    expected = lifetimes(tree.linkage, counts)
    assert max(expected.values()) > 0 and tree.best_k(counts) == longest_lived(expected)
    for k in counts:
        assert ConsensusClusterer.fit_shared(tree, z, k, QUICK, 0).metrics()["lifetime"] == expected[k]


def test_co_association_counts_every_algorithm_once() -> None:
    one, other, third = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), np.array([0, 0, 0, -1])
    found = co_association(np.stack([one, other, third]), ("a", "a", "b"))
    expected = np.array(
        [
            [1, 0.5 * 0.5 + 0.5, 0.5, 0],
            [0.75, 1, 0.5 * 0.5 + 0.5, 0.25],
            [0.5, 0.75, 1, 0.5],
            [0, 0.25, 0.5, 1],
        ]
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float32
    tree = average_linkage(found)
    np.testing.assert_allclose(tree, linkage(squareform(1 - expected, checks=False), "average"), atol=1e-6)
    # Mean similarity to {0, 1} and to {2, 3}, as shares.
    shares = cluster_similarity(found, np.array([0, 0, 1, 1]), 2)
    np.testing.assert_allclose(shares[0], [0.875 / 1.125, 0.25 / 1.125], atol=1e-6)


def test_the_number_of_clouds_lives_longest_and_they_are_the_clusters() -> None:
    z, of = clouds()
    tree = consensus_tree(z, QUICK, 0)
    assert tree.best_k(range(2, 13)) == 5 and tree.notes == ()
    assert adjusted_rand_score(of[tree.rows], tree.labels(5)) == 1
    assert (tree.memberships(5).argmax(axis=1) == tree.labels(5)).all()
    assert set(tree.votes.algorithms) == {"kmeans", "ward", "spectral", "gmm"}


def test_the_same_features_and_seed_give_the_same_tree_and_a_sample_is_drawn_by_it() -> None:
    z, _ = clouds(spread=2)
    settings = QUICK.model_copy(update={"sample": 150})
    one, again, other = (consensus_tree(z, settings, seed) for seed in (0, 0, 1))
    for name, values in one.arrays().items():
        np.testing.assert_array_equal(values, again.arrays()[name])
    assert len(one.rows) == 150 and not np.array_equal(one.rows, other.rows)


def test_a_stored_tree_is_the_same_tree() -> None:
    tree = consensus_tree(clouds(90)[0], QUICK, 0)
    built = ConsensusTree.build(tree.arrays(), tree.about())
    assert built.votes.names == tree.votes.names and built.lifetimes == tree.lifetimes
    np.testing.assert_array_equal(built.memberships(4), tree.memberships(4))
    with pytest.raises(ValueError, match="not of 89 events"):
        ConsensusTree.build(tree.arrays() | {"rows": tree.rows[1:]}, tree.about())


def failing(*_: Any) -> Iterator[Any]:
    raise np.linalg.LinAlgError("no eigenvalues")
    yield


def test_what_fails_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(algorithms, "ALGORITHMS", dict(algorithms.ALGORITHMS))
    monkeypatch.setitem(algorithms.ALGORITHMS, "spectral", failing)
    monkeypatch.setattr("ris_core.clustering.consensus.votes.ALGORITHMS", algorithms.ALGORITHMS)
    with caplog.at_level(logging.WARNING):
        tree = consensus_tree(clouds(80)[0], QUICK, 0)
    assert tree.notes == ("spectral: no eigenvalues",) and "no eigenvalues" in caplog.text
    assert "spectral" not in tree.votes.algorithms
    only = QUICK.model_copy(update={"members": ("kmeans", "spectral")})
    with pytest.raises(NoConsensusError, match=r"two algorithms or more.*no eigenvalues.*name more members"):
        consensus_tree(clouds(80)[0], only, 0)


def test_without_umap_learn_the_member_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(f"no module named {name}")

    monkeypatch.setattr(importlib, "import_module", absent)
    tree = consensus_tree(clouds(80)[0], QUICK.model_copy(update={"members": ("kmeans", "ward", "umap")}), 0)
    assert len(tree.notes) == 1 and "install the extra umap" in tree.notes[0]


def test_umap_and_hdbscan_vote_and_umap_gives_the_same_again() -> None:
    z, of = clouds(150)
    settings = QUICK.model_copy(update={"members": ("umap", "hdbscan", "ward")})
    one, again = consensus_tree(z, settings, 0), consensus_tree(z, settings, 0)
    assert {"umap", "hdbscan"} <= set(one.votes.algorithms)
    np.testing.assert_array_equal(one.votes.partitions, again.votes.partitions)
    assert adjusted_rand_score(of, one.labels(5)) > 0.9


@pytest.mark.parametrize(("n", "least"), [(12, 0.3), (36, 1.0)])
def test_few_events_with_duplicates_and_constant_features_have_a_consensus(n: int, least: float) -> None:
    z, of = clouds(n, 3)
    z = np.concatenate([z, z[:4]])
    z = np.concatenate([z, np.ones((len(z), 2), np.float32)], axis=1)
    model = ConsensusClusterer.fit(z, 3, ConsensusSettings(), 0)
    assert len(set(model.labels(z))) == 3
    assert adjusted_rand_score([*of, *of[:4]], model.labels(z)) >= least


@pytest.mark.parametrize(
    ("z", "why"),
    [
        (np.ones((40, 3), np.float32), "only 1 distinct"),
        (np.repeat(np.arange(2.0), 20)[:, None], "only 2 distinct"),
        (np.full((40, 3), np.nan), "not finite"),
        (np.ones((1, 3)), "three events"),
    ],
)
def test_features_without_a_consensus_are_refused(z: NDArray[Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        consensus_tree(z, ConsensusSettings(), 0)


def test_neighbours_in_separate_clouds_have_no_weight_and_leading_eigenvectors_tell_them_apart() -> None:
    z, of = clouds(400, 3)
    graph = neighbour_graph(z.astype(np.float64), 10)
    assert abs(graph - graph.T).max() < 1e-12
    assert graph.toarray()[of[:, None] != of].max() == 0
    for values in (spectral_coordinates(graph, 3, 0), spectral_coordinates(graph[:240][:, :240], 3, 0)):
        own = [values[of[: len(values)] == cloud] for cloud in range(3)]
        assert all(np.linalg.matrix_rank(one, tol=1e-6) == 1 for one in own)


def test_events_outside_of_the_sample_are_assigned_and_the_agreement_is_known() -> None:
    z, of = clouds(600, spread=0.8)
    model = ConsensusClusterer.fit(z, 5, QUICK.model_copy(update={"sample": 200}), 0)
    assert adjusted_rand_score(of, model.labels(z)) > 0.98
    found = model.metrics()
    assert found["left_out_agreement"] > 0.98 and 0 < found["lifetime"] <= 1 and 0 <= found["mean_margin"] <= 1
    assert (found["partitions"], found["left_out_partitions"]) == (12, 0)
    q = model.memberships(z)
    assert q.shape == (600, 5) and ((margin(q) >= 0) & (margin(q) <= 1)).all()
    # One at a time they are what they are in one block.
    np.testing.assert_array_equal(np.concatenate([model.memberships(z[i : i + 1]) for i in range(20)]), q[:20])


def test_an_event_between_two_clusters_has_a_smaller_margin() -> None:
    z, of = clouds(300, 2, spread=1.0)
    model = ConsensusClusterer.fit(z, 2, QUICK, 0)
    middle = (z[of == 0].mean(axis=0) + z[of == 1].mean(axis=0)) / 2
    assert margin(model.memberships(middle[None]))[0] < 0.7 * margin(model.memberships(z)).mean()


def test_votes_are_those_of_the_nearest_and_never_of_the_event_itself_where_that_is_asked() -> None:
    sample = np.array([[0.0], [1.0], [2.5], [10.0]], np.float32)
    votes = np.array([[1, 0], [0.5, 0.5], [0, 1], [0, 1]], np.float32)
    # Weights 1/d² at the distances 0.5 and 1.5, and at 0.
    np.testing.assert_allclose(nearest_votes(np.array([[0.5], [-0.5]]), sample, votes, 2), [[0.75, 0.25], [0.95, 0.05]])
    np.testing.assert_allclose(nearest_votes(sample, sample, votes, 3), votes)
    np.testing.assert_allclose(
        nearest_votes(sample, sample, votes, 1, without_itself=True), [[0.5, 0.5], [1, 0], [0.5, 0.5], [0, 1]]
    )


@pytest.mark.parametrize("method", ["ward", "kmeans"])
def test_micro_clusters_are_many_and_pure(method: Any) -> None:
    z, of = clouds(600, spread=0.5)
    model = MicroClusterer.fit(z, 30, MicroSettings(method=method, sample=300), 0)
    labels = model.labels(z)
    assert model.n_clusters == 30 and len(set(labels)) > 25
    assert all(len(set(of[labels == label])) == 1 for label in set(labels))
    with pytest.raises(ValueError, match="30"):
        MicroClusterer.fit(z[:20], 30, MicroSettings(method=method), 0)
