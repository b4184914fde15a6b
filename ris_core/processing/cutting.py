"""The spectrograms and waveforms of a station-day's events, cut from its conditioned segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.contracts.events import Events
from ris_core.processing.context import ContextPlan, context_plan, surroundings_of
from ris_core.processing.day_traces import DayTraces, Place
from ris_core.processing.instrument import UNITS, Kind
from ris_core.processing.outcomes import Resolved
from ris_core.processing.spectrograms import Plan, densities


def cut(resolved: Sequence[Resolved], traces: DayTraces, settings: Settings, constants: Plan) -> Events:
    """Return the events among the detections of a day, in their order."""
    kind = settings.response.spectrogram_trace
    events = [item for item in resolved if item.window is not None]
    places = [item.places for item in events]
    images, waves = _images(traces, places, kind, constants)
    peaks, starts = [], []
    for item in events:
        trace = traces.detection[item.detection.trigger.segment]
        peaks.append(trace.time_ns(item.detection.trigger.peak))
        starts.append(trace.time_ns(item.window or 0))
    around = context_plan(settings.context, constants)
    several = len(traces.by_channel) > 1
    masked = several and settings.components.missing == "zeros"
    return Events(
        spectrogram=images,
        waveform=waves,
        frequency=constants.frequency,
        time=constants.time,
        event_id=tuple(item.detection.event_id for item in events),
        time_peak=np.array(peaks, dtype=np.int64),
        window_start=np.array(starts, dtype=np.int64),
        sampling_rate=constants.rate,
        unit=UNITS[kind],
        components=tuple(code[-1] for code in traces.by_channel) if several else (),
        context_lead=around.lead,
        recorded=_recorded(places, len(traces.by_channel)) if masked else None,
        **_around(traces, places, kind, constants, around),
    )


def _images(
    traces: DayTraces, places: Sequence[Sequence[Place | None]], kind: Kind, constants: Plan
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return spectrograms and waveforms of M windows.

    Parameters
    ----------
    traces, kind
        The conditioned traces of the day, and which kind of them is cut.
    places
        Where each window begins in each of C channels, as `DayTraces.places` returns it.
    constants
        Of the spectrograms.

    Returns
    -------
    tuple
        (M, F, T) and (M, S), or of several channels (M, C, F, T) and (M, C, S); zeros where a channel has no place.
    """
    shape = len(places), len(traces.by_channel)
    images = np.zeros((*shape, constants.frequency.size, constants.columns), np.float32)
    waves = np.zeros((*shape, constants.samples), np.float32)
    for row, of_window in enumerate(places):
        for column, (segments, place) in enumerate(zip(traces.by_channel.values(), of_window, strict=True)):
            if place is None:
                continue
            segment, first = place
            wave = segments[segment].of_kind(kind)[first : first + constants.samples]
            images[row, column], waves[row, column] = densities(wave, constants), wave
    return (images, waves) if shape[1] > 1 else (images[:, 0], waves[:, 0])


def _recorded(places: Sequence[Sequence[Place | None]], channels: int) -> NDArray[np.bool_]:
    return np.array([[place is not None for place in row] for row in places], dtype=bool).reshape(-1, channels)


def _around(
    traces: DayTraces,
    places: Sequence[Sequence[Place | None]],
    kind: Kind,
    constants: Plan,
    around: ContextPlan,
) -> dict[str, NDArray[Any]]:
    """Return context and noise of all events, by the names of `Events`, with the axis of the channels."""
    found = [
        vars(surroundings_of(segments, kind, [row[column] for row in places], constants, around))
        for column, segments in enumerate(traces.by_channel.values())
    ]
    return {name: np.stack([of_channel[name] for of_channel in found], axis=1) for name in found[0]}
