"""The explorer as an ASGI application: its page, and the requests of its rooms."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ris_explorer.answers import MOST_BODY, json_answer
from ris_explorer.calendar import calendar_routes
from ris_explorer.classes import classes_routes
from ris_explorer.columns import columns_routes
from ris_explorer.comparison import comparison_routes
from ris_explorer.event import event_routes
from ris_explorer.event_map import event_map_routes
from ris_explorer.explorer import Explorer
from ris_explorer.gallery import gallery_routes
from ris_explorer.overview import overview_routes
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
# regl, which draws the map of events, compiles its drawing commands with `Function`, and finds points in a worker that
# is made from a blob: both come from our own files.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)
logger = logging.getLogger(__name__)
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


def explorer_app(explorer: Explorer) -> Starlette:
    """Return the application of one explorer; what a browser may ask of it is for `ris_core.web.guard.Guard` to say."""
    page = (PAGE / "index.html").read_text(encoding="utf-8")

    def index(request: Request) -> Response:
        return HTMLResponse(page.replace("{{token}}", explorer.token), headers={"Cache-Control": "no-store"})

    def unexpected(request: Request, error: Exception) -> Response:
        logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return json_answer({"error": f"the server failed: {type(error).__name__}; its log has more"}, 500)

    def unknown(request: Request, error: Exception) -> Response:
        return json_answer({"error": f"{request.method} {request.url.path[:100]}: there is no such page"}, 404)

    def health(request: Request) -> Response:
        return json_answer({"status": "serving"})

    routes: list[BaseRoute] = [Route("/", index), Route("/api/health", health)]
    routes += [route for room in _ROOMS for route in room(explorer)]
    routes.append(Mount("/page", StaticFiles(directory=PAGE)))
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(_Protection, token=explorer.token),
            Middleware(GZipMiddleware, minimum_size=2000, compresslevel=1),
        ],
        exception_handlers={404: unknown, 405: unknown, Exception: unexpected},
    )


class _Protection:
    """Adds headers that keep a page to its own files, bounds bodies, and asks for the token where something changes."""

    def __init__(self, app: Any, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = None
        if scope["method"] not in ("GET", "HEAD"):
            refusal = self._refusal(headers)
        if refusal is not None:
            await json_answer({"error": refusal[1]}, refusal[0])(scope, receive, protected)
            return
        await self._app(scope, receive, protected)

    def _refusal(self, headers: dict[str, str]) -> tuple[int, str] | None:
        if not hmac.compare_digest(headers.get("x-explorer-token", "").encode(), self._token.encode()):
            return 403, "this page is of another start of the explorer: load it again (nothing was changed)"
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return 411, "a request that changes something says its length"
        if int(length) > MOST_BODY:
            return 413, f"the request has {int(length):,} bytes; at most {MOST_BODY:,} are read"
        return None
