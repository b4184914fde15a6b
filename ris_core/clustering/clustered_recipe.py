"""How a representation with a clusterer is fitted again, and what it says of events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.another_representation import AnotherRepresentation
from ris_core.clustering.cluster_model import ClusterModel, Described
from ris_core.clustering.clusterer import Clusterer
from ris_core.clustering.latents import OutOfStepError
from ris_core.clustering.recipe import Labels, Recipe
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import Events
from ris_core.representations.file_events import FileEvents
from ris_core.section import Section
from ris_core.storage import spectrogram_file
from ris_core.threads import one_thread

_CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class ClusteredRecipe(Recipe):
    """How the clusters of a representation are fitted again.

    Attributes
    ----------
    model
        The model on disk.
    z
        Features (N, D) of its representation.
    train_split
        (N,) bool: events that clusters are fitted to; all get labels.
    clusterer, settings
        The class of the clusterer, and its section.
    dec
        Section `dec`: its seed is that of the model on disk.
    training_set, content
        File of the N events, and the digest of its content.
    another
        How the representation is trained again.
    better
        As in `Recipe`.
    """

    model: ClusterModel = field(repr=False)
    z: NDArray[np.float32] = field(repr=False)
    train_split: NDArray[np.bool_] = field(repr=False)
    clusterer: type[Clusterer]
    settings: Section
    dec: config.DecSettings
    training_set: Path
    content: str
    another: AnotherRepresentation
    better: str

    @property
    def k(self) -> int:
        """Number of clusters."""
        return self.model.n_clusters

    @property
    def seed(self) -> int:
        """Of the clusterer."""
        return self.dec.seed

    def labels(self) -> Labels:
        """Return the cluster (N,) of the greatest membership."""
        found = self._of_training_set(None, reconstruction=False)
        return np.asarray(found.memberships.argmax(axis=1), dtype=np.int32)

    def train(self, rows: NDArray[np.int64], seed: int) -> Labels:
        """Fit clusters to the rows that are of the training split; see `Recipe.train`."""
        return self.clusterer.fit(self.z[self.of_fit(rows)], self.k, self.settings, seed).labels(self.z)

    def of_fit(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of the training split."""
        return rows[self.train_split[rows]]

    def with_seed(self, seed: int) -> ClusteredRecipe:
        """Return the recipe with the features of another seed; see `Recipe.with_seed`."""
        found = replace(self, z=self.another.features(seed))
        self._require_same()
        return found

    def cluster(self, z: NDArray[Any], seed: int) -> Labels:
        """Return the labels (n,) of clusters of features (n, D)."""
        return self.clusterer.fit(z, self.k, self.settings, seed).labels(z)

    def require(self, events: EventSource) -> None:
        """Raise `InputMismatchError` unless events are what the model takes in."""
        self.model.require(events)

    def of_events(self, rows: NDArray[np.int64]) -> Described:
        """Return what the model says of events of the training set."""
        mask = np.zeros(len(self.z), dtype=bool)
        mask[rows] = True
        return self._of_training_set(mask)

    def of_windows(self, windows: Events) -> Described:
        """Return what the model says of windows; raises `MissingPartError` if they lack an array that it needs."""
        windows.require(*self.model.needs)
        return self._described([windows])

    def _of_training_set(self, mask: NDArray[np.bool_] | None, reconstruction: bool = True) -> Described:
        found = self._described(FileEvents(self.training_set, mask).blocks(self.model.needs), reconstruction)
        self._require_same()
        return found

    def _require_same(self) -> None:
        if spectrogram_file.read_info(self.training_set).content != self.content:
            raise OutOfStepError(f"{self.training_set}: another training set was drawn meanwhile; assess again")

    def _described(self, blocks: Iterable[Events], reconstruction: bool = True) -> Described:
        describe = self.model.describer(_CPU, reconstruction)
        with one_thread("blas"):  # as in label_events
            parts = [describe(block) for block in blocks if len(block)]
        errors = [part.reconstruction_error for part in parts if part.reconstruction_error is not None]
        return Described(
            np.concatenate([part.memberships for part in parts]),
            np.concatenate([part.features for part in parts]),
            np.concatenate(errors) if errors else None,
        )
