"""Requests of this room."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_core.config.links import TIDAL_KINDS
from ris_core.links.tidal_phase import TESTED
from ris_explorer.answers import RefusedError, answering, json_answer
from ris_explorer.calendar.calendar_answer import calendar_answer
from ris_explorer.explorer import Explorer
from ris_explorer.selection import Selection

_CLOCKS = ("utc", "solar")
_NO_TIDE = (
    f"No tide is shown: the settings have no series of kind {' or '.join(TIDAL_KINDS)} (section environment; "
    "docs/environment.md says how to add one)"
)


def calendar_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""

    @answering
    def calendar(request: Request) -> Response:
        """Answer with the events of a filter by hour, month and phase of the tide.

        `clock` is utc or solar, `tide` a constituent.
        """
        table, network, asked = explorer.table, explorer.network, request.query_params
        selection = Selection.of(asked.multi_items(), besides=("clock", "tide"))
        tidal = any(series.kind in TIDAL_KINDS for series in network.settings.environment)
        clock, constituent = asked.get("clock", "utc"), asked.get("tide", "")
        if clock not in _CLOCKS:
            raise RefusedError(f"clock = {clock[:40]!r} is none of {', '.join(_CLOCKS)}")
        if constituent and (not tidal or constituent not in TESTED):
            raise RefusedError(f"tide = {constituent[:40]!r}: there are {', '.join(TESTED)}" if tidal else _NO_TIDE)
        places = None
        if clock == "solar":
            places = {code: place[1] for code, place in explorer.positions[0].items()}
        level = network.settings.rates.level
        answer = calendar_answer(table, selection, explorer.live.of(table), level, places, constituent)
        tides = list(TESTED) if tidal else []
        return json_answer({**answer, "tides": tides, "no_tide": "" if tidal else _NO_TIDE, "version": table.version})

    return [Route("/api/calendar", calendar)]
