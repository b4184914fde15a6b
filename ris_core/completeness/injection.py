"""Templates added to a station-day's own trace, and which of them the detector finds.

They are added to the conditioned trace: conditioning is linear, so this is the trace of a day whose raw samples had
the template's ground motion in addition. Rounding to whole counts is not repeated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.completeness.class_templates import Template
from ris_core.config import CompletenessSettings, Settings
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.chain import day_traces
from ris_core.processing.condition import Conditioned
from ris_core.processing.day_traces import DayTraces, Place
from ris_core.processing.detections import Detection, clean, detections_of
from ris_core.processing.instrument import Kind
from ris_core.processing.live_time import live_intervals

IntArray = NDArray[np.int64]
COLUMNS = ("station", "day", "label", "class_name", "template", "time", "amplitude", "noise", "detected")
_LEAST_SECONDS = 3


@dataclass(frozen=True, eq=False)
class _Injected:
    """A template at its place: when it begins and ends (ns), its amplitude, and the noise before it (rms)."""

    template: Template
    start_ns: int
    end_ns: int
    amplitude: float
    noise: float
    places: tuple[Place | None, ...]


def inject_day(traces: DayTraces, key: StationDay, settings: Settings, templates: Sequence[Template]) -> pd.DataFrame:
    """Fill a station-day with templates several times, and return which of them the detector finds.

    They lie in live intervals, at random times, apart from each other and from the day's own detections. Amplitudes are
    drawn from a log-uniform distribution. A template counts as detected if a trigger that cleaning keeps overlaps with
    it; the day's own trace has none there.

    Parameters
    ----------
    traces
        Conditioned traces of the padded day.
    key, settings
        The station-day and the settings.
    templates
        At least one.

    Returns
    -------
    DataFrame
        A row for each template that was added, with the columns `COLUMNS`: station, day (text), label, class_name,
        template (event), time of its first sample (ns since 1970 UTC), amplitude (greatest magnitude in the channel of
        detections) and noise (rms of that channel before it), both in the unit of the trace, and detected.
    """
    wanted, kind = settings.completeness, settings.response.detection_trace
    rng = np.random.default_rng([wanted.seed, crc32(key.station.encode()), key.day.toordinal()])
    own = detections_of(traces.detection, settings, settings.seed_id(key.station))
    live = live_intervals(traces.detection, key, settings)
    found: list[pd.DataFrame] = []
    for _ in range(wanted.passes):
        placed = [
            injected
            for start_ns, template in _times(live, _occupied(own, traces), templates, settings, rng)
            if (injected := _placed(traces, start_ns, template, kind, wanted, settings, rng)) is not None
        ]
        if not placed:
            continue
        triggers = detections_of(_filled(traces, placed, kind, settings).detection, settings, settings.seed_id("X"))
        detected = _detected(placed, triggers, traces, settings.detector.cleaning_window)
        found.append(_rows(placed, detected, key))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))


def _occupied(own: Sequence[Detection], traces: DayTraces) -> IntArray:
    """Return first and last time of each of the day's own triggers, (n, 2) ns, in the order of onsets."""
    times = [(d.trigger.time_on_ns, traces.detection[d.trigger.segment].time_ns(d.trigger.off)) for d in own]
    return np.array(times, dtype=np.int64).reshape(-1, 2)


def _times(
    live: IntArray,
    occupied: IntArray,
    templates: Sequence[Template],
    settings: Settings,
    rng: np.random.Generator,
) -> list[tuple[int, Template]]:
    """Return when which template begins: in live intervals, with gaps of random length, and apart from detections."""
    wanted, cleaning = settings.completeness, settings.detector.cleaning_window
    rate = settings.conditioning.sampling_rate
    longest = max(template.wave.shape[-1] for template in templates) / rate
    spacing = longest + max(wanted.apart * settings.detector.warm_up, cleaning)
    # Beside the cleaning, a short average still holds what came a moment before.
    aside = round((cleaning + settings.detector.lead + 1.0) * NS)
    found: list[tuple[int, Template]] = []
    for start, end in live.tolist():
        at = start + round(rng.uniform(0, spacing) * NS)
        while at + round(longest * NS) < end:
            template = templates[int(rng.integers(len(templates)))]
            until = at + round(longest * NS)
            if not ((occupied[:, 0] < until + aside) & (occupied[:, 1] > at - aside)).any():
                found.append((at, template))
            at += round(spacing * rng.uniform(1.0, 1.5) * NS)
    return found


def _placed(
    traces: DayTraces,
    start_ns: int,
    template: Template,
    kind: Kind,
    wanted: CompletenessSettings,
    settings: Settings,
    rng: np.random.Generator,
) -> _Injected | None:
    """Return a template at its place with its amplitude; none where a channel lacks samples."""
    length = template.wave.shape[-1]
    where = _where(traces, start_ns, length)
    if where is None:
        return None
    number, first = where
    places, trace = traces.places(number, first, length), traces.detection[number]
    place = places[settings.channels.index(settings.channel)]
    if place is None or any(one is None for one in places):
        return None
    segment, at = place
    own = traces.by_channel[settings.channel][segment]
    noise = noise_before(own.of_kind(kind), at, own.sampling_rate, wanted.noise_window)
    if not noise > 0:
        return None
    low, high = math.log(wanted.amplitude_low), math.log(wanted.amplitude_high)
    amplitude = noise * math.exp(rng.uniform(low, high))
    start, end = trace.time_ns(first), trace.time_ns(first + length - 1)
    return _Injected(template, start, end, amplitude, noise, places)


def _where(traces: DayTraces, start_ns: int, length: int) -> Place | None:
    """Return the segment of the trace of detections that has all samples from a time on, and the first one."""
    for number, trace in enumerate(traces.detection):
        first = trace.piece.nearest(start_ns)
        if 0 <= first <= trace.samples.size - length:
            return number, first
    return None


def noise_before(samples: NDArray[np.float64], at: int, rate: float, seconds: float) -> float:
    """Return the rms (unit of the trace) of the noise before a sample: the median power of whole seconds.

    NaN if fewer than three seconds are there. Events in the stretch hardly change a median.
    """
    second = max(1, round(rate))
    count = min(int(seconds), at // second)
    if count < _LEAST_SECONDS:
        return math.nan
    power = np.square(samples[at - count * second : at]).reshape(count, second).mean(axis=1)
    return math.sqrt(float(np.median(power)))


def _filled(traces: DayTraces, placed: Sequence[_Injected], kind: Kind, settings: Settings) -> DayTraces:
    """Return the day's traces with all templates added."""
    by_channel: dict[str, list[Conditioned]] = {}
    for column, (code, segments) in enumerate(traces.by_channel.items()):
        samples = [trace.of_kind(kind).copy() for trace in segments]
        for one in placed:
            place = one.places[column]
            if place is not None:
                number, first = place
                wave = one.template.wave[column]
                samples[number][first : first + wave.size] += one.amplitude * wave
        by_channel[code] = [_with(trace, kind, own) for trace, own in zip(segments, samples, strict=True)]
    return day_traces(by_channel, settings)


def _with(trace: Conditioned, kind: Kind, samples: NDArray[np.float64]) -> Conditioned:
    if kind == "counts":
        return replace(trace, samples=samples)
    ground = tuple((name, samples if name == kind else own) for name, own in trace.ground)
    return replace(trace, ground=ground)


def _detected(
    placed: Sequence[_Injected], triggers: Sequence[Detection], traces: DayTraces, cleaning: float
) -> NDArray[np.bool_]:
    follows = clean([d.trigger.time_on_ns for d in triggers], cleaning)
    kept = [d for d, followed in zip(triggers, follows, strict=True) if followed is None]
    spans = _occupied(kept, traces)
    return np.array([bool(((spans[:, 0] <= p.end_ns) & (spans[:, 1] >= p.start_ns)).any()) for p in placed], dtype=bool)


def _rows(placed: Sequence[_Injected], detected: NDArray[np.bool_], key: StationDay) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "station": key.station,
            "day": key.day.isoformat(),
            "label": np.array([p.template.label for p in placed], dtype=np.int32),
            "class_name": [p.template.class_name for p in placed],
            "template": [p.template.event_id for p in placed],
            "time": np.array([p.start_ns for p in placed], dtype=np.int64),
            "amplitude": [p.amplitude for p in placed],
            "noise": [p.noise for p in placed],
            "detected": detected,
        }
    )
