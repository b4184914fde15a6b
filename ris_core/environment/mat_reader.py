"""Series from MATLAB files: equal steps with a row for each station, or values with datenums or dates."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config.environment import MatSeriesSettings
from ris_core.environment.reader import AGAIN, FileReader, Part
from ris_core.storage.damage import damage_named

DATENUM_1970 = 719_529
"""MATLAB's datenum of 1970-01-01: days since year 0."""
_DAY_MS = 86_400_000


class MatReader(FileReader[MatSeriesSettings]):
    """Reads a variable of a MATLAB file, of version 5 by SciPy and of version 7.3 by h5py.

    The published tide is a matrix ``z[station, time]`` of 10-minute steps from 2014-12-01 (RISCluster), in which some
    stations borrow the row of a neighbour; the published swell has datenums (``t``, ``a``). Datenums are rounded to ms.
    """

    def read_file(self, path: Path) -> tuple[Part, str, list[str]]:
        """Return the values of a file; raises `FaultySeriesError` for variables that it has not or that do not fit."""
        series = self.settings
        with damage_named(path, AGAIN):
            names = [series.variable, *([series.time_variable] if series.time_variable else [])]
            variables, others = _variables(path, names)
        for name in names:
            if name not in variables:
                raise self.fault(path, f"no variable {name!r}; it has {', '.join(others)}", "name one of them")
        values = variables[series.variable]
        notes: list[str] = []
        if values.ndim > 1 and min(values.shape) > 1:
            values, said = self._row(path, values)
            notes.append(said)
        values = values.ravel()
        if values.dtype.kind not in "fiub":
            raise self.fault(path, f"{series.variable} is not numeric", "name another variable")
        if series.start is not None and series.step is not None:
            first = series.start.replace(tzinfo=UTC) if series.start.tzinfo is None else series.start
            step = round(series.step * 1e9)
            time = pd.Timestamp(first).as_unit("ns").value + step * np.arange(len(values), dtype=np.int64)
        else:
            time = self._times(path, variables[str(series.time_variable)])
            if len(time) != len(values):
                raise self.fault(
                    path,
                    f"{series.variable} has {len(values)} values, {series.time_variable} {len(time)}",
                    "name the variables that belong together",
                )
        return Part(str(path), time, values.astype(np.float64)), str(series.unit), notes

    def _row(self, path: Path, matrix: NDArray[Any]) -> tuple[NDArray[Any], str]:
        series = self.settings
        codes = list(series.stations or (station.code for station in self.around.settings.stations))
        if series.station is None:
            raise self.fault(
                path, f"{series.variable} has {matrix.shape[0]} rows", "give the station whose row is read"
            )
        if len(codes) != matrix.shape[0]:
            raise self.fault(
                path, f"{series.variable} has {matrix.shape[0]} rows for {len(codes)} stations", "give `stations`"
            )
        code = series.borrowed.get(series.station, series.station)
        if code not in codes:
            raise self.fault(path, f"{code} is not among the stations of its rows", "give `stations`")
        said = f"row of {code}" + (f", borrowed for {series.station}" if code != series.station else "")
        return matrix[codes.index(code)], said

    def _times(self, path: Path, times: NDArray[Any]) -> NDArray[np.int64]:
        times = times.ravel()
        if times.dtype.kind == "O":
            times = np.array([str(np.asarray(one).ravel()[0]) if np.size(one) else "" for one in times])
        if times.dtype.kind in "US":
            parsed = pd.to_datetime(pd.Series(times.astype(str)).str.strip(), utc=True, errors="coerce", format="mixed")
            if parsed.isna().any():
                bad = times[int(np.flatnonzero(parsed.isna())[0])]
                raise self.fault(path, f"{bad!r} is not a date", "name the variable of datenums or dates")
            return parsed.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
        ms = np.rint((times.astype(np.float64) - DATENUM_1970) * _DAY_MS)
        if not np.isfinite(ms).all() or np.abs(ms).max(initial=0) > 150 * 366 * _DAY_MS:
            raise self.fault(path, f"{self.settings.time_variable} does not hold datenums", "name another variable")
        return ms.astype(np.int64) * 1_000_000


def _variables(path: Path, wanted: list[str]) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return those of the wanted variables that a file has, as MATLAB shows them, and the names of all."""
    import h5py
    from scipy.io import loadmat, whosmat

    if not h5py.is_hdf5(path):
        found = loadmat(path, squeeze_me=False, chars_as_strings=True, variable_names=wanted)
        names = [name for name, _, _ in whosmat(path)]
        return {name: np.asarray(found[name]) for name in wanted if name in found}, names
    with h5py.File(path) as file:
        names = [name for name, item in file.items() if isinstance(item, h5py.Dataset)]
        # HDF5 holds MATLAB's matrices with the first axis last.
        there = {name: file[name] for name in wanted if name in names}
        return {name: _text(item) if _is_text(item) else item[()].T for name, item in there.items()}, names


def _is_text(item: Any) -> bool:
    return bool(item.attrs.get("MATLAB_class") == b"char")


def _text(item: Any) -> NDArray[Any]:
    return np.array(["".join(chr(code) for code in row) for row in item[()].T])
