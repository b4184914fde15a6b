"""Networks with environmental series, read from files that a test has written."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ris_core.config import Settings
from ris_core.environment.series_run import MadeSeries, make_series
from ris_core.storage.layout import Layout

HOUR = 3_600_000_000_000
STATIONS = [
    {"code": "S01", "latitude": -81.5, "longitude": -176.5},
    {"code": "S02", "latitude": -78.3, "longitude": 179.0},
]


def settings_of(*series: dict[str, Any], **further: Any) -> Settings:
    """Return settings of a network of two stations and seven days with series."""
    return Settings.model_validate(
        {
            "network": {"name": "small", "code": "XX"},
            "stations": STATIONS,
            "first_day": "2015-01-10",
            "last_day": "2015-01-16",
            "source": {"kind": "sds", "root": "/nowhere"},
            "environment": list(series),
        }
        | further
    )


def made(root: Path, **series: Any) -> MadeSeries:
    """Read one series of kind temperature, unless another is given, in a network of its own."""
    settings = settings_of({"name": "s", "kind": "temperature", **series})
    return make_series(Layout.of(settings, root), settings, "s")


def ns(text: str) -> int:
    return pd.Timestamp(text, tz="UTC").as_unit("ns").value


def hours(first: str, n: int, step: float = 1.0) -> np.ndarray:
    return ns(first) + np.round(np.arange(n) * step * HOUR).astype(np.int64)
