"""The chain of one station-day: segments in, detections and spectrograms out, in one pass."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.contracts.events import Events
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.amplitude import peak_between_samples
from ris_core.processing.condition import Conditioned, condition
from ris_core.processing.detect import Trigger, clean, triggers_of
from ris_core.processing.instrument import UNITS, Instrument, Kind
from ris_core.processing.spectrograms import event_spectrogram, plan
from ris_core.waveforms.segments import Segment

if TYPE_CHECKING:
    from obspy import Inventory


# Detections this long before midnight are cut too, so that a later one can be recognised as their duplicate.
_LOOK_BACK_S = 60.0


@dataclass(frozen=True)
class Products:
    """The result of the chain for one station-day."""

    detections: pd.DataFrame
    spectrograms: Events
    conditioned: list[Conditioned]
    live_seconds: float
    too_short_segments: int
    too_short_seconds: float
    notes: list[str]
    remarks: list[str]


def process(segments: Sequence[Segment], key: StationDay, settings: Settings, inventory: Inventory | None) -> Products:
    """Turn the segments of a padded station-day into its detections and spectrograms.

    Raises
    ------
    BadWaveformError
        The samples cannot be processed (sampling rate, no response for a trace that needs it).
    """
    response = settings.response
    seed_id = settings.seed_id(key.station)
    instrument = Instrument.of(inventory, str(seed_id)) if inventory is not None else None
    wanted: tuple[Kind, ...] = (response.detection_trace, response.spectrogram_trace, "peak_acceleration")
    ground = [kind for kind in dict.fromkeys(wanted) if kind != "counts"]
    usable = [s for s in segments if s.samples.size / s.sampling_rate >= settings.conditioning.shortest_segment]
    short = [s for s in segments if s.samples.size / s.sampling_rate < settings.conditioning.shortest_segment]
    conditioned = [condition(s, settings.conditioning, key.start_ns, response, instrument, ground) for s in usable]
    triggers = sorted(
        (
            t
            for i, c in enumerate(conditioned)
            for t in triggers_of(c, i, settings.detector, settings.conditioning, response.detection_trace)
        ),
        key=lambda t: (t.time_on_ns, t.segment),
    )
    follows = clean(triggers, settings.detector.cleaning_window)
    begin, end = key.start_ns, key.end_ns
    relevant = [i for i, t in enumerate(triggers) if begin - round(_LOOK_BACK_S * NS) <= t.time_on_ns < end]
    names = _event_ids(conditioned, triggers, key, settings)

    constants = plan(settings.spectrogram, settings.conditioning)
    spectrogram_samples = [_made(c, response.spectrogram_trace) for c in conditioned]
    images, waves = [], []
    window_starts: list[tuple[int, str]] = []
    kept: list[tuple[str, int, int]] = []
    rows = []
    for i in relevant:
        trigger, trace = triggers[i], conditioned[triggers[i].segment]
        followed = follows[i]
        if followed is not None:
            outcome = f"within_cleaning_window_of {names[followed]}"
        else:
            cut = event_spectrogram(spectrogram_samples[trigger.segment], trace.grid_offset, trigger.peak, constants)
            outcome = "too_near_gap"
            if cut is not None:
                start_ns = trace.time_ns(cut[0])
                earlier = _duplicate(start_ns, window_starts, settings.spectrogram.duplicate_within)
                outcome = f"duplicate_of {earlier}" if earlier else "event"
                if not earlier:
                    window_starts.append((start_ns, names[i]))
                if not earlier and trigger.time_on_ns >= begin:
                    images.append(cut[1])
                    waves.append(cut[2])
                    kept.append((names[i], trace.time_ns(trigger.peak), start_ns))
        if trigger.time_on_ns >= begin:
            rows.append(_row(names[i], trigger, trace, key, settings, outcome))

    size = constants.frequency.size, constants.columns
    return Products(
        detections=pd.DataFrame(rows, columns=DETECTION_COLUMNS),
        spectrograms=Events(
            spectrogram=np.stack(images) if images else np.empty((0, *size), np.float32),
            waveform=np.stack(waves) if waves else np.empty((0, constants.samples), np.float32),
            frequency=constants.frequency,
            time=constants.time,
            event_id=tuple(name for name, _, _ in kept),
            time_peak=np.array([peak for _, peak, _ in kept], dtype=np.int64),
            window_start=np.array([start for _, _, start in kept], dtype=np.int64),
            sampling_rate=settings.conditioning.sampling_rate,
            unit=UNITS[response.spectrogram_trace],
        ),
        conditioned=conditioned,
        live_seconds=live_seconds(conditioned, key, settings),
        too_short_segments=len(short),
        too_short_seconds=float(sum(s.samples.size / s.sampling_rate for s in short)),
        notes=sorted({missing.why for c in conditioned for missing in c.missing}),
        remarks=sorted(instrument.remarks) if instrument is not None else [],
    )


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


def _row(
    name: str,
    trigger: Trigger,
    trace: Conditioned,
    key: StationDay,
    settings: Settings,
    outcome: str,
) -> tuple[object, ...]:
    acceleration, note = _peak_acceleration(trace, trigger, settings)
    # The detector's trace may be another one, with its peak a quarter of a period away.
    counts = trace.samples[trigger.on : trigger.off + 1]
    return (
        name,
        *settings.seed_id(key.station),
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
        outcome,
    )


def _event_ids(
    conditioned: list[Conditioned], triggers: list[Trigger], key: StationDay, settings: Settings
) -> list[str]:
    seed_id = settings.seed_id(key.station)
    names: list[str] = []
    times: Counter[str] = Counter()
    for trigger in triggers:
        peak_ns = conditioned[trigger.segment].time_ns(trigger.peak)
        name = seed_id.event_id(peak_ns)
        # Overlapping segments (a clock set back) may contain the same instant twice, and several pairs the same peak.
        times[name] += 1
        names.append(f"{name}_{times[name]}" if times[name] > 1 else name)
    return names


def _duplicate(start_ns: int, earlier: list[tuple[int, str]], within: float) -> str | None:
    reach = round(within * NS)
    for other_ns, name in reversed(earlier):
        if abs(start_ns - other_ns) <= reach:
            return name
        if other_ns < start_ns - reach - round(_LOOK_BACK_S * NS):
            break
    return None


def _made(conditioned: Conditioned, kind: Kind) -> NDArray[Any]:
    trace = conditioned.trace(kind)
    if trace is None:
        raise ValueError(f"the conditioned segment has no trace of {kind}")
    return trace


def _peak_acceleration(trace: Conditioned, trigger: Trigger, settings: Settings) -> tuple[float, str]:
    """Return the signed peak acceleration of a trigger (m/s²), and a note; NaN and why without a response."""
    # The cause of the rising averages lies up to one STA before the onset, and by the filter's delay still earlier.
    lead = round(max(pair.sta for pair in settings.detector.pairs) * settings.conditioning.sampling_rate)
    first = max(0, trigger.on - lead)
    for missing in trace.missing:
        if missing.first <= trigger.off and first < missing.stop:
            return math.nan, missing.why
    acceleration = trace.trace("peak_acceleration")
    if acceleration is None:
        raise ValueError("the conditioned segment has no trace of peak_acceleration")
    return peak_between_samples(acceleration, first, trigger.off), ""


def live_seconds(conditioned: list[Conditioned], key: StationDay, settings: Settings) -> float:
    """Return the seconds of the day in which a detection can start: segments without guards and first LTA."""
    before = round(settings.conditioning.guard_before_gap * NS)
    first = round(max(pair.lta for pair in settings.detector.pairs) * NS)
    after = max(round(settings.conditioning.guard_after_gap * NS), first)
    live, reached = 0, key.start_ns
    for trace in conditioned:
        start = trace.start_ns + (first if trace.opens_window else after)
        end = trace.time_ns(trace.samples.size) - (0 if trace.closes_window else before)
        start, end = max(start, reached), min(end, key.end_ns)
        live += max(0, end - start)
        reached = max(reached, end)
    return live / NS
