"""The stations: where they are, and which classes they hear."""

from ris_explorer.stations.stations_routes import stations_routes

__all__ = ["stations_routes"]
