from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.agreement import bootstrap_stability
from ris_core.clustering.cluster_count import cluster_count, inertia_elbow, named_by_gap, suggested
from ris_core.clustering.gap import Gap, gap_statistic

Array = NDArray[Any]
SETTINGS = config.ClusterCountSettings(k_min=2, k_max=7, sample=350, n_init=3, references=6, repeats=4, repeat_n_init=2)


def blobs(n: int = 100, k: int = 4, seed: int = 0) -> Array:
    """Clusters equally far from one another in five dimensions, with two dead ones: zero, and constant."""
    rng = np.random.default_rng(seed)
    live = 20 * np.eye(5)[np.repeat(np.arange(k), n)] + rng.normal(size=(k * n, 5))
    return np.column_stack([live[:, :3], np.zeros(k * n), live[:, 3:], np.full(k * n, 2.5)]).astype(np.float32)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return cluster_count(blobs(), SETTINGS)


def test_every_criterion_names_the_true_number_of_clear_clusters(table: pd.DataFrame) -> None:
    named = suggested(table)
    # The penalty of AIC does not grow with the number of events, so it may name some too many.
    assert 4 <= (named.pop("gmm_aic") or 0) <= 6
    assert named == dict.fromkeys(("inertia", "silhouette", "gap_box", "gap_pca", "gmm_bic", "stability"), 4)


def test_the_table_says_what_stands_behind_it(table: pd.DataFrame) -> None:
    assert table.index.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert table["inertia"].is_monotonic_decreasing
    assert (table["sample"] == 350).all()
    assert table["reg_covar"].nunique() == 1
    assert 0 < table["reg_covar"].iloc[0] < 1e-3
    # The gap of K = 8 is computed for the margin of 7; one cluster has neither silhouette nor stability.
    assert table.drop(index=1).notna().all(axis=None)
    assert table.columns[table.loc[1].isna()].tolist() == ["silhouette", "stability"]
    assert table["stability"].between(-1, 1)[1:].all()


def test_the_same_seed_gives_the_same_table(table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(table, cluster_count(blobs(), SETTINGS))


def test_a_smallest_k_above_two_leaves_one_cluster_out() -> None:
    found = cluster_count(blobs(40), SETTINGS.model_copy(update={"k_min": 3, "k_max": 5}))
    assert found.index.tolist() == [3, 4, 5]
    assert suggested(found)["gap_pca"] == 4


def test_more_clusters_than_distinct_events_are_refused() -> None:
    z = np.repeat(blobs()[[0, 150, 250]], 40, axis=0)
    with pytest.raises(ValueError, match="4 clusters were requested, but the 120 events have only 3 distinct"):
        cluster_count(z, SETTINGS)
    with pytest.raises(ValueError, match="none of the 9 dimensions varies"):
        cluster_count(np.ones((50, 9)), SETTINGS)


def test_as_many_clusters_as_distinct_events_leave_the_last_gap_open() -> None:
    z = np.repeat(blobs()[[0, 150, 250]], 40, axis=0)
    found = cluster_count(z, SETTINGS.model_copy(update={"k_max": 3}))
    # Three clusters are exact: W is zero, so its logarithm cannot be compared.
    assert found.loc[3, ["gap_box", "gap_box_margin", "gap_pca_margin"]].isna().all()
    assert suggested(found)["gap_box"] is None


def named(found: Gap) -> int | None:
    return named_by_gap(pd.Series(found.margin, index=list(found.k)))


@pytest.mark.parametrize("reference", ["box", "pca"])
def test_the_gap_statistic_names_one_cluster_where_there_are_none(reference: Any) -> None:
    uniform = np.random.default_rng(3).uniform(size=(500, 4))
    assert named(gap_statistic(uniform, range(1, 8), reference, 10, 5, 0)) == 1


def test_references_along_the_principal_components_see_through_an_elongated_cloud() -> None:
    rng = np.random.default_rng(1)
    turned = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    cloud = (rng.normal(size=(400, 2)) * [8, 0.3]) @ turned
    # In the box of its coordinates a thin diagonal cloud is far tighter than uniform, however it is cut.
    assert named(gap_statistic(cloud, range(1, 8), "box", 10, 5, 0)) != 1
    assert named(gap_statistic(cloud, range(1, 8), "pca", 10, 5, 0)) == 1


def test_the_gap_of_box_and_principal_components_agree_where_there_is_one_dimension() -> None:
    x = np.random.default_rng(2).normal(size=(200, 1))
    one, two = (gap_statistic(x, [1, 2, 3], reference, 20, 3, 0) for reference in ("box", "pca"))
    # W does not depend on where zero is, nor on the sign of a component.
    np.testing.assert_allclose(one.gap, two.gap, atol=0.05)


def test_the_gap_is_the_published_formula() -> None:
    x = blobs(20)[:, :3].astype(float)
    found = gap_statistic(x, [1, 2], "box", 5, 1, 7)
    rng = np.random.default_rng(7)
    references = [np.log(sum(np.var(rng.uniform(x.min(0), x.max(0), x.shape), axis=0)) * len(x)) for _ in range(5)]
    assert found.gap[0] == pytest.approx(np.mean(references) - np.log(np.var(x, axis=0).sum() * len(x)))
    assert found.s[0] == pytest.approx(np.std(references) * np.sqrt(1 + 1 / 5))
    assert found.margin[0] == pytest.approx(found.gap[0] - found.gap[1] + found.s[1])
    assert np.isnan(found.margin[1])


def test_the_smallest_k_that_fulfils_the_rule_is_named_or_none() -> None:
    rising = Gap((2, 3, 4), np.array([0.1, 0.5, 0.9]), np.full(3, 0.01))
    assert named(rising) is None  # the last K has none to be compared with
    assert named(Gap((2, 3, 4), np.array([0.1, 0.5, 0.505]), np.full(3, 0.01))) == 3
    with pytest.raises(ValueError, match="consecutive"):
        gap_statistic(blobs(20), [2, 4], "box", 2, 1, 0)


def test_stability_is_one_for_clear_clusters_and_lower_for_a_wrong_number() -> None:
    z = blobs()
    assert bootstrap_stability(z, 4, 5, 3, 0) == 1.0
    assert bootstrap_stability(z, 6, 5, 3, 0) < 0.95
    assert bootstrap_stability(np.random.default_rng(0).normal(size=(300, 5)), 6, 5, 3, 0) < 0.7


def test_criteria_that_cannot_name_a_k_name_none() -> None:
    nothing = dict.fromkeys(("silhouette", "gap_box_margin", "gap_pca_margin", "gmm_aic", "stability"), [np.nan] * 2)
    found = pd.DataFrame({"inertia": [2.0, 1.0], "gmm_bic": [5.0, 4.0], **nothing}, index=pd.Index([2, 3], name="k"))
    named = suggested(found)
    assert named.pop("gmm_bic") == 3
    assert set(named.values()) == {None}


def test_of_equally_stable_cluster_counts_the_greatest_is_named(table: pd.DataFrame) -> None:
    assert suggested(table.assign(stability=[np.nan, 1.0, 0.8, 1.0, 0.9, 0.9, 0.9]))["stability"] == 4


def test_the_elbow_is_where_the_inertia_bends_most() -> None:
    assert inertia_elbow(pd.Series([3.0, 2.0, 1.0], index=[2, 3, 4])) is None
    assert inertia_elbow(pd.Series([10.0, 3.0, 2.0, 1.0], index=[2, 3, 4, 5])) == 3


def test_gap_and_stability_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(3).normal(size=(300, 4))
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        gap = gap_statistic(x, range(1, 5), "pca", 4, 2, 0)
        found.append([gap.gap.tolist(), gap.s.tolist(), bootstrap_stability(x, 3, 4, 2, 0)])
    assert found[0] == found[1]
