"""Whether a trained model may be used: one function for each network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from ris_core import config

_TOGETHER = 0.01


class NoAcceptedModelError(ValueError):
    """No trained model may be used; the message gives the reasons for each."""


@dataclass(frozen=True)
class Acceptance:
    """The verdict on a model; `reasons` says why it may not be used, and is empty if it may."""

    passed: bool
    reasons: tuple[str, ...] = ()


def accept_aec(metrics: Mapping[str, float], settings: config.AecSettings) -> Acceptance:
    """Accept an autoencoder that beats the mean spectrogram and whose latents vary.

    Parameters
    ----------
    metrics
        `val_mse`, `mean_spectrogram_mse` (of the same validation set) and `live_latents`.
    settings
        Section `aec`: `least_live_latents`.

    Raises
    ------
    KeyError
        A metric is absent; names it.
    """
    absent = [name for name in ("val_mse", "mean_spectrogram_mse", "live_latents") if name not in metrics]
    if absent:
        raise KeyError(f"metrics of the autoencoder lack {', '.join(absent)}")
    reasons = []
    mse, floor, live = metrics["val_mse"], metrics["mean_spectrogram_mse"], metrics["live_latents"]
    if not mse < floor:  # also when it is NaN
        reasons.append(
            f"validation MSE {mse:.3g} is not below that of the mean spectrogram, {floor:.3g}: the model has learned "
            "nothing about single events; train longer or with another learning rate"
        )
    if not live >= settings.least_live_latents:
        reasons.append(
            f"{live:.0f} latent dimension(s) vary; at least {settings.least_live_latents} must "
            "(aec.least_live_latents); take another seed or a lower learning rate"
        )
    return Acceptance(passed=not reasons, reasons=tuple(reasons))


def coinciding(centroids: NDArray[Any], z: NDArray[Any]) -> tuple[tuple[int, int], ...]:
    """Return the pairs of clusters whose centroids (K, D) have merged, relative to the latents (N, D).

    Their distance is below 1 % of the root-mean-square distance of the latents from their mean, so they are the same
    cluster for the events.
    """
    spread = float(np.sqrt(np.square(z - z.mean(axis=0)).sum(axis=1).mean()))
    distance = cdist(centroids, centroids)
    return tuple((int(i), int(j)) for i, j in np.argwhere(np.triu(distance <= _TOGETHER * spread, 1)))


def accept_clusters(
    sizes: Sequence[int],
    settings: config.DecSettings,
    coinciding: Sequence[Sequence[int]] = (),
    else_try: str = "another seed or initialisation, or a smaller dec.gamma",
) -> Acceptance:
    """Accept a model if its clusters are apart, and each holds a sufficient share of the training set.

    Parameters
    ----------
    sizes
        Events in each of the K clusters.
    settings
        Section `dec`: `smallest_cluster`.
    coinciding
        Pairs of clusters that have merged; see `coinciding`.
    else_try
        What a refused model may be trained with, beside another K.
    """
    total = sum(sizes)
    least = settings.smallest_cluster * total
    empty = [str(j) for j, size in enumerate(sizes) if size == 0]
    small = [f"{j} ({size} events, {size / total:.2%})" for j, size in enumerate(sizes) if 0 < size < least]
    reasons = []
    if empty:
        reasons.append(f"cluster(s) {', '.join(empty)} of {len(sizes)} are empty")
    if small:
        reasons.append(
            f"cluster(s) {', '.join(small)} lie below the least share of {settings.smallest_cluster:.2%} "
            "(dec.smallest_cluster)"
        )
    if coinciding:
        pairs = ", ".join(f"{i} and {j}" for i, j in coinciding)
        reasons.append(f"the centroids of cluster(s) {pairs} have merged")
    if reasons:
        reasons.append(f"try a K below {len(sizes)}, {else_try}")
    return Acceptance(passed=not reasons, reasons=tuple(reasons))
