"""The result of processing for a station-day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Processed:
    """The detections and spectrograms of one station-day.

    Attributes
    ----------
    detections, events
        Number of detections, and of those that have a spectrogram.
    outcomes
        Number of detections by outcome: ``event``, or why there is no spectrogram.
    reason
        Why there are no samples; empty otherwise.
    live_seconds
        Time of the day in which a detection can start, s; NaN for imported events.
    live_intervals
        Number of intervals in which it can; none for imported events.
    too_short_segments, too_short_seconds
        Segments that were left out because they are too short, and their length, s.
    without_acceleration
        Why some or all detections have no peak acceleration; empty otherwise.
    response_remarks
        What is unusual about the response; empty otherwise.
    detections_path, live_path, spectrograms_path
        Paths relative to the data root; imported events have no live intervals.
    detections_content, live_content, spectrograms_content
        Digests of the files' content.
    """

    detections: int
    events: int
    outcomes: Mapping[str, int]
    reason: str
    live_seconds: float
    live_intervals: int | None
    too_short_segments: int
    too_short_seconds: float
    without_acceleration: str
    response_remarks: str
    detections_path: str
    live_path: str | None
    spectrograms_path: str
    detections_content: str
    live_content: str | None
    spectrograms_content: str
