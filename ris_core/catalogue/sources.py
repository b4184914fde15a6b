"""Which detections of several stations one source can explain: no location is sought, and no origin invented.

Two detections are compatible if they are of different stations and no further apart in time than a wave of the least
apparent velocity takes between these, and the picking error. A group has at most one detection of each station, and any
two of it are compatible.

Groups are made greedily, as in agglomerative clustering with complete linkage: compatible pairs are taken in the order
of their difference in time as a share of the longest one, and the groups of both are joined if all of the joined group
are compatible. Nothing is joined across a time without a detection that is longer than the longest difference, so a
month can be treated alone (`borders`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
_ROWS = 4096


@dataclass(frozen=True, eq=False)
class Associated:
    """What belongs together among N detections.

    Attributes
    ----------
    group
        (N,) position of the earliest detection of each one's group; its own where no other station heard it.
    pairs
        (P, 2) positions of compatible pairs, the earlier one first.
    """

    group: Integers = field(repr=False)
    pairs: Integers = field(repr=False)

    @property
    def alone(self) -> NDArray[np.bool_]:
        """(N,): whether a detection belongs to no other."""
        return np.asarray(np.bincount(self.group, minlength=len(self.group))[self.group] < 2)


def longest_differences(distance_km: NDArray[np.float64], least_velocity: float, picking_error: float) -> Integers:
    """Return the longest difference of peak times of one source between S stations, ns, shape (S, S).

    Parameters
    ----------
    distance_km
        (S, S); NaN where it is not known.
    least_velocity, picking_error
        km/s and s.

    Returns
    -------
    array
        −1 on the diagonal and where the distance is not known: such detections are never compatible.
    """
    longest = distance_km / least_velocity + picking_error
    known = np.isfinite(longest) & ~np.eye(len(longest), dtype=bool)
    return np.where(known, np.round(np.nan_to_num(longest) * 1e9), -1).astype(np.int64)


def associate(
    time_ns: Integers, station: NDArray[np.integer[Any]], longest: Integers, kind: NDArray[np.int64] | None = None
) -> Associated:
    """Return the groups of N detections that one source can explain.

    Parameters
    ----------
    time_ns
        (N,) ns since 1970, in ascending order.
    station
        (N,) position of each station in `longest`.
    longest
        (S, S) of `longest_differences`.
    kind
        (N,) class of each detection, if only detections of one class may belong together, below 0 of those that belong
        to no other; by default all may belong together.
    """
    pairs = compatible_pairs(time_ns, station, longest, kind)
    one, other = pairs.T
    reach = longest[station[one], station[other]]
    share = np.abs(time_ns[other] - time_ns[one]) / np.maximum(reach, 1)
    members: dict[int, list[int]] = {}
    group = np.arange(len(time_ns), dtype=np.int64)
    when, where = time_ns.tolist(), station.tolist()
    limit = longest.tolist()
    for place in np.lexsort((other, one, share)).tolist():
        a, b = int(group[one[place]]), int(group[other[place]])
        if a == b:
            continue
        left, right = members.get(a, [a]), members.get(b, [b])
        if all(abs(when[i] - when[j]) <= limit[where[i]][where[j]] for i in left for j in right):
            joined = sorted(left + right)
            members[joined[0]] = joined
            group[joined] = joined[0]
    return Associated(group, pairs)


def compatible_pairs(
    time_ns: Integers, station: NDArray[np.integer[Any]], longest: Integers, kind: NDArray[np.int64] | None = None
) -> Integers:
    """Return all compatible pairs (P, 2) of detections, the earlier one first; parameters as of `associate`."""
    reach = int(longest.max(initial=-1))
    found = [np.empty((0, 2), np.int64)]
    if reach < 0:
        return found[0]
    last = np.searchsorted(time_ns, time_ns + reach, side="right")
    for start in range(0, len(time_ns), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(time_ns)))
        counts = last[rows] - rows - 1
        one = np.repeat(rows, counts)
        other = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
        fits = time_ns[other] - time_ns[one] <= longest[station[one], station[other]]
        if kind is not None:
            fits &= (kind[one] == kind[other]) & (kind[one] >= 0)
        found.append(np.column_stack([one[fits], other[fits]]))
    return np.concatenate(found)
