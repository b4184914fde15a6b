"""The body of an HTTP answer, read and unpacked piece by piece: neither its size nor its duration is without limit."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse, IncompleteRead

from ris_core.waveforms.content import TooLargeError

LONGEST_S = 3600.0
"""Time after which a body that still comes is given up, s."""

_STEP = 1 << 20
_LONGEST_ERROR = 1 << 16


class AnswerTooLargeError(TooLargeError):
    """An answer goes beyond its limit; what came of it is thrown away."""


def bound(response: HTTPResponse, largest_mb: float) -> None:
    """Let ``response.read()`` give a body up to a limit, and raise `AnswerTooLargeError` beyond it.

    What is packed with gzip comes unpacked, and the headers no longer say that it is packed. Of what a service says of
    an error, the first 64 kB are given.

    Parameters
    ----------
    response
        The answer, of which nothing was read yet.
    largest_mb
        Greatest size of the body, on the wire and unpacked, MB.
    """
    packed = (response.headers.get("Content-Encoding") or "").strip().lower() == "gzip"
    if packed:
        del response.headers["Content-Encoding"]

    def nothing_more(amt: int | None = None) -> bytes:
        return b""

    def read(amt: int | None = None) -> bytes:
        response.read = nothing_more  # type: ignore[method-assign]
        return _beginning(response) if response.status >= 300 else _whole(response, largest_mb, packed)

    response.read = read  # type: ignore[method-assign]


def _wire(response: HTTPResponse) -> Iterator[bytes]:
    """Yield what comes; raises `IncompleteRead` where it ends before its time."""
    promised, came, began = response.length, 0, time.monotonic()
    while promised is None or came < promised:
        part = response.read1(_STEP if promised is None else min(_STEP, promised - came))
        if not part:
            break
        came += len(part)
        yield part
        if time.monotonic() - began > LONGEST_S:
            raise HTTPException(f"the answer still came after {LONGEST_S:.0f} s")
    if promised is not None and came < promised:
        raise IncompleteRead(b"", promised - came)


def _beginning(response: HTTPResponse) -> bytes:
    said = b""
    for part in _wire(response):
        said += part
        if len(said) >= _LONGEST_ERROR:
            break
    return said[:_LONGEST_ERROR]


def _whole(response: HTTPResponse, largest_mb: float, packed: bool) -> bytes:
    most, came, body = int(largest_mb * 1e6), 0, bytearray()
    if response.length is not None and response.length > most:
        response.close()
        raise AnswerTooLargeError(
            f"the answer is of {response.length / 1e6:.0f} MB; at most {largest_mb:g} MB are taken"
        )
    unzip = _Unzip() if packed else None
    for part in _wire(response):
        came += len(part)
        body += part if unzip is None else unzip.feed(part, most + 1 - len(body))
        if max(came, len(body)) > most:
            response.close()
            how = " when unpacked" if unzip is not None and came <= most else ""
            raise AnswerTooLargeError(f"the answer goes beyond {largest_mb:g} MB{how}, the most that is taken")
    if unzip is not None and came and not unzip.ended:
        raise EOFError("the packed answer breaks off")
    return bytes(body)


class _Unzip:
    """Unpacks gzip of several members piece by piece."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)

    @property
    def ended(self) -> bool:
        return self._member.eof

    def feed(self, packed: bytes, most: int) -> bytes:
        """Return what some more bytes hold, but no more than `most` bytes of it; raises `zlib.error`."""
        out = bytearray()
        while packed and len(out) < most:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            out += self._member.decompress(packed, most - len(out))
            packed = self._member.unconsumed_tail or self._member.unused_data
        return bytes(out)
