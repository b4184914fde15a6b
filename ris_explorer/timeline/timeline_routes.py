"""Requests of this room."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_explorer.answers import RefusedError, answering, json_answer
from ris_explorer.explorer import Explorer
from ris_explorer.filter_values import time_of
from ris_explorer.selection import Selection
from ris_explorer.timeline.series_bins import known_series, series_in_bins
from ris_explorer.timeline.time_bins import bins_of
from ris_explorer.timeline.timeline_answer import timeline_answer

_VIEW = ("begin", "end", "bin", "series")


def timeline_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""

    @answering
    def timeline(request: Request) -> Response:
        """Answer with the events of a filter over time; `begin`, `end`, `bin` and `series` say what is shown."""
        table, asked = explorer.table, request.query_params
        selection = Selection.of(asked.multi_items(), besides=_VIEW)
        view = (time_of("begin", asked.get("begin", "")), time_of("end", asked.get("end", "")))
        level = explorer.network.settings.rates.level
        answer = timeline_answer(table, selection, explorer.live.of(table), level, view, asked.get("bin", ""))
        return json_answer({**answer, "series_known": known_series(explorer.network), "version": table.version})

    @answering
    def series(request: Request) -> Response:
        """Answer with an environmental series in the bins of a timeline from `begin` to `end`."""
        asked = request.query_params
        begin, end = (time_of(name, asked.get(name, "")) for name in ("begin", "end"))
        if begin is None or end is None or end <= begin:
            raise RefusedError("give begin and end, times like 2015-01-31T06:00Z, the first one before the other")
        _, edges = bins_of(begin, end, asked.get("bin", ""))
        found = series_in_bins(explorer.network, request.path_params["name"], edges)
        return json_answer({**found, "edges": edges / 1e9})

    return [Route("/api/timeline", timeline), Route("/api/timeline/series/{name}", series)]
