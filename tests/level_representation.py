"""A small representation of the trace around an event and of its noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.config import REPRESENTATIONS
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import Events, Part
from ris_core.contracts.input_spec import InputSpec
from ris_core.representations.representation import FloatArray, Representation
from ris_core.section import Section
from ris_core.storage.tensors import Arrays


class LevelSettings(Section):
    """Levels of the context before and after the first sample of the spectrogram, and of the noise."""

    kind: Literal["levels"] = "levels"
    reconstructs: ClassVar[bool] = False


class Levels(Representation):
    """Of each component the power before and after, the length of its record, its noise and how much there is of it."""

    kind: ClassVar[str] = "levels"
    needs: ClassVar[tuple[Part, ...]] = ("context", "noise_psd")

    def __init__(self, takes: InputSpec, mean: NDArray[Any], deviation: NDArray[Any]) -> None:
        self.input, self._mean, self._deviation = takes, mean, deviation

    @classmethod
    def fit(cls, events: EventSource, settings: Section) -> Self:
        """Fit mean and deviation; see `Representation`."""
        found = np.concatenate([levels(block) for block in events.blocks(cls.needs)])
        return cls(events.input, found.mean(axis=0), np.maximum(found.std(axis=0), 1e-3))

    @property
    def dimensions(self) -> int:
        """Five of each component."""
        return self._mean.size

    def transform(self, events: Events) -> FloatArray:
        """Return the standardised levels (n, D) of n events."""
        return np.asarray((levels(events) - self._mean) / self._deviation, dtype=np.float32)

    def spec(self) -> Mapping[str, Any]:
        """Return nothing: all is in the arrays."""
        return {}

    def arrays(self) -> Arrays:
        """Return mean and deviation."""
        return {"mean": self._mean, "deviation": self._deviation}

    @classmethod
    def build(cls, takes: InputSpec, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the stored representation."""
        return cls(takes, arrays["mean"], arrays["deviation"])


def levels(events: Events) -> NDArray[np.float64]:
    """Return the levels (n, 5 C); those of a component that was not recorded are 0."""
    assert events.context is not None and events.context_recorded is not None
    assert events.noise_psd is not None and events.noise_columns is not None
    first, stop = (events.context_recorded[..., i, None] for i in range(2))
    sample = np.arange(events.context.shape[-1])
    recorded = (sample >= first) & (sample < stop)
    power = np.square(events.context, dtype=np.float64)
    before = recorded & (sample < events.context_lead)
    found = [
        np.log10(1 + (power * of).sum(axis=-1) / np.maximum(of.sum(axis=-1), 1)) for of in (before, recorded & ~before)
    ]
    found += [(stop - first)[..., 0] / events.sampling_rate, np.log10(1 + events.noise_psd.mean(axis=-1))]
    found += [np.log10(1 + events.noise_columns)]
    levels = np.stack(found, axis=-1)
    if events.recorded is not None:
        levels = levels * events.recorded[..., None]
    return levels.reshape(len(events), -1)


def register() -> None:
    """Add the representation; the entry point of a plug-in names this function."""
    REPRESENTATIONS.add(LevelSettings, f"{__name__}:Levels")
