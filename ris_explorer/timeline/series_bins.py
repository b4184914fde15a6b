"""An environmental series in bins: least, mean and greatest of the values that each bin has."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.environment.series import Series, load_series
from ris_core.environment.series_run import series_settings
from ris_core.station_days.station_days import StationDays
from ris_core.storage.layout import Layout

_KEPT = 6


def known_series(network: StationDays) -> list[dict[str, str]]:
    """Return name and kind of each series of the settings."""
    return [{"name": one.name, "kind": one.kind} for one in network.settings.environment]


def series_in_bins(network: StationDays, name: str, edges: NDArray[np.int64]) -> dict[str, Any]:
    """Return a series in bins; a bin without a value has none: nothing is interpolated.

    Parameters
    ----------
    network
        The network.
    name
        Of the series.
    edges
        (B + 1,) ns since 1970 UTC.

    Returns
    -------
    dict
        ``name``, ``kind``, ``unit``, ``source``, ``values`` in all bins, ``bins`` with a value, and ``least``,
        ``mean``, ``greatest`` (B,), NaN in bins without a value.

    Raises
    ------
    KeyError
        The settings have no such series.
    NoSeriesError
        It was not read yet (a `FileNotFoundError`).
    DamagedFileError
        Its table is not what was written.
    """
    series_settings(network.settings, name)
    path = network.layout.environment(name)
    status = path.stat() if path.exists() else None
    seen = (status.st_size, status.st_mtime_ns, status.st_ino) if status else ()
    series = _loaded(network.layout, name, seen)
    least, mean, greatest, number = binned(series.time, series.value, edges)
    return {
        "name": name,
        "kind": series.kind,
        "unit": series.unit,
        "source": series.source,
        "values": int(number.sum()),
        "bins": int((number > 0).sum()),
        "least": least,
        "mean": mean,
        "greatest": greatest,
    }


@lru_cache(maxsize=_KEPT)
def _loaded(layout: Layout, name: str, seen: tuple[int, ...]) -> Series:
    """Return a series; `seen` is what its file looked like, so that a changed file is read again."""
    return load_series(layout, name)


Floats = NDArray[np.float32]


def binned(
    time: NDArray[np.int64], value: NDArray[np.float64], edges: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
    """Return least, mean and greatest value of each bin (B,), NaN where it has none, and how many it has.

    Parameters
    ----------
    time, value
        (N,) ascending times in ns since 1970 UTC, and finite values.
    edges
        (B + 1,) ascending; a time on an edge belongs to the bin that begins there.
    """
    at = np.searchsorted(time, edges)
    number = np.diff(at)
    filled = number > 0
    found = [np.full(len(number), np.nan, np.float32) for _ in range(3)]
    if filled.any():
        # Only bins with values: the next one with values begins where this one ends.
        begin, inside = at[:-1][filled], value[: at[-1]]
        found[0][filled] = np.minimum.reduceat(inside, begin)
        found[1][filled] = np.add.reduceat(inside, begin) / number[filled]
        found[2][filled] = np.maximum.reduceat(inside, begin)
    return found[0], found[1], found[2], number
