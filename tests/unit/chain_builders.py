"""Runs the chain of one station-day on traces, and checks what holds for every station-day."""

from __future__ import annotations

import numpy as np
from obspy import Trace
from waveform_builders import by_channel, make_settings

from ris_core.config import Settings
from ris_core.contracts.station_day import DAY_NS, NS, StationDay
from ris_core.processing.chain import Products, process
from ris_core.storage.table_schemas import detection_schema

PAPER = make_settings()
_OUTCOME = r"event$|component_missing (HH[NEZ] ?)+$|too_near_gap$|duplicate_of XX|within_cleaning_window_of XX"


def run_chain(key: StationDay, *traces: Trace, settings: Settings = PAPER) -> Products:
    recorded = by_channel(key, *traces)
    products = process({code: recorded.get(code, []) for code in settings.channels}, key, settings, None)
    frame, events = products.detections, products.spectrograms
    is_event = frame["outcome"] == "event"
    assert list(frame.columns) == detection_schema(settings.channels).names
    assert frame["event_id"].is_unique
    assert frame["outcome"].astype(str).str.match(_OUTCOME).all()
    assert tuple(frame["event_id"][is_event]) == events.event_id
    assert list(frame["time_peak"][is_event]) == list(events.time_peak)
    axes = (len(events), len(settings.channels)) if len(settings.channels) > 1 else (len(events),)
    assert events.spectrogram.shape == (*axes, 87, 100)
    assert events.waveform.shape == (*axes, 218)
    assert np.isfinite(events.spectrogram).all()
    assert (frame["time_on"] >= key.start_ns).all()
    assert (frame["time_on"] < key.end_ns).all()
    assert frame["time_on"].is_monotonic_increasing
    assert (frame["time_on"] <= frame["time_peak"]).all()
    assert (frame["time_peak"] <= frame["time_off"]).all()
    assert 0 <= products.live_seconds <= DAY_NS / NS
    return products


def onsets(products: Products, key: StationDay) -> list[float]:
    """Return the onsets in seconds from 00:00 UTC of the day."""
    return [float(at) for at in (products.detections["time_on"].to_numpy() - key.start_ns) / NS]
