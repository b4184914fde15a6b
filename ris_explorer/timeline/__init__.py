"""Events over time, with live time, availability and environmental series."""

from ris_explorer.timeline.timeline_routes import timeline_routes

__all__ = ["timeline_routes"]
