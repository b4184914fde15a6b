"""The partitions: one object of each kind, shared by all assets.

Keys of station-days are ``DAY|STATION``, since Dagster orders dimensions by name. Stations are static, and new ones are
only added at the end; days are daily, with an open end for a network that still records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg

from ris_core.config import Settings
from ris_core.contracts.candidate_name import CandidateName
from ris_core.contracts.station_day import StationDay
from ris_core.environment.series_run import series_names
from ris_dagster.adapter import run_tags


@dataclass(frozen=True)
class Partitions:
    """Station-days, trials of the autoencoder, cluster counts (of `dec.k`, and of each candidate) and series.

    There is no partition of series in a network without environmental series.
    """

    station_days: dg.MultiPartitionsDefinition
    trials: dg.StaticPartitionsDefinition
    cluster_counts: dg.StaticPartitionsDefinition
    candidates: Mapping[CandidateName, dg.StaticPartitionsDefinition]
    series: dg.StaticPartitionsDefinition | None


def build_partitions(settings: Settings) -> Partitions:
    """Return the partitions that the settings describe."""
    end = settings.last_day + timedelta(days=1) if settings.last_day else None
    # One object for equal counts.
    all_counts = {settings.dec.k, *(settings.counts_of(name) for name in settings.candidate_names)}
    of_counts = {counts: dg.StaticPartitionsDefinition([str(k) for k in counts]) for counts in all_counts}
    return Partitions(
        station_days=dg.MultiPartitionsDefinition(
            {
                "day": dg.DailyPartitionsDefinition(
                    start_date=settings.first_day.isoformat(), end_date=end.isoformat() if end else None
                ),
                "station": dg.StaticPartitionsDefinition([s.code for s in settings.stations]),
            }
        ),
        trials=dg.StaticPartitionsDefinition(list(settings.aec.grid.trials())),
        cluster_counts=of_counts[settings.dec.k],
        candidates={name: of_counts[settings.counts_of(name)] for name in settings.candidate_names},
        series=dg.StaticPartitionsDefinition(list(names)) if (names := series_names(settings)) else None,
    )


def partition_key(key: StationDay) -> dg.MultiPartitionKey:
    """Return Dagster's key of a station-day."""
    return dg.MultiPartitionKey({"day": key.day.isoformat(), "station": key.station})


def station_day(partition: str) -> StationDay:
    """Return the station-day of one of Dagster's keys."""
    day, station = partition.split("|")
    return StationDay(station, date.fromisoformat(day))


def range_tags(stations: Sequence[str], first: date, last: date) -> dict[str, str]:
    """Return the tags of a run over a block: all stations from the first to the last one, all days of the span.

    Stations must be in the order of the settings: a reversed range has no keys.
    """
    corners = StationDay(stations[0], first), StationDay(stations[-1], last)
    return run_tags.of_partition_range(*(str(partition_key(corner)) for corner in corners))
