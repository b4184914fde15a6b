"""Links of classes to environmental series, for a notebook."""

from __future__ import annotations

import pandas as pd

from ris_core.links import link_schema
from ris_core.links.link_run import NoLinksError, load_links
from ris_core.station_days.station_days import StationDays


def read_links(network: StationDays) -> pd.DataFrame:
    """Return the test of each class against each series at each station.

    One row per class, station and series: effect (ln of the rate per standard deviation) with interval, p, q, effective
    number of clusters, and in `reason` why no claim is possible. `attrs` of the frame has what is said of all:
    ``events`` (the catalogue, or the truth of a synthetic network), ``labels``, ``noise``, ``doubts``. docs/tables.md
    has the columns, docs/analysis.md what the test assumes.

    Raises
    ------
    FileNotFoundError
        Links have not been tested yet.
    DamagedFileError
        The table is damaged.
    """
    return _read(network, link_schema.LINKS)


def read_verdicts(network: StationDays) -> pd.DataFrame:
    """Return what can be claimed for the network, one row per class and series; otherwise as `read_links`."""
    return _read(network, link_schema.VERDICTS)


def read_phases(network: StationDays) -> pd.DataFrame:
    """Return the test of each class against tidal phases, one row per class, station and constituent; as `read_links`.

    K1, P1, S1 and S2 have no p: they cannot be told from the sun.
    """
    return _read(network, link_schema.PHASES)


def read_lags(network: StationDays) -> pd.DataFrame:
    """Return distributed lags, one row per class, station, series and bin; descriptive; as `read_links`."""
    return _read(network, link_schema.LAGS)


def _read(network: StationDays, name: str) -> pd.DataFrame:
    if network.settings.imported:
        raise NoLinksError(
            f"{network.layout.root}: its events were imported, so that nothing is known of live time; what they follow "
            "in the environment cannot be tested"
        )
    frame, said = load_links(network.layout, name)
    frame.attrs.update(said)
    return frame
