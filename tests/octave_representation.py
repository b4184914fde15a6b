"""A small representation, complete: its settings, and how it describes events. `register` makes it known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ris_core.config import REPRESENTATIONS
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import Events
from ris_core.contracts.input_spec import InputSpec
from ris_core.representations.representation import FloatArray, Representation
from ris_core.section import Section
from ris_core.storage.tensors import Arrays


class OctaveSettings(Section):
    """Bands of equal width in octaves, from the lowest frequency of the spectrogram upwards."""

    kind: Literal["octaves"] = "octaves"
    reconstructs: ClassVar[bool] = False
    per_octave: int = Field(2, ge=1, le=12, description="Bands in each octave.")
    floor: float = Field(-40.0, lt=0, description="Smallest share of a band, dB of the event's power.")


class OctaveBands(Representation):
    """The share of each band in the power of an event, dB; standardised with mean and deviation of the training set.

    Parameters
    ----------
    takes
        What it takes in.
    per_octave, floor
        As in the settings.
    mean, deviation
        Of the shares, dB, shape (D,): the bands of the first component, then those of the others.
    """

    kind: ClassVar[str] = "octaves"

    def __init__(
        self, takes: InputSpec, per_octave: int, floor: float, mean: NDArray[Any], deviation: NDArray[Any]
    ) -> None:
        if mean.shape != deviation.shape or not (deviation > 0).all():
            raise ValueError(f"mean {mean.shape} and deviations above 0 of the same shape are needed")
        self.input, self._per_octave, self._floor = takes, per_octave, floor
        self._mean, self._deviation = mean, deviation

    @classmethod
    def fit(cls, events: EventSource, settings: Section) -> Self:
        """Fit mean and deviation of the shares; see `Representation`."""
        if not isinstance(settings, OctaveSettings):
            raise TypeError(f"settings of the kind octaves are needed, got {type(settings).__name__}")
        if len(events) < 2:
            raise ValueError(f"{len(events)} event(s) are too few; draw a larger training set")
        per_octave, floor = settings.per_octave, settings.floor
        found = np.concatenate([shares(block, per_octave, floor) for block in events.blocks(cls.needs)])
        # A band with the same share in all events tells nothing: it becomes 0 everywhere.
        deviation = np.maximum(found.std(axis=0), 1e-6)
        return cls(events.input, per_octave, floor, found.mean(axis=0), deviation)

    @property
    def dimensions(self) -> int:
        """Number of bands of all components."""
        return self._mean.size

    def transform(self, events: Events) -> FloatArray:
        """Return the standardised shares (n, D) of n events."""
        found = shares(events, self._per_octave, self._floor)
        return np.asarray((found - self._mean) / self._deviation, dtype=np.float32)

    def spec(self) -> Mapping[str, Any]:
        """Return the settings that `transform` needs."""
        return {"per_octave": self._per_octave, "floor": self._floor}

    def arrays(self) -> Arrays:
        """Return mean and deviation."""
        return {"mean": self._mean, "deviation": self._deviation}

    @classmethod
    def build(cls, takes: InputSpec, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the stored representation."""
        return cls(takes, int(spec["per_octave"]), float(spec["floor"]), arrays["mean"], arrays["deviation"])


def shares(events: Events, per_octave: int, floor: float) -> NDArray[np.float64]:
    """Return the share of each band in the power of each event, dB, shape (n, D)."""
    spectra = events.spectrogram.mean(axis=-1, dtype=np.float64)
    spectra = spectra.reshape(len(events), events.component_count, events.frequency.size)
    band = np.floor(per_octave * np.log2(events.frequency / events.frequency[0])).astype(int)
    power = np.add.reduceat(spectra, np.unique(band, return_index=True)[1], axis=-1)
    power = power.reshape(len(events), power.shape[1] * power.shape[2])
    total = np.maximum(power.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return np.asarray(10 * np.log10(np.maximum(power / total, 10 ** (floor / 10))))


def register() -> None:
    """Add the representation; the entry point of a plug-in names this function."""
    REPRESENTATIONS.add(OctaveSettings, f"{__name__}:OctaveBands")
