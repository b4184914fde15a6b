"""What stands between any request and the rooms: bounds, the token of changes, and headers of all answers.

Which hosts and pages may ask at all is for `ris_core.web.guard.Guard`, which stands before it.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio

from ris_explorer.answers import MOST_BODY, json_answer

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MOST_ADDRESS = 60_000
"""Longest path with parameters, bytes: a filter may name more than a thousand events. uvicorn reads up to 65,535."""
_BODY_S = 30.0
_READING = ("GET", "HEAD")
_SHOWN = 100
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
    (b"cross-origin-opener-policy", b"same-origin"),
)
# What a browser keeps it asks for again, and nobody between keeps anything.
_CACHE = (b"cache-control", b"private, no-cache")
logger = logging.getLogger(__name__)


class _RefusedError(Exception):
    """A request is not passed on; status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Protection:
    """An ASGI application that passes on to another one what is small enough, and changes only with the token.

    Bodies are read before they are passed on, so that a slow one keeps no thread, and one that is longer than it says
    is noticed. Every answer tells browsers to use the page's own files alone and to guess no types.

    Parameters
    ----------
    app
        The application.
    token
        What a request that changes something must send as `X-Explorer-Token`.
    """

    def __init__(self, app: App, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with one sentence."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answers = _protected(send)
        try:
            self._check(scope)
            if scope["method"] not in _READING:
                receive = _again(await _body(scope, receive))
        except _RefusedError as error:
            logger.warning("refused %s %r: %s", scope["method"], scope["path"][:_SHOWN], error)
            answer = json_answer({"error": str(error)}, error.status)
            # What was not read of the body must not be taken for another request.
            answer.headers["Connection"] = "close"
            await answer(scope, receive, answers)
            return
        await self._app(scope, receive, answers)

    def _check(self, scope: Message) -> None:
        length = len(scope["path"].encode()) + len(scope["query_string"])
        if length > MOST_ADDRESS:
            raise _RefusedError(414, f"the address has {length:,} bytes; at most {MOST_ADDRESS:,} are read")
        if scope["method"] in _READING:
            return
        tokens = [value for name, value in scope["headers"] if name == b"x-explorer-token"]
        if len(tokens) != 1 or not hmac.compare_digest(tokens[0], self._token):
            raise _RefusedError(
                403, "this page is of another start of the explorer: load it again (nothing was changed)"
            )


async def _body(scope: Message, receive: Receive) -> bytes:
    """Return the body of a request; raises `_RefusedError` if it is too long, too slow or not what it says."""
    said = [value for name, value in scope["headers"] if name == b"content-length"]
    if len(said) > 1 or not all(value.isdigit() for value in said):
        raise _RefusedError(400, "the length that the request says is no number")
    if said and int(said[0]) > MOST_BODY:
        raise _RefusedError(413, f"the request has {int(said[0]):,} bytes; at most {MOST_BODY:,} are read")
    found = bytearray()
    try:
        with anyio.fail_after(_BODY_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _RefusedError(400, "the request ended before its body did")
                found += message.get("body", b"")
                if len(found) > MOST_BODY:
                    raise _RefusedError(413, f"the request has more than {MOST_BODY:,} bytes, which are read at most")
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise _RefusedError(408, f"the request took longer than {_BODY_S:g} s to arrive") from None
    if said and len(found) != int(said[0]):
        raise _RefusedError(400, f"the request has {len(found):,} bytes, and says that it has {int(said[0]):,}")
    return bytes(found)


def _again(body: bytes) -> Receive:
    """Return a function that gives a body that was read, and then that the client is there no more."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _protected(send: Send) -> Send:
    async def protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            kept = [] if any(name.lower() == _CACHE[0] for name, _ in headers) else [_CACHE]
            message = {**message, "headers": [*headers, *kept, *_HEADERS]}
        await send(message)

    return protected
