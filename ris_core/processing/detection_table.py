"""The rows of a detection table: times, amplitudes and outcome of each detection."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ris_core.config import Settings
from ris_core.contracts.seed_id import SeedId
from ris_core.processing.amplitude import peak_between_samples
from ris_core.processing.condition import Conditioned
from ris_core.processing.day_traces import DayTraces
from ris_core.processing.outcomes import Resolved
from ris_core.storage.table_schemas import detection_schema


@dataclass(frozen=True)
class _Amplitudes:
    """The amplitudes of a detection in one channel, signed: counts, m/s² or NaN, and why there is no acceleration."""

    counts: float
    acceleration: float
    note: str


def detection_table(
    resolved: Sequence[Resolved], traces: DayTraces, seed_id: SeedId, settings: Settings
) -> pd.DataFrame:
    """Return one row for each detection of a day; times are ns since 1970 UTC.

    The columns are those of `ris_core.storage.table_schemas.detection_schema`. Amplitudes without the code of a channel
    are those of the channel that names the detections.
    """
    rows = [_row(item, traces, seed_id, settings) for item in resolved]
    return pd.DataFrame(rows, columns=detection_schema(settings.channels).names)


def _row(item: Resolved, traces: DayTraces, seed_id: SeedId, settings: Settings) -> tuple[object, ...]:
    trigger = item.detection.trigger
    trace = traces.detection[trigger.segment]
    places = traces.places(trigger.segment, trigger.on, trigger.off + 1 - trigger.on)
    lead = round(settings.detector.lead * settings.conditioning.sampling_rate)
    by_channel = {}
    for (code, segments), place in zip(traces.by_channel.items(), places, strict=True):
        by_channel[code] = _Amplitudes(math.nan, math.nan, f"{code} was not recorded")
        if place is not None:
            segment, on = place
            by_channel[code] = _amplitudes(segments[segment], on, on + trigger.off - trigger.on, lead)
    of_detection = by_channel[traces.channel]
    several = by_channel.values() if len(by_channel) > 1 else ()
    return (
        item.detection.event_id,
        *seed_id,
        trigger.time_on_ns,
        trace.time_ns(trigger.off),
        trace.time_ns(trigger.peak),
        of_detection.counts,
        of_detection.acceleration,
        of_detection.note,
        trigger.characteristic_max,
        trigger.snr,
        trigger.found_by,
        trace.sampling_rate,
        item.outcome,
        *(value for found in several for value in (found.counts, found.acceleration, found.note)),
    )


def _amplitudes(trace: Conditioned, on: int, off: int, lead: int) -> _Amplitudes:
    # The detector's trace may be another one, with its peak a quarter of a period away.
    counts = trace.samples[on : off + 1]
    peak = float(counts[np.argmax(np.abs(counts))])
    # The cause of a trigger lies before its onset, and by the filter's delay still earlier.
    first = max(0, on - lead)
    for missing in trace.missing:
        if missing.first <= off and first < missing.stop:
            return _Amplitudes(peak, math.nan, missing.why)
    return _Amplitudes(peak, peak_between_samples(trace.of_kind("peak_acceleration"), first, off), "")
