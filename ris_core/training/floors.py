"""The errors of simple models, which an autoencoder must beat, and the number of latents that vary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

if TYPE_CHECKING:
    from ris_core.training.samples import Samples

_LIVE = 1e-5


def mean_spectrogram_mse(train: Samples, val: Samples) -> float:
    """Return the MSE over the validation split if every event is answered by the mean of the training split.

    A model whose latents are dead reaches this error.
    """
    mean = np.sum([block.sum(axis=0, dtype=np.float64) for _, block in train.blocks()], axis=0) / len(train)
    total = sum(float(np.square(block - mean).sum()) for _, block in val.blocks())
    return float(total / (len(val) * mean.size))


def pca_mse(train: Samples, val: Samples, n_components: int = 9, sample: int = 5000, seed: int = 0) -> float:
    """Return the MSE over the validation split of a linear autoencoder with `n_components` latents.

    The components are fitted on at most `sample` events drawn from the training split with `seed`, by a randomised SVD.
    """
    rows = np.arange(len(train))
    if len(train) > sample:
        rows = np.sort(np.random.default_rng(seed).choice(len(train), sample, replace=False))
    drawn = train.take(rows)
    flat = drawn.reshape(len(drawn), -1)
    pca = PCA(min(n_components, *flat.shape), svd_solver="randomized", random_state=seed).fit(flat)
    total = 0.0
    for _, block in val.blocks():
        own = block.reshape(len(block), -1)
        total += float(np.square(own - pca.inverse_transform(pca.transform(own)), dtype=np.float64).sum())
    return total / (len(val) * flat.shape[1])


def live_latents(z: NDArray[Any]) -> int:
    """Return how many latent dimensions of (N, D) vary.

    A dimension is live if its standard deviation over the events exceeds 1e-5 of the root mean square of all latents.
    """
    return int(live_dimensions(z).sum())


def live_dimensions(z: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which latent dimensions (D,) of (N, D) vary; see `live_latents`."""
    if len(z) == 0:
        return np.zeros(z.shape[1], dtype=np.bool_)
    z = np.asarray(z, dtype=np.float64)
    live: NDArray[np.bool_] = z.std(axis=0) > _LIVE * np.sqrt(np.square(z).mean())
    return live
