"""Series from grids of latitudes and longitudes in netCDF files, as ERA5 has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.config.environment import NetcdfSeriesSettings
from ris_core.config.units import accumulated
from ris_core.environment.reader import AGAIN, HOUR_NS, FileReader, Part, extra
from ris_core.storage.damage import damage_named

_TIMES = ("valid_time", "time")
_LATITUDES, _LONGITUDES = ("latitude", "lat"), ("longitude", "lon")


class NetcdfReader(FileReader[NetcdfSeriesSettings]):
    """Reads a variable at the grid point that is nearest to a place, or its mean over a box weighted by area.

    The time is called ``valid_time`` or ``time``. Values in J/m2 were added up over the time before each instant, in
    ERA5 one hour (ECMWF, ERA5 documentation): they become the mean of that time in W/m2, at its middle. Where a file
    has final and preliminary values (``expver`` 1 and 5), the final ones are taken where there are any.
    """

    def read_file(self, path: Path) -> tuple[Part, str, list[str]]:
        """Return the values of a file; raises `FaultySeriesError` for a variable or a place that it has not."""
        xarray = extra("xarray")
        extra("h5netcdf")
        series = self.settings
        with damage_named(path, AGAIN):
            data = xarray.open_dataset(path)
        with data:
            value, unit, notes = self._variable(path, data, series.variable)
            if series.second_variable is not None:
                second, other, _ = self._variable(path, data, series.second_variable)
                if other != unit:
                    raise self.fault(
                        path, f"{series.variable} is in {unit}, {series.second_variable} in {other}", AGAIN
                    )
                value = np.hypot(value, second)
            name = self._named(path, data, _TIMES, "time")
            stamps = data[name].to_numpy().ravel()
        if stamps.dtype.kind != "M":
            raise self.fault(path, f"its {name} is no time of the usual calendar", "give it a standard calendar")
        time = stamps.astype("datetime64[ns]").astype(np.int64)
        unit = series.unit or unit
        if accumulated(unit):
            hours = series.accumulated
            notes.append(f"{unit} over {hours:g} h became the mean of that time, at its middle")
            value, unit, time = value / (hours * 3600.0), "W/m2", time - round(0.5 * hours * HOUR_NS)
        return Part(str(path), time, value), unit, notes

    def _variable(self, path: Path, data: Any, name: str) -> tuple[NDArray[np.float64], str, list[str]]:
        """Return a variable at the place of the series by time, its unit, and notes."""
        if name not in data.data_vars:
            raise self.fault(path, f"no variable {name!r}; it has {', '.join(map(str, data.data_vars))}", "name one")
        found = data[name]
        if "expver" in found.dims:
            versions = [found.isel(expver=i, drop=True) for i in range(found.sizes["expver"])]
            found = versions[0]
            for later in versions[1:]:
                found = found.fillna(later)
        found = found.squeeze([dim for dim in found.dims if found.sizes[dim] == 1 and dim not in _TIMES], drop=False)
        time = self._named(path, data, _TIMES, "time")
        latitude = self._named(path, data, _LATITUDES, "latitude")
        longitude = self._named(path, data, _LONGITUDES, "longitude")
        if odd := [str(dim) for dim in found.dims if dim not in (time, latitude, longitude)]:
            raise self.fault(path, f"{name} has further axes: {', '.join(odd)}", "write a file with one of each")
        north = np.atleast_1d(data[latitude].to_numpy()).astype(np.float64)
        east = np.atleast_1d(data[longitude].to_numpy()).astype(np.float64)
        grid = found.expand_dims([dim for dim in (time, latitude, longitude) if dim not in found.dims])
        values = grid.transpose(time, latitude, longitude)
        unit = str(found.attrs.get("units", ""))
        if self.settings.box is not None:
            return self._mean(path, values, north, east), unit, []
        row, column, note = self._nearest(path, north, east)
        return values[:, row, column].to_numpy().astype(np.float64), unit, [note]

    def _nearest(self, path: Path, north: NDArray[Any], east: NDArray[Any]) -> tuple[int, int, str]:
        latitude, longitude = self.around.place(self.settings)
        apart = np.abs(north - latitude), np.abs(_turned(east - longitude))
        row, column = int(apart[0].argmin()), int(apart[1].argmin())
        for axis, off, grid in (("latitude", apart[0][row], north), ("longitude", apart[1][column], east)):
            step = float(np.abs(np.diff(grid)).min()) if len(grid) > 1 else 1.0
            if off > step:
                raise self.fault(
                    path,
                    f"its {axis}s ({grid.min():g} to {grid.max():g}) do not reach {latitude:g}, {longitude:g}",
                    "fetch the right area, or correct the place",
                )
        return row, column, f"nearest grid point to {latitude:g}, {longitude:g}: {north[row]:g}, {east[column]:g}"

    def _mean(self, path: Path, values: Any, north: NDArray[Any], east: NDArray[Any]) -> NDArray[np.float64]:
        south, west, top, right = self.settings.box or (0.0, 0.0, 0.0, 0.0)
        rows = np.flatnonzero((north >= south) & (north <= top))
        width = (right - west) % 360.0 or 360.0
        columns = np.flatnonzero((east - west) % 360.0 <= width)
        if not len(rows) or not len(columns):
            raise self.fault(path, "no grid point lies in the box", "fetch the right area, or correct the box")
        inside = values[:, rows, columns].to_numpy().astype(np.float64)
        weight = np.broadcast_to(np.cos(np.deg2rad(north[rows]))[None, :, None], inside.shape)
        there = ~np.isnan(inside)
        total = (weight * there).sum(axis=(1, 2))
        summed = (np.where(there, inside, 0.0) * weight).sum(axis=(1, 2))
        return np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)

    def _named(self, path: Path, data: Any, names: tuple[str, ...], what: str) -> str:
        found = [name for name in names if name in data.variables]
        # Of two times, the axis counts; the other is that of the forecast's start.
        found = [name for name in found if name in data.dims] or found
        if not found:
            raise self.fault(path, f"no {what}: none of {', '.join(names)}", "rename its coordinates")
        return found[0]


def _turned(degrees: NDArray[Any]) -> NDArray[np.float64]:
    """Return angles between -180 and 180 degrees."""
    return np.asarray((degrees + 180.0) % 360.0 - 180.0, dtype=np.float64)
