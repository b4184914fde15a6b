"""Clusters of the training set's events against their true classes: every candidate, the class model, a baseline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.clustering.candidate_models import load_candidate, trained_candidates
from ris_core.clustering.candidates import choose_k
from ris_core.clustering.cluster_model import ClusterModel
from ris_core.clustering.initial_clusters import read_clusters
from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.labels.champion_copy import label_training_set
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import NoAcceptedModelError
from ris_core.training.training_set import TrainingSet
from ris_core.truth.baseline import hand_features, kmeans_baseline
from ris_core.truth.evaluation import MIXED, ClusteringScores, clustering_scores
from ris_core.truth.score_file import BASELINE

_SCORES = ("ari", "nmi", "macro_f1", "accuracy")


@dataclass(frozen=True, eq=False)
class TrueSet:
    """The events of the training set whose true class is known.

    Attributes
    ----------
    data
        The training set of N events.
    known
        (N,) bool: whether the true class is known.
    classes
        (M,) the true classes of those M.
    apart
        (M,) bool: which of them are apart from all reviewed ones (`apart.apart_from`); none without a class model.
    """

    data: TrainingSet = field(repr=False)
    known: NDArray[np.bool_]
    classes: NDArray[np.object_]
    apart: NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False)
class _Clusters:
    """The clusters of the training set by one method."""

    k: int
    method: str
    labels: NDArray[Any]
    chosen: bool = False
    model: ClusterModel | None = None


def clustering_rows(
    layout: Layout, settings: Settings, found: TrueSet, class_model: ClusterModel | None, k: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the scores of each method, and the recall of each class.

    Parameters
    ----------
    layout, settings
        The network.
    found
        The events.
    class_model
        The class model; none if there is none.
    k
        Number of clusters of the methods whose recall is wanted; that of the class model is in any case.

    Returns
    -------
    DataFrame
        `k`, `method`, `chosen` (whether its own criterion chooses this K among those accepted), `reviews` and
        `simulated` (of a class model: events that were reviewed, and whether by a simulated reviewer), `ari`, `nmi`,
        `macro_f1`, `accuracy` and `windows`. With a class model also the same scores with the ending ``_apart``, of the
        events that are apart from all reviewed ones; the class model itself has these scores alone. NaN where no event
        can be scored.
    DataFrame
        `class`, and the recall by each method.
    """
    rows: list[dict[str, Any]] = []
    recall: dict[str, dict[str, float]] = {}
    for one in _clusters(layout, settings, found.data, class_model):
        labels = one.labels[found.known]
        reviews = None if one.model is None else one.model.classes
        apart = None if found.apart is None else _scored(found.classes, labels, found.apart)
        everywhere = apart if reviews is not None else clustering_scores(found.classes, labels)
        rows.append(
            {
                "k": one.k,
                "method": one.method,
                "chosen": one.chosen,
                "reviews": 0 if reviews is None else len(reviews.reviewed),
                "simulated": False if reviews is None else reviews.simulated,
                **_row(everywhere),
                **({} if found.apart is None else _row(apart, "_apart")),
            }
        )
        if everywhere is not None and (one.k == k or reviews is not None):
            recall[one.method] = everywhere.recall
    return pd.DataFrame(rows), pd.DataFrame(recall).rename_axis("class").reset_index()


def _scored(classes: NDArray[np.object_], labels: NDArray[Any], rows: NDArray[np.bool_]) -> ClusteringScores | None:
    """Return the scores of some events; none if none of them can be scored."""
    return clustering_scores(classes[rows], labels[rows]) if (classes[rows] != MIXED).any() else None


def _row(found: ClusteringScores | None, ending: str = "") -> dict[str, float | int]:
    scores = {f"{name}{ending}": float("nan") if found is None else getattr(found, name) for name in _SCORES}
    return scores | {f"windows{ending}": 0 if found is None else found.counted}


def _clusters(
    layout: Layout, settings: Settings, data: TrainingSet, class_model: ClusterModel | None
) -> Iterator[_Clusters]:
    names = settings.candidate_names
    trained = {
        name: trained_candidates(layout, name, settings.counts_of(name), settings.normalisation) for name in names
    }
    chosen = {}
    for name, models in trained.items():
        with suppress(NoAcceptedModelError):
            if not settings.over_clusters(name):
                chosen[name] = choose_k(models, None, settings.dec, name, settings.k_criterion_of(name))
    few = {k for name, models in trained.items() for k in models if not settings.over_clusters(name)}
    features = None
    for k in sorted({k for models in trained.values() for k in models}):
        if k in few:
            if features is None:
                blocks = (block for _, block in data.samples.blocks())
                features = np.concatenate([hand_features(block, data.frequency, data.time) for block in blocks])
            yield _Clusters(k, BASELINE, kmeans_baseline(features, k, settings.dec.seed))
        for name in names:
            if k not in trained[name]:
                continue
            if name == AEC_DEC:
                initial = read_clusters(layout, k, settings.normalisation).start
                yield _Clusters(k, f"AEC + {initial.method}", initial.labels)
            model, _ = load_candidate(layout, name, k)
            called = "DEC" if name == AEC_DEC else str(name)
            yield _Clusters(k, called, _labels(layout, model, settings), chosen.get(name) == k)
    if class_model is not None:
        labels = _labels(layout, class_model, settings)
        yield _Clusters(class_model.n_clusters, str(class_model.name), labels, True, class_model)


def _labels(layout: Layout, model: ClusterModel, settings: Settings) -> NDArray[np.int32]:
    return label_training_set(layout, model, settings.labelling, reconstruction=False).cluster
