"""The layout of a network's data root with its settings and its journal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.storage.journal import Journal
from ris_core.storage.layout import Layout, open_layout

if TYPE_CHECKING:
    from ris_core.station_days.station_days import StationDays


class Store(Layout):
    """On its way out: `Layout`, `Journal` and `Settings` are passed as themselves."""

    settings: Settings
    journal: Journal

    def __init__(self, settings: Settings, root: Path | None = None) -> None:
        found = open_layout(settings, root)
        super().__init__(found.root, found.name, found.network, found.location, found.channel)
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "journal", Journal(self, [s.code for s in settings.stations]))

    @cached_property
    def days(self) -> StationDays:
        """The station-days with their stages."""
        from ris_core.station_days.station_days import StationDays

        return StationDays(self.settings, self)

    def station_days(self, until: date | None = None) -> Iterator[StationDay]:
        """See `Settings.station_days`."""
        return self.settings.station_days(until)
