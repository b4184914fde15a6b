"""Figures of the choice: criteria over K, agreement of trainings, associations."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from ris_core.figures import cluster_criteria
from ris_core.figures.candidate_ranking import candidate_ranking
from ris_core.figures.image import to_png


def criteria() -> pd.DataFrame:
    k = np.arange(1, 21)
    curves = {
        "inertia": 1e6 / k,
        "silhouette": np.where(k > 1, 0.3 - 0.01 * k, np.nan),
        "gmm_bic": (k - 9.0) ** 2 - 3e5,
    }
    curves |= {"gap_box": np.log(k), "gap_pca": np.log(k) - 0.1, "gmm_aic": curves["gmm_bic"] - 1e3, "stability": 1 / k}
    return pd.DataFrame({"k": k, **curves, "gap_box_s": 0.01, "gap_pca_s": 0.02})


def related() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "variable": ["station", "hour", "amplitude"],
            "ami": [0.2, -0.001, 0.05],
            "ami_by_chance": [0.01, 0.02, 0.02],
            "p": [0.002, 0.4, 0.002],
        }
    )


def figures() -> dict[str, Figure]:
    rng = np.random.default_rng(0)
    ari = np.clip(np.eye(10) + 0.7, 0, 1)
    by_label = pd.DataFrame({"agreement": rng.random(8)})
    return {
        "counts": cluster_criteria.cluster_count_curves(criteria(), {"silhouette": 2, "gap_box": None, "gmm_bic": 9}),
        "ari": cluster_criteria.ari_matrix(ari, ["model", *(f"seed {n}" for n in range(1, 10))]),
        "agreement": cluster_criteria.agreement(rng.random(50_000).round(1), by_label),
        "associations": cluster_criteria.associations(related()),
    }


@pytest.mark.parametrize("name", ["counts", "ari", "agreement", "associations"])
def test_a_figure_is_small_and_its_axes_have_labels(name: str) -> None:
    fig = figures()[name]
    png = to_png(fig)
    assert max(Image.open(io.BytesIO(png)).size) < 1000
    assert 2_000 < len(png) < 50_000
    assert fig.get_suptitle()
    assert all(axes.get_ylabel() for axes in fig.axes)


def test_every_criterion_has_its_curve_and_the_k_that_it_names() -> None:
    fig = cluster_criteria.cluster_count_curves(criteria(), {"silhouette": 2, "gap_box": None, "stability": 7})
    last = fig.axes[-1]
    assert [t.get_text() for t in last.get_yticklabels()] == ["silhouette", "gap, box", "stability"]
    assert {t.get_text() for t in last.texts} == {"2", "none", "7"}
    with pytest.raises(ValueError, match="suggested names elbow"):
        cluster_criteria.cluster_count_curves(criteria(), {"elbow": 3})
    with pytest.raises(ValueError, match="lacks gap_box_s"):
        cluster_criteria.cluster_count_curves(criteria().drop(columns="gap_box_s"))


def test_what_cannot_be_drawn_says_so() -> None:
    with pytest.raises(ValueError, match="for 3 names"):
        cluster_criteria.ari_matrix(np.eye(2), ["a", "b", "c"])
    alone = cluster_criteria.ari_matrix(np.eye(1), ["model"])
    assert "nothing to agree with" in alone.texts[-1].get_text()
    assert "nothing to compare" in cluster_criteria.associations(related()[:0]).texts[-1].get_text()


def test_an_association_that_is_not_defined_is_drawn_without_a_bar() -> None:
    table = related()
    table.loc[1, ["ami", "ami_by_chance", "p"]] = np.nan
    assert [t.get_text() for t in cluster_criteria.associations(table).axes[0].texts].count("not defined") == 1
    table[["ami", "ami_by_chance", "p"]] = np.nan
    assert len(to_png(cluster_criteria.associations(table))) > 2_000


def test_candidates_are_drawn_with_their_k_and_an_absent_criterion_is_no_obstacle() -> None:
    table = pd.DataFrame(
        {
            "candidate": ["a/x", "a/x", "b/y"],
            "k": [5, 6, 7],
            "mean_rank": [1.0, 2.0, 3.0],
            "agreement": [0.5, 0.4, float("nan")],
            "hour_ami": [0.1, float("nan"), 0.05],
        }
    )
    fig = candidate_ranking(table, ("agreement", "hour_ami"))
    left, right = fig.axes
    assert [text.get_text() for text in left.texts] == ["5", "6", "7"]
    assert [label.get_text() for label in right.get_yticklabels()] == ["b/y, K = 7", "a/x, K = 6", "a/x, K = 5"]
    assert candidate_ranking(table.head(0), ())
