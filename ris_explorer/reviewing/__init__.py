"""The review: what to look at next, decisions, progress, and training again."""

from ris_explorer.reviewing.reviewing_routes import reviewing_routes

__all__ = ["reviewing_routes"]
