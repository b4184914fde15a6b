"""The body of an HTTP answer, read and unpacked piece by piece, with a limit for its size and its duration."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ris_core.waveforms.content import TooLargeError

if TYPE_CHECKING:
    import httpx

LONGEST_S = 3600.0
"""Longest duration of a body, s."""

_LONGEST_ERROR = 1 << 16


class AnswerTooLargeError(TooLargeError):
    """An answer exceeds its limit; the received part is discarded."""


class BrokenAnswerError(Exception):
    """A body does not end or cannot be unpacked; a repeated request may give the whole body."""


def whole_body(response: httpx.Response, largest_mb: float) -> bytes:
    """Return the body of an answer, unpacked if it is packed with gzip.

    Parameters
    ----------
    response
        The answer, opened as a stream; nothing of it may have been read.
    largest_mb
        Greatest size of the body, as received and unpacked, MB.

    Raises
    ------
    AnswerTooLargeError
        The body is larger, or its header announces a larger one. The connection is closed.
    BrokenAnswerError
        The body is not complete after `LONGEST_S`, or cannot be unpacked.
    httpx.TransportError
        The connection failed, or the body ends before its announced length.
    """
    most, came, body = int(largest_mb * 1e6), 0, bytearray()
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > most:
        response.close()
        raise AnswerTooLargeError(
            f"the answer is of {int(announced) / 1e6:.0f} MB; at most {largest_mb:g} MB are taken"
        )
    packed = response.headers.get("Content-Encoding", "").strip().lower() == "gzip"
    unzip = _Unzip() if packed else None
    for part in _received(response):
        came += len(part)
        body += part if unzip is None else unzip.feed(part, most + 1 - len(body))
        if max(came, len(body)) > most:
            response.close()
            how = " when unpacked" if unzip is not None and came <= most else ""
            raise AnswerTooLargeError(f"the answer goes beyond {largest_mb:g} MB{how}, the most that is taken")
    if unzip is not None and came and not unzip.ended:
        raise BrokenAnswerError("the packed answer breaks off")
    return bytes(body)


def beginning(response: httpx.Response) -> bytes:
    """Return the first 64 kB of a body, enough for the message of a service about an error; closes the connection."""
    said = b""
    for part in _received(response):
        said += part
        if len(said) >= _LONGEST_ERROR:
            break
    response.close()
    return said[:_LONGEST_ERROR]


def _received(response: httpx.Response) -> Iterator[bytes]:
    """Yield the body while it is received, for at most `LONGEST_S`."""
    began = time.monotonic()
    for part in response.iter_raw():
        yield part
        if time.monotonic() - began > LONGEST_S:
            response.close()
            raise BrokenAnswerError(f"the answer still came after {LONGEST_S:.0f} s")


class _Unzip:
    """Unpacks gzip of several members piece by piece."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)

    @property
    def ended(self) -> bool:
        return self._member.eof

    def feed(self, packed: bytes, most: int) -> bytes:
        """Return the unpacked content of further bytes, at most `most` bytes of it; raises `BrokenAnswerError`."""
        out = bytearray()
        while packed and len(out) < most:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            try:
                out += self._member.decompress(packed, most - len(out))
            except zlib.error as error:
                raise BrokenAnswerError(f"the packed answer cannot be unpacked ({error})") from error
            packed = self._member.unconsumed_tail or self._member.unused_data
        return bytes(out)
