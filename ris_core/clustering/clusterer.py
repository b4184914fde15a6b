"""What a clusterer is: a fitted map from features to clusters.

Another one is a module with a class derived from `Clusterer`, a settings section, and a line that adds both to
`ris_core.config.CLUSTERERS`. Deep embedded clustering is none: it trains its representation with the clusters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.config import CLUSTERERS
from ris_core.section import Section
from ris_core.storage.tensors import Arrays

FloatArray = NDArray[np.float32]


class Shared(Protocol):
    """What the clusters of all K have in common: computed once for the same features, settings and seed, and kept.

    Attributes
    ----------
    notes
        What was left out, or did not converge, in words.
    """

    @property
    def notes(self) -> tuple[str, ...]:
        """See the class."""

    def arrays(self) -> Arrays:
        """Return its arrays by name."""

    def about(self) -> dict[str, str]:
        """Return what is needed beside the arrays to build it again."""

    @property
    def lifetimes(self) -> Mapping[int, float]:
        """How long each number of clusters K lives in its tree; empty if it has no tree."""


class Clusterer(ABC):
    """A fitted map from features to K clusters. `memberships` may be called by several threads at once.

    Attributes
    ----------
    kind
        Its name in files and settings.
    membership_words
        What a membership is, for the description of a column.
    """

    kind: ClassVar[str]
    membership_words: ClassVar[str]

    @classmethod
    @abstractmethod
    def fit(cls, z: NDArray[Any], k: int, settings: Section, seed: int) -> Self:
        """Fit K clusters; the same features, settings and seed give the same arrays.

        Parameters
        ----------
        z
            Features (N, D) of the training split: events that novelty is calibrated on are not among them.
        k
            Number of clusters.
        settings
            The section of this kind.
        seed
            Of all that is drawn.

        Raises
        ------
        ValueError
            There are fewer distinct events than clusters, or a feature is not finite.
        """

    @classmethod
    def share(cls, z: NDArray[Any], settings: Section, seed: int) -> Shared | None:
        """Return what the clusters of all K have in common; none, unless a clusterer has such a thing.

        Parameters and errors as for `fit`.
        """
        return None

    @classmethod
    def build_shared(cls, about: Mapping[str, str], arrays: Arrays) -> Shared:
        """Return what `Shared.about` and `Shared.arrays` describe; raises as `build`."""
        raise TypeError(f"clusters of the kind {cls.kind} share nothing")

    @classmethod
    def fit_shared(cls, shared: Shared | None, z: NDArray[Any], k: int, settings: Section, seed: int) -> Self:
        """Fit K clusters as `fit` does, with what `share` gave for the same features, settings and seed."""
        return cls.fit(z, k, settings, seed)

    def metrics(self) -> Mapping[str, float]:
        """Return what is known of its fit: metrics of the training, for one of which its K may be chosen."""
        return {}

    @property
    @abstractmethod
    def n_clusters(self) -> int:
        """K, the number of clusters."""

    @abstractmethod
    def memberships(self, z: NDArray[Any]) -> FloatArray:
        """Return the memberships (n, K), float32, of features (n, D): not negative, with the sum 1 for each event."""

    def labels(self, z: NDArray[Any]) -> NDArray[np.int32]:
        """Return the cluster (n,) of the greatest membership of features (n, D), 0-based."""
        return np.asarray(self.memberships(z).argmax(axis=1), dtype=np.int32)

    @property
    def centroids(self) -> NDArray[np.float64] | None:
        """The centroids (K, D) in the space of the features; none if its clusters have none."""
        return None

    def spec(self) -> Mapping[str, Any]:
        """Return what is needed beside the arrays to build it again: numbers, words, lists."""
        return {}

    @abstractmethod
    def arrays(self) -> Arrays:
        """Return its fitted arrays by name."""

    @classmethod
    @abstractmethod
    def build(cls, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the clusterer that `spec` and `arrays` describe.

        Raises
        ------
        KeyError, TypeError, ValueError
            They do not belong together.
        """


def clusterer_class(kind: str) -> type[Clusterer]:
    """Return the class of a kind; raises `UnknownKindError`."""
    # A generic type of an abstract class: mypy does not accept it as a type to build.
    return CLUSTERERS.load(kind, Clusterer)  # type: ignore[type-abstract]
