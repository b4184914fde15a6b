"""What a model that labels is: what it takes in, and what it says of events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ris_core.contracts.candidate_name import CandidateName
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import Events, Part
from ris_core.contracts.input_spec import InputSpec
from ris_core.contracts.reviewed_classes import ReviewedClasses
from ris_core.plugins import Plugin

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Described:
    """What a model says of n events.

    Attributes
    ----------
    memberships
        (n, K).
    features
        (n, D), those of its representation.
    reconstruction_error
        (n,); none if it was not asked for, or the model has none.
    sets, novelty, novel
        By models that were trained on reviews, none by others: (n, K) whether a class is in the conformal set; (n,) how
        unlike all reviewed classes an event is, and whether this is above its threshold.
    """

    memberships: FloatArray = field(repr=False)
    features: FloatArray = field(repr=False)
    reconstruction_error: FloatArray | None = field(repr=False)
    sets: NDArray[np.bool_] | None = field(repr=False, default=None)
    novelty: FloatArray | None = field(repr=False, default=None)
    novel: NDArray[np.bool_] | None = field(repr=False, default=None)


Describe = Callable[[Events], Described]


class ClusterModel(ABC):
    """A trained model with clusters. Everything that labels, compares, packages or judges models works on this.

    Attributes
    ----------
    name
        Representation and clusterer, like ``aec/dec`` or ``spectra/gmm``.
    input
        What events must be to fit it.
    needs
        The great arrays of the events that it reads; others may be left out.
    classes
        The classes and reviews that it was trained on; none for clusters without names.
    """

    name: CandidateName
    input: InputSpec
    needs: tuple[Part, ...]
    classes: ReviewedClasses | None = None

    @property
    @abstractmethod
    def n_clusters(self) -> int:
        """K, the number of clusters."""

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """Number of features, D."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """Digest of all that its answers depend on, of 12 hexadecimal digits."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Its version: unique, and a name of a folder."""

    @property
    @abstractmethod
    def membership_words(self) -> str:
        """What a membership is."""

    @property
    def is_calibrated(self) -> bool:
        """Whether a membership is the share of such events of which the class is right."""
        return False

    @property
    @abstractmethod
    def error_words(self) -> str:
        """What a reconstruction error is; empty if the model has none."""

    @property
    def has_reconstruction(self) -> bool:
        """Whether the model can say how badly it describes an event."""
        return bool(self.error_words)

    @property
    @abstractmethod
    def centroids(self) -> NDArray[np.floating[Any]] | None:
        """The centroids (K, D) in the space of the features; none if its clusters have none."""

    def require(self, events: EventSource) -> None:
        """Raise `InputMismatchError` unless events are such as it was trained on."""
        self.input.require(events.input)

    @abstractmethod
    def describer(self, device: torch.device, reconstruction: bool) -> Describe:
        """Return a function that describes blocks of events on a device; several threads may call it at once.

        Parameters
        ----------
        device
            Where networks compute.
        reconstruction
            Whether the reconstruction error is wanted; a model that has none gives none.
        """

    @property
    def members(self) -> tuple[tuple[type, Plugin | None], ...]:
        """The classes of registries that it is built of, each with its plug-in; none if it belongs to this project."""
        return ()

    @abstractmethod
    def decode(self, z: NDArray[Any]) -> FloatArray | None:
        """Return what features (n, D) stand for: spectrograms (n, F, T), spectra (n, F); none if that is not known."""

    @abstractmethod
    def save(self, folder: Path, metadata: Mapping[str, Any]) -> None:
        """Write the model to a folder (`ris_core.models.model_file`), from which `open_model` reads it."""


def decoded_spectrograms(model: ClusterModel) -> FloatArray | None:
    """Return the spectrograms that the centroids stand for, (K, F, T) or (K, C, F, T).

    None if the clusters have no centroids, or the model does not give spectrograms for them.
    """
    decoded = None if model.centroids is None else model.decode(model.centroids)
    is_spectrogram = decoded is not None and decoded.ndim > 2 and decoded.shape[-2:] == model.input.shape
    return decoded if is_spectrogram else None


def decoded_spectra(model: ClusterModel) -> FloatArray | None:
    """Return the spectra that the centroids stand for, (K, F) or (K, C, F); none as for `decoded_spectrograms`."""
    decoded = None if model.centroids is None else model.decode(model.centroids)
    components, size = len(model.input.components), model.input.frequencies
    shape = (size,) if components == 1 else (components, size)
    return decoded if decoded is not None and decoded.shape[1:] == shape else None


def require_reconstruction(model: ClusterModel, score: str) -> None:
    """Raise `ValueError` if novelty is to be the reconstruction error of a model that has none."""
    if score == "reconstruction" and not model.has_reconstruction:
        raise ValueError(
            f"novelty.score is reconstruction, but the model {model.name} has no reconstruction error; set "
            "novelty.score: distance (or probability)"
        )
