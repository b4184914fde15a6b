"""Columns of all events for the map, which rows a filter leaves, and how many."""

from ris_explorer.columns.columns_routes import columns_routes

__all__ = ["columns_routes"]
