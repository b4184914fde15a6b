"""The detections of a station-day: the triggers of all segments in the order of time, each with its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ris_core.config import Settings
from ris_core.contracts.seed_id import SeedId
from ris_core.processing.condition import Conditioned
from ris_core.processing.detect import SegmentTrigger, triggers_of


@dataclass(frozen=True)
class Detection:
    """A trigger with its name.

    Attributes
    ----------
    event_id
        NET.STA.LOC.CHAN.time of the peak; with a number where several detections have the same.
    trigger
        The trigger.
    """

    event_id: str
    trigger: SegmentTrigger


def detections_of(traces: Sequence[Conditioned], settings: Settings, seed_id: SeedId) -> list[Detection]:
    """Return all detections on the conditioned segments of a padded station-day, in the order of their onsets."""
    kind = settings.response.detection_trace
    triggers = [
        trigger
        for index, trace in enumerate(traces)
        for trigger in triggers_of(trace, index, settings.detector, settings.conditioning, kind)
    ]
    triggers.sort(key=lambda t: (t.time_on_ns, t.segment))
    found: list[Detection] = []
    times: Counter[str] = Counter()
    for trigger in triggers:
        name = seed_id.event_id(traces[trigger.segment].time_ns(trigger.peak))
        # Overlapping segments (a clock set back) may contain the same instant twice, and several pairs the same peak.
        times[name] += 1
        found.append(Detection(f"{name}_{times[name]}" if times[name] > 1 else name, trigger))
    return found


def clean(onsets_ns: Sequence[int], window: float) -> list[int | None]:
    """For each onset in the order of time, return none if it is kept, or the index of the kept one that it follows.

    A detection is left out if its onset is less than ``window`` seconds after the onset of the last kept one, as in the
    published catalogue.
    """
    kept: int | None = None
    result: list[int | None] = []
    for i, onset_ns in enumerate(onsets_ns):
        if kept is not None and onset_ns < onsets_ns[kept] + round(window * 1e9):
            result.append(kept)
        else:
            kept = i
            result.append(None)
    return result
