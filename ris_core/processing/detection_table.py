"""The rows of a detection table: times, amplitudes and outcome of each detection."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ris_core.config import Settings
from ris_core.contracts.seed_id import SeedId
from ris_core.processing.amplitude import peak_between_samples
from ris_core.processing.condition import Conditioned
from ris_core.processing.detect import SegmentTrigger
from ris_core.processing.outcomes import Resolved

DETECTION_COLUMNS = (
    "event_id",
    "network",
    "station",
    "location",
    "channel",
    "time_on",
    "time_off",
    "time_peak",
    "peak_counts",
    "peak_acceleration",
    "acceleration_note",
    "characteristic_max",
    "snr",
    "found_by",
    "sampling_rate",
    "outcome",
)


def detection_table(
    resolved: Sequence[Resolved], traces: Sequence[Conditioned], seed_id: SeedId, settings: Settings
) -> pd.DataFrame:
    """Return one row for each detection of a day; times are ns since 1970 UTC."""
    return pd.DataFrame([_row(item, traces, seed_id, settings) for item in resolved], columns=DETECTION_COLUMNS)


def _row(item: Resolved, traces: Sequence[Conditioned], seed_id: SeedId, settings: Settings) -> tuple[object, ...]:
    trigger = item.detection.trigger
    trace = traces[trigger.segment]
    acceleration, note = _peak_acceleration(trace, trigger, settings)
    # The detector's trace may be another one, with its peak a quarter of a period away.
    counts = trace.samples[trigger.on : trigger.off + 1]
    return (
        item.detection.event_id,
        *seed_id,
        trigger.time_on_ns,
        trace.time_ns(trigger.off),
        trace.time_ns(trigger.peak),
        float(counts[np.argmax(np.abs(counts))]),
        acceleration,
        note,
        trigger.characteristic_max,
        trigger.snr,
        trigger.found_by,
        trace.sampling_rate,
        item.outcome,
    )


def _peak_acceleration(trace: Conditioned, trigger: SegmentTrigger, settings: Settings) -> tuple[float, str]:
    """Return the signed peak acceleration of a trigger (m/s²), and a note; NaN and why without a response."""
    # The cause of a trigger lies before its onset, and by the filter's delay still earlier.
    first = max(0, trigger.on - round(settings.detector.lead * settings.conditioning.sampling_rate))
    for missing in trace.missing:
        if missing.first <= trigger.off and first < missing.stop:
            return math.nan, missing.why
    return peak_between_samples(trace.of_kind("peak_acceleration"), first, trigger.off), ""
