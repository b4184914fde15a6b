"""The true class of every event of a synthetic network."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.processing.condition import filter_delay
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.layout import Layout
from ris_core.synthetic.network import SyntheticNetwork
from ris_core.synthetic.seismometer import SAMPLING_RATE
from ris_core.truth.evaluation import window_labels
from ris_core.truth.truth_matching import match_stations

TOLERANCE_S = 0.5
_TYPICAL_FREQUENCY_HZ = 8.0


def true_classes(network: StationDays, keys: Collection[StationDay]) -> dict[str, str]:
    """Return the true class of each event of some station-days: a family, `mixed` or `noise` (`window_labels`).

    Station-days whose events are not current are skipped.

    Raises
    ------
    ValueError
        The network is not synthetic.
    DamagedFileError
        A file is damaged.
    """
    made, days = SyntheticNetwork(network.settings), network.settings.days()
    current = [key for key in keys if (info := network.process.current(key)) is not None and info.events]
    if not current:
        return {}
    events = pd.concat([events_of(network.layout, key) for key in current], ignore_index=True)
    truth = of_station_days(made.truth(days[0], days[-1]), current)
    delay = truth_delay(network.settings)
    classes = window_classes(made, events, match_stations(events, truth, TOLERANCE_S, delay), delay)
    return dict(zip(events["event_id"], map(str, classes), strict=True))


def events_of(layout: Layout, key: StationDay) -> pd.DataFrame:
    """Return the events of a station-day: `event_id`, `station`, `time_on`, `outcome`, `window_start` (ns)."""
    detections = tables.read_table(layout.detections(key), ["event_id", "station", "time_on", "outcome"])
    path = layout.spectrograms(key)
    windows = pd.DataFrame({name: spectrogram_file.read_column(path, name) for name in ("event_id", "window_start")})
    return detections[detections["outcome"] == "event"].merge(windows, on="event_id")


def truth_delay(settings: Settings) -> float:
    """Return by how much the conditioning delays a typical event, s."""
    return filter_delay(settings.conditioning, SAMPLING_RATE, _TYPICAL_FREQUENCY_HZ)


def of_station_days(truth: pd.DataFrame, keys: Collection[StationDay]) -> pd.DataFrame:
    """Return the truth of some station-days only."""
    wanted = {(key.station, key.day) for key in keys}
    inside = [pair in wanted for pair in zip(truth["station"], truth["time"].dt.date, strict=True)]
    return truth[inside].reset_index(drop=True)


def window_classes(
    network: SyntheticNetwork, events: pd.DataFrame, matched: NDArray[np.int64], delay: float
) -> NDArray[np.object_]:
    """Return the true class of each event's window.

    Parameters
    ----------
    network
        The network.
    events
        N events: `station`, `window_start` (ns).
    matched
        (N,) position of each in the truth, or −1.
    delay
        By how much they are late, s.
    """
    classes = np.empty(len(events), dtype=object)
    length = round((network.settings.spectrogram.duration + network.settings.spectrogram.window) * 1e9)
    for station in pd.unique(events["station"]):
        rows = np.flatnonzero((events["station"] == station).to_numpy())
        start = events["window_start"].to_numpy(dtype=np.int64)[rows] - round(delay * 1e9)
        energy = network.window_energy(str(station), start, start + length)
        classes[rows] = window_labels(matched[rows], energy)
    return classes
