"""What is known about events beside their spectrogram: where, when and how strong they were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.clustering.associations import quantile_bins
from ris_core.contracts.station_day import DAY_NS, NS, StationDay
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.layout import Layout

AMPLITUDE_BINS = 10
_HOUR_NS = 3600 * NS


@dataclass(frozen=True)
class EventProperties:
    """Properties of the N events of the training set.

    Attributes
    ----------
    station
        (N,) station codes.
    day
        (N,) UTC day of the peak, days since 1970.
    hour
        (N,) hour of the day, UTC, 0 ... 23.
    amplitude
        (N,) bin of the peak amplitude, −1 if it is not known.
    amplitude_of
        What the bins are of: ``peak_acceleration`` or ``peak_counts``; empty if no amplitude is known.
    peak
        (N,) absolute peak that the bins are of, NaN where it is not known.
    """

    station: NDArray[np.str_] = field(repr=False)
    day: NDArray[np.int64] = field(repr=False)
    hour: NDArray[np.int64] = field(repr=False)
    amplitude: NDArray[np.int64] = field(repr=False)
    amplitude_of: str
    peak: NDArray[np.float64] = field(repr=False)


def event_properties(layout: Layout) -> EventProperties:
    """Return the properties of the events of the training set, from it and from the detection tables.

    Amplitudes are absolute peaks in `AMPLITUDE_BINS` equally filled bins: accelerations if every event has one, else
    counts.
    """
    ids = [str(name) for name in spectrogram_file.read_column(layout.training_set, "event_id")]
    time = spectrogram_file.read_column(layout.training_set, "time_peak").astype(np.int64)
    station = np.array([name.split(".")[1] for name in ids], dtype=np.str_)
    peaks = _peaks(layout, station, time).reindex(ids)
    amplitude, amplitude_of = np.full(len(ids), -1, dtype=np.int64), ""
    peak = np.full(len(ids), np.nan)
    for column in ("peak_acceleration", "peak_counts"):
        values = np.abs(peaks[column].to_numpy(dtype=float))
        known = np.isfinite(values)
        if known.all() or (column == "peak_counts" and known.any()):
            amplitude[known], amplitude_of = quantile_bins(values[known], AMPLITUDE_BINS), column
            peak[known] = values[known]
            break
    return EventProperties(station, time // DAY_NS, time % DAY_NS // _HOUR_NS, amplitude, amplitude_of, peak)


def _peaks(layout: Layout, station: NDArray[np.str_], time: NDArray[np.int64]) -> pd.DataFrame:
    """Return the peaks of all detections on the station-days of events, by event_id."""
    columns = ["event_id", "peak_counts", "peak_acceleration"]
    frames = [
        tables.read_table(path, columns)
        for key in sorted(set(_station_days(station, time)))
        if (path := layout.detections(key)).exists()
    ]
    frames = [frame for frame in frames if len(frame)]
    found = pd.concat(frames) if frames else pd.DataFrame(columns=columns)
    return found.drop_duplicates("event_id").set_index("event_id")


def _station_days(station: NDArray[np.str_], time: NDArray[np.int64]) -> Iterable[StationDay]:
    for code, day in set(zip(station.tolist(), (time // DAY_NS).tolist(), strict=True)):
        peak = date(1970, 1, 1) + timedelta(days=day)
        # A detection belongs to the day of its onset; its peak may lie after midnight.
        yield from (StationDay(code, peak), StationDay(code, peak - timedelta(days=1)))
