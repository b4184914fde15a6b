"""What can go wrong with an answer; each fault answers one request in place of what would have been answered."""

from __future__ import annotations

import gzip
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fdsn_server import Handler

_LONG_S = 60


@dataclass(frozen=True)
class Reply:
    """What a service answers."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Fault = Callable[["Handler", Callable[[], Reply]], None]
"""Given the handler and what gives the right answer, it answers in its own way."""


def status(code: int, body: str = "", **headers: str) -> Fault:
    """Answer with a status; ``retry_after="5"`` becomes the header Retry-After."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return lambda handler, _: handler.send(Reply(code, body.encode(), named))


def busy(seconds: float, until: list[datetime], code: int = 503) -> Fault:
    """Answer with Retry-After as a date that lies some seconds ahead, and note it."""

    def answer(handler: Handler, _: Callable[[], Reply]) -> None:
        moment = (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)
        until.append(moment)
        handler.send(Reply(code, b"", {"Retry-After": format_datetime(moment, usegmt=True)}))

    return answer


def reset(handler: Handler, _: Callable[[], Reply]) -> None:
    """Reset the connection without an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def truncate(handler: Handler, right: Callable[[], Reply]) -> None:
    """Promise the whole body and end in its middle."""
    reply = right()
    handler.send(reply, cut=len(reply.body) // 2)


def changed(change: Callable[[bytes], bytes]) -> Fault:
    """Answer with another body, of a length that fits the header."""

    def answer(handler: Handler, right: Callable[[], Reply]) -> None:
        reply = right()
        handler.send(Reply(reply.status, change(reply.body), reply.headers))

    return answer


def packed(change: Callable[[bytes], bytes] = lambda body: body) -> Fault:
    """Answer packed with gzip; `change` is made to the packed body."""

    def answer(handler: Handler, right: Callable[[], Reply]) -> None:
        reply = right()
        body = change(gzip.compress(reply.body))
        handler.send(Reply(reply.status, body, reply.headers | {"Content-Encoding": "gzip"}))

    return answer


def bomb(size: int) -> Fault:
    """Answer with zeros, packed with gzip."""
    return lambda handler, _: handler.send(Reply(200, gzip.compress(b"\0" * size), {"Content-Encoding": "gzip"}))


def announced(size: int) -> Fault:
    """Promise a length and send almost nothing."""

    def answer(handler: Handler, _: Callable[[], Reply]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        handler.wfile.write(b"0" * 100)
        handler.close_connection = True

    return answer


def moved(base: str, code: int = 302) -> Fault:
    """Answer that the same resource is below another base URL."""
    return lambda handler, _: handler.send(Reply(code, b"", {"Location": base + handler.path}))


def endless(chunked: bool = False, code: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Fault:
    """Send until the other side has had enough."""

    def answer(handler: Handler, _: Callable[[], Reply]) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        if chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.close_connection = True
        body = b"0" * (1 << 16)
        with suppress(OSError):
            while True:
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(body), body) if chunked else body)

    return answer


def silent(handler: Handler, _: Callable[[], Reply]) -> None:
    """Say nothing until the proxy ends."""
    handler.proxy.ended.wait(_LONG_S)
    handler.close_connection = True


def damaged_record(body: bytes) -> bytes:
    """Overwrite samples in the third record of 512 bytes."""
    return body[: 1024 + 200] + b"\xff" * 200 + body[1024 + 400 :]


def lost_record(body: bytes) -> bytes:
    """Overwrite the whole third record of 512 bytes."""
    return body[:1024] + b"\0" * 512 + body[1536:]


def ended_early(body: bytes) -> bytes:
    return body[: len(body) - 100]


def in_channel(code: str) -> Callable[[bytes], bytes]:
    """Return a change of the channel code of every record of 512 bytes."""
    return lambda body: b"".join(
        body[i : i + 15] + code.encode() + body[i + 18 : i + 512] for i in range(0, len(body), 512)
    )


def in_year(year: int) -> Callable[[bytes], bytes]:
    """Return a change of the year of every record of 512 bytes."""
    return lambda body: b"".join(
        body[i : i + 20] + struct.pack(">H", year) + body[i + 22 : i + 512] for i in range(0, len(body), 512)
    )
