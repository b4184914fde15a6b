"""Requests of this room."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_explorer.answers import RefusedError, answering, json_answer
from ris_explorer.classes.class_rows import ClassRows
from ris_explorer.explorer import Explorer


def classes_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""
    rows = ClassRows(explorer)

    @answering
    def classes(request: Request) -> Response:
        """Answer with what is known of each class."""
        return json_answer(rows.now())

    @answering
    def typical(request: Request) -> Response:
        """Answer with the most typical clear members of a class."""
        count = request.query_params.get("count", "100")
        if not count.isdecimal() or len(count) > 9:
            raise RefusedError(f"count = {count[:40]!r} is not a number")
        return json_answer({"event_ids": rows.typical(request.path_params["number"], int(count))})

    return [Route("/api/classes", classes), Route("/api/classes/{number:int}/typical", typical)]
