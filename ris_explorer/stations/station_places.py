"""Where the stations are on a flat map, with meridians, parallels and a bar of scale; no tiles are fetched."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.figures.map_projection import LENGTHS_KM, STEPS, bounds, degrees, projection, radii

_LEAST_SPAN_KM = 2.0
_POINTS = 60


def station_places(positions: Mapping[str, tuple[float, float]], events: Mapping[str, int]) -> dict[str, Any] | None:
    """Return what a map of the stations is drawn from; lengths are km in the projection.

    Parameters
    ----------
    positions
        Latitude and longitude, degrees (WGS84), of the stations that have one.
    events
        Number of events of each station: areas of pies grow with them.

    Returns
    -------
    dict
        ``projection`` (its name), ``bounds`` (west, south, east, north), ``stations`` (code, x, y, latitude, longitude,
        radius, and `north`, the direction of north there, degrees clockwise from up), ``lines`` (name, points),
        ``scale_km``. None if no position is known.
    """
    if not positions:
        return None
    codes = tuple(positions)
    x, y, north, box, called, lines = _drawn(tuple(positions.values()))
    span = max(float(np.ptp(x)), float(np.ptp(y)), _LEAST_SPAN_KM)
    sizes = radii(x, y, np.array([events.get(code, 0) for code in codes]), span)
    stations = [
        {
            "station": code,
            "latitude": positions[code][0],
            "longitude": positions[code][1],
            "x": x[place],
            "y": y[place],
            "north": north[place],
            "radius": sizes[place],
        }
        for place, code in enumerate(codes)
    ]
    width = box[2] - box[0]
    return {
        "projection": called,
        "bounds": box,
        "stations": stations,
        "lines": lines,
        "scale_km": max(each for each in LENGTHS_KM if each <= 0.3 * width or each == LENGTHS_KM[0]),
    }


Box = tuple[float, float, float, float]


@lru_cache(maxsize=4)
def _drawn(
    places: tuple[tuple[float, float], ...],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], Box, str, list[dict[str, Any]]]:
    """Return x, y and direction of north of places, the map's bounds, the projection's name, and the graticule."""
    from pyproj import Transformer

    latitude, longitude = np.array(places, float).T
    code, called = projection(latitude, longitude)
    forward = Transformer.from_crs("EPSG:4326", code, always_xy=True)
    x, y = (np.asarray(values) / 1e3 for values in forward.transform(longitude, latitude))
    x_north, y_north = (np.asarray(values) / 1e3 for values in forward.transform(longitude, latitude + 1e-3))
    north = np.rad2deg(np.arctan2(x_north - x, y_north - y))
    span = max(float(np.ptp(x)), float(np.ptp(y)), _LEAST_SPAN_KM)
    (west, east), (south, top) = bounds(x, y, 0.12 * span)
    box = west, south, east, top
    return x, y, north, box, called, _graticule(forward, box)


def _graticule(forward: Any, box: Box) -> list[dict[str, Any]]:
    """Return parallels and meridians that cross the map: name, and points (x, y) from one end to the other."""
    west, south, east, north = box
    x, y = np.meshgrid(np.linspace(west, east, 40), np.linspace(south, north, 40))
    longitude, latitude = (np.asarray(each) for each in forward.transform(x * 1e3, y * 1e3, direction="INVERSE"))
    middle = float(longitude[20, 20])
    # Around the middle, so that a map over the 180th meridian has no jump.
    longitude = (longitude - middle + 180) % 360 - 180 + middle
    found = []
    for values, others, is_latitude in ((latitude, longitude, True), (longitude, latitude, False)):
        step = next((each for each in STEPS if np.ptp(values) <= 6 * each), STEPS[-1])
        along = np.linspace(others.min(), others.max(), _POINTS)
        for level in step * np.arange(np.ceil(values.min() / step), np.floor(values.max() / step) + 1):
            fixed = np.full(_POINTS, level)
            at = forward.transform(along, fixed) if is_latitude else forward.transform(fixed, along)
            points = np.column_stack([np.asarray(each) / 1e3 for each in at]).round(4)
            found.append({"name": degrees(float(level), is_latitude), "points": points})
    return found
