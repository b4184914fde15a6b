"""What the page needs first: the network, its stations and classes, and what is not there."""

from ris_explorer.overview.overview_routes import overview_routes

__all__ = ["overview_routes"]
