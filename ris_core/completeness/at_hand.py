"""The station-days whose waveforms need no request to a data centre."""

from __future__ import annotations

from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays


def station_days_at_hand(days: StationDays, station: str) -> list[StationDay]:
    """Return the processed station-days of a station whose waveforms need not be requested again."""
    return [
        key
        for key in days.settings.station_days()
        if key.station == station and days.layout.detections(key).exists() and days.acquire.is_at_hand(key)
    ]
