"""The `ris` command: importing a module of `ris_dagster.commands` adds its commands."""

from ris_dagster.commands import network, published, servers, station_days
from ris_dagster.commands.shared import app

__all__ = ["app", "network", "published", "servers", "station_days"]
