"""A tide model of a few cells in the format of CATS2008-v2023 (TMD3), with the constituent S2 alone.

S2 follows the mean sun, so that its height is A · cos(30°/h · t − phase) with t in hours of UTC, but for nodal terms
of 0.3 %.
"""

from pathlib import Path

import numpy as np
import xarray as xr
from pyproj import Transformer

PROJ = "+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=-70 +x_0=0 +y_0=0 +datum=WGS84 +units=km +type=crs"
AMPLITUDE, PHASE = 0.5, 60.0


def write_model(
    folder: Path, latitude: float, longitude: float, flexure: float | None = 50.0, land: bool = False
) -> Path:
    """Write a model around a place; returns its file.

    Parameters
    ----------
    folder
        In which the model lies as pyTMD expects it.
    latitude, longitude
        Middle of the grid, degrees.
    flexure
        Flexure everywhere, per cent; none: the model has none.
    land
        Whether there is no tide at all.
    """
    x, y = Transformer.from_crs("EPSG:4326", PROJ, always_xy=True).transform(longitude, latitude)
    shape = (1, 5, 5)
    height = np.full(shape, np.nan if land else AMPLITUDE)
    angle = np.deg2rad(PHASE)
    fields = {
        "hRe": (("constituents", "y", "x"), height * np.cos(angle), {"units": "m"}),
        "hIm": (("constituents", "y", "x"), height * np.sin(angle), {"units": "m"}),
        "mask": (("y", "x"), np.ones(shape[1:], dtype=np.int8)),
        "wct": (("y", "x"), np.full(shape[1:], 500.0)),
        "mapping": ((), 0, {"spatial_proj4": PROJ}),
    }
    if flexure is not None:
        fields["flexure"] = (("y", "x"), np.full(shape[1:], flexure))
    coords = {
        "x": x + 4.0 * np.arange(-2, 3),
        "y": y - 4.0 * np.arange(-2, 3),
        "constituents": ("constituents", [1], {"constituent_order": "s2"}),
    }
    path = folder / "CATS2008_v2023" / "CATS2008_v2023.nc"
    path.parent.mkdir(parents=True, exist_ok=True)
    xr.Dataset(fields, coords).to_netcdf(path, engine="h5netcdf")
    return path


def s2_height(time: np.ndarray) -> np.ndarray:
    """Return the height of the model's tide at times in ns since 1970 UTC, m."""
    return AMPLITUDE * np.cos(np.deg2rad(30.0 * time / 3600e9 - PHASE))
