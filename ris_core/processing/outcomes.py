"""Which detections of a station-day are events, and why the others are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ris_core.config import Settings
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.condition import Conditioned
from ris_core.processing.detections import Detection, clean
from ris_core.processing.spectrograms import Plan, strongest_window

EVENT = "event"

# Detections this long before midnight are looked at too, so that a later one can be recognised as their duplicate.
_LOOK_BACK_S = 60.0


@dataclass(frozen=True)
class Resolved:
    """A detection of the day with its outcome.

    Attributes
    ----------
    detection
        The detection.
    outcome
        ``event``, or why there is no spectrogram, as in the detection table.
    window
        Of an event, the first sample of its spectrogram in the trigger's segment; else none.
    """

    detection: Detection
    outcome: str
    window: int | None


def resolve(
    detections: Sequence[Detection], traces: Sequence[Conditioned], key: StationDay, settings: Settings, constants: Plan
) -> list[Resolved]:
    """Return the detections of the day in the order of time, each with its outcome.

    Parameters
    ----------
    detections, traces
        All detections of the padded day, and the conditioned segments of the trace on which they were found.
    key, settings, constants
        The station-day, the settings, and the constants of its spectrograms.
    """
    follows = clean([d.trigger.time_on_ns for d in detections], settings.detector.cleaning_window)
    windows = _Windows(settings.spectrogram.duplicate_within)
    resolved = []
    for detection, followed in zip(detections, follows, strict=True):
        trigger = detection.trigger
        if not key.start_ns - round(_LOOK_BACK_S * NS) <= trigger.time_on_ns < key.end_ns:
            continue
        window = None
        if followed is not None:
            outcome = f"within_cleaning_window_of {detections[followed].event_id}"
        else:
            trace = traces[trigger.segment]
            samples = trace.of_kind(settings.response.spectrogram_trace)
            window = strongest_window(samples, trace.grid_offset, trigger.peak, constants)
            outcome = "too_near_gap"
            if window is not None:
                earlier = windows.take(trace.time_ns(window), detection.event_id)
                outcome, window = (f"duplicate_of {earlier}", None) if earlier else (EVENT, window)
        if trigger.time_on_ns >= key.start_ns:
            resolved.append(Resolved(detection, outcome, window))
    return resolved


class _Windows:
    """The windows of the events so far; one that starts within ``within`` seconds of another is its duplicate."""

    def __init__(self, within: float) -> None:
        self._within_ns = round(within * NS)
        self._taken: list[tuple[int, str]] = []

    def take(self, start_ns: int, name: str) -> str:
        """Return the event that has this window already; empty if it is now that of ``name``."""
        for other_ns, other in reversed(self._taken):
            if abs(start_ns - other_ns) <= self._within_ns:
                return other
            if other_ns < start_ns - self._within_ns - round(_LOOK_BACK_S * NS):
                break
        self._taken.append((start_ns, name))
        return ""
