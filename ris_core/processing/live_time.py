"""The time of a day in which a detection could start."""

from __future__ import annotations

from collections.abc import Sequence

from ris_core.config import Settings
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.condition import Conditioned


def live_seconds(traces: Sequence[Conditioned], key: StationDay, settings: Settings) -> float:
    """Return the seconds of the day in which a detection can start: segments without guards and warm-up."""
    before = round(settings.conditioning.guard_before_gap * NS)
    first = round(settings.detector.warm_up * NS)
    after = max(round(settings.conditioning.guard_after_gap * NS), first)
    live, reached = 0, key.start_ns
    for trace in traces:
        start = trace.start_ns + (first if trace.opens_window else after)
        end = trace.time_ns(trace.samples.size) - (0 if trace.closes_window else before)
        start, end = max(start, reached), min(end, key.end_ns)
        live += max(0, end - start)
        reached = max(reached, end)
    return live / NS
