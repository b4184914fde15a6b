"""Environmental series as one table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pandas as pd

from ris_core.access.days import Day, period
from ris_core.environment.series import load_series
from ris_core.environment.series_run import series_names, series_settings
from ris_core.station_days.station_days import StationDays


def read_environment(
    network: StationDays,
    series: Sequence[str] | str | None = None,
    first: Day | None = None,
    last: Day | None = None,
) -> pd.DataFrame:
    """Return environmental series, one after another, each in order of time.

    Parameters
    ----------
    network
        As `open_network` returns it.
    series
        Names, or one name; by default all of the settings.
    first, last
        UTC days, inclusive, as dates, Timestamps or text like ``2015-01-31``; by default all that was read.

    Returns
    -------
    DataFrame
        `series`, `kind`, `time` (UTC), `value`, `unit`, `source` and `noise_covariate`. Missing values have no row. For
        values by the hour that do not reach over gaps: `ris_core.environment.series.load_series(...).hourly`.

    Raises
    ------
    KeyError
        A series is not in the settings.
    TypeError, ValueError
        A day cannot be read, the first day is after the last, or the settings have no series.
    NoSeriesError
        A series was not read yet (a `FileNotFoundError`).
    DamagedFileError
        A table is not what was written.
    """
    since, until = period(first, last)
    names = [series] if isinstance(series, str) else list(series_names(network.settings) if series is None else series)
    if not names:
        raise ValueError("the settings have no section `environment`: docs/environment.md says how to add series")
    parts = []
    for name in names:
        series_settings(network.settings, name)
        found = load_series(network.layout, name)
        part = pd.DataFrame(
            {
                "series": name,
                "kind": found.kind,
                "time": pd.to_datetime(found.time, utc=True),
                "value": found.value,
                "unit": found.unit,
                "source": found.source,
                "noise_covariate": found.noise_covariate,
            }
        )
        if since is not None:
            part = part[part["time"] >= pd.Timestamp(since, tz="UTC")]
        if until is not None:
            part = part[part["time"] < pd.Timestamp(until + timedelta(days=1), tz="UTC")]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
