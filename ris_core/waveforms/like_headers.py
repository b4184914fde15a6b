"""Headers of a miniSEED 2 file whose records differ only in time and number of samples, read all at once.

Nearly every day file of one channel is like that. Its tens of thousands of headers are then columns of an array, which
takes a twentieth of the time that libmseed needs for them one by one. What is unusual in any way is left to libmseed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import NS

_SIZE, _FIRST, _SECOND = 64, 48, 56
# Positions of fields, and in blockette 1001 (SEED Reference Manual, version 2.4, FDSN 2012, chapter 8).
_TIME, _SAMPLES, _FLAGS, _CORRECTION = slice(20, 30), slice(30, 32), slice(36, 39), slice(40, 44)
_BLOCKETTES, _DATA, _AT = 39, slice(44, 46), slice(46, 48)
_QUALITY_OF_TIMES, _MICROSECONDS, _FRAMES = 4, 5, 7
_SEQUENCE = np.zeros(256, bool)
_SEQUENCE[np.frombuffer(b"0123456789 \0", np.uint8)] = True


class LikeHeaders(NamedTuple):
    """Times of the first sample (ns since 1970 UTC) and stated numbers of samples, of all records of a file."""

    start_ns: NDArray[np.int64]
    samples: NDArray[np.int64]


def like_headers(content: Any, length: int) -> LikeHeaders | None:
    """Return what differs between the headers of records of equal length that are alike in all else; none if not so.

    Accepted are whole records of version 2, big-endian, with blockette 1000 alone or beside 1001, without a
    correction of times, and with valid times and some samples in each.

    Parameters
    ----------
    content
        The bytes of a file that begins with a record.
    length
        Size of the first record, bytes.
    """
    if length < _SIZE or len(content) % length or len(content) < 2 * length:
        return None
    heads = np.ascontiguousarray(np.frombuffer(content, np.uint8).reshape(-1, length)[:, :_SIZE])
    first = heads[0].tobytes()
    places = _blockettes(first)
    if places is None or not _is_accepted(first, length, *places):
        return None
    _, fine = places
    fixed = np.full(_SIZE, 0xFF, np.uint8)
    fixed[:6] = fixed[_TIME] = fixed[_SAMPLES] = fixed[_FLAGS] = 0
    if fine is None:
        fixed[_SECOND:] = 0
    else:
        fixed[[fine + _QUALITY_OF_TIMES, fine + _MICROSECONDS, fine + _FRAMES]] = 0
    # Eight bytes at a time.
    words = heads.view(np.uint64)
    if ((words ^ words[0]) & fixed.view(np.uint64)).any() or not _SEQUENCE[heads[:, :6]].all():
        return None
    samples = heads[:, _SAMPLES].copy().view(">u2")[:, 0].astype(np.int64)
    start = _times(heads[:, _TIME])
    if start is None or not samples.all():
        return None
    if fine is not None:
        start += heads[:, fine + _MICROSECONDS].view(np.int8).astype(np.int64) * 1000
    return LikeHeaders(start, samples)


def _blockettes(first: bytes) -> tuple[int, int | None] | None:
    """Return where blockettes 1000 and 1001 of a header begin, none without 1001; none if there are others."""
    kinds = [int.from_bytes(first[at : at + 2], "big") for at in (_FIRST, _SECOND)[: first[_BLOCKETTES]]]
    following = [int.from_bytes(first[at + 2 : at + 4], "big") for at in (_FIRST, _SECOND)[: len(kinds)]]
    if first[_BLOCKETTES] != len(kinds) or following != [_SECOND, 0][2 - len(kinds) :]:
        return None
    if kinds == [1000]:
        return _FIRST, None
    if kinds == [1000, 1001]:
        return _FIRST, _SECOND
    return (_SECOND, _FIRST) if kinds == [1001, 1000] else None


def _is_accepted(first: bytes, length: int, encoded: int, fine: int | None) -> bool:
    """Return whether the rest of the first header has the one layout that is read here."""
    exponent = length.bit_length() - 1
    return (
        first[6:8] in (b"D ", b"R ", b"Q ", b"M ")
        and first[_CORRECTION] == bytes(4)
        and int.from_bytes(first[_AT], "big") == _FIRST
        and (_SECOND if fine is None else _SIZE) <= int.from_bytes(first[_DATA], "big") < length
        and length == 1 << exponent == 1 << first[encoded + 6]
    )


def _times(fields: NDArray[np.uint8]) -> NDArray[np.int64] | None:
    """Return the times (ns since 1970 UTC) of header fields (n, 10); none if one is not an ordinary time."""
    year, day = (fields[:, at : at + 2].copy().view(">u2")[:, 0].astype(np.int64) for at in (0, 2))
    hour, minute, second = (fields[:, at].astype(np.int64) for at in (4, 5, 6))
    fraction = fields[:, 8:10].copy().view(">u2")[:, 0].astype(np.int64)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    ordinary = (
        (year >= 1970)
        & (year <= 2100)
        & (day >= 1)
        & (day <= 365 + leap)
        & (hour <= 23)
        & (minute <= 59)
        & (second <= 59)
        & (fraction <= 9999)
    )
    if not ordinary.all():
        return None
    midnight = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + day - 1
    return (((midnight * 24 + hour) * 60 + minute) * 60 + second) * NS + fraction * 100_000
