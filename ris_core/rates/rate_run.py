"""The table of rates on disk: made from the catalogue that there is, and whether it is current."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from ris_core import versions
from ris_core.catalogue.catalogue_schema import NO_LABEL
from ris_core.clustering.champion import champion_or_none, class_names
from ris_core.config import Settings
from ris_core.contracts.stamp import Stamp
from ris_core.rates.calendar_bins import hour_edges
from ris_core.rates.confusion import known_confusion
from ris_core.rates.counted import CountedEvents, count_by_hour
from ris_core.rates.labelled_time import LabelledTime, catalogue_fingerprint, labelled_time
from ris_core.rates.rate_schema import RATE_SCHEMA
from ris_core.rates.rate_table import class_rates
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout

TABLE = "class_rates.parquet"
RATES_AGAIN = "bring catalogue and rates up to date (job update_catalogue), or let `ris run` do it"
_COLUMNS = ("station", "time_on", "label", "class_name", "assigned", "reviewed", "model_version")


class NoRatesError(FileNotFoundError):
    """There are no rates yet."""


@dataclass(frozen=True, eq=False)
class FinishedRates:
    """Rates as they were written.

    Attributes
    ----------
    table
        Columns of `RATE_SCHEMA`.
    summary
        What is said of them: ``correction``, ``corrected``, ``no_live_time``, ``left_out``, ``outside`` (events
        outside of live time), ``level``, ``doubts``.
    content
        Digest of the table.
    """

    table: pd.DataFrame = field(repr=False)
    summary: Mapping[str, Any]
    content: str


def counted_events(network: StationDays) -> tuple[CountedEvents, LabelledTime]:
    """Return events and live time of each hour, and what they were counted from; raises as `labelled_time`."""
    settings = network.settings
    found = labelled_time(network, _COLUMNS)
    edges = hour_edges(*_period(settings, found))
    return count_by_hour(found.events, found.live, network.stations, edges, _classes(network)), found


def _period(settings: Settings, found: LabelledTime) -> tuple[date, date]:
    """Return the days of the network; one that still records ends with its last live day, or its last event."""
    if settings.last_day is not None:
        return settings.first_day, settings.last_day
    last = [settings.first_day, *found.events["time_on"].dt.date[-1:]]
    if found.live is not None and len(found.live):
        last.append((found.live["end"].max() - pd.Timedelta(1, "ns")).date())
    return settings.first_day, max(last)


def _classes(network: StationDays) -> dict[int, str]:
    champion = champion_or_none(network.layout)
    numbers = [] if champion is None else [number for number in champion.classes if number != NO_LABEL]
    return class_names(network.settings.champion, numbers, champion)


def make_rates(network: StationDays) -> FinishedRates:
    """Make the table of rates from the catalogue that there is, and write it.

    Raises
    ------
    NoCatalogueError, NoLabelledEventsError
        There is no catalogue, or no event of it has a label.
    DamagedFileError
        A file of the catalogue, of live intervals or of the champion is damaged.
    """
    layout, settings = network.layout, network.settings
    stamp = _stamp(layout, settings)
    counted, found = counted_events(network)
    confusion = known_confusion(layout, settings.champion, settings.rates)
    rates = class_rates(counted, settings.rates, confusion)
    doubts = [text for text in (found.left_out, _outside(counted), _several_models(found)) if text]
    summary = {
        "correction": rates.correction,
        "corrected": rates.corrected,
        "no_live_time": found.no_live_time,
        "left_out": [str(key) for key in found.unlabelled],
        "outside": counted.outside,
        "level": settings.rates.level,
        "doubts": doubts,
    }
    content = tables.write_table(layout.analysis(TABLE), rates.table, RATE_SCHEMA, stamp, summary)
    return FinishedRates(rates.table, summary, content)


def _outside(counted: CountedEvents) -> str:
    if not counted.outside:
        return ""
    return f"{counted.outside} events lie outside of live time and are not counted; process their station-days again"


def _several_models(found: LabelledTime) -> str:
    versions_of = sorted(found.events["model_version"].unique())
    if len(versions_of) < 2:
        return ""
    return f"labels are by {len(versions_of)} models ({', '.join(versions_of)}): label again (`ris backfill`)"


def _stamp(layout: Layout, settings: Settings) -> Stamp:
    champion = champion_or_none(layout)
    of_champion = None if champion is None else [champion.digest, champion.reviewed]
    named = {str(number): name for number, name in settings.champion.names.items()}
    said = [settings.rates.model_dump(mode="json"), named, str(settings.first_day), str(settings.last_day)]
    stations = [station.code for station in settings.stations]
    return Stamp(digest_of([*said, stations]), versions.RATES, digest_of([catalogue_fingerprint(layout), of_champion]))


def rates_are_current(network: StationDays) -> bool:
    """Return whether the table is undamaged and what the present catalogue, champion and settings would give."""
    path = network.layout.analysis(TABLE)
    try:
        tables.verify(path)
        return tables.read_stamp(path)[0] == _stamp(network.layout, network.settings)
    except (FileNotFoundError, DamagedFileError):
        return False


def load_rates(layout: Layout) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the table of rates and what is said of it (`FinishedRates.summary`).

    Raises
    ------
    NoRatesError
        There is none.
    DamagedFileError
        It is damaged.
    """
    path = layout.analysis(TABLE)
    if not path.exists():
        raise NoRatesError(f"{path}: there are no rates yet; {RATES_AGAIN}")
    return tables.read_table(path), tables.read_summary(path)
