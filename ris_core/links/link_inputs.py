"""What the tests of one station are given."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LinkInputs:
    """Events, live time and series of one station by the hour.

    Attributes
    ----------
    station
        Code.
    edges : int array of shape (M + 1,)
        Edges of successive hours, ns since 1970 UTC.
    intervals : int array of shape (n, 2)
        Live intervals, ns since 1970 UTC.
    live : array of shape (M,)
        Live hours of each hour.
    classes
        Names of the K classes.
    counts : array of shape (M, K)
        Events in live time by class, as labelled.
    times
        Times of the events of each class, ns since 1970 UTC.
    noise
        Covariates that decide how many events are found, each of shape (M,); NaN where unknown.
    noise_source
        Where they come from, in words; empty if there are none.
    terms
        Tested terms by name, each of shape (M,); NaN where unknown.
    """

    station: str
    edges: Ints = field(repr=False)
    intervals: Ints = field(repr=False)
    live: Floats = field(repr=False)
    classes: tuple[str, ...]
    counts: Floats = field(repr=False)
    times: dict[str, Ints] = field(repr=False)
    noise: tuple[Floats, ...] = field(repr=False)
    noise_source: str
    terms: dict[str, Floats] = field(repr=False)
