"""How far sources are sought beyond a month, so that both months of a border find the same.

Nothing is joined across a time without detections that is longer than the longest difference (a *rest*). So it is
enough to look from the last rest of the day before the border to the first rest of the day after it. If one of these
days has no rest, the border itself parts the sources: both months know this, since both see both days.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import DAY_NS, NS

Integers = NDArray[np.int64]
# An event of the day before may have its peak after midnight.
_AFTER_MIDNIGHT = 600 * NS


def reach_over(time_ns: Integers, border: int, longest: int) -> tuple[int, int] | None:
    """Return between which times events belong together with those on the other side of a border.

    Parameters
    ----------
    time_ns
        Ascending times of all events of the day before and of the day after the border; others are left out.
    border
        Midnight, ns since 1970.
    longest
        The longest difference of times of one source, ns.

    Returns
    -------
    tuple or None
        Events of the other side belong to the same search if their time is within these two (inclusive; the first may
        be after the second: then none does). None if the border parts the sources.
    """
    first, last = border - DAY_NS + _AFTER_MIDNIGHT, border + DAY_NS
    bounds = np.concatenate([[first], time_ns[(time_ns >= first) & (time_ns < last)], [last]])
    ends = np.flatnonzero(np.diff(bounds) > longest)
    start, stop = bounds[ends + 1], bounds[ends]
    # Events of the later month are not before the border, those of the earlier one not long after it.
    before, after = start[stop < border], stop[start >= border + _AFTER_MIDNIGHT]
    return (int(before[-1]), int(after[0])) if before.size and after.size else None
