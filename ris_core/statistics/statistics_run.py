"""The tables of statistics on disk: made from rates, catalogue and models, and whether they are current."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import pandas as pd

from ris_core import versions
from ris_core.clustering.candidate_models import read_candidate
from ris_core.clustering.champion import NoChampionError, champion_or_none
from ris_core.clustering.latents import OutOfStepError
from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.contracts.stamp import Stamp
from ris_core.rates.labelled_time import catalogue_fingerprint, labelled_time
from ris_core.rates.rate_run import TABLE as RATES
from ris_core.rates.rate_run import NoRatesError, load_rates, rates_are_current
from ris_core.rates.rate_schema import ALL_STATIONS
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.statistics import event_statistics, model_statistics
from ris_core.statistics.model_statistics import NoModelStatisticsError
from ris_core.statistics.statistics_reading import RECORD, STATISTICS_AGAIN
from ris_core.statistics.statistics_schema import (
    AMPLITUDES,
    FREQUENCIES,
    LABEL_CHANGE,
    PEAK_RANGES,
    PERFORMANCE,
    SCHEMAS,
    SEASONS,
    STATIONS,
    file_name,
)
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.layout import Layout
from ris_core.training.training_set import digest_on_disk

_OF_CATALOGUE = ["label", "class_name", "peak_counts", "peak_acceleration", "peak_frequency", "centroid_frequency"]
_OF_MODELS = (LABEL_CHANGE, PERFORMANCE)


@dataclass(frozen=True, eq=False)
class FinishedStatistics:
    """The tables of statistics as they were written.

    Attributes
    ----------
    tables
        By name.
    absent
        Why other tables are absent, by name.
    events
        The events of the catalogue that the tables describe, for figures.
    content
        Digest of all tables.
    """

    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    absent: Mapping[str, str]
    events: pd.DataFrame = field(repr=False)
    content: str

    def lost(self) -> list[str]:
        """Return in words which tables do not have all events; empty if all have them."""
        n = len(self.events)
        counted = {
            f"{name} ({quantity})": int(own["known"].sum() + own["unknown"].sum())
            for name in (AMPLITUDES, FREQUENCIES)
            for quantity, own in self._of_all(name).groupby("quantity")
        }
        counted[PEAK_RANGES] = int(self._of_all(PEAK_RANGES)["events"].sum())
        return [f"{name}: {found} of {n} events" for name, found in counted.items() if found != n]

    def _of_all(self, name: str) -> pd.DataFrame:
        table = self.tables[name]
        return table[table["station"] == ALL_STATIONS]


def make_statistics(network: StationDays) -> FinishedStatistics:
    """Make all tables of statistics and write them; those of models only if models or training set have changed.

    Raises
    ------
    NoRatesError
        There are no rates, or not of the present catalogue.
    NoCatalogueError, NoLabelledEventsError
        There is no catalogue, or no event of it has a label.
    DamagedFileError
        A file is damaged.
    """
    layout, settings = network.layout, network.settings
    if not rates_are_current(network):
        raise NoRatesError(
            f"{layout.analysis(RATES)}: there are no rates of the present catalogue; bring catalogue and rates up to "
            "date (job update_catalogue), or let `ris run` do it"
        )
    rates, _ = load_rates(layout)
    events = labelled_time(network, _OF_CATALOGUE).events
    edges = event_statistics.peak_edges(events["peak_counts"], settings.statistics.peak_edges)
    found = {
        STATIONS: event_statistics.station_statistics(rates),
        AMPLITUDES: event_statistics.amplitude_statistics(events),
        FREQUENCIES: event_statistics.frequency_statistics(events),
        SEASONS: event_statistics.season_statistics(rates),
        PEAK_RANGES: event_statistics.peak_ranges(events, edges),
    }
    stamps, absent = _stamps(network)
    contents = {
        name: tables.write_table(layout.analysis(file_name(name)), frame, SCHEMAS[name], stamps[name])
        for name, frame in found.items()
    }
    makers: dict[str, Callable[[], pd.DataFrame]] = {
        LABEL_CHANGE: lambda: model_statistics.label_change(layout, settings, _count(layout, settings)),
        PERFORMANCE: lambda: model_statistics.performance(layout, settings),
    }
    for name in _OF_MODELS:
        path = layout.analysis(file_name(name))
        if name not in stamps:
            path.unlink(missing_ok=True)
            continue
        if not _is_written(layout, name, stamps[name]):
            tables.write_table(path, makers[name](), SCHEMAS[name], stamps[name])
        found[name], contents[name] = tables.read_table(path), tables.read_stamp(path)[1]
    write_json(layout.analysis(RECORD), {"tables": contents, "absent": absent})
    return FinishedStatistics(found, absent, events, digest_of(contents))


def _count(layout: Layout, settings: Settings) -> int:
    return model_statistics.dec_count(layout, settings, champion_or_none(layout))


def _stamps(network: StationDays) -> tuple[dict[str, Stamp], dict[str, str]]:
    """Return the stamps of the tables that can be made now, and why others cannot."""
    layout, settings = network.layout, network.settings
    of_settings = settings.statistics.digest()
    of_catalogue = digest_of([catalogue_fingerprint(layout), tables.read_stamp(layout.analysis(RATES))[1]])
    events = Stamp(of_settings, versions.STATISTICS, of_catalogue)
    found, absent = {name: events for name in SCHEMAS if name not in _OF_MODELS}, {}
    for name, inputs in ((LABEL_CHANGE, _inputs_of_change), (PERFORMANCE, _inputs_of_performance)):
        try:
            found[name] = Stamp(of_settings, versions.STATISTICS, inputs(layout, settings))
        except (NoModelStatisticsError, NoChampionError, OutOfStepError, FileNotFoundError) as error:
            absent[name] = str(error)
    return found, absent


def _inputs_of_change(layout: Layout, settings: Settings) -> str:
    from ris_core.clustering.initial_clusters import read_clusters

    k = _count(layout, settings)
    kept = read_candidate(layout, AEC_DEC, k)
    before = read_clusters(layout, k, settings.normalisation)
    return digest_of(["label_change", k, None if kept is None else kept.digest, before.configuration])


def _inputs_of_performance(layout: Layout, settings: Settings) -> str:
    champion = champion_or_none(layout)
    if champion is None:
        raise NoChampionError("no model labels yet (job choose_champion)")
    training_set = digest_on_disk(layout, champion.normalisation_settings())
    return digest_of(
        ["performance", champion.digest, training_set, {str(n): name for n, name in settings.champion.names.items()}]
    )


def _is_written(layout: Layout, name: str, stamp: Stamp) -> bool:
    path = layout.analysis(file_name(name))
    with suppress(FileNotFoundError, DamagedFileError):
        tables.verify(path)
        return tables.read_stamp(path)[0] == stamp
    return False


def statistics_are_current(network: StationDays) -> bool:
    """Return whether all tables are undamaged and what the present rates, catalogue, models and settings would give."""
    layout = network.layout
    try:
        stamps, absent = _stamps(network)
        record = read_record(layout.analysis(RECORD), {"tables": dict, "absent": dict}, STATISTICS_AGAIN)
    except (FileNotFoundError, DamagedFileError):
        return False
    if record["tables"].keys() != stamps.keys() or record["absent"].keys() != absent.keys():
        return False
    return all(_is_written(layout, name, stamp) for name, stamp in stamps.items())
