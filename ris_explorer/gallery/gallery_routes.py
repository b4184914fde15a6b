"""Requests of this room."""

from __future__ import annotations

import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_explorer.answers import RefusedError, answering, json_answer
from ris_explorer.event_table import EventTable
from ris_explorer.explorer import Explorer
from ris_explorer.gallery.ordering import Ordering, page_number, parts_of
from ris_explorer.gallery.thumbnails import Thumbnails

MOST_THUMBNAILS = 60


def gallery_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""
    thumbnails, ordering = Thumbnails(explorer.network.layout), Ordering()

    @answering
    def gallery(request: Request) -> Response:
        """Answer with the events of one page in the order that is asked for; a page beyond the last is the last."""
        table = explorer.table
        selection, others = parts_of(request.query_params.multi_items(), ("sort", "page"))
        ordered = ordering.of(table, selection, others.get("sort", "time"))
        number = min(page_number(others.get("page", "1")), ordered.pages)
        return json_answer(
            {
                "total": len(ordered.rows),
                "page": number,
                "pages": ordered.pages,
                "unknown": ordered.unknown,
                "events": [_event(table, int(row)) for row in ordered.page(number)],
            }
        )

    @answering
    def beside(request: Request) -> Response:
        """Answer with the events before and after one in the order of the gallery."""
        table = explorer.table
        selection, others = parts_of(request.query_params.multi_items(), ("sort", "of"))
        row = table.row_of(others.get("of", ""))
        if row is None:
            raise RefusedError(f"of = {others.get('of', '')[:60]!r}: the catalogue has no such event", 404)
        ordered = ordering.of(table, selection, others.get("sort", "time"))
        place = ordered.place(row)
        if place is None:
            return json_answer({"place": None, "total": len(ordered.rows), "before": None, "after": None})
        before, after = (
            table.name(int(ordered.rows[other])) if 0 <= other < len(ordered.rows) else None
            for other in (place - 1, place + 1)
        )
        return json_answer({"place": place, "total": len(ordered.rows), "before": before, "after": after})

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

    return [
        Route("/api/gallery", gallery),
        Route("/api/gallery/beside", beside),
        Route("/api/thumbnails", several),
        Route("/api/thumbnails/{event_id}", thumbnail),
    ]


def _event(table: EventTable, row: int) -> dict[str, Any]:
    of_class = table.classes[table.class_index[row]]
    shown = ("probability", "novelty", "distance", "snr")
    return {
        "event_id": table.name(row),
        "station": table.stations[table.station[row]],
        "time": int(table.time[row]) / 1e9,
        "class": of_class.number,
        "assigned": bool(table.assigned[row]),
        "reviewed": table.reviewed_names[table.reviewed[row]] if table.reviewed[row] >= 0 else None,
    } | {name: float(table.numbers[name][row]) for name in shown}


def known(explorer: Explorer, names: list[str]) -> None:
    """Raise `RefusedError` unless the catalogue has all these events."""
    for name, row in zip(names, explorer.table.rows_of(names), strict=True):
        if row < 0:
            raise RefusedError(f"{name[:60]}: the catalogue has no such event", 404)


def _shown(found: bytes | str) -> dict[str, str]:
    if isinstance(found, str):
        return {"error": found}
    return {"picture": f"data:image/png;base64,{base64.b64encode(found).decode()}"}
