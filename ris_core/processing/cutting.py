"""The spectrograms and waveforms of a station-day's events, cut from its conditioned segments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ris_core.config import Settings
from ris_core.contracts.events import Events
from ris_core.processing.condition import Conditioned
from ris_core.processing.context import context_plan, surroundings_of
from ris_core.processing.instrument import UNITS
from ris_core.processing.outcomes import Resolved
from ris_core.processing.spectrograms import Plan, densities


def cut(resolved: Sequence[Resolved], traces: Sequence[Conditioned], settings: Settings, constants: Plan) -> Events:
    """Return the events among the detections of a day, in their order."""
    kind = settings.response.spectrogram_trace
    images, waves, names, peaks, starts = [], [], [], [], []
    windows: list[tuple[int, int]] = []
    for item in resolved:
        if item.window is None:
            continue
        trigger = item.detection.trigger
        trace = traces[trigger.segment]
        wave = trace.of_kind(kind)[item.window : item.window + constants.samples]
        images.append(densities(wave, constants))
        waves.append(wave.astype(np.float32))
        names.append(item.detection.event_id)
        peaks.append(trace.time_ns(trigger.peak))
        starts.append(trace.time_ns(item.window))
        windows.append((trigger.segment, item.window))
    around = context_plan(settings.context, constants)
    found = surroundings_of(traces, kind, windows, constants, around)
    size = constants.frequency.size, constants.columns
    return Events(
        spectrogram=np.stack(images) if images else np.empty((0, *size), np.float32),
        waveform=np.stack(waves) if waves else np.empty((0, constants.samples), np.float32),
        frequency=constants.frequency,
        time=constants.time,
        event_id=tuple(names),
        time_peak=np.array(peaks, dtype=np.int64),
        window_start=np.array(starts, dtype=np.int64),
        sampling_rate=constants.rate,
        unit=UNITS[kind],
        context_lead=around.lead,
        **{name: values[:, None] for name, values in vars(found).items()},
    )
