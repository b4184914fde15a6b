"""Requests of this room."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_explorer.answers import answering, json_answer
from ris_explorer.explorer import Explorer
from ris_explorer.selection import Selection
from ris_explorer.stations.station_places import station_places
from ris_explorer.stations.station_rows import station_rows


def stations_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""

    @answering
    def stations(request: Request) -> Response:
        """Answer with a row for each station, and where it is on the map."""
        table = explorer.table
        selection = Selection.of(request.query_params.multi_items())
        answer = station_rows(table, selection, explorer.live.of(table), explorer.network.settings.rates.level)
        where, trouble = explorer.positions
        missing = [code for code in table.stations if code not in where]
        answer["map"] = station_places(where, {row["station"]: row["events"] for row in answer["stations"]})
        answer["map_trouble"] = trouble
        answer["without_position"] = missing
        return json_answer({**answer, "version": table.version})

    return [Route("/api/stations", stations)]
