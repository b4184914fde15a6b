"""The live intervals of a day: those in which a detection could start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.condition import Conditioned


def live_intervals(traces: Sequence[Conditioned], key: StationDay, settings: Settings) -> NDArray[np.int64]:
    """Return the intervals of the day in which a detection could start.

    They are the segments of the trace of detections without the guards beside gaps and without the detector's warm-up.

    Parameters
    ----------
    traces
        Conditioned segments of that trace, in the order of time; where they overlap, time counts once.
    key, settings
        The station-day and the settings.

    Returns
    -------
    ndarray
        Shape (M, 2): start, and the end, which does not belong to the interval; ns since 1970 UTC. They are in the
        order of time and do not touch.
    """
    before = round(settings.conditioning.guard_before_gap * NS)
    first = round(settings.detector.warm_up * NS)
    after = max(round(settings.conditioning.guard_after_gap * NS), first)
    found: list[list[int]] = []
    reached = key.start_ns
    for trace in traces:
        start = trace.start_ns + (first if trace.opens_window else after)
        end = trace.time_ns(trace.samples.size) - (0 if trace.closes_window else before)
        start, end = max(start, reached), min(end, key.end_ns)
        reached = max(reached, end)
        if end <= start:
            continue
        if found and found[-1][1] == start:
            found[-1][1] = end
        else:
            found.append([start, end])
    return np.array(found, dtype=np.int64).reshape(-1, 2)
