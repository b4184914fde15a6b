"""The arrays of events that a package takes in by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.events import Events, Part
from ris_core.contracts.input_spec import InputMismatchError, InputSpec

_OF_PART: dict[Part, tuple[str, ...]] = {
    "spectrogram": ("spectrogram",),
    "waveform": ("waveform",),
    "context": ("context", "context_recorded"),
    "noise_psd": ("noise_psd", "noise_columns"),
}
"""What a model may read that needs a part: the part, and what says how much of it was recorded."""
_TYPES: dict[str, type[np.generic]] = {"context_recorded": np.int32, "noise_columns": np.int32, "recorded": np.bool_}
"""Types of the arrays that are not float32."""
_KINDS = {"f": ("fiu", "numbers"), "i": ("iu", "whole numbers"), "b": ("b", "true or false")}
"""By the kind of a type: which kinds can be turned into it without loss, and what they are in words."""


@dataclass(frozen=True)
class NamedArrays:
    """Which arrays of the events a package takes in, and what all events have in common.

    Attributes
    ----------
    shapes
        Shape of one event in each array, by name.
    context_lead, unit
        As in `Events`.
    """

    shapes: Mapping[str, tuple[int, ...]]
    context_lead: int
    unit: str

    @classmethod
    def of(cls, events: Events, needs: Sequence[Part]) -> Self:
        """Return what a model takes in that needs some parts of events.

        Parameters
        ----------
        events
            Such as it was trained on. If they say which components were recorded, this is taken in as well.
        needs
            The parts.

        Raises
        ------
        MissingPartError
            The events lack one of the parts.
        """
        events.require(*needs)
        names = [name for part in needs for name in _OF_PART[part]]
        names += [] if events.recorded is None else ["recorded"]
        return cls({name: getattr(events, name).shape[1:] for name in names}, events.context_lead, events.unit)

    @property
    def common(self) -> dict[str, Any]:
        """What all events have in common."""
        return {"context_lead": self.context_lead, "unit": self.unit}

    def of_events(self, events: Events) -> dict[str, NDArray[Any]]:
        """Return the arrays of events by name, in their types."""
        return {name: np.ascontiguousarray(getattr(events, name), _type(name)) for name in self.shapes}

    def checked(self, values: Mapping[str, NDArray[Any]], takes: InputSpec) -> dict[str, NDArray[Any]]:
        """Return the arrays that are taken in, in their types; others are left out.

        The shape of spectrograms is not looked at: `takes` says more of it than their shape in the training set.

        Parameters
        ----------
        values
            Arrays by name.
        takes
            What the model takes in.

        Raises
        ------
        InputMismatchError
            An array has another shape than in training.
        ValueError
            An array is missing, holds something else than its numbers or has another number of events.
        """
        absent = [name for name in self.shapes if name not in values]
        if absent:
            raise ValueError(f"the model takes the arrays {', '.join(self.shapes)}; missing: {', '.join(absent)}")
        arrays = {name: np.asarray(values[name]) for name in self.shapes}
        differences = [
            f"{name}: the model takes (N, {', '.join(map(str, shape))}), the data have {arrays[name].shape}"
            for name, shape in self.shapes.items()
            if name != "spectrogram" and arrays[name].shape[1:] != shape
        ]
        if differences:
            raise InputMismatchError(takes, takes, *differences)
        counts = {name: array.shape[0] if array.ndim else 0 for name, array in arrays.items()}
        if len(set(counts.values())) > 1:
            said = ", ".join(f"{name} {count}" for name, count in counts.items())
            raise ValueError(f"all arrays must have the same number of events, got {said}")
        for name, array in arrays.items():
            arrays[name] = _in_type(name, array)
        if "context_recorded" in arrays:
            first, stop = np.moveaxis(arrays["context_recorded"], -1, 0)
            samples = self.shapes["context"][-1]
            right = (first >= 0) & (first <= stop) & (stop <= samples)
            _require("context_recorded", right, f"no stretch of the {samples} samples of the context")
        return arrays

    def as_record(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        shapes = {name: list(shape) for name, shape in self.shapes.items()}
        return {"arrays": shapes, **self.common}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read the values of `as_record`."""
        shapes = {name: tuple(shape) for name, shape in record["arrays"].items()}
        return cls(shapes, record["context_lead"], record["unit"])


RECORD_FIELDS: dict[str, type] = {"arrays": dict, "context_lead": int, "unit": str}
"""The values of `NamedArrays.as_record` and their types."""


def _type(name: str) -> type[np.generic]:
    return _TYPES.get(name, np.float32)


def _in_type(name: str, array: NDArray[Any]) -> NDArray[Any]:
    wanted = np.dtype(_type(name))
    kinds, words = _KINDS[wanted.kind]
    if array.dtype.kind not in kinds:
        raise ValueError(f"{name} must hold {words} ({wanted}), got {array.dtype}")
    with np.errstate(over="ignore"):
        found = array.astype(wanted, copy=False)
    if wanted.kind == "f":
        _require(name, np.isfinite(found), "not finite in single precision")
    elif wanted.kind == "i":
        _require(name, (found >= 0) & (found == array), "below 0 or too large")
    return found


def _require(name: str, right: NDArray[np.bool_], otherwise: str) -> None:
    """Raise `ValueError` unless all values are right, with the first event for which they are not."""
    wrong = np.flatnonzero(~right.all(axis=tuple(range(1, right.ndim))))
    if wrong.size:
        raise ValueError(
            f"{name} of {wrong.size} of {len(right)} events is {otherwise}: row {wrong[0]}"
            f"{' and others' if wrong.size > 1 else ''}; leave these events out"
        )
