"""The chain of one station-day in one pass: condition, detect, resolve outcomes, cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.contracts.events import Events
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.condition import BadWaveformError, Conditioned, condition
from ris_core.processing.cutting import cut
from ris_core.processing.day_traces import DayTraces
from ris_core.processing.detection_table import detection_table
from ris_core.processing.detections import detections_of
from ris_core.processing.instrument import Instrument, Kind
from ris_core.processing.live_time import live_intervals
from ris_core.processing.outcomes import resolve
from ris_core.processing.spectrograms import plan
from ris_core.processing.vector_sum import vector_sums
from ris_core.waveforms.segments import Segment

if TYPE_CHECKING:
    from obspy import Inventory


@dataclass(frozen=True)
class Products:
    """The result of the chain for one station-day.

    Attributes
    ----------
    detections, spectrograms
        The detection table, and the events among the detections.
    live
        Live intervals (M, 2), as `live_intervals` returns them.
    traces
        The conditioned traces.
    too_short_segments, too_short_seconds
        Segments that were left out because they are too short, and their length, s.
    notes, remarks
        Why detections have no peak acceleration; what is unusual about the response.
    """

    detections: pd.DataFrame
    spectrograms: Events
    live: NDArray[np.int64]
    traces: DayTraces
    too_short_segments: int
    too_short_seconds: float
    notes: list[str]
    remarks: list[str]

    @property
    def live_seconds(self) -> float:
        """Length of all live intervals together, s."""
        return int((self.live[:, 1] - self.live[:, 0]).sum()) / NS


def process(
    segments: Mapping[str, Sequence[Segment]], key: StationDay, settings: Settings, inventory: Inventory | None
) -> Products:
    """Turn the segments of a padded station-day into its detections and spectrograms.

    Parameters
    ----------
    segments
        Contiguous segments by channel code, in the order of time.
    key, settings, inventory
        The station-day, the settings, and the station's response, if it is known.

    Raises
    ------
    BadWaveformError
        The samples cannot be processed (sampling rate, no response for a trace that needs it).
    """
    day = conditioned_day(segments, key, settings, inventory)
    traces, short = day.traces, day.too_short
    seed_id, constants = settings.seed_id(key.station), plan(settings.spectrogram, settings.conditioning)
    detections = detections_of(traces.detection, settings, seed_id)
    resolved = resolve(detections, traces, key, settings, constants)
    return Products(
        detections=detection_table(resolved, traces, seed_id, settings),
        spectrograms=cut(resolved, traces, settings, constants),
        live=live_intervals(traces.detection, key, settings),
        traces=traces,
        too_short_segments=len(short),
        too_short_seconds=float(sum(map(_seconds, short))),
        notes=sorted(
            {gap.why for of_channel in traces.by_channel.values() for trace in of_channel for gap in trace.missing}
        ),
        remarks=sorted({remark for found in day.instruments for remark in found.remarks}),
    )


@dataclass(frozen=True)
class ConditionedDay:
    """The conditioned traces of a station-day, and what was left out of them.

    Attributes
    ----------
    traces
        The traces.
    too_short
        Segments that were left out because they are too short.
    instruments
        The responses that are known.
    """

    traces: DayTraces
    too_short: Sequence[Segment]
    instruments: Sequence[Instrument]


def conditioned_day(
    segments: Mapping[str, Sequence[Segment]], key: StationDay, settings: Settings, inventory: Inventory | None
) -> ConditionedDay:
    """Return the conditioned traces of a padded station-day; parameters and errors are those of `process`."""
    shortest = settings.conditioning.shortest_segment
    instruments = _instruments(key, settings, inventory)
    by_channel = {
        code: _conditioned([s for s in segments[code] if _seconds(s) >= shortest], key, code, settings, instrument)
        for code, instrument in instruments.items()
    }
    return ConditionedDay(
        traces=day_traces(by_channel, settings),
        too_short=[s for code in settings.channels for s in segments[code] if _seconds(s) < shortest],
        instruments=[found for found in instruments.values() if found is not None],
    )


def _seconds(segment: Segment) -> float:
    return segment.samples.size / segment.sampling_rate


def _instruments(key: StationDay, settings: Settings, inventory: Inventory | None) -> dict[str, Instrument | None]:
    return {
        seed_id.channel: Instrument.of(inventory, str(seed_id)) if inventory is not None else None
        for seed_id in settings.seed_ids(key.station)
    }


def _conditioned(
    segments: Sequence[Segment], key: StationDay, code: str, settings: Settings, instrument: Instrument | None
) -> list[Conditioned]:
    response = settings.response
    wanted: tuple[Kind, ...] = (response.detection_trace, response.spectrogram_trace, "peak_acceleration")
    ground = [kind for kind in dict.fromkeys(wanted) if kind != "counts"]
    try:
        return [condition(s, settings.conditioning, key.start_ns, response, instrument, ground) for s in segments]
    except BadWaveformError as error:
        raise BadWaveformError(f"{code}: {error}" if len(settings.channels) > 1 else str(error)) from error


def day_traces(by_channel: Mapping[str, Sequence[Conditioned]], settings: Settings) -> DayTraces:
    """Return the traces of a day with the trace of detections that the settings want, from conditioned segments."""
    response = settings.response
    if settings.components.detect_on == "vector_sum":
        sums, components = vector_sums(
            by_channel, settings.channel, response.detection_trace, response.spectrogram_trace
        )
        return DayTraces(by_channel, settings.channel, sums, components)
    detection = by_channel[settings.channel]
    strength = [(trace.of_kind(response.spectrogram_trace),) for trace in detection]
    return DayTraces(by_channel, settings.channel, detection, strength)
