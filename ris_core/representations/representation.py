"""What a representation is: a fitted map from events to vectors of features.

Another one is a module with a class derived from `Representation`, a settings section, and a line that adds both to
`ris_core.config.REPRESENTATIONS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.config import REPRESENTATIONS
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import Events, Part
from ris_core.contracts.input_spec import InputSpec
from ris_core.section import Section
from ris_core.storage.tensors import Arrays

if TYPE_CHECKING:
    import torch

FloatArray = NDArray[np.float32]


class ImpossibleValuesError(ValueError):
    """A representation or a clusterer gives values that cannot be; the message names it."""


class Representation(ABC):
    """A fitted map from events to features. `transform` may be called by several threads at once.

    Attributes
    ----------
    kind
        Its name in files and settings.
    needs
        The great arrays of the events that it reads; others may be left out.
    error_words
        What `reconstruction_error` returns, for the description of a column; empty if it returns nothing. Then the
        settings section says ``reconstructs: ClassVar[bool] = False``.
    input
        What events must be to fit it.
    """

    kind: ClassVar[str]
    needs: ClassVar[tuple[Part, ...]] = ("spectrogram",)
    error_words: ClassVar[str] = ""
    input: InputSpec

    @classmethod
    @abstractmethod
    def fit(cls, events: EventSource, settings: Section) -> Self:
        """Fit the representation to events; the same events and settings give the same arrays.

        Parameters
        ----------
        events
            The training split: events that novelty is calibrated on are not among them.
        settings
            The section of this kind. If it has a field ``seed``, the assessment of stability may fit the representation
            again with others.
        """

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """Number of features, D."""

    @abstractmethod
    def transform(self, events: Events) -> FloatArray:
        """Return the features (n, D), float32, of n events; all finite."""

    def features(self, events: Events) -> FloatArray:
        """Return `transform(events)`; what it computes is checked, since it may be the code of a plug-in.

        Raises
        ------
        ImpossibleValuesError
            The features have another shape, or are not finite.
        """
        found = np.asarray(self.transform(events), dtype=np.float32)
        return require_finite(f"the representation {self.kind}: features", found, (len(events), self.dimensions))

    def errors(self, events: Events, z: FloatArray) -> FloatArray | None:
        """Return `reconstruction_error(events, z)`, checked likewise; none if there is no such measure."""
        if not self.error_words:
            return None
        found = np.asarray(self.reconstruction_error(events, z), dtype=np.float32)
        return require_finite(f"the representation {self.kind}: reconstruction errors", found, (len(events),))

    def decode(self, z: NDArray[Any]) -> FloatArray | None:
        """Return what features (n, D) stand for: spectrograms (n, F, T), spectra (n, F); none if that is not known."""
        return None

    def reconstruction_error(self, events: Events, z: FloatArray) -> FloatArray | None:
        """Return how badly features (n, D) describe their events (n,); none if there is no such measure."""
        return None

    def require(self, events: EventSource) -> None:
        """Raise `InputMismatchError` unless events are what it was fitted to."""
        self.input.require(events.input)

    def place(self, device: torch.device) -> None:  # noqa: B027 - nothing to do for most representations
        """Compute on a device from now on; only networks do anything here."""

    @abstractmethod
    def spec(self) -> Mapping[str, Any]:
        """Return what is needed beside the arrays to build it again: numbers, words, lists. It goes into a JSON."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """Return its fitted arrays by name."""

    @classmethod
    @abstractmethod
    def build(cls, takes: InputSpec, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the representation that `spec` and `arrays` describe.

        Raises
        ------
        KeyError, TypeError, ValueError
            They do not belong together.
        """


def require_finite(what: str, values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return values of this shape that are all finite, one row for each event.

    Raises
    ------
    ImpossibleValuesError
        They are not.
    """
    if values.shape != shape:
        raise ImpossibleValuesError(f"{what} of the shape {values.shape}, but {shape} are needed: its code is wrong")
    wrong = int((~np.isfinite(values)).any(axis=tuple(range(1, values.ndim))).sum())
    if wrong:
        raise ImpossibleValuesError(
            f"{what} of {wrong} of {len(values)} events are not finite: its code is wrong for these events"
        )
    return values


def representation_class(kind: str) -> type[Representation]:
    """Return the class of a kind; raises `UnknownKindError`."""
    # A generic type of an abstract class: mypy does not accept it as a type to build.
    return REPRESENTATIONS.load(kind, Representation)  # type: ignore[type-abstract]
