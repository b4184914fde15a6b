"""Requests of this room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ris_explorer.answers import answering, bytes_answer, json_answer
from ris_explorer.columns.distributions import Distributions
from ris_explorer.columns.selected_csv import selected_csv
from ris_explorer.event_table import EventTable
from ris_explorer.explorer import Explorer
from ris_explorer.selection import Selection, hours_of

_COLUMNS: dict[str, Callable[[EventTable], NDArray[Any]]] = {
    "time": lambda table: table.time / 1e9,
    "station": lambda table: table.station,
    "class": lambda table: table.class_index,
    "hour": lambda table: hours_of(table.time),
    "assigned": lambda table: table.assigned.astype(np.uint8),
    "reviewed": lambda table: table.reviewed,
}


def columns_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""
    distributions = Distributions()

    @answering
    def column(request: Request) -> Response:
        """Answer with one column of all events, in the order of time, as bytes."""
        table, name = explorer.table, request.path_params["name"]
        tag = f'"{table.version}-{table.review_version}-{name}"'
        said = {"ETag": tag, "Cache-Control": "no-cache"}
        if tag in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=said)
        if name in _COLUMNS:
            values = _COLUMNS[name](table)
        elif name in table.numbers:
            values = table.numbers[name]
        else:
            raise KeyError(f"there is no column {name!r}; there are {', '.join([*_COLUMNS, *table.numbers])}")
        answer = bytes_answer(values, version=table.version, review_version=table.review_version)
        answer.headers.update(said)
        return answer

    @answering
    def mask(request: Request) -> Response:
        """Answer with which events pass: a bit for each, the first event in the least bit of the first byte."""
        table = explorer.table
        kept = Selection.of(request.query_params.multi_items()).mask(table)
        return bytes_answer(np.packbits(kept, bitorder="little"), version=table.version, rows=str(len(table)))

    @answering
    def counts(request: Request) -> Response:
        """Say how many events pass a filter, by class and station, and which cannot for want of a value."""
        table = explorer.table
        selection = Selection.of(request.query_params.multi_items())
        kept = selection.mask(table)
        by_class = np.bincount(table.class_index[kept], minlength=len(table.classes))
        by_station = np.bincount(table.station[kept], minlength=len(table.stations))
        return json_answer(
            {
                "events": int(kept.sum()),
                "of": len(table),
                "by_class": {each.number: int(n) for each, n in zip(table.classes, by_class, strict=True)},
                "by_station": {code: int(n) for code, n in zip(table.stations, by_station, strict=True)},
                "reviewed": int((table.reviewed[kept] >= 0).sum()),
                "notes": selection.notes(table),
                "version": table.version,
                "review_version": table.review_version,
            }
        )

    @answering
    def distribution(request: Request) -> Response:
        """Answer with how the numbers of the events that pass are distributed."""
        table = explorer.table
        kept = Selection.of(request.query_params.multi_items()).mask(table)
        return json_answer({"numbers": distributions.of(table, kept), "version": table.version})

    @answering
    def export(request: Request) -> Response:
        """Answer with the events that pass as CSV."""
        table = explorer.table
        rows = Selection.of(request.query_params.multi_items()).rows(table)
        name = f"{explorer.network.settings.network.name}-{len(rows)}-events.csv"
        said = {"Content-Disposition": f'attachment; filename="{name}"', "X-Version": table.version}
        return StreamingResponse(selected_csv(table, rows), media_type="text/csv; charset=utf-8", headers=said)

    return [
        Route("/api/columns/{name}", column),
        Route("/api/mask", mask),
        Route("/api/counts", counts),
        Route("/api/distributions", distribution),
        Route("/api/selection.csv", export),
    ]
