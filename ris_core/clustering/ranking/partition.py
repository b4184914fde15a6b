"""A partition of events to be compared with others, and what is known about the events beside their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOT_KNOWN = -1
"""Code of a source that is not known: an event that no other station recorded."""


@dataclass(frozen=True)
class Partition:
    """Clusters of N events by one candidate and K.

    Attributes
    ----------
    candidate
        Its name; all partitions of one name are a family.
    k
        Number of clusters that were asked for.
    labels
        (N,) cluster of each event; integers of any value.
    """

    candidate: str
    k: int
    labels: NDArray[Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Candidate and K, like ``aec/dec/k=8``."""
        return f"{self.candidate}/k={self.k}"


@dataclass(frozen=True)
class Covariates:
    """What is known about N events beside their labels.

    Attributes
    ----------
    station
        (N,) station codes.
    hour
        (N,) hour of the day, UTC, 0 ... 23.
    amplitude
        (N,) peak amplitude in any unit, NaN where it is not known; none if no amplitude is known.
    source
        (N,) code of the source that an event is of, `NOT_KNOWN` where no other station recorded it
        (`same_source.coincident`); none if there is one station.
    """

    station: NDArray[np.str_] = field(repr=False)
    hour: NDArray[np.int64] = field(repr=False)
    amplitude: NDArray[np.float64] | None = field(repr=False, default=None)
    source: NDArray[np.int64] | None = field(repr=False, default=None)

    def __len__(self) -> int:
        return len(self.station)

    def take(self, rows: NDArray[np.int64]) -> Covariates:
        """Return those of some events."""
        return Covariates(
            self.station[rows],
            self.hour[rows],
            None if self.amplitude is None else self.amplitude[rows],
            None if self.source is None else self.source[rows],
        )


def families(partitions: Sequence[Partition]) -> Mapping[str, list[int]]:
    """Return the numbers of the partitions of each candidate, in the order of the first of each."""
    found: dict[str, list[int]] = {}
    for number, one in enumerate(partitions):
        found.setdefault(one.candidate, []).append(number)
    return found


def require_alike(partitions: Sequence[Partition], covariates: Covariates) -> None:
    """Raise `ValueError` unless all partitions are of as many events as the covariates, each given once."""
    for one in partitions:
        if one.labels.shape != (len(covariates),):
            raise ValueError(
                f"{one.name} has labels of shape {one.labels.shape}; the covariates are of {len(covariates)} events"
            )
    names = [one.name for one in partitions]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)}: given more than once; every candidate and K may be given only once")
