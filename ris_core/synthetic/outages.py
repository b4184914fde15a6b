"""Missing days, gaps and clock steps of a station."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ris_core.config import SyntheticSettings
from ris_core.synthetic.ice_environment import day_ns
from ris_core.synthetic.seeds import Stream, generator, station_key
from ris_core.synthetic.seismometer import SAMPLING_RATE

# 70.5 samples: time stamps leave the previous sample grid.
CLOCK_STEP_NS = 352_500_000
FRAGMENT_S = 20.0
GAP_S = (5.0, 1200.0)


class Segment(NamedTuple):
    """Contiguous samples [first, stop), counted at 200 Hz from 1970, and the delay of their time stamps, ns."""

    first: int
    stop: int
    late_ns: int


def first_sample(day: date) -> int:
    """Return the number of a day's first sample, counted at 200 Hz from 1970."""
    return day_ns(day) // 1_000_000_000 * round(SAMPLING_RATE)


def gaps(source: SyntheticSettings, code: str, day: date) -> list[tuple[int, int]]:
    """Return the gaps of a station-day as sample ranges [first, stop): none, or four of 5 s to 20 min.

    They lie between 01:00 and 23:00, outside the padding of neighbouring days; a fragment of 20 s lies between the
    middle two.
    """
    if f"{code}/{day.isoformat()}" not in source.gaps:
        return []
    rng = generator(source.seed, Stream.OUTAGE, station_key(code), day.toordinal())
    lengths = np.exp(rng.uniform(np.log(GAP_S[0]), np.log(GAP_S[1]), 4))
    starts = np.array([1.5, 8.0, 8.0, 16.0]) * 3600.0 + rng.uniform(0.0, 5.0 * 3600.0, 4)
    starts[2] = starts[1] + lengths[1] + FRAGMENT_S
    begin = first_sample(day)
    return [
        (begin + round(start * SAMPLING_RATE), begin + round((start + length) * SAMPLING_RATE))
        for start, length in zip(starts, lengths, strict=True)
    ]


def clock_steps(source: SyntheticSettings, code: str, day: date) -> tuple[int, int] | None:
    """Return the samples [first, stop) of a station-day whose time stamps are 0.3525 s late, if there are any.

    The clock jumps between 05:00 and 10:00 and is corrected between 14:00 and 20:00: a small gap, later an overlap.
    """
    if f"{code}/{day.isoformat()}" not in source.clock_steps:
        return None
    rng = generator(source.seed, Stream.OUTAGE, station_key(code), day.toordinal(), 1)
    jump, back = rng.uniform(5.0, 10.0), rng.uniform(14.0, 20.0)
    begin = first_sample(day)
    return begin + round(jump * 3600 * SAMPLING_RATE), begin + round(back * 3600 * SAMPLING_RATE)


def is_missing(source: SyntheticSettings, code: str, day: date) -> bool:
    """Return whether a station recorded nothing on a day."""
    return f"{code}/{day.isoformat()}" in source.missing


def segments(source: SyntheticSettings, code: str, days: list[date], first: int, stop: int) -> list[Segment]:
    """Return the recorded parts of the samples [first, stop), which the days cover."""
    found: list[Segment] = []
    for day in days:
        if is_missing(source, code, day):
            continue
        begin = first_sample(day)
        end = begin + round(86400 * SAMPLING_RATE)
        edges = {max(begin, first), min(end, stop)}
        holes, late = gaps(source, code, day), clock_steps(source, code, day)
        for hole in [*holes, *([late] if late else [])]:
            edges.update(edge for edge in hole if max(begin, first) < edge < min(end, stop))
        ordered = sorted(edges)
        for low, high in pairwise(ordered):
            if any(a <= low < b for a, b in holes):
                continue
            shift = CLOCK_STEP_NS if late and late[0] <= low < late[1] else 0
            if found and found[-1].stop == low and found[-1].late_ns == shift:
                found[-1] = Segment(found[-1].first, high, shift)
            else:
                found.append(Segment(low, high, shift))
    return found
