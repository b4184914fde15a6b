"""Requests of this room."""

from __future__ import annotations

import base64

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_explorer.answers import RefusedError, answering, json_answer
from ris_explorer.explorer import Explorer
from ris_explorer.gallery.thumbnails import Thumbnails

MOST_THUMBNAILS = 60


def gallery_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""
    thumbnails = Thumbnails(explorer.network.layout)

    @answering
    def thumbnail(request: Request) -> Response:
        """Answer with the thumbnail of one event, PNG."""
        name = request.path_params["event_id"]
        known(explorer, [name])
        found = thumbnails.of([name])[name]
        if isinstance(found, str):
            raise RefusedError(found, 409)
        return Response(found, media_type="image/png", headers={"Cache-Control": "no-cache"})

    @answering
    def several(request: Request) -> Response:
        """Answer with the thumbnails of the events ``events=ID,ID``: of each a picture as data URI, or an error."""
        names = [name for name in request.query_params.get("events", "").split(",") if name]
        if len(names) > MOST_THUMBNAILS:
            raise RefusedError(f"{len(names)} thumbnails were asked for; at most {MOST_THUMBNAILS} come at once")
        known(explorer, names)
        return json_answer({name: _shown(found) for name, found in thumbnails.of(names).items()})

    return [Route("/api/thumbnails", several), Route("/api/thumbnails/{event_id}", thumbnail)]


def known(explorer: Explorer, names: list[str]) -> None:
    """Raise `RefusedError` unless the catalogue has all these events."""
    for name, row in zip(names, explorer.table.rows_of(names), strict=True):
        if row < 0:
            raise RefusedError(f"{name[:60]}: the catalogue has no such event", 404)


def _shown(found: bytes | str) -> dict[str, str]:
    if isinstance(found, str):
        return {"error": found}
    return {"picture": f"data:image/png;base64,{base64.b64encode(found).decode()}"}
