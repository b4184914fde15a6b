"""Where the stations are: by the settings, else by their StationXML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.storage.layout import Layout

Position = tuple[float, float]
"""Latitude and longitude, degrees (WGS84)."""


def positions(settings: Settings, layout: Layout) -> dict[str, Position]:
    """Return the position of each station that is known, in the order of the settings.

    Raises
    ------
    DamagedFileError
        The stored StationXML of a station without a position in the settings is damaged.
    """
    found = {}
    for station in settings.stations:
        path = layout.inventory(station.code)
        if station.latitude is not None:
            found[station.code] = station.position
        elif path.exists() and (place := _of_stationxml(path, station.code)) is not None:
            found[station.code] = place
    return found


def without_position(settings: Settings, known: Mapping[str, Position]) -> str:
    """Return which stations have no position and what to do, in words; empty if all have one."""
    missing = [station.code for station in settings.stations if station.code not in known]
    if not missing:
        return ""
    return (
        f"{', '.join(missing)}: no position is known, so no sources are sought with these stations; give latitude and "
        "longitude in the settings, or acquire their StationXML"
    )


def _of_stationxml(path: Path, code: str) -> Position | None:
    from ris_core.waveforms.stored_response import read_stored_inventory

    for network in read_stored_inventory(path):
        for station in network:
            if station.code == code:
                return float(station.latitude), float(station.longitude)
    return None


def distances_km(places: Sequence[Position | None]) -> NDArray[np.float64]:
    """Return the distances (S, S) of S stations on the ellipsoid WGS84, km; NaN where a position is not known."""
    from obspy.geodetics import gps2dist_azimuth

    found = np.full((len(places), len(places)), np.nan)
    for i, one in enumerate(places):
        for j, other in enumerate(places[:i]):
            if one is not None and other is not None:
                found[i, j] = found[j, i] = gps2dist_azimuth(*one, *other)[0] / 1e3
    return found
