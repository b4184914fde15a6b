"""Cycles that events can follow: the hours of the day, the months of the year, the phase of a tide."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ris_core.links.tidal_phase import CONSTITUENTS
from ris_core.rates.exposure import HOUR_NS
from ris_explorer.selection import hours_of, months_of

IntArray = NDArray[np.int64]
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PHASES = 12
"""Parts of a cycle of the tide, as in the test of tides."""


@dataclass(frozen=True, eq=False)
class Cycle:
    """A time that is divided into parts of a cycle.

    Attributes
    ----------
    names
        Of the n parts.
    edges
        (m + 1,) ascending, ns since 1970 UTC.
    part
        (m,) to which part each stretch between edges belongs.
    """

    names: tuple[str, ...]
    edges: IntArray = field(repr=False)
    part: IntArray = field(repr=False)

    def parts_of(self, times: IntArray) -> IntArray:
        """Return the part of each time, ns since 1970 UTC; -1 outside of the edges."""
        place = np.searchsorted(self.edges, times, side="right") - 1
        inside = (place >= 0) & (place < len(self.part))
        return np.where(inside, self.part[np.where(inside, place, 0)], -1)

    def sums(self, values: IntArray) -> IntArray:
        """Return values (m,) summed over each part, (n,)."""
        found = np.zeros(len(self.names), np.int64)
        np.add.at(found, self.part, values)
        return found


def clock(begin: int, end: int, ahead: int = 0) -> Cycle:
    """Return the hours of the day.

    Parameters
    ----------
    begin, end
        ns since 1970 UTC, the first before the other.
    ahead
        How much the clock is ahead of UTC, ns; of mean solar time `solar_offset`.
    """
    edges = _cut(np.arange((begin + ahead) // HOUR_NS, (end + ahead) // HOUR_NS + 2) * HOUR_NS - ahead, begin, end)
    return Cycle(tuple(f"{hour:02d}" for hour in range(24)), edges, hours_of(edges[:-1] + ahead).astype(np.int64))


def season(begin: int, end: int) -> Cycle:
    """Return the months of the year, UTC; as `clock`."""
    months = np.array([begin, end], "datetime64[ns]").astype("datetime64[M]")
    starts = np.arange(months[0], months[1] + 2).astype("datetime64[ns]").astype(np.int64)
    edges = _cut(starts, begin, end)
    return Cycle(MONTHS, edges, months_of(edges[:-1]).astype(np.int64) - 1)


def tide(begin: int, end: int, constituent: str) -> Cycle:
    """Return twelfths of the cycle of a tidal constituent, counted since 1970-01-01 UTC; as `clock`.

    Its phase is that of `ris_core.links.tidal_phase`: of the constituent's mean speed, without the position of the moon
    and the place of the station.
    """
    length = 360.0 / CONSTITUENTS[constituent] * HOUR_NS / PHASES
    number = np.arange(int(begin // length), int(end // length) + 2)
    starts = np.round(number * length).astype(np.int64)
    inside = (starts[1:] > begin) & (starts[:-1] < end)
    edges = np.clip(np.append(starts[:-1][inside], starts[1:][inside][-1]), begin, end)
    width = 360 // PHASES
    return Cycle(tuple(f"{k * width}-{(k + 1) * width}°" for k in range(PHASES)), edges, number[:-1][inside] % PHASES)


def solar_offset(longitude: float) -> int:
    """Return how much mean solar time at a longitude, degrees east, is ahead of UTC, ns; a day has 15° an hour."""
    return round(((longitude + 180.0) % 360.0 - 180.0) / 15.0 * HOUR_NS)


def _cut(starts: IntArray, begin: int, end: int) -> IntArray:
    return np.concatenate([[begin], starts[(starts > begin) & (starts < end)], [end]]).astype(np.int64)
