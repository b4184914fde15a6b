"""Which detections of a station-day are events, and why the others are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ris_core.config import Settings
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.day_traces import DayTraces, Place
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
    places
        Of an event, the segment and the first sample of the spectrogram in each channel; none in a channel that was not
        recorded and is replaced by zeros.
    """

    detection: Detection
    outcome: str
    window: int | None = None
    places: tuple[Place | None, ...] = ()


def resolve(
    detections: Sequence[Detection], traces: DayTraces, key: StationDay, settings: Settings, constants: Plan
) -> list[Resolved]:
    """Return the detections of the day in the order of time, each with its outcome.

    Parameters
    ----------
    detections, traces
        All detections of the padded day, and its conditioned traces.
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
        if followed is not None:
            found = Resolved(detection, f"within_cleaning_window_of {detections[followed].event_id}")
        else:
            found = _with_window(detection, traces, windows, settings, constants)
        if trigger.time_on_ns >= key.start_ns:
            resolved.append(found)
    return resolved


def _with_window(
    detection: Detection, traces: DayTraces, windows: _Windows, settings: Settings, constants: Plan
) -> Resolved:
    """Return the outcome of a detection that cleaning keeps."""
    segment, peak = detection.trigger.segment, detection.trigger.peak
    trace = traces.detection[segment]
    window = strongest_window(traces.strength[segment], trace.grid_offset, peak, constants)
    if window is None:
        return Resolved(detection, "too_near_gap")
    start_ns = trace.time_ns(window)
    if earlier := windows.taken(start_ns):
        return Resolved(detection, f"duplicate_of {earlier}")
    places = traces.places(segment, window, constants.samples)
    missing = [code for code, place in zip(traces.by_channel, places, strict=True) if place is None]
    if missing and settings.components.missing == "drop":
        return Resolved(detection, f"component_missing {' '.join(missing)}")
    windows.take(start_ns, detection.event_id)
    return Resolved(detection, EVENT, window, places)


class _Windows:
    """The windows of the events so far; one that starts within ``within`` seconds of another is its duplicate."""

    def __init__(self, within: float) -> None:
        self._within_ns = round(within * NS)
        self._taken: list[tuple[int, str]] = []

    def taken(self, start_ns: int) -> str:
        """Return the event that has the window that starts at this time; empty if none has."""
        for other_ns, other in reversed(self._taken):
            if abs(start_ns - other_ns) <= self._within_ns:
                return other
            if other_ns < start_ns - self._within_ns - round(_LOOK_BACK_S * NS):
                break
        return ""

    def take(self, start_ns: int, name: str) -> None:
        """Give a window to an event."""
        self._taken.append((start_ns, name))
