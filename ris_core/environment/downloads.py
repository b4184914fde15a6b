"""Files from the web: asked for a few times, looked at, and kept only whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ris_core.storage.atomic import replacing
from ris_core.waveforms.bounded_answer import AnswerTooLargeError, BrokenAnswerError, whole_body

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 4
LARGEST_MB = 200.0
_WAITS_S = (2.0, 8.0, 30.0)
_AGAIN_LATER = {429, 500, 502, 503, 504}


class CannotFetchError(OSError):
    """A file cannot be fetched; the message has the address and what to do."""


@dataclass(frozen=True)
class Fetched:
    """What a command has fetched.

    Attributes
    ----------
    folder
        Where the files lie.
    new, kept
        Names of files that were fetched, and of those that were there already.
    missing
        What there is nothing of, in words.
    """

    folder: Path
    new: tuple[str, ...]
    kept: tuple[str, ...]
    missing: tuple[str, ...] = ()


def http_client() -> httpx.Client:
    """Return a client that follows redirects; a token is not sent to another host than the first."""
    import httpx

    return httpx.Client(follow_redirects=True, timeout=60.0)


def get(
    client: httpx.Client,
    url: str,
    params: Mapping[str, str | int] | None = None,
    token: str = "",
    more: Mapping[str, str] | None = None,
) -> tuple[bytes, Mapping[str, str]]:
    """Return body and headers of an answer; asks again after failures that may pass.

    Parameters
    ----------
    client
        For the request.
    url, params
        Address and query.
    token
        Sent as bearer token to the host of the address alone.
    more
        Further headers.

    Raises
    ------
    CannotFetchError
        No answer, or one that says no; addresses are without their query, which may hold a signature.
    """
    import httpx

    shown = _shown(url)
    why = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(_WAITS_S[min(attempt, len(_WAITS_S)) - 1])
        headers = {**(more or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        try:
            with client.stream("GET", url, params=params, headers=headers) as answer:
                if answer.status_code == 200:
                    return whole_body(answer, LARGEST_MB), answer.headers
                why = f"the answer is {answer.status_code} {answer.reason_phrase}".rstrip()
                if answer.status_code not in _AGAIN_LATER:
                    break
        except AnswerTooLargeError as error:
            raise CannotFetchError(f"{shown}: {error}") from error
        except (httpx.HTTPError, BrokenAnswerError) as error:
            why = f"{type(error).__name__}: {error}"
    raise CannotFetchError(f"{shown}: {why}; try again later, or get the file by hand (docs/environment.md)")


def keep(path: Path, content: bytes, sound: Callable[[bytes], bool], what: str) -> None:
    """Write a file if its first bytes are those of its format; a page that asks for a login, for instance, is none.

    Raises
    ------
    CannotFetchError
        It is something else.
    """
    if not sound(content[:600]):
        begin = content[:60].decode("latin-1").split("\n")[0]
        raise CannotFetchError(f"{path.name}: what came is not {what}, but begins with {begin!r}; nothing was written")
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def is_hdf5(head: bytes) -> bool:
    """Return whether bytes begin like netCDF-4 or netCDF-3."""
    return head.startswith((b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05"))


def file_name(url: str) -> str:
    """Return the last part of an address, if it can be the name of a file; else raise `CannotFetchError`."""
    name = urlsplit(url).path.rsplit("/", 1)[-1]
    if not name or name.startswith(".") or any(sign in name for sign in "\\\0") or not name.isascii():
        raise CannotFetchError(f"{_shown(url)}: does not end with the name of a file")
    return name


def json_of(content: bytes, url: str) -> Any:
    """Return JSON; raises `CannotFetchError` if it is none."""
    import json

    try:
        return json.loads(content)
    except ValueError as error:
        raise CannotFetchError(f"{_shown(url)}: the answer is not JSON; {error}") from error


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
