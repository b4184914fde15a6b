"""The explorer as an ASGI application: its page, and the requests of its rooms."""

from __future__ import annotations

import logging
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ris_explorer.answers import json_answer
from ris_explorer.calendar import calendar_routes
from ris_explorer.classes import classes_routes
from ris_explorer.columns import columns_routes
from ris_explorer.comparison import comparison_routes
from ris_explorer.event import event_routes
from ris_explorer.event_map import event_map_routes
from ris_explorer.explorer import Explorer
from ris_explorer.gallery import gallery_routes
from ris_explorer.overview import overview_routes
from ris_explorer.protection import Protection
from ris_explorer.reviewing import reviewing_routes
from ris_explorer.stations import stations_routes
from ris_explorer.timeline import timeline_routes

PAGE = Path(__file__).parent / "page"
SAME_ORIGIN_ONLY = frozenset({"api"})
"""First part of the paths that only the explorer's own page may read."""
_ROOMS = (
    overview_routes,
    columns_routes,
    event_map_routes,
    timeline_routes,
    calendar_routes,
    stations_routes,
    gallery_routes,
    event_routes,
    classes_routes,
    reviewing_routes,
    comparison_routes,
)
logger = logging.getLogger(__name__)


def explorer_app(explorer: Explorer) -> Protection:
    """Return the application of one explorer; what a browser may ask of it is for `ris_core.web.guard.Guard` to say."""
    page = (PAGE / "index.html").read_text(encoding="utf-8")

    def index(request: Request) -> Response:
        return HTMLResponse(page.replace("{{token}}", explorer.token), headers={"Cache-Control": "no-store"})

    def unexpected(request: Request, error: Exception) -> Response:
        logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return json_answer({"error": f"the server failed: {type(error).__name__}; its log has more"}, 500)

    def refused(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        words = {404: "there is no such page", 405: "this page is asked in another way"}.get(status, "refused")
        answer = json_answer({"error": f"{request.method} {request.url.path[:100]}: {words}"}, status)
        if isinstance(error, HTTPException) and error.headers:
            answer.headers.update(error.headers)
        return answer

    def health(request: Request) -> Response:
        return json_answer({"status": "serving"})

    routes: list[BaseRoute] = [Route("/", index), Route("/api/health", health)]
    routes += [route for room in _ROOMS for route in room(explorer)]
    routes.append(Mount("/page", StaticFiles(directory=PAGE)))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(GZipMiddleware, minimum_size=2000, compresslevel=1)],
        exception_handlers={HTTPException: refused, Exception: unexpected},
    )
    return Protection(app, explorer.token)
