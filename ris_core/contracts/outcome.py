"""The outcome of a stage for a station-day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from ris_core.contracts.station_day import StationDay

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True)
class Made(Generic[R_co]):
    """A stage's result for a station-day.

    Attributes
    ----------
    result
        What was made, or already existed.
    already_current
        Whether nothing had to be done.
    seconds
        Time it took, s.
    pictures
        PNG pictures by name; empty if nothing was done.
    """

    result: R_co
    already_current: bool
    seconds: float
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    def without_pictures(self) -> Made[R_co]:
        """Return the same without pictures, which would fill the memory of a long run."""
        return replace(self, pictures={})


@dataclass(frozen=True)
class Outcome(Generic[R_co]):
    """The outcome for one station-day: its result, or the error that stopped it.

    Attributes
    ----------
    key
        The station-day.
    made
        None if it failed.
    error, trace
        Why it failed, and the traceback; without credentials.
    """

    key: StationDay
    made: Made[R_co] | None
    error: str = ""
    trace: str = ""
