"""How deep embedded clustering is trained again, and what it says of events."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.another_representation import AnotherAec
from ris_core.clustering.cluster_model import Described
from ris_core.clustering.initialise import initialise, read_centroids
from ris_core.clustering.recipe import Labels, Recipe
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import Events
from ris_core.contracts.input_spec import InputSpec
from ris_core.models.inference import describe, encode, reconstruction_error, soft_assignments
from ris_core.models.networks import Aec, Dec
from ris_core.training.dec import train_dec
from ris_core.training.normalise import normalise
from ris_core.training.samples import BLOCK, Samples


def another_order(samples: Samples, seed: int) -> NDArray[np.int64]:
    """Return all rows in another random order; streamed samples block by block, so that reading stays in one piece."""
    rng = np.random.default_rng(seed)
    if samples.in_memory:
        return rng.permutation(len(samples))
    starts = rng.permutation(np.arange(0, len(samples), BLOCK))
    return np.concatenate([np.arange(start, min(start + BLOCK, len(samples))) for start in starts])


@dataclass(frozen=True, eq=False)
class DecRecipe(Recipe):
    """How the DEC of a K is trained again.

    Attributes
    ----------
    model
        The DEC on disk.
    takes
        What it takes in.
    aec, z
        The autoencoder that it starts from, and its latents (N, 9) of the samples.
    samples
        N normalised spectrograms.
    dec, normalisation
        Sections `dec` and `normalisation`.
    another
        How the autoencoder is trained again.
    """

    model: Dec = field(repr=False)
    takes: InputSpec
    aec: Aec = field(repr=False)
    z: NDArray[np.float32] = field(repr=False)
    samples: Samples = field(repr=False)
    dec: config.DecSettings
    normalisation: config.NormalisationSettings
    another: AnotherAec
    better = (
        "more starts (dec.n_init), or another objective or weight of the clustering loss (dec.objective, dec.gamma)"
    )

    @property
    def k(self) -> int:
        """Number of clusters."""
        return self.model.n_clusters

    @property
    def seed(self) -> int:
        """Of the initial clusters and of the training."""
        return self.dec.seed

    def labels(self) -> Labels:
        """Return the cluster (N,) of the greatest membership."""
        return np.asarray(soft_assignments(self.model, self.samples)[0].argmax(axis=1), dtype=np.int32)

    def train(self, rows: NDArray[np.int64], seed: int) -> Labels:
        """Train from the autoencoder; the seed is that of the initial clusters and of DEC. See `Recipe.train`."""
        dec = self.dec.model_copy(update={"seed": seed})
        given = read_centroids(dec, self.k) if dec.initialisation == "given" else None
        start = initialise(dec.initialisation, self.z[rows], self.k, dec.n_init, seed, centroids=given)
        result = train_dec(self.aec, self.samples.subset(rows), start.centroids, start.labels, dec)
        labels = np.empty(len(self.samples), np.int32)
        labels[rows] = result.labels
        others = np.setdiff1d(np.arange(len(labels)), rows)
        if others.size:
            labels[others] = soft_assignments(result.model, self.samples.subset(others))[0].argmax(axis=1)
        return labels

    def with_seed(self, seed: int) -> DecRecipe:
        """Return the recipe from an autoencoder of another seed; see `Recipe.with_seed`."""
        aec = self.another.train(seed)
        return replace(self, aec=aec, z=encode(aec, self.samples))

    def order(self, seed: int) -> NDArray[np.int64]:
        """Return all rows in another order; see `another_order`."""
        return another_order(self.samples, seed)

    def cluster(self, z: NDArray[Any], seed: int) -> Labels:
        """Return the labels (n,) of initial clusters of latents (n, 9)."""
        # Given centroids belong to the events of the training set.
        method = "kmeans" if self.dec.initialisation == "given" else self.dec.initialisation
        return initialise(method, z, self.k, self.dec.n_init, seed).labels

    def require(self, events: EventSource) -> None:
        """Raise `InputMismatchError` unless events are what the network takes in."""
        self.takes.require(events.input)

    def of_events(self, rows: NDArray[np.int64]) -> Described:
        """Return memberships, latents of the autoencoder, and reconstruction errors of events."""
        x = self.samples.take(rows)
        return Described(soft_assignments(self.model, x)[0], self.z[rows], reconstruction_error(self.model, x))

    def of_windows(self, windows: Events) -> Described:
        """Return memberships, latents of the autoencoder, and reconstruction errors of windows."""
        x = normalise(windows.spectrogram, self.normalisation, windows.event_id)
        q, _, error = describe(self.model, x)
        return Described(q, encode(self.aec, x), error)
