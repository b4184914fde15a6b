"""The live intervals of a day: those in which a detection could start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
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
    conditioning, warm_up = settings.conditioning, settings.detector.warm_up
    found: list[list[int]] = []
    reached = key.start_ns
    for trace in traces:
        # In samples, as the guards of the detections are: half of one may lie between the two.
        after = warm_up if trace.opens_window else max(conditioning.guard_after_gap, warm_up)
        before = 0.0 if trace.closes_window else conditioning.guard_before_gap
        first = round(after * trace.sampling_rate)
        stop = trace.samples.size - round(before * trace.sampling_rate)
        if stop <= first:
            continue
        start, end = max(trace.time_ns(first), reached), min(trace.time_ns(stop), key.end_ns)
        reached = max(reached, end)
        if end <= start:
            continue
        if found and found[-1][1] == start:
            found[-1][1] = end
        else:
            found.append([start, end])
    return np.array(found, dtype=np.int64).reshape(-1, 2)
