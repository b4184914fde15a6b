"""A representation with a clusterer as a model that labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ris_core.clustering.cluster_model import ClusterModel, Describe, Described, FloatArray
from ris_core.clustering.clusterer import Clusterer, clusterer_class
from ris_core.config import CLUSTERERS, REPRESENTATIONS
from ris_core.contracts.candidate_name import CandidateName
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import Events
from ris_core.models.model_file import CLUSTERS, ModelDescription, parts_digest
from ris_core.models.model_parts import save_parts
from ris_core.plugins import Plugin
from ris_core.representations.representation import (
    ImpossibleValuesError,
    Representation,
    representation_class,
    require_finite,
)
from ris_core.storage.tensors import Arrays

_REPRESENTATION, _CLUSTERER = "representation", "clusterer"
_TOLERANCE = 1e-3


class Clustered(ClusterModel):
    """A representation, and clusters of its features.

    Parameters
    ----------
    name
        Names of both in the settings, like ``spectra/gmm``.
    representation, clusterer
        Both fitted.
    """

    def __init__(self, name: CandidateName, representation: Representation, clusterer: Clusterer) -> None:
        self.name, self.representation, self.clusterer = name, representation, clusterer
        self.input, self.needs = representation.input, representation.needs

    @classmethod
    def build(cls, description: ModelDescription, arrays: Arrays) -> Clustered:
        """Return the model of a description and its arrays; raises as `Representation.build` and `Clusterer.build`."""
        of = {part: description.spec[part] for part in (_REPRESENTATION, _CLUSTERER)}
        own = {
            part: {name.removeprefix(f"{part}."): v for name, v in arrays.items() if name.startswith(f"{part}.")}
            for part in of
        }
        representation = representation_class(of[_REPRESENTATION]["kind"]).build(
            description.input, of[_REPRESENTATION]["spec"], own[_REPRESENTATION]
        )
        clusterer = clusterer_class(of[_CLUSTERER]["kind"]).build(of[_CLUSTERER]["spec"], own[_CLUSTERER])
        if clusterer.n_clusters != description.n_clusters:
            raise ValueError(f"it has {clusterer.n_clusters} clusters, not {description.n_clusters}")
        return cls(CandidateName.of(description.spec["name"]), representation, clusterer)

    @property
    def n_clusters(self) -> int:
        """K, the number of clusters."""
        return self.clusterer.n_clusters

    @property
    def dimensions(self) -> int:
        """Number of features, D."""
        return self.representation.dimensions

    @property
    def digest(self) -> str:
        """Digest of all arrays and of both specifications."""
        return parts_digest(self._arrays(), self._spec())

    @property
    def version(self) -> str:
        """Both names, K and the digest."""
        return f"{self.name.representation}-{self.name.clusterer}-k{self.n_clusters}-{self.digest}"

    @property
    def membership_words(self) -> str:
        """What a membership is, by the clusterer."""
        return self.clusterer.membership_words

    @property
    def error_words(self) -> str:
        """What a reconstruction error is, by the representation."""
        return self.representation.error_words

    @property
    def centroids(self) -> NDArray[np.float64] | None:
        """The centroids of the clusterer."""
        return self.clusterer.centroids

    @property
    def members(self) -> tuple[tuple[type, Plugin | None], ...]:
        """The classes of representation and clusterer, each with its plug-in."""
        return (
            (type(self.representation), REPRESENTATIONS.plugin(self.representation.kind)),
            (type(self.clusterer), CLUSTERERS.plugin(self.clusterer.kind)),
        )

    def require(self, events: EventSource) -> None:
        """Raise `InputMismatchError` unless events are such as the representation was fitted to."""
        self.representation.require(events)

    def describer(self, device: torch.device, reconstruction: bool) -> Describe:
        """Return a function that describes blocks of events; see `ClusterModel`."""
        self.representation.place(device)

        def describe(events: Events) -> Described:
            z = self.representation.features(events)
            error = self.representation.errors(events, z) if reconstruction else None
            return Described(self.memberships(z), z, error)

        return describe

    def memberships(self, z: FloatArray) -> FloatArray:
        """Return the memberships (n, K) of features (n, D).

        Raises
        ------
        ImpossibleValuesError
            Those of the clusterer have another shape, are negative or not finite, or their sum is not 1.
        """
        what = f"the clusterer {self.clusterer.kind}: memberships"
        found = np.asarray(self.clusterer.memberships(z), dtype=np.float32)
        require_finite(what, found, (len(z), self.n_clusters))
        if len(z) and not (found.min() >= 0 and np.abs(found.sum(axis=1) - 1).max() < _TOLERANCE):
            raise ImpossibleValuesError(f"{what} are negative, or their sum for an event is not 1: its code is wrong")
        return found

    def decode(self, z: NDArray[Any]) -> FloatArray | None:
        """Return what features (n, D) stand for, by the representation."""
        return self.representation.decode(z)

    def save(self, folder: Path, metadata: Mapping[str, Any]) -> None:
        """Write arrays and description to a folder."""
        save_parts(folder, CLUSTERS, self.n_clusters, self._arrays(), self._spec(), metadata, self.input)

    def _arrays(self) -> Arrays:
        return {
            **{f"{_REPRESENTATION}.{name}": values for name, values in self.representation.arrays().items()},
            **{f"{_CLUSTERER}.{name}": values for name, values in self.clusterer.arrays().items()},
        }

    def _spec(self) -> Mapping[str, Any]:
        return {
            "name": str(self.name),
            _REPRESENTATION: {"kind": self.representation.kind, "spec": dict(self.representation.spec())},
            _CLUSTERER: {"kind": self.clusterer.kind, "spec": dict(self.clusterer.spec())},
        }
