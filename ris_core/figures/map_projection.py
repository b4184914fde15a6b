"""How places become a flat map: the projection, its meridians and parallels, and lengths of its scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_POLAR = 60.0
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0, 90.0)
"""Degrees between lines of a graticule."""
LENGTHS_KM = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Lengths of a bar of scale."""


def projection(latitude: NDArray[Any], longitude: NDArray[Any]) -> tuple[str, str]:
    """Return the projection of a map of some places, for pyproj, and its name.

    South of 60° S the Antarctic polar stereographic projection (EPSG:3031), north of 60° N that of the Arctic
    (EPSG:3413), else an azimuthal equidistant one around the middle of the places.

    Parameters
    ----------
    latitude, longitude : (S,) arrays
        Degrees, WGS84.
    """
    if (latitude < -_POLAR).all():
        return "EPSG:3031", "polar stereographic (EPSG:3031)"
    if (latitude > _POLAR).all():
        return "EPSG:3413", "polar stereographic (EPSG:3413)"
    angle = np.deg2rad(longitude)
    middle = float(np.rad2deg(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())))
    centre = f"{latitude.mean():.4f}", f"{middle:.4f}"
    return f"+proj=aeqd +lat_0={centre[0]} +lon_0={centre[1]} +datum=WGS84", "azimuthal equidistant"


def radii(x: NDArray[Any], y: NDArray[Any], total: NDArray[Any], span: float) -> NDArray[Any]:
    """Return radii of pies, km, whose areas grow with the numbers, as far as pies stay apart."""
    greatest = 0.06 * span
    if len(x) > 1:
        apart = np.hypot(x[:, None] - x, y[:, None] - y)
        np.fill_diagonal(apart, np.inf)
        greatest = min(greatest, max(0.45 * float(np.median(apart.min(axis=1))), 0.02 * span))
    share = np.sqrt(total / total.max()) if total.max() > 0 else np.zeros(len(total))
    return np.asarray(greatest * (0.3 + 0.7 * share))


def bounds(x: NDArray[Any], y: NDArray[Any], edge: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return bounds of the map, km: it is at most twice as wide as high, and hardly higher than wide."""
    half = np.array([np.ptp(x), np.ptp(y)]) / 2 + edge
    half = np.maximum(half, [0.85 * half[1], 0.5 * half[0]])
    middle = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    return (
        (float(middle[0] - half[0]), float(middle[0] + half[0])),
        (float(middle[1] - half[1]), float(middle[1] + half[1])),
    )


def degrees(value: float, is_latitude: bool) -> str:
    """Return a latitude or longitude in words, like ``80.5° S``."""
    around = value if is_latitude else (value + 180) % 360 - 180
    side = ("N" if around >= 0 else "S") if is_latitude else ("E" if around >= 0 else "W")
    return f"{round(abs(around), 3):g}° {side}"
