"""Requests of this room."""

from __future__ import annotations

from starlette.routing import Route

from ris_explorer.explorer import Explorer


def gallery_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""
    return []
