"""Requests of this room."""

from __future__ import annotations

from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_core.event_map.event_map_run import load_event_map_summary
from ris_explorer.answers import RefusedError, answering, json_answer
from ris_explorer.event_table import EventTable
from ris_explorer.explorer import Explorer


def event_map_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""

    @answering
    def event_map(request: Request) -> Response:
        """Say how the map was made and how many events have a place on it; 409 without a map."""
        table = explorer.table
        said = load_event_map_summary(explorer.network.layout)
        placed = int(np.isfinite(table.numbers["x"]).sum())
        return json_answer({**said, "placed": placed, "without_place": len(table) - placed, "version": table.version})

    @answering
    def point(request: Request) -> Response:
        """Answer with the event of a row of the columns, or the row of an event: ``row=`` or ``event=``."""
        table, asked = explorer.table, request.query_params
        if "event" in asked:
            row = table.row_of(asked["event"])
            if row is None:
                raise RefusedError("the catalogue has no such event", 404)
        else:
            text = asked.get("row", "")
            if not text.isascii() or not text.isdecimal() or int(text) >= len(table):
                raise RefusedError(f"row = {text[:40]!r} is not a row of the {len(table):,} events", 404)
            row = int(text)
        return json_answer(_point(table, row))

    return [Route("/api/event_map", event_map), Route("/api/event_map/point", point)]


def _point(table: EventTable, row: int) -> dict[str, Any]:
    kind = table.classes[table.class_index[row]]
    x, y = float(table.numbers["x"][row]), float(table.numbers["y"][row])
    return {
        "row": row,
        "event_id": table.name(row),
        "time": table.time[row] / 1e9,
        "station": table.stations[table.station[row]],
        "class": kind.number,
        "x": x if np.isfinite(x) else None,
        "y": y if np.isfinite(y) else None,
        "version": table.version,
    }
