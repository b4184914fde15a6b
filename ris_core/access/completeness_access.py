"""The table of completeness, for a notebook."""

from __future__ import annotations

import pandas as pd

from ris_core.completeness.completeness_file import TABLE
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables


def read_completeness(network: StationDays) -> pd.DataFrame:
    """Return the amplitudes at which the detector finds 50 and 90 % of a class, by station and quartile of noise.

    Raises
    ------
    FileNotFoundError
        There is no such table yet.
    DamagedFileError
        The file is damaged.
    """
    return tables.read_table(network.layout.analysis(TABLE))
