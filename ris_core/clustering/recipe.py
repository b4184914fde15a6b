"""What a recipe is: how the model of a candidate is trained again, and what it says of events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.cluster_model import Described
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import Events

Labels = NDArray[np.int32]
Vary = Literal["clusters", "autoencoder"]


class NoOtherSeedError(ValueError):
    """A representation cannot be trained with another seed; the message says why, and what to set."""


class Recipe(ABC):
    """How the model of one candidate and K is trained again, with N events of the training set.

    Attributes
    ----------
    z
        Features (N, D) of its representation.
    better
        What makes trainings agree better, in words, with the keys of the settings.
    """

    z: NDArray[np.float32]
    better: str

    @property
    @abstractmethod
    def k(self) -> int:
        """Number of clusters."""

    @property
    @abstractmethod
    def seed(self) -> int:
        """Seed of the model on disk."""

    @abstractmethod
    def labels(self) -> Labels:
        """Return the labels (N,) that the model on disk gives."""

    @abstractmethod
    def train(self, rows: NDArray[np.int64], seed: int) -> Labels:
        """Train with a seed on some events in their order, and return the labels (N,) of all events.

        Events that are not among the rows get the labels that the trained model gives them.
        """

    def of_fit(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of some rows that a training on them uses; all, unless the recipe leaves some out."""
        return rows

    @abstractmethod
    def with_seed(self, seed: int) -> Recipe:
        """Return the recipe from a representation that is trained again, with a seed.

        Raises
        ------
        NoOtherSeedError
            The representation has no seed, or cannot be trained here.
        DeadLatentsError, DivergedError
            The training failed with this seed and with the seeds that replace it.
        """

    def order(self, seed: int) -> NDArray[np.int64]:
        """Return all rows in another random order."""
        return np.random.default_rng(seed).permutation(len(self.z))

    def train_with(self, seed: int, vary: Vary) -> Labels:
        """Train with another seed of the clusters and of the order, and return the labels (N,) of all events.

        Parameters
        ----------
        seed
            The seed.
        vary
            ``autoencoder``: the representation is trained first, with this seed as well; raises as `with_seed`.
        """
        recipe = self.with_seed(seed) if vary == "autoencoder" else self
        return recipe.train(recipe.order(seed), seed)

    @abstractmethod
    def cluster(self, z: NDArray[Any], seed: int) -> Labels:
        """Return labels (n,) of features (n, D) clustered alone, as those of the candidate begin."""

    @abstractmethod
    def require(self, events: EventSource) -> None:
        """Raise `InputMismatchError` unless events are what the model takes in."""

    @abstractmethod
    def of_events(self, rows: NDArray[np.int64]) -> Described:
        """Return what the model on disk says of some events of the training set; the rows are in ascending order."""

    @abstractmethod
    def of_windows(self, windows: Events) -> Described:
        """Return what the model on disk says of other windows."""
