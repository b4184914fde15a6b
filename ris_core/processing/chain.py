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
from ris_core.processing.condition import Conditioned, condition
from ris_core.processing.cutting import cut
from ris_core.processing.detection_table import detection_table
from ris_core.processing.detections import detections_of
from ris_core.processing.instrument import Instrument, Kind
from ris_core.processing.live_time import live_intervals
from ris_core.processing.outcomes import resolve
from ris_core.processing.spectrograms import plan
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
    conditioned
        The conditioned segments.
    too_short_segments, too_short_seconds
        Segments that were left out because they are too short, and their length, s.
    notes, remarks
        Why detections have no peak acceleration; what is unusual about the response.
    """

    detections: pd.DataFrame
    spectrograms: Events
    live: NDArray[np.int64]
    conditioned: list[Conditioned]
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
    seed_id = settings.seed_id(key.station)
    instrument = Instrument.of(inventory, str(seed_id)) if inventory is not None else None
    usable, short = _by_length(segments[settings.channel], settings.conditioning.shortest_segment)
    traces = _conditioned(usable, key, settings, instrument)
    constants = plan(settings.spectrogram, settings.conditioning)
    resolved = resolve(detections_of(traces, settings, seed_id), traces, key, settings, constants)
    return Products(
        detections=detection_table(resolved, traces, seed_id, settings),
        spectrograms=cut(resolved, traces, settings, constants),
        live=live_intervals(traces, key, settings),
        conditioned=traces,
        too_short_segments=len(short),
        too_short_seconds=float(sum(map(_seconds, short))),
        notes=sorted({missing.why for trace in traces for missing in trace.missing}),
        remarks=sorted(instrument.remarks) if instrument is not None else [],
    )


def _seconds(segment: Segment) -> float:
    return segment.samples.size / segment.sampling_rate


def _by_length(segments: Sequence[Segment], shortest: float) -> tuple[list[Segment], list[Segment]]:
    """Return the segments of at least ``shortest`` seconds, and the others."""
    return (
        [s for s in segments if _seconds(s) >= shortest],
        [s for s in segments if _seconds(s) < shortest],
    )


def _conditioned(
    segments: Sequence[Segment], key: StationDay, settings: Settings, instrument: Instrument | None
) -> list[Conditioned]:
    response = settings.response
    wanted: tuple[Kind, ...] = (response.detection_trace, response.spectrogram_trace, "peak_acceleration")
    ground = [kind for kind in dict.fromkeys(wanted) if kind != "counts"]
    return [condition(s, settings.conditioning, key.start_ns, response, instrument, ground) for s in segments]
