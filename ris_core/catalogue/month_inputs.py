"""What a month of the catalogue is made of: digests of the files of its station-days, found in one look at the disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from ris_core import versions
from ris_core.catalogue.catalogue_reading import Month
from ris_core.catalogue.station_positions import Position, positions
from ris_core.clustering.champion import champion_or_none
from ris_core.contracts.event_identifier import peak_of
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import NS, StationDay
from ris_core.review.log import ReviewLog
from ris_core.review.state import ReviewState
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError


@dataclass(frozen=True)
class DayInputs:
    """The files of a processed station-day.

    Attributes
    ----------
    key
        The station-day.
    detections, spectrograms, live, labels
        Digests of their contents; empty where there is no such file. Labels that are not of the present spectrograms
        count as none.
    events
        Number of its events.
    """

    key: StationDay
    detections: str
    spectrograms: str
    live: str
    labels: str
    events: int

    @property
    def tables(self) -> str:
        """Digest of what its rows are made of."""
        return digest_of([self.detections, self.spectrograms, self.labels])

    @property
    def digests(self) -> list[str]:
        """What the catalogue depends on."""
        return [str(self.key), self.detections, self.spectrograms, self.live, self.labels]


@dataclass(frozen=True)
class CatalogueInputs:
    """All that the catalogue of a network is made of.

    Attributes
    ----------
    days
        The processed station-days by day, in the order of the stations.
    names
        Names of classes by number.
    reviewed
        Class by the reviewers of each reviewed event.
    positions
        Of the stations.
    left_out
        Station-days that cannot be read, each with why and what to do.
    settings
        Digest of the settings, positions and names.
    """

    days: Mapping[date, tuple[DayInputs, ...]] = field(repr=False)
    names: Mapping[int, str]
    reviewed: Mapping[str, str] = field(repr=False)
    positions: Mapping[str, Position]
    left_out: tuple[str, ...]
    settings: str

    @property
    def months(self) -> tuple[Month, ...]:
        """The months that have a processed station-day, in their order."""
        return tuple(sorted({(day.year, day.month) for day in self.days}))

    def of_month(self, month: Month) -> tuple[DayInputs, ...]:
        """Return the station-days of a month, day by day."""
        return tuple(each for day in days_of(month) for each in self.days.get(day, ()))

    def stamps(self) -> dict[Month, Stamp]:
        """Return the stamp of each month's file: it depends also on the days before and after the month."""
        reviewed: dict[Month, list[tuple[str, str]]] = {}
        for event, name in sorted(self.reviewed.items()):
            reviewed.setdefault(_month_of(event), []).append((event, name))
        found = {}
        for month in self.months:
            around = [self.days.get(day, ()) for day in neighbours(month)]
            parts = [
                [each.digests for each in self.of_month(month)],
                *([[each.detections, each.labels] for each in of_day] for of_day in around),
                reviewed.get(month, []),
            ]
            found[month] = Stamp(self.settings, versions.CATALOGUE, digest_of(parts))
        return found


def days_of(month: Month) -> Iterator[date]:
    """Iterate over the days of a month."""
    day = date(*month, 1)
    while (day.year, day.month) == month:
        yield day
        day += timedelta(days=1)


def neighbours(month: Month) -> tuple[date, date]:
    """Return the day before a month and the day after it."""
    days = list(days_of(month))
    return days[0] - timedelta(days=1), days[-1] + timedelta(days=1)


def _month_of(event_id: str) -> Month:
    day = date(1970, 1, 1) + timedelta(days=peak_of(event_id) // (86_400 * NS))
    return day.year, day.month


def catalogue_inputs(network: StationDays) -> CatalogueInputs:
    """Return what the catalogue is made of, in one look at the disk.

    Raises
    ------
    DamagedFileError
        The record of the champion, the review log or the StationXML of a station without a position is damaged.
    """
    settings, layout = network.settings, network.layout
    champion = champion_or_none(layout)
    names = {**({} if champion is None else champion.names), **settings.champion.names}
    days: dict[date, list[DayInputs]] = {}
    left_out = []
    with network.look() as seen:
        for key in seen.all():
            try:
                found = _of_day(seen, key)
            except DamagedFileError as error:
                left_out.append(str(error))
                continue
            if isinstance(found, str):
                left_out.append(found)
            elif found is not None:
                days.setdefault(key.day, []).append(found)
    reviewed = {}
    if layout.reviews.exists():
        state = ReviewState.of(ReviewLog(layout.reviews).read().decisions, settings.review.decider)
        reviewed = dict(state.reviewed()[["event_id", "class_name"]].itertuples(index=False, name=None))
    places = positions(settings, layout)
    said = [
        settings.catalogue.catalogue_values(),
        settings.context.noise_quantile,
        {str(number): name for number, name in names.items()},
        places,
        [station.code for station in settings.stations],
    ]
    return CatalogueInputs(
        {day: tuple(of_day) for day, of_day in days.items()},
        names,
        reviewed,
        places,
        tuple(left_out),
        digest_of(said),
    )


def _of_day(seen: StationDays, key: StationDay) -> DayInputs | str | None:
    """Return the files of a station-day, why it is left out, or none if it is not processed; raises `OSError`."""
    layout, files = seen.layout, seen.files
    tables = layout.detections(key), layout.spectrograms(key)
    if not all(files.exists(path) for path in tables):
        return None
    stamp, detections, _ = files.stamp_of_table(tables[0])
    info = files.info_of_spectrograms(tables[1])
    if stamp != info.stamp:
        return f"{key}: its detections and spectrograms are not of one processing; process it again"
    live = files.stamp_of_table(layout.live(key))[1] if files.exists(layout.live(key)) else ""
    labels = ""
    if files.exists(layout.labels(key)) and seen.label.follows_its_input(key):
        labels = files.stamp_of_table(layout.labels(key))[1]
    return DayInputs(key, detections, digest_of([info.content, info.surroundings]), live, labels, info.events)
