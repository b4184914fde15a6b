"""Representations that are trained again with another seed: the autoencoder, and those that are fitted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.recipe import NoOtherSeedError
from ris_core.contracts.event_source import EventSource
from ris_core.models.inference import encode
from ris_core.models.networks import Aec
from ris_core.representations.representation import representation_class
from ris_core.section import Section
from ris_core.threads import one_thread
from ris_core.training.aec import train_aec
from ris_core.training.training_set import TrainingSet


class DeadLatentsError(RuntimeError):
    """The latents of an autoencoder died with every seed that it may take."""


class AnotherRepresentation(ABC):
    """How the representation of a candidate is trained again with another seed."""

    @abstractmethod
    def features(self, seed: int) -> NDArray[np.float32]:
        """Return the features (N, D) of the training set with another seed; raises as `Recipe.with_seed`."""


@dataclass(frozen=True, eq=False)
class AnotherAec(AnotherRepresentation):
    """How the autoencoder is trained again.

    Attributes
    ----------
    data
        The training set.
    aec
        Section `aec`.
    trial
        Batch size and learning rate of the chosen autoencoder; none if it is of no trial.
    """

    data: TrainingSet = field(repr=False)
    aec: config.AecSettings
    trial: tuple[int, float] | None

    def train(self, seed: int) -> Aec:
        """Return an autoencoder of another seed; raises as `Recipe.with_seed`."""
        if self.trial is None:
            raise NoOtherSeedError(
                "stability.vary is 'autoencoder', but the chosen autoencoder is no trial of aec.grid, so it cannot be "
                "trained again; set stability.vary to 'clusters'"
            )
        # If the latents of a seed die, the next seeds are used, which must not be those of another training.
        own = seed * (self.aec.restarts + 1)
        found = train_aec(self.data.train, self.data.val, *self.trial, self.aec.model_copy(update={"seed": own}))
        if found.stopped == "dead":
            raise DeadLatentsError(
                f"the latents of the autoencoder died with the seeds {list(found.seeds_tried)}; set "
                "aec.restarts higher, aec.latent to linear, or stability.vary to 'clusters'"
            )
        model: Aec = found.model
        return model

    def features(self, seed: int) -> NDArray[np.float32]:
        """Return the latents (N, 9)."""
        return encode(self.train(seed), self.data.samples)


@dataclass(frozen=True, eq=False)
class AnotherFit(AnotherRepresentation):
    """How a fitted representation is fitted again, if its settings have a seed.

    Attributes
    ----------
    name, kind, settings
        Its name, kind and section.
    train, everything
        The events that it is fitted to, and all N of the training set.
    """

    name: str
    kind: str
    settings: Section
    train: EventSource = field(repr=False)
    everything: EventSource = field(repr=False)

    def features(self, seed: int) -> NDArray[np.float32]:
        """Return the features (N, D)."""
        if "seed" not in type(self.settings).model_fields:
            raise NoOtherSeedError(
                f"stability.vary is 'autoencoder', but the representation {self.name} (kind {self.kind}) has no seed: "
                "it is the same each time; set stability.vary to 'clusters'"
            )
        fitted = representation_class(self.kind).fit(self.train, self.settings.model_copy(update={"seed": seed}))
        with one_thread("blas"):  # as in make_features
            return np.concatenate([fitted.features(block) for block in self.everything.blocks(fitted.needs)])
