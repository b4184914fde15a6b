"""Pictures of many events, page by page."""

from ris_explorer.gallery.gallery_routes import gallery_routes

__all__ = ["gallery_routes"]
