"""The map of events: what it is, and the single points of it."""

from ris_explorer.event_map.event_map_routes import event_map_routes

__all__ = ["event_map_routes"]
