"""What a detector is: its settings, the triggers that it finds, and what the rest of the chain must know of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ris_core.section import Seconds, Section

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Trigger:
    """One trigger of a detector; positions are sample indices of the trace.

    Attributes
    ----------
    on, off
        First and last sample.
    value
        Greatest value that the detector compared with its threshold.
    found_by
        The detector and what distinguishes its triggers, like ``recursive 0.5/30 s``.
    signal, noise
        First sample and the one after the last of two stretches, for the signal-to-noise ratio. They may reach beyond
        the trace, or be empty.
    average
        Number of samples over which the power of the signal is averaged: the greatest average in ``signal`` counts.
    """

    on: int
    off: int
    value: float
    found_by: str
    signal: tuple[int, int]
    noise: tuple[int, int]
    average: int


class Detector(Section, ABC):
    """A detector: its section of the settings, and how it finds triggers.

    A subclass has a field ``method`` whose only value, also its default, is its name in the settings, fields of its own
    with units and defaults, and the methods below.
    """

    method: str
    cleaning_window: Seconds = Field(
        5.0, ge=0, description="A trigger this soon after the last kept trigger's onset is left out, s (code: 5)."
    )

    @property
    @abstractmethod
    def warm_up(self) -> float:
        """Seconds from the start of a segment in which not everything can be detected: they are not live."""

    @property
    def lead(self) -> float:
        """Seconds before an onset in which its cause may lie."""
        return 0.0

    @abstractmethod
    def triggers(self, samples: Samples, rate: float, after_gap: bool) -> Iterator[Trigger]:
        """Yield the triggers of one segment; the chain puts them into the order of time and leaves out the guards.

        Parameters
        ----------
        samples
            The conditioned trace, shape (n,); it must not be changed.
        rate
            Its sampling rate, Hz.
        after_gap
            Whether it begins after a gap, where the trace before it is unknown.
        """

    def check(self, rate: float) -> None:
        """Raise `ValueError` if the settings do not fit a sampling rate (Hz)."""

    def parameters(self, found_by: str) -> Mapping[str, float]:
        """Return the settings of the triggers that have a ``found_by``, by name: for tables that list them."""
        return {}


def crossings(values: Samples, threshold_on: float, threshold_off: float) -> NDArray[np.int64]:
    """Return first and last samples of triggers, shape (triggers, 2), as ObsPy's ``trigger_onset``.

    A trigger begins where the values exceed ``threshold_on`` and ends where they fall below ``threshold_off``. ObsPy's
    function gets only samples above the lower threshold, which are few in a day.
    """
    from obspy.signal.trigger import trigger_onset

    above = np.flatnonzero(values >= threshold_off)
    # A sample below the threshold separates parts that are not contiguous.
    apart = np.flatnonzero(np.diff(above) > 1) + 1
    places = np.insert(above, apart, above[apart] - 1)
    found = trigger_onset(values[places], threshold_on, threshold_off)
    return places[np.minimum(np.asarray(found, dtype=np.int64).reshape(-1, 2), places.size - 1)]


def trailing_sum(values: Samples, width: int) -> Samples:
    """Return the sums over each sample and the ``width`` − 1 before it, shape (n,); fewer at the start."""
    total = np.cumsum(values)
    total[width:] -= total[:-width].copy()
    return total
