"""A network's layout with its settings, its journal and its stages at hand, for tests."""

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays
from ris_core.storage.journal import Journal
from ris_core.storage.layout import Layout, open_layout


class Store(Layout):
    """Opens the data root of a network. It is a `Layout`; what the product passes separately hangs on it."""

    settings: Settings
    journal: Journal

    def __init__(self, settings: Settings, root: Path | None = None) -> None:
        found = open_layout(settings, root)
        super().__init__(found.root, found.name, found.network, found.location, found.channel)
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "journal", Journal(self, [s.code for s in settings.stations]))

    @cached_property
    def days(self) -> StationDays:
        return StationDays(self.settings, self)

    def station_days(self, until: date | None = None) -> Iterator[StationDay]:
        return self.settings.station_days(until)
