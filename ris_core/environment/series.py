"""An environmental series in memory, and its values by the hour, which never reach over a gap."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.storage.table_description import TableDescription

REMEDY = "remove it, and read the series again (`ris run --only read_environment`)"

_TIME = pa.timestamp("ns", tz="UTC")
SERIES_SCHEMA = pa.schema(
    [
        pa.field("time", _TIME, False, {"description": "Instant of the value, or middle of the time of a mean (UTC)"}),
        pa.field(
            "value", pa.float64(), False, {"description": "Value in the unit beside it; rows without are left out"}
        ),
        pa.field("unit", pa.string(), False, {"description": "Unit of the value, after conversion"}),
        pa.field("source", pa.string(), False, {"description": "Reader, and the file or generator that was read"}),
        pa.field("sha256", pa.string(), False, {"description": "SHA-256 of all bytes that were read; empty: no file"}),
    ]
)
TABLES = (
    TableDescription(
        "Environmental series",
        "environment/SERIES.parquet",
        "One row per value of a series, in order of time, without missing ones. Kind, longest gap, conversions and "
        "what was left out are in the file's summary (`ris_core.storage.tables.read_summary`).",
        SERIES_SCHEMA,
        "read_environment",
    ),
)
"""The table, for the data dictionary."""


class NoSeriesError(FileNotFoundError):
    """A series has not been read yet."""


@dataclass(frozen=True, eq=False)
class Series:
    """One environmental quantity over time.

    Attributes
    ----------
    name
        As in the settings.
    kind
        What it is: temperature, wind, ice, wave_height, tide, tilt, melt, radiation, pressure or other.
    unit
        Unit of the values.
    time : int array of shape (N,)
        ns since 1970, UTC, strictly ascending.
    value : array of shape (N,)
        Finite values.
    source
        Reader and file.
    noise_covariate
        Whether the quantity makes noise, and so decides how many events are found, as wind does.
    longest_gap
        Two neighbours further apart than this have nothing between them, s.
    """

    name: str
    kind: str
    unit: str
    time: NDArray[np.int64] = field(repr=False)
    value: NDArray[np.float64] = field(repr=False)
    source: str
    noise_covariate: bool = False
    longest_gap: float = 6 * 3600.0

    def __post_init__(self) -> None:
        if self.time.shape != self.value.shape or self.time.ndim != 1:
            raise ValueError(f"series {self.name}: times and values must be as many, in one row each")
        if np.any(np.diff(self.time) <= 0):
            raise ValueError(f"series {self.name}: its times must ascend, each once")
        if not np.isfinite(self.value).all():
            raise ValueError(f"series {self.name}: values that are not finite must be left out")

    def hourly(self, edges: NDArray[np.int64], longest_gap: float | None = None) -> NDArray[np.float64]:
        """Return the mean of each bin; bins need not be hours.

        Between neighbours that are at most the longest gap apart, the series is the straight line that joins them. The
        value of a bin is the mean of these lines over the part of the bin that they cover. It is NaN where they cover
        less than half of the bin. Nothing is taken from before the first value or after the last one.

        Parameters
        ----------
        edges : int array of shape (M + 1,)
            Edges of the bins, ns since 1970 UTC, strictly ascending.
        longest_gap
            In seconds; by default that of the series.

        Returns
        -------
        array of shape (M,)
        """
        edges = np.asarray(edges, dtype=np.int64)
        if edges.ndim != 1 or len(edges) < 2 or np.any(np.diff(edges) <= 0):
            raise ValueError("edges: at least two times that ascend")
        if len(self.time) < 2:
            return np.full(len(edges) - 1, np.nan)
        gap = self.longest_gap if longest_gap is None else longest_gap
        seconds = (self.time - edges[0]) / 1e9
        steps = np.diff(seconds)
        joined = steps <= gap
        area = np.where(joined, 0.5 * (self.value[:-1] + self.value[1:]) * steps, 0.0)
        integral = np.concatenate([[0.0], np.cumsum(area)])
        covered = np.concatenate([[0.0], np.cumsum(np.where(joined, steps, 0.0))])
        at = (edges - edges[0]) / 1e9
        # The piece in which an edge lies, and how far it is behind the beginning of the piece.
        piece = np.clip(np.searchsorted(seconds, at, side="right") - 1, 0, len(steps) - 1)
        ahead = np.clip(at - seconds[piece], 0.0, steps[piece]) * joined[piece]
        slope = (self.value[piece + 1] - self.value[piece]) / steps[piece]
        total = np.diff(integral[piece] + ahead * (self.value[piece] + 0.5 * slope * ahead))
        length = np.diff(covered[piece] + ahead)
        enough = length >= 0.5 * np.diff(at)
        return np.where(enough, total / np.where(enough, length, 1.0), np.nan)


def load_series(layout: Layout, name: str) -> Series:
    """Return a series that was read into its table.

    Raises
    ------
    NoSeriesError
        It has not been read yet.
    DamagedFileError
        Its table is not what was written.
    """
    path = layout.environment(name)
    if not path.exists():
        raise NoSeriesError(
            f"{path}: the series {name} has not been read; read it first (`ris run --only read_environment`)"
        )
    frame, said = tables.read_table(path), tables.read_summary(path)
    try:
        return Series(
            name,
            str(said["kind"]),
            str(said["unit"]),
            frame["time"].to_numpy(dtype="int64"),
            frame["value"].to_numpy(np.float64),
            str(said["source"]),
            bool(said["noise_covariate"]),
            float(said["longest_gap"]),
        )
    except (KeyError, ValueError) as error:
        raise DamagedFileError(path, f"{type(error).__name__}: {error}", REMEDY) from error
