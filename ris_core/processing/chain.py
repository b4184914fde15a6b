"""The chain of one station-day: segments in, detections and spectrograms out, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.processing.acceleration import ground_acceleration
from ris_core.processing.condition import Conditioned, condition
from ris_core.processing.detect import Trigger, clean, triggers_of
from ris_core.processing.spectrograms import event_spectrogram, plan
from ris_core.station_day import NS, StationDay
from ris_core.waveforms.segments import Segment

if TYPE_CHECKING:
    from obspy import Inventory


# Detections this long before midnight are followed as well, so that a later one can be recognised as their duplicate.
_LOOK_BACK_S = 60.0


@dataclass(frozen=True)
class Spectrograms:
    """Events of one station-day, in the order of their detections.

    Attributes
    ----------
    spectrogram
        (N, 87, 100) float32, counts²/Hz.
    waveform
        (N, 218) float32, conditioned samples behind each spectrogram, counts.
    frequency, time
        (87,) Hz and (100,) s from the first column.
    event_id
        N identifiers.
    time_peak, window_start
        (N,) ns since 1970 UTC: the detection's peak; the first of the 218 samples.
    sampling_rate
        Of the waveforms, Hz.
    """

    spectrogram: NDArray[np.float32]
    waveform: NDArray[np.float32]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    event_id: tuple[str, ...]
    time_peak: NDArray[np.int64]
    window_start: NDArray[np.int64]
    sampling_rate: float


@dataclass(frozen=True)
class Products:
    """What the chain makes of one station-day."""

    detections: pd.DataFrame
    spectrograms: Spectrograms
    conditioned: list[Conditioned]
    live_seconds: float
    too_short_segments: int
    too_short_seconds: float
    notes: list[str] = field(default_factory=list)


def process(segments: Sequence[Segment], key: StationDay, settings: Settings, inventory: Inventory | None) -> Products:
    """Turn the segments of a padded station-day into its detections and spectrograms.

    Raises
    ------
    BadWaveformError
        The samples cannot be processed (sampling rate, values that are not finite).
    """
    usable = [s for s in segments if s.samples.size / s.sampling_rate >= settings.conditioning.shortest_segment]
    short = [s for s in segments if s.samples.size / s.sampling_rate < settings.conditioning.shortest_segment]
    conditioned = [condition(s, settings.conditioning, key.start_ns) for s in usable]
    triggers = sorted(
        (t for i, c in enumerate(conditioned) for t in triggers_of(c, i, settings.detector, settings.conditioning)),
        key=lambda t: (t.time_on_ns, t.segment),
    )
    follows = clean(triggers, settings.detector.cleaning_window)
    relevant = [
        i for i, t in enumerate(triggers) if key.start_ns - round(_LOOK_BACK_S * NS) <= t.time_on_ns < key.end_ns
    ]
    accelerations, note = _accelerations(conditioned, usable, triggers, relevant, key, settings, inventory)
    names = _event_ids(conditioned, triggers, key, settings)

    constants = plan(settings.spectrogram, settings.conditioning)
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
            cut = event_spectrogram(trace, trigger.peak, constants)
            outcome = "too_near_gap"
            if cut is not None:
                start_ns = trace.time_ns(cut[0])
                earlier = _duplicate(start_ns, window_starts, settings.spectrogram.duplicate_within)
                outcome = f"duplicate_of {earlier}" if earlier else "event"
                if not earlier:
                    window_starts.append((start_ns, names[i]))
                if not earlier and trigger.time_on_ns >= key.start_ns:
                    images.append(cut[1])
                    waves.append(cut[2])
                    kept.append((names[i], trace.time_ns(trigger.peak), start_ns))
        if trigger.time_on_ns >= key.start_ns:
            rows.append(_row(names[i], trigger, trace, key, settings, outcome, accelerations.get(i), note))

    size = constants.frequency.size, constants.columns
    return Products(
        detections=pd.DataFrame(rows, columns=DETECTION_COLUMNS),
        spectrograms=Spectrograms(
            spectrogram=np.stack(images) if images else np.empty((0, *size), np.float32),
            waveform=np.stack(waves) if waves else np.empty((0, constants.samples), np.float32),
            frequency=constants.frequency,
            time=constants.time,
            event_id=tuple(name for name, _, _ in kept),
            time_peak=np.array([peak for _, peak, _ in kept], dtype=np.int64),
            window_start=np.array([start for _, _, start in kept], dtype=np.int64),
            sampling_rate=settings.conditioning.sampling_rate,
        ),
        conditioned=conditioned,
        live_seconds=live_seconds(conditioned, key, settings),
        too_short_segments=len(short),
        too_short_seconds=float(sum(s.samples.size / s.sampling_rate for s in short)),
        notes=[note] if note else [],
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
    acceleration: float | None,
    note: str,
) -> tuple[object, ...]:
    return (
        name,
        settings.network.code,
        key.station,
        settings.location,
        settings.channel,
        trigger.time_on_ns,
        trace.time_ns(trigger.off),
        trace.time_ns(trigger.peak),
        float(trace.samples[trigger.peak]),
        float("nan") if acceleration is None else acceleration,
        note if acceleration is None else "",
        trigger.characteristic_max,
        trigger.snr,
        trace.sampling_rate,
        outcome,
    )


def _event_ids(
    conditioned: list[Conditioned], triggers: list[Trigger], key: StationDay, settings: Settings
) -> list[str]:
    prefix = f"{settings.network.code}.{key.station}.{settings.location}.{settings.channel}"
    names: list[str] = []
    for trigger in triggers:
        peak_ns = conditioned[trigger.segment].time_ns(trigger.peak)
        name = f"{prefix}.{_compact_time(peak_ns)}"
        # Overlapping segments (a clock set back) may hold the same instant twice.
        names.append(name if name not in names[-50:] else f"{name}_s{trigger.segment}")
    return names


def _compact_time(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, NS)
    microseconds = round(rest / 1000)
    seconds, microseconds = seconds + microseconds // 1_000_000, microseconds % 1_000_000
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}.{microseconds:06d}"


def _duplicate(start_ns: int, earlier: list[tuple[int, str]], within: float) -> str | None:
    for other_ns, name in reversed(earlier):
        if abs(start_ns - other_ns) <= round(within * NS):
            return name
    return None


def _accelerations(
    conditioned: list[Conditioned],
    raw: list[Segment],
    triggers: list[Trigger],
    relevant: list[int],
    key: StationDay,
    settings: Settings,
    inventory: Inventory | None,
) -> tuple[dict[int, float], str]:
    """Return the signed peak acceleration by trigger (m/s²) and, where there is none, the reason."""
    if inventory is None:
        return {}, "no response"
    from obspy import UTCDateTime

    code = f"{settings.network.code}.{key.station}.{settings.location}.{settings.channel}"
    try:
        response = inventory.get_response(code, UTCDateTime(ns=key.start_ns + 43_200 * NS))
        # What made the averages rise lies up to one STA before the onset, and earlier still by the filter's delay.
        lead = round(settings.detector.sta * settings.conditioning.sampling_rate)
        found: dict[int, float] = {}
        for index in sorted({triggers[i].segment for i in relevant}):
            trace = ground_acceleration(
                conditioned[index], response, raw[index].sampling_rate, settings.conditioning, settings.response
            )
            for i in relevant:
                if triggers[i].segment == index:
                    stretch = trace[max(0, triggers[i].on - lead) : triggers[i].off + 1]
                    found[i] = float(stretch[np.argmax(np.abs(stretch))])
    except Exception as error:  # noqa: BLE001 - ObsPy raises bare Exception for an epoch that does not match
        return {}, f"no valid response for {code}: {error}"
    return found, ""


def live_seconds(conditioned: list[Conditioned], key: StationDay, settings: Settings) -> float:
    """Return the seconds of the day in which a detection can start: segments without guards and first LTA."""
    before = round(settings.conditioning.guard_before_gap * NS)
    first = round(settings.detector.lta * NS)
    after = max(round(settings.conditioning.guard_after_gap * NS), first)
    live, reached = 0, key.start_ns
    for trace in conditioned:
        start = trace.start_ns + (first if trace.opens_window else after)
        end = trace.time_ns(trace.samples.size) - (0 if trace.closes_window else before)
        start, end = max(start, reached), min(end, key.end_ns)
        live += max(0, end - start)
        reached = max(reached, end)
    return live / NS
