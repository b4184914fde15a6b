"""The table of completeness, for a notebook."""

from __future__ import annotations

import pandas as pd

from ris_core.completeness.complete_rates import rates_above_completeness
from ris_core.completeness.completeness_file import NOT_MEASURED, TABLE, named_now
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables


def read_completeness(network: StationDays) -> pd.DataFrame:
    """Return the amplitudes at which the detector finds 50 and 90 % of a class, by station and quartile of noise.

    Raises
    ------
    FileNotFoundError
        There is no such table yet, or cannot be; the message says why, and what to do.
    DamagedFileError
        The file is damaged.
    """
    path = network.layout.analysis(TABLE)
    if not path.exists():
        why = "the events were imported without waveforms, to which templates could be added"
        raise FileNotFoundError(f"{path} is absent: {why if network.settings.imported else NOT_MEASURED}")
    return named_now(tables.read_table(path), network)


def read_rates_above_completeness(network: StationDays) -> pd.DataFrame:
    """Return by station and class the rate of all events, and of those that are found in any noise of the station.

    These are as large as `amplitude_90` of the noisiest quarter of the station's noise. Columns:
    `ris_core.completeness.complete_rates.COLUMNS`; rates per hour of live time with exact Poisson intervals.

    Raises
    ------
    NoLiveTimeError
        The events were imported, so that nothing is known of live time.
    NoCatalogueError, NoLabelledEventsError
        There is no catalogue, or no event of it has a label.
    FileNotFoundError
        There is no table of completeness.
    DamagedFileError
        A file is damaged.
    """
    return rates_above_completeness(network)
