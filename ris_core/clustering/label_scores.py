"""Scores of the labels of the training set, alike for initial clusters and for DEC."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.clustering.scores import class_table, davies_bouldin, overall, silhouette
from ris_core.training.training_set import TrainingSet


@dataclass(frozen=True)
class LabelScores:
    """Scores of labels.

    Attributes
    ----------
    metrics
        Means over all events in data space (`scores.overall`), with ``silhouette``, by which models are compared;
        ``silhouette_aec`` and ``davies_bouldin`` in the latents of the autoencoder.
    classes
        The table of the classes (`scores.class_table`).
    """

    metrics: dict[str, float]
    classes: pd.DataFrame = field(repr=False)


def score_labels(
    data: TrainingSet, z: NDArray[np.float32], labels: NDArray[np.int32], k: int, sample: int
) -> LabelScores:
    """Score labels of the training set.

    Parameters
    ----------
    data
        The training set of N events.
    z, labels
        (N, 9) the autoencoder's latents, and (N,) the labels, 0-based.
    k
        Number of clusters.
    sample
        Events that the silhouette in the latents is computed from, at most (`cluster_count.sample`).
    """
    classes = class_table(data.samples, labels, k)
    metrics = {
        **overall(classes),
        "silhouette_aec": silhouette(z, labels, sample),
        "davies_bouldin": davies_bouldin(z, labels),
    }
    return LabelScores(metrics, classes)
