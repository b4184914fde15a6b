"""What an autoencoder must beat, and whether its latents say anything."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

_BLOCK = 1024
_LIVE = 1e-5


def mean_spectrogram_mse(x_train: NDArray[Any], x_val: NDArray[Any]) -> float:
    """Return the MSE over (M, F, T) of giving every event the mean of (N, F, T): what a dead model reaches."""
    mean = x_train.mean(axis=0, dtype=np.float64)
    total = sum(float(np.square(x_val[start : start + _BLOCK] - mean).sum()) for start in range(0, len(x_val), _BLOCK))
    return total / x_val.size


def pca_mse(
    x_train: NDArray[Any], x_val: NDArray[Any], n_components: int = 9, sample: int = 5000, seed: int = 0
) -> float:
    """Return the MSE over (M, F, T) of a linear code of `n_components` numbers.

    The components are fitted on at most `sample` events drawn from (N, F, T) with `seed`, by a randomised SVD.
    """
    flat_train, flat_val = x_train.reshape(len(x_train), -1), x_val.reshape(len(x_val), -1)
    if len(flat_train) > sample:
        rows = np.random.default_rng(seed).choice(len(flat_train), sample, replace=False)
        flat_train = flat_train[np.sort(rows)]
    components = min(n_components, *flat_train.shape)
    pca = PCA(components, svd_solver="randomized", random_state=seed).fit(flat_train)
    total = 0.0
    for start in range(0, len(flat_val), _BLOCK):
        block = flat_val[start : start + _BLOCK]
        total += float(np.square(block - pca.inverse_transform(pca.transform(block)), dtype=np.float64).sum())
    return total / flat_val.size


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
