"""Sea ice concentration of NSIDC-0051, southern grid of 25 km; land, coast and gaps are masked before any mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.config.environment import NsidcSeriesSettings
from ris_core.environment.reader import AGAIN, FileReader, Part, Surroundings
from ris_core.storage.damage import damage_named

ROWS, COLUMNS = 332, 316
HEADER_BYTES = 300
GREATEST = 250
"""Greatest value that is a concentration (100 %); above are the pole, nothing, coast, land and missing (251-255)."""
CELL_M = 25_000.0
WEST_M, NORTH_M = -3_950_000.0, 4_350_000.0
"""Corner of row 0 and column 0 in EPSG:3412, m."""
GRID = "EPSG:3412"
NOON_S = 43_200
_SINCE = re.compile(r"(days|hours|seconds) since (\d{4}-\d{2}-\d{2})")
_SECONDS = {"days": 86_400.0, "hours": 3_600.0, "seconds": 1.0}
_DATE = re.compile(r"_((?:19|20)\d{6})_")
_UNIT_OF_COUNTS = 100.0 / GREATEST


class NsidcReader(FileReader[NsidcSeriesSettings]):
    """Reads daily grids and gives the mean concentration of the cells of a box that are water, at noon UTC.

    Netcdf files are those of version 2 (``F17_ICECON`` and the like, DiGirolamo et al. 2022, doi 10.5067/MPYG15WAA4WX),
    binary ones those of version 1.1 (Cavalieri et al. 1996): 300 bytes of header, then 332 x 316 bytes. Both hold
    concentration in 0.4 %. The published code took the mean over the unmasked box, in which coast and land (253, 254)
    count as more than 100 % ice.
    """

    def __init__(self, settings: NsidcSeriesSettings, around: Surroundings) -> None:
        super().__init__(settings, around)
        self._inside = self._box()

    def read_file(self, path: Path) -> tuple[Part, str, list[str]]:
        """Return the mean of a day; it is missing if no cell of the box has a concentration."""
        with damage_named(path, AGAIN), path.open("rb") as file:
            head = file.read(HEADER_BYTES)
        if head[:4] == b"\x89HDF":
            counts, day = self._netcdf(path)
        else:
            counts, day = self._binary(path, head), None
        named = _DATE.search(path.name)
        if named is not None:
            day = int(datetime.strptime(named[1], "%Y%m%d").replace(tzinfo=UTC).timestamp())
        if day is None:
            raise self.fault(path, "neither its name nor its content says the day", "give it its name as of NSIDC")
        time = np.array([(day + NOON_S) * 10**9], dtype=np.int64)
        of_box = counts[self._inside] if counts is not None else np.zeros(0, dtype=np.uint8)
        water = of_box[of_box <= GREATEST]
        value = float(water.mean()) * _UNIT_OF_COUNTS if len(water) else np.nan
        notes = [f"mean over those of {int(self._inside.sum())} cells that are water and observed"]
        return Part(str(path), time, np.array([value])), "%", notes

    def _binary(self, path: Path, head: bytes) -> NDArray[np.uint8]:
        size = path.stat().st_size
        if size != HEADER_BYTES + ROWS * COLUMNS:
            raise self.fault(
                path,
                f"{size} bytes; a southern grid has {HEADER_BYTES + ROWS * COLUMNS} (header {HEADER_BYTES}, {ROWS} x "
                f"{COLUMNS})",
                AGAIN,
            )
        stated = [head[start : start + 6].strip(b" \0") for start in (6, 12)]
        if all(text.isdigit() for text in stated) and [int(text) for text in stated] != [COLUMNS, ROWS]:
            raise self.fault(path, f"its header says {stated[0].decode()} columns and {stated[1].decode()} rows", AGAIN)
        return np.fromfile(path, dtype=np.uint8, offset=HEADER_BYTES).reshape(ROWS, COLUMNS)

    def _netcdf(self, path: Path) -> tuple[NDArray[np.uint8] | None, int | None]:
        """Return the grid of a netCDF-4 file and the day that it states; h5py takes a tenth of xarray's time."""
        import h5py

        with damage_named(path, AGAIN), h5py.File(path) as file:
            day = _stated_day(file)
            names = sorted(name for name in file if str(name).endswith("ICECON"))
            if not names:
                return None, day  # a day without any satellite
            # Days with two satellites have a variable of each; the later one goes on.
            values = np.asarray(file[names[-1]][()]).squeeze()
            descending = "y" not in file or float(file["y"][0]) > float(file["y"][-1])
        if values.shape != (ROWS, COLUMNS):
            raise self.fault(
                path, f"a grid of {values.shape}, not the southern one of {ROWS} x {COLUMNS}", "take S25km files"
            )
        if values.dtype.kind == "f":
            values = np.where(np.isnan(values), 255, np.rint(values * GREATEST))
        return (values if descending else values[::-1]).astype(np.uint8), day

    def _box(self) -> NDArray[np.bool_]:
        """Return which cells belong to the box, or lie around the place."""
        inside = np.zeros((ROWS, COLUMNS), dtype=np.bool_)
        series = self.settings
        if series.radius is None:
            inside[slice(*series.rows), slice(*series.columns)] = True
            return inside
        from pyproj import Transformer

        latitude, longitude = self.around.place(series)
        x, y = Transformer.from_crs("EPSG:4326", GRID, always_xy=True).transform(longitude, latitude)
        east = WEST_M + CELL_M * (np.arange(COLUMNS) + 0.5) - x
        north = NORTH_M - CELL_M * (np.arange(ROWS) + 0.5) - y
        inside = np.asarray(np.hypot(east[None, :], north[:, None]) <= series.radius, dtype=np.bool_)
        if not inside.any():
            raise self.fault("place", "no cell of the southern grid is within the radius", "give a greater radius")
        return inside


def _stated_day(file: Any) -> int | None:
    """Return the day of the variable `time` (``days since ...``), s since 1970; none if it states none."""
    if "time" not in file or file["time"].size != 1:
        return None
    units = file["time"].attrs.get("units", b"")
    since = _SINCE.match(units.decode() if isinstance(units, bytes) else str(units))
    if since is None:
        return None
    first = datetime.strptime(since[2], "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    seconds = first + float(np.ravel(file["time"][()])[0]) * _SECONDS[since[1]]
    return int(seconds // 86_400) * 86_400
