"""The figures of a DEC training: what they are made from, one after another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.clustering.distances import near_to_far, own_distance
from ris_core.clustering.scores import class_means, silhouettes, subsample
from ris_core.clustering.trained_dec import TrainedDec
from ris_core.figures import distance_curves, embedding, latent_space
from ris_core.figures.gallery import cluster_gallery
from ris_core.figures.silhouette import silhouette_profiles
from ris_core.figures.training_curves import dec_history
from ris_core.models.inference import decode
from ris_core.training.training_set import TrainingSet

_EXAMPLES = 4
_SILHOUETTES = 2_000


def dec_figures(data: TrainingSet, trained: TrainedDec, tolerance: float) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of a trained DEC by name; each is drawn when the iterator reaches it.

    Parameters
    ----------
    data, trained
        The training set, and the trained DEC.
    tolerance
        Share of labels at whose change training stops (`dec.tolerance`).

    Yields
    ------
    tuple
        Name and figure: ``history``, ``label_change``, ``clusters``, ``latent_space``, ``t_sne``, ``silhouettes``,
        ``distances`` and ``distance_change``.
    """
    result = trained.result
    z, labels = result.latent, result.labels
    centroids = result.model.clustering.centroids.detach().numpy()
    distance = own_distance(z, centroids, labels, result.probabilities.max(axis=1))
    updates = pd.DataFrame(result.updates).iloc[1:]
    yield "history", dec_history(updates, tolerance, result.gamma)
    method = trained.start.clusters.start.method
    yield "label_change", latent_space.label_change(trained.change, before=method, after="DEC")
    yield "clusters", _gallery(data, trained, distance)
    yield "latent_space", latent_space.latent_space(z, labels)
    yield "t_sne", embedding.tsne_space(z, labels)
    yield "silhouettes", _silhouettes(data, trained)
    yield "distances", distance_curves.distance_distributions(distance, labels)
    begun = trained.start
    before = own_distance(begun.latents.z, begun.clusters.start.centroids, begun.clusters.start.labels, np.array([]))
    yield "distance_change", distance_curves.distance_comparison({f"before ({method})": before, "DEC": distance})


def _gallery(data: TrainingSet, trained: TrainedDec, distance: NDArray[np.float64]) -> Figure:
    result, k = trained.result, trained.k
    rows = near_to_far(distance, result.labels, k, _EXAMPLES)
    return cluster_gallery(
        decode(result.model, result.model.clustering.centroids.detach().numpy()),
        class_means(data.samples, result.labels, k),
        {label: data.samples.take(found) for label, found in rows.items() if len(found)},
        np.array(result.sizes),
        data.frequency,
        data.time,
        decibel=data.normalisation.scale == "decibel",
        components=data.input.components,
    )


def _silhouettes(data: TrainingSet, trained: TrainedDec) -> Figure:
    rows = subsample(len(data), _SILHOUETTES, 0)
    labels = trained.result.labels[rows]
    spaces = {
        "spectrograms": data.samples.take(rows).reshape(len(rows), -1),
        "autoencoder's latents": trained.start.latents.z[rows],
        "DEC's latents\n(rises by construction)": trained.result.latent[rows],
    }
    return silhouette_profiles({name: silhouettes(values, [labels])[0] for name, values in spaces.items()}, labels)
