"""The data store as a Dagster resource."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from ris_core.config import Settings, data_root
from ris_core.storage.store import Store


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

    def open(self) -> Store:
        """Open the store; makes the root if it is absent, and refuses the root of another network."""
        return Store(self.settings, Path(self.root))
