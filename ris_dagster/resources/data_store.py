"""The data store as a Dagster resource."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from pydantic import Field

from ris_core.config import Settings, data_root
from ris_core.station_days.station_days import STAGES, StageKind, StationDays
from ris_core.storage.layout import Layout, open_layout


class DataStore(dg.ConfigurableResource):  # type: ignore[type-arg]
    """All products of one network under one root."""

    settings_json: str = Field(description="The network's settings as JSON.")
    root: str = Field(description="The data root of the network.")

    @classmethod
    def of(cls, settings: Settings) -> "DataStore":
        """Return the store of a network under RIS_DATA."""
        return cls(settings_json=settings.model_dump_json(), root=str(data_root(settings)))

    @property
    def settings(self) -> Settings:
        """The network's settings."""
        return Settings.model_validate_json(self.settings_json)

    def layout(self) -> Layout:
        """Return the paths; makes the data root if absent, refuses one that belongs to another network."""
        return open_layout(self.settings, Path(self.root))

    def station_days(self, kinds: Sequence[StageKind] = STAGES) -> StationDays:
        """Return the station-days with their stages; as `layout`."""
        return StationDays(self.settings, self.layout(), kinds)
