"""A guard between browsers and a webserver that itself answers everybody and has no login.

A page of any web site may send requests to addresses of this machine. It cannot choose the headers `Host`, `Origin`,
`Sec-Fetch-Site` and `Referer` that the browser adds, so these show which page sends a request.
"""

import ipaddress
import logging
import os
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, MutableMapping
from typing import Any

import psutil

from ris_core.web.loopback import is_loopback

VARIABLE = "RIS_ALLOWED_HOSTS"
Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PROTECTION = ((b"x-frame-options", b"SAMEORIGIN"), (b"cross-origin-resource-policy", b"same-origin"))
_SHOWN = 100
_logger = logging.getLogger(__name__)


class AllowedHostsError(ValueError):
    """An entry of RIS_ALLOWED_HOSTS is not a host; the message names it and what is allowed."""


def allowed_hosts(listened_on: str) -> frozenset[str]:
    """Return the hosts under which our servers may be addressed, besides those of the loopback interface.

    Parameters
    ----------
    listened_on
        The address or name that it listens on. `0.0.0.0` and `::` stand for the addresses and the name of this machine.

    Returns
    -------
    frozenset of str
        Lower-case names and addresses, including those of RIS_ALLOWED_HOSTS (the public name of a reverse proxy).

    Raises
    ------
    AllowedHostsError
        RIS_ALLOWED_HOSTS contains something else than names and addresses.
    """
    hosts = {"localhost", "127.0.0.1", "::1"}
    if _plain(listened_on) in ("0.0.0.0", "::"):  # noqa: S104 - it is compared with, not listened on
        hosts |= {_plain(a.address.lower()) for found in psutil.net_if_addrs().values() for a in found if _is_ip(a)}
        hosts |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    else:
        hosts.add(_plain(listened_on.lower()))
    for entry in filter(None, (part.strip().lower() for part in os.environ.get(VARIABLE, "").split(","))):
        host = _plain(entry.strip("[]"))
        if not (_is_address(host) or _NAME.fullmatch(host)):
            raise AllowedHostsError(
                f"{VARIABLE}: {entry!r} is not a host; give names or addresses without scheme, port and wildcards, "
                "separated by commas, for example ris.example,192.168.1.5"
            )
        hosts.add(host)
    return frozenset(hosts)


def _is_ip(address: Any) -> bool:
    return address.family in (socket.AF_INET, socket.AF_INET6)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _plain(host: str) -> str:
    """Return an address in its canonical spelling, without zone; a name is not changed."""
    try:
        return str(ipaddress.ip_address(host.split("%", 1)[0]))
    except ValueError:
        return host


def _authority(text: str) -> tuple[str, int | None] | None:
    """Return host and port of the header `Host`, or None if it is not valid."""
    match = _AUTHORITY.fullmatch(text.lower())
    if match is None:
        return None
    host, port = match[1].strip("[]"), match[2]
    return _plain(host), int(port) if port else None


def _is_of(url: str, host: tuple[str, int | None]) -> bool:
    """Return whether the origin of a URL is the host that the request was sent to.

    Behind a proxy that speaks TLS, requests arrive as plain HTTP. So the scheme is that of the page, and decides which
    port is meant if none is given.
    """
    scheme, _, rest = url.partition("://")
    found = _authority(rest.split("/", 1)[0]) if scheme in _DEFAULT_PORTS else None
    if found is None or found[0] != host[0]:
        return False
    default = _DEFAULT_PORTS[scheme]
    return (found[1] or default) == (host[1] or default)


class Guard:
    """An ASGI application that passes requests on to another one, except those that a foreign web page can have sent.

    Parameters
    ----------
    app
        The webserver.
    allowed
        Hosts under which it may be addressed (`allowed_hosts`), at any port: a browser sends the port to which it
        connects, and with a tunnel that is not ours.
    same_origin_only
        First parts of paths that only the server's own page may read: what returns data or files, runs something or
        records something. All others are pages and what they are made of.
    """

    def __init__(self, app: App, allowed: Iterable[str], same_origin_only: Collection[str]) -> None:
        self._app, self._allowed, self._same_origin_only = app, frozenset(allowed), frozenset(same_origin_only)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or a WebSocket, or refuse it with one line that says why."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _protected(send))
            return
        status, why = refusal
        _logger.warning("refused %s %r: %s", scope.get("method", "WebSocket"), scope["path"][:_SHOWN], why)
        await _refuse(scope, receive, send, status, why)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip())
        named = headers.get("host", [])
        host = _authority(named[0]) if len(named) == 1 else None
        if host is None or not (host[0] in self._allowed or is_loopback(host[0])):
            return 421, (
                f"Host {_shown(named)} is not one that this server answers to; if it is yours, add it to {VARIABLE} "
                "(a reverse proxy passes the public name on) and start again"
            )
        if _CONTROL.search(scope["path"]):
            # The webserver's routes ignore a line break at the end: `/graphql%0A` is `/graphql` to them.
            return 400, "this server has no path with line breaks or other control characters"
        reading = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        first = scope["path"].lstrip("/").split("/", 1)[0]
        if reading and first not in self._same_origin_only:
            return None
        if (foreign := _foreign(headers, host)) is not None:
            return 403, (
                f"{foreign} is not the page that this server gave; open it at its own address (a reverse proxy passes "
                f"the header Host on, and {VARIABLE} names its host)"
            )
        if reading and first == "graphql" and scope["query_string"]:
            return 403, "GraphQL by GET is refused; send it by POST as application/json"
        return _no_json(headers) if scope["type"] == "http" and not reading else None


def _no_json(headers: Mapping[str, list[str]]) -> tuple[int, str] | None:
    """Return why an order is refused because of its type: browsers may send text, forms or no type to other sites."""
    types = [value.split(";", 1)[0].strip().lower() for value in headers.get("content-type", [])]
    if types == ["application/json"]:
        return None
    return 403, f"Content-Type {_shown(types)} is refused; only application/json is read"


def _foreign(headers: Mapping[str, list[str]], host: tuple[str, int | None]) -> str | None:
    """Return the header that shows that another page sends the request, or None; programs send no such headers."""
    origins, sites = headers.get("origin", []), headers.get("sec-fetch-site", [])
    if origins and not (len(origins) == 1 and _is_of(origins[0], host)):
        return f"Origin {_shown(origins)}"
    if sites and not set(sites) <= {"same-origin", "none"}:
        return f"Sec-Fetch-Site {_shown(sites)}"
    referers = headers.get("referer", [])
    if not origins and not sites and referers and not (len(referers) == 1 and _is_of(referers[0], host)):
        return f"Referer {_shown(_origins(referers))}"
    return None


def _shown(values: list[str]) -> str:
    """Return the content of a header, short and in one line."""
    return repr(", ".join(values)[:_SHOWN]) if values else "(none)"


def _origins(urls: list[str]) -> list[str]:
    """Return URLs without their paths, which may be private."""
    return [re.sub(r"(?<=[^/:])/.*", "", url) for url in urls]


def _protected(send: Send) -> Send:
    """Return a function for answers that tells browsers not to show them inside pages of other sites."""

    async def protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *_PROTECTION]}
        await send(message)

    return protected


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
    kind = "http"
    if scope["type"] == "websocket":
        await receive()
        kind = "websocket.http"
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": why[:_SHOWN]})
            return
    body = f"refused: {why}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        # The body of the request is not read.
        (b"connection", b"close"),
        *_PROTECTION,
    ]
    await send({"type": f"{kind}.response.start", "status": status, "headers": headers})
    empty = scope.get("method") == "HEAD"
    await send({"type": f"{kind}.response.body", "body": b"" if empty else body})
