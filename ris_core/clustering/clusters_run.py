"""The initial clusters of a K from the latents to their files: made, scored, drawn and logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ris_core import config
from ris_core.clustering.initial_clusters import InitialClusters, make_clusters
from ris_core.clustering.label_scores import LabelScores, score_labels
from ris_core.clustering.latents import Latents
from ris_core.contracts.run_log import RunLog
from ris_core.figures.latent_space import latent_space
from ris_core.storage.layout import Layout
from ris_core.training.logged_data import log_training_set
from ris_core.training.training_set import TrainingSet


@dataclass(frozen=True)
class ScoredClusters:
    """Initial clusters with their scores.

    Attributes
    ----------
    clusters
        The initial clusters.
    scores
        Scores of their labels.
    """

    clusters: InitialClusters
    scores: LabelScores

    @property
    def metrics(self) -> dict[str, float]:
        """Inertia and scores by name."""
        return {"inertia": self.clusters.start.inertia, **self.scores.metrics}


def run_clusters(
    layout: Layout,
    data: TrainingSet,
    latents: Latents,
    k: int,
    dec: config.DecSettings,
    cluster_count: config.ClusterCountSettings,
    about: Mapping[str, Any],
    log: RunLog,
) -> ScoredClusters:
    """Make the initial clusters of a K, write them, score them and log them.

    Parameters
    ----------
    layout
        The data root.
    data, latents
        The training set and its latents.
    k
        Number of clusters.
    dec
        Section `dec`: how clusters are initialised.
    cluster_count
        Section `cluster_count`: `sample`.
    about
        Parameters that describe the training set (`data_parameters`).
    log
        Gets the parameters, the data set, the metrics, the table ``classes.csv`` and the figure ``latent_space``.

    Raises
    ------
    ValueError
        The given centroids are not K rows of 9 numbers, or there are fewer different events than clusters.
    """
    log.parameters({"k": k, "aec": latents.inputs.representation, **dec.initialisation_values(), **about})
    log_training_set(log, layout.training_set, data)
    clusters = make_clusters(layout, latents, k, dec)
    scores = score_labels(data, latents.z, clusters.start.labels, k, cluster_count.sample)
    found = ScoredClusters(clusters, scores)
    log.metrics(found.metrics | {f"size_{label}": float(size) for label, size in enumerate(clusters.start.sizes)})
    log.text(scores.classes.to_csv(), "classes.csv")
    log.figure(latent_space(latents.z, clusters.start.labels), "latent_space")
    return found
