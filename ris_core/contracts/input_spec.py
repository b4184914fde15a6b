"""The input of a network: the shape of a spectrogram and the properties of its signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


class InputMismatchError(ValueError):
    """Events differ from those of a model's training.

    Parameters
    ----------
    wanted, given
        What the model takes in, and what the events are.
    *more
        Further differences, in words.
    """

    def __init__(self, wanted: InputSpec, given: InputSpec, *more: str) -> None:
        differences = [
            f"{name}: the model takes {value}, the data have {other}"
            for name, value in asdict(wanted).items()
            if (other := getattr(given, name)) != value
        ]
        super().__init__("; ".join([*differences, *more]))

    def named(self, about: str) -> Self:
        """Return this error with what it is about, and what to do, before the differences."""
        self.args = (f"{about}: {self}",)
        return self


@dataclass(frozen=True)
class InputSpec:
    """The form of one event for a network.

    Attributes
    ----------
    components
        Letters of the components, like ``("Z",)``.
    frequencies, times
        Size of the spectrogram: bins and columns.
    sampling_rate
        Of the conditioned samples, Hz.
    band
        Lowest and highest frequency that is kept, Hz.
    window
        Length of the spectrogram, s.
    """

    components: tuple[str, ...]
    frequencies: int
    times: int
    sampling_rate: float
    band: tuple[float, float]
    window: float

    @property
    def shape(self) -> tuple[int, int]:
        """Frequencies and times of one component."""
        return self.frequencies, self.times

    @property
    def network_shape(self) -> tuple[int, int, int]:
        """Components, frequencies and times: the shape of one event for a network."""
        return len(self.components), self.frequencies, self.times

    def as_record(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return asdict(self) | {"components": list(self.components), "band": list(self.band)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> InputSpec:
        """Read the values of `as_record`; raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        low, high = record["band"]
        return cls(
            components=tuple(str(letter) for letter in record["components"]),
            frequencies=int(record["frequencies"]),
            times=int(record["times"]),
            sampling_rate=float(record["sampling_rate"]),
            band=(float(low), float(high)),
            window=float(record["window"]),
        )

    def require(self, given: InputSpec) -> None:
        """Raise `InputMismatchError` unless data fit a model with this specification."""
        if self != given:
            raise InputMismatchError(self, given)
