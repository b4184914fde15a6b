"""Writes one station-day of a published file: spectrogram file, detection table, acquisition record."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core import versions
from ris_core.config import Settings, SpectrogramSettings
from ris_core.contracts.acquisition import Acquisition, SamplesAt
from ris_core.contracts.events import Events
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.spectrograms import Plan
from ris_core.published.published_catalogue import Catalogue
from ris_core.storage import spectrogram_file, table_schemas, tables
from ris_core.storage.acquisition_file import write_acquisition
from ris_core.storage.layout import Layout
from ris_core.storage.published_file import PublishedEvents
from ris_core.waveforms.sample_quality import quality_of

_NO_ACCELERATION = "imported: the published amplitude is proportional to counts, no ground acceleration"


@dataclass(frozen=True)
class StationDayEvents:
    """The events of one station-day in a published file.

    Attributes
    ----------
    key
        The station-day.
    rows
        (n,) rows of its events in the file, in the order of their onsets.
    inputs
        Digest of what these rows hold.
    """

    key: StationDay
    rows: NDArray[np.int64]
    inputs: str


def write_station_day(
    settings: Settings,
    layout: Layout,
    path: Path,
    catalogue: Catalogue,
    some: StationDayEvents,
    events: PublishedEvents,
    constants: Plan,
) -> None:
    """Write one station-day: its products, then the record that makes them count.

    Parameters
    ----------
    settings, layout
        The network.
    path, catalogue
        The published file, and what it says of all its events.
    some, events
        The station-day, and its events in the order of `some.rows`.
    constants
        Constants of the spectrograms.
    """
    key = some.key
    stamp = Stamp(settings.process_digest(), versions.IMPORT, some.inputs)
    seed_id = settings.seed_id(key.station)
    names = tuple(seed_id.event_id(int(peak)) for peak in catalogue.time_peak[some.rows])
    data = Events(
        spectrogram=events.image,
        waveform=events.trace,
        frequency=constants.frequency,
        time=constants.time,
        event_id=names,
        time_peak=catalogue.time_peak[some.rows],
        window_start=catalogue.spec_start[some.rows],
        sampling_rate=constants.rate,
    )
    summary: dict[str, Any] = {
        # The published file does not say when a detection could start.
        "live_seconds": float("nan"),
        "too_short_segments": 0,
        "too_short_seconds": 0.0,
        "without_acceleration": _NO_ACCELERATION,
        "imported_from": path.name,
    }
    sections: dict[str, Any] = {"source": settings.source.model_dump(mode="json")}
    if settings.spectrogram != SpectrogramSettings():
        # Files without this section count as the paper's.
        sections["spectrogram"] = settings.spectrogram.model_dump(mode="json")
    texts = np.array(events.catalogue, dtype=np.bytes_)
    spectrogram_file.write_spectrograms(
        layout.spectrograms(key),
        data,
        stamp,
        json.dumps(sections, sort_keys=True),
        summary,
        waveform_note=f"short: {events.trace.shape[1]} of the {constants.samples} samples behind the columns, from the "
        "middle of the first column to the middle of the last",
        catalogue=texts,
        published_row=some.rows,
    )
    frame = _detections(catalogue, some, names, events, settings, constants.rate)
    tables.write_table(layout.detections(key), frame, table_schemas.DETECTION_SCHEMA, stamp, summary)
    write_acquisition(layout, _acquisition(settings, path, some))


def _acquisition(settings: Settings, path: Path, some: StationDayEvents) -> Acquisition:
    return Acquisition(
        key=some.key,
        has_data=True,
        reason=f"imported from {path.name}: events without their continuous waveforms",
        samples_at=SamplesAt.IMPORTED,
        stored_as=None,
        size=0,
        segments=0,
        quality=replace(quality_of([], some.key), coverage=float("nan")),
        stamp=Stamp(settings.acquire_digest(), versions.IMPORT, some.inputs),
    )


def _detections(
    catalogue: Catalogue,
    some: StationDayEvents,
    names: tuple[str, ...],
    events: PublishedEvents,
    settings: Settings,
    rate: float,
) -> pd.DataFrame:
    rows = some.rows
    values = {
        "event_id": names,
        "network": settings.network.code,
        "station": some.key.station,
        "location": settings.location,
        "channel": settings.channel,
        "time_on": catalogue.time_on[rows],
        "time_off": catalogue.time_off[rows],
        "time_peak": catalogue.time_peak[rows],
        "peak_counts": _peaks(catalogue, rows, events.trace, rate),
        "peak_acceleration": np.nan,
        "acceleration_note": _NO_ACCELERATION,
        "characteristic_max": np.nan,
        "snr": np.nan,
        "found_by": [catalogue.found_by[row] for row in rows],
        "sampling_rate": catalogue.sampling_rate[rows],
        "outcome": "event",
    }
    return pd.DataFrame(values, columns=table_schemas.DETECTION_SCHEMA.names)


def _peaks(
    catalogue: Catalogue, rows: NDArray[np.int64], traces: NDArray[np.float32], rate: float
) -> NDArray[np.float64]:
    """Return the greatest sample, signed, between onset and end (n,), counts; NaN where the trace lacks the peak."""

    def sample(times: NDArray[np.int64]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.rint((times[rows] - catalogue.spec_start[rows]) * (rate / NS)).astype(np.int64)
        return found

    on, off, peak = sample(catalogue.time_on), sample(catalogue.time_off), sample(catalogue.time_peak)
    result = np.full(len(rows), np.nan)
    for i, trace in enumerate(traces):
        if 0 <= peak[i] < trace.size:
            part = trace[max(on[i], 0) : off[i] + 1]
            result[i] = part[np.argmax(np.abs(part))]
    return result
