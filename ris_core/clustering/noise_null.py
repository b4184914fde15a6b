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

from ris_core.clustering.noise_windows import NoiseWindows
from ris_core.clustering.recipe import Labels, Recipe
from ris_core.clustering.scores import silhouette, subsample
from ris_core.threads import one_thread
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
        alone in the features of the representation (of DEC, the autoencoder's latents) as the candidate begins; if
        noise reaches what events reach, the silhouette says nothing for clusters.
        ``auc_latents``: area under the ROC curve of telling one from the other by linear discriminants of the
        features, cross-validated in five parts; ``auc_reconstruction``: the same by the reconstruction error alone,
        where the model has one. 0.5 if they cannot be distinguished.
    """

    windows: int
    without: str = ""
    by_label: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    scores: dict[str, float] = field(default_factory=dict)


def against_noise(recipe: Recipe, labels: Labels, windows: NoiseWindows, seed: int) -> NoiseNull:
    """Compare the events of a model with windows that hold none, in the same representation.

    Parameters
    ----------
    recipe, labels
        The recipe of the model, and its labels (N,).
    windows
        The windows.
    seed
        Of the draw of as many events as there are windows, of the clusters and of the cross-validation.
    """
    least = max(LEAST_WINDOWS, 2 * recipe.k)
    if windows.events is None or len(windows.events) < least:
        found = 0 if windows.events is None else len(windows.events)
        return NoiseNull(found, windows.without or f"{found} windows were found; at least {least} are needed")
    noise = recipe.of_windows(windows.events)
    events = recipe.of_events(subsample(len(recipe.z), len(windows.events), seed))
    z = {"events": events.features, "noise": noise.features}
    scores = {
        "probability_events": float(events.memberships.max(axis=1).mean()),
        "probability_noise": float(noise.memberships.max(axis=1).mean()),
        **{f"silhouette_{name}": _silhouette_alone(values, recipe, seed) for name, values in z.items()},
        "auc_latents": _auc_of_latents(events.features, noise.features, seed),
    }
    if events.reconstruction_error is not None and noise.reconstruction_error is not None:
        scores["auc_reconstruction"] = _auc(events.reconstruction_error, noise.reconstruction_error)
    shares = {
        "events": np.bincount(labels, minlength=recipe.k) / len(labels),
        "noise": np.bincount(noise.memberships.argmax(axis=1), minlength=recipe.k) / len(noise.memberships),
    }
    return NoiseNull(len(windows.events), "", pd.DataFrame(shares).rename_axis("label"), scores)


def _silhouette_alone(z: NDArray[Any], recipe: Recipe, seed: int) -> float:
    """Return the silhouette of features clustered alone; NaN if they have fewer different values than clusters."""
    if len(np.unique(z, axis=0)) < recipe.k:
        return float("nan")
    return silhouette(z, recipe.cluster(z, seed), len(z))


def _auc_of_latents(events: NDArray[Any], noise: NDArray[Any], seed: int) -> float:
    z = np.concatenate([events, noise]).astype(np.float64)
    is_noise = np.repeat([0, 1], [len(events), len(noise)])
    live = live_dimensions(z)
    if not live.any():
        return float("nan")
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    with one_thread():
        told = cross_val_predict(
            LinearDiscriminantAnalysis(), z[:, live], is_noise, cv=folds, method="decision_function"
        )
    return float(roc_auc_score(is_noise, told))


def _auc(events: NDArray[Any], noise: NDArray[Any]) -> float:
    return float(roc_auc_score(np.repeat([0, 1], [len(events), len(noise)]), np.concatenate([events, noise])))
