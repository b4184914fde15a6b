"""What clusters make of windows without events: the labels they get, and whether noise alone clusters as well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits

from ris_core.clustering.initialise import initialise
from ris_core.clustering.scores import silhouette, subsample
from ris_core.clustering.trainings import Recipe
from ris_core.models.inference import describe, encode, reconstruction_error, soft_assignments
from ris_core.models.networks import Dec
from ris_core.training.floors import live_dimensions

LEAST_WINDOWS = 20
_FOLDS = 5


@dataclass(frozen=True)
class NoiseNull:
    """Events against windows without events.

    Attributes
    ----------
    windows
        Number of windows.
    without
        Why nothing was compared; empty if it was.
    by_label
        Index `label`; `events` and `noise`, the shares of both that get each label.
    scores
        ``probability_events`` and ``probability_noise``: mean greatest membership.
        ``silhouette_events`` and ``silhouette_noise``: of as many events as windows, and of the windows, each clustered
        alone in the autoencoder's latents as the initial clusters are; if noise reaches what events reach, the
        silhouette says nothing for clusters.
        ``auc_latents``: area under the ROC curve of telling one from the other by linear discriminants of the
        autoencoder's latents, cross-validated in five parts; ``auc_reconstruction``: the same by the reconstruction
        error alone. 0.5 if they cannot be distinguished.
    """

    windows: int
    without: str = ""
    by_label: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    scores: dict[str, float] = field(default_factory=dict)


def against_noise(
    recipe: Recipe, model: Dec, labels: NDArray[Any], x: NDArray[np.float32], without: str, seed: int
) -> NoiseNull:
    """Compare the events of a training with windows (M, F, T) that hold none, normalised alike.

    Parameters
    ----------
    recipe, model, labels
        What was trained, the network, and its labels (N,).
    x, without
        The windows, and why there are none.
    seed
        Of the draw of as many events as there are windows, of the clusters and of the cross-validation.
    """
    least = max(LEAST_WINDOWS, 2 * recipe.k)
    if len(x) < least:
        return NoiseNull(len(x), without or f"{len(x)} windows were found; at least {least} are needed")
    q, _, error = describe(model, x)
    rows = subsample(len(recipe.samples), len(x), seed)
    events = recipe.samples.take(rows)
    z = {"events": recipe.z[rows], "noise": encode(recipe.aec, x)}
    scores = {
        "probability_events": float(soft_assignments(model, events)[0].max(axis=1).mean()),
        "probability_noise": float(q.max(axis=1).mean()),
        **{f"silhouette_{name}": _silhouette_alone(values, recipe, seed) for name, values in z.items()},
        "auc_latents": _auc_of_latents(z["events"], z["noise"], seed),
        "auc_reconstruction": _auc(reconstruction_error(model, events), error),
    }
    shares = {
        "events": np.bincount(labels, minlength=recipe.k) / len(labels),
        "noise": np.bincount(q.argmax(axis=1), minlength=recipe.k) / len(x),
    }
    return NoiseNull(len(x), "", pd.DataFrame(shares).rename_axis("label"), scores)


def _silhouette_alone(z: NDArray[Any], recipe: Recipe, seed: int) -> float:
    """Return the silhouette of latents clustered alone; NaN if they have fewer different values than clusters."""
    if len(np.unique(z, axis=0)) < recipe.k:
        return float("nan")
    # Given centroids belong to events.
    method = "kmeans" if recipe.dec.initialisation == "given" else recipe.dec.initialisation
    return silhouette(z, initialise(method, z, recipe.k, recipe.dec.n_init, seed).labels, len(z))


def _auc_of_latents(events: NDArray[Any], noise: NDArray[Any], seed: int) -> float:
    z = np.concatenate([events, noise]).astype(np.float64)
    is_noise = np.repeat([0, 1], [len(events), len(noise)])
    live = live_dimensions(z)
    if not live.any():
        return float("nan")
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    with threadpool_limits(1):
        told = cross_val_predict(
            LinearDiscriminantAnalysis(), z[:, live], is_noise, cv=folds, method="decision_function"
        )
    return float(roc_auc_score(is_noise, told))


def _auc(events: NDArray[Any], noise: NDArray[Any]) -> float:
    return float(roc_auc_score(np.repeat([0, 1], [len(events), len(noise)]), np.concatenate([events, noise])))
