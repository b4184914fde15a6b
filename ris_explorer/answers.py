"""Answers of the server: JSON, columns as bytes, and errors as sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import anyio.from_thread
import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from ris_core.contracts.events import MissingPartError
from ris_core.storage.damage import DamagedFileError

MOST_BODY = 1 << 20
"""Largest body of a request, bytes."""


class RefusedError(ValueError):
    """What was asked cannot be answered; the message says why and what would be right.

    Parameters
    ----------
    words
        The sentence that the page shows.
    status
        HTTP status.
    """

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


def json_answer(content: Any, status: int = 200) -> Response:
    """Return a JSON answer; numpy numbers and arrays are written as such, what is not finite as null."""
    return Response(
        orjson.dumps(content, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS),
        status,
        media_type="application/json",
    )


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value)} cannot be written as JSON")


def bytes_answer(values: NDArray[Any], **said: str) -> Response:
    """Return the values of an array, little-endian, with its type and shape in the headers `X-Type` and `X-Shape`.

    Parameters
    ----------
    values
        Any shape; numbers.
    said
        Further headers, like ``unit="counts"`` for `X-Unit`.
    """
    ordered = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    # Numbers hardly shrink, so that packing them would cost more time than sending them.
    headers = {"X-Type": values.dtype.name, "X-Shape": ",".join(map(str, values.shape)), "Content-Encoding": "identity"}
    headers |= {f"X-{name.title().replace('_', '-')}": text for name, text in said.items()}
    return Response(ordered.tobytes(), headers=headers, media_type="application/octet-stream")


Answering = Callable[[Request], Response]


def answering(of: Answering) -> Answering:
    """Return an endpoint whose expected errors become answers with one sentence, `{"error": …}`.

    Refused requests have the status that the error says, what is unknown 404, what is not there yet 409 and what is
    damaged 500.
    """

    def endpoint(request: Request) -> Response:
        try:
            return of(request)
        except RefusedError as error:
            return json_answer({"error": str(error)}, error.status)
        except DamagedFileError as error:
            return json_answer({"error": str(error)}, 500)
        except (FileNotFoundError, MissingPartError) as error:
            return json_answer({"error": _words(error), "absent": True}, 409)
        except KeyError as error:
            return json_answer({"error": _words(error)}, 404)
        except ValueError as error:
            return json_answer({"error": str(error)}, 400)

    endpoint.__name__ = of.__name__
    return endpoint


def _words(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)


def asked_of(request: Request, wanted: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """Return the JSON object that a request sends, as `body_of`; for endpoints that run in a thread."""
    return body_of(anyio.from_thread.run(request.body), wanted)


def body_of(body: bytes, wanted: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """Return the JSON object of a request's body, whose fields are known and of these types.

    Fields may be absent. Raises `RefusedError`.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(f"the body is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise RefusedError("the body is not a JSON object")
    for name, value in content.items():
        if name not in wanted:
            raise RefusedError(f"{name[:40]!r} is not known; known: {', '.join(wanted)}")
        if not isinstance(value, wanted[name]):
            raise RefusedError(f"{name} is {str(value)[:40]!r}, which is of another type than it must be")
    return content
