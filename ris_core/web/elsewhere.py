"""Addresses below one path of a server that lead to another of our servers, wherever that one is served now.

Records keep such an address, like ``/mlflow/runs/ID``, so they stay true when the other server gets another port or
host.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ris_core.web.loopback import is_loopback

_KEPT = "/:@!$&'()*+,;=~|"


def seen_from(server: str, host: str | None) -> str:
    """Return the address of a server of this machine for a browser that came by a host.

    An address of the loopback interface means the browser's own machine. So where the browser came by another name, it
    is replaced by that name.

    Parameters
    ----------
    server
        Address, like ``http://127.0.0.1:5000``.
    host
        Host of the browser's request, without port.
    """
    parts = urlsplit(server)
    if not host or is_loopback(host) or not is_loopback(parts.hostname or ""):
        return server
    name = f"[{host}]" if ":" in host else host
    return urlunsplit(parts._replace(netloc=name if parts.port is None else f"{name}:{parts.port}"))


def leading_to(prefix: str, server: str, in_fragment: bool = False) -> Route:
    """Return the route that sends all addresses below a path to another server.

    Parameters
    ----------
    prefix
        The path, like ``/mlflow``.
    server
        Address of the other server.
    in_fragment
        Whether its pages are addressed behind ``#``.
    """
    return Route(prefix + "/{path:path}", _endpoint(server.rstrip("/"), in_fragment), methods=["GET"])


def _endpoint(server: str, in_fragment: bool) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        target = f"{seen_from(server, request.url.hostname)}/{'#/' if in_fragment else ''}"
        target += quote(request.path_params["path"].lstrip("/"), safe=_KEPT)
        if request.url.query:
            target += f"?{request.url.query}"
        return RedirectResponse(target, headers={"Cache-Control": "no-store"})

    return endpoint
