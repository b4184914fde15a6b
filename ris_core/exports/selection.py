"""Which events are exported: by station, class and days, as `read_catalogue` selects them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from ris_core.access.days import Day, period
from ris_core.catalogue.catalogue_reading import Month, load_catalogue, months_of_catalogue
from ris_core.station_days.station_days import StationDays


class NothingSelectedError(ValueError):
    """No event of the catalogue is selected, or what is wanted of them cannot be had; the message says why."""


@dataclass(frozen=True)
class Selection:
    """Events of the catalogue.

    Attributes
    ----------
    stations
        Codes; none: all.
    classes
        Numbers or names of classes; none: all, unlabelled events included.
    first, last
        UTC days of the peak, inclusive; none: no limit.
    """

    stations: tuple[str, ...] | None = None
    classes: tuple[int | str, ...] | None = None
    first: date | None = None
    last: date | None = None

    @classmethod
    def of(
        cls,
        network: StationDays,
        stations: tuple[str, ...] | None = None,
        classes: tuple[int | str, ...] | None = None,
        first: Day | None = None,
        last: Day | None = None,
    ) -> Selection:
        """Return a selection from what a user gives.

        Raises
        ------
        KeyError
            A station is not in the settings.
        TypeError, ValueError
            A day cannot be read, or the first one is after the last.
        """
        for code in stations or ():
            network.settings.station(code)
        return cls(stations or None, classes or None, *period(first, last))

    def months(self, network: StationDays) -> Iterator[tuple[Month, pa.Table]]:
        """Yield the selected rows as `months_of_catalogue` does, and raises as it."""
        return months_of_catalogue(network.layout, self.stations, self.classes, self.first, self.last)

    def takes_class(self, number: int, name: str) -> bool:
        """Return whether events of a class are selected."""
        return self.classes is None or number in self.classes or name in self.classes

    @property
    def words(self) -> str:
        """The selection in words."""
        stations = "all stations" if self.stations is None else f"stations {', '.join(self.stations)}"
        classes = "all classes" if self.classes is None else f"classes {', '.join(map(str, self.classes))}"
        since, until = self.first or "the first day", self.last or "the last day"
        return f"{stations}, {classes}, {since} to {until}"

    def as_record(self) -> dict[str, Any]:
        """Return it as plain values; what is not limited is null."""
        return {
            "stations": None if self.stations is None else list(self.stations),
            "classes": None if self.classes is None else list(self.classes),
            "first": None if self.first is None else str(self.first),
            "last": None if self.last is None else str(self.last),
        }

    def nothing(self, network: StationDays) -> NothingSelectedError:
        """Return the error of an empty selection, which says what there is."""
        there = load_catalogue(network.layout, columns=["station", "time_peak", "label", "class_name"])
        if not len(there):
            return NothingSelectedError("the catalogue has no events, so there is nothing to export")
        named = there.drop_duplicates(["label", "class_name"]).sort_values("label")
        classes = ", ".join(
            name if name == str(number) else f"{number} ({name})"
            for number, name in zip(named["label"], named["class_name"], strict=True)
        )
        days = f"{there['time_peak'].min():%Y-%m-%d} to {there['time_peak'].max():%Y-%m-%d}"
        return NothingSelectedError(
            f"no event is selected by {self.words}; the catalogue has {len(there):,} events of the stations "
            f"{', '.join(sorted(there['station'].unique()))} from {days}, and the classes {classes}"
        )
