"""miniSEED files as they are found in archives: whole records are read, whatever lies between or behind them is told.

Layout of a record: SEED Reference Manual, version 2.4 (FDSN 2012), chapter 8.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ris_core.station_day import NS

if TYPE_CHECKING:
    from obspy import Stream

_HEADER = 48
_CONTROL = re.compile(rb"[0-9 \0]{6}[DRQM][ \0]")
# Sequence number, quality, reserved byte; station, location, channel, network.
_CODES = (("network", 18, 20), ("station", 8, 13), ("location", 13, 15), ("channel", 15, 18))
_TIME_CORRECTION_APPLIED = 0x02

Content = bytes | memoryview
"""The bytes of a file."""


class NotMiniSeedError(OSError):
    """A file holds no miniSEED record."""


@dataclass(frozen=True)
class Records:
    """The whole records of a file, in the file's order.

    Attributes
    ----------
    content
        The file's bytes.
    offset, length
        Place and size of each record, bytes.
    start_ns, end_ns
        Time of the first sample, and just after the last one, ns since 1970 UTC.
    sampling_rate
        Hz; 0 for records that hold no time series.
    identifier
        NET.STA.LOC.CHAN.
    strange_bytes
        Bytes of the file that belong to no whole record.
    """

    content: Content
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    sampling_rate: NDArray[np.float64]
    identifier: NDArray[np.str_]
    strange_bytes: int

    def __len__(self) -> int:
        return self.offset.size


def scan(content: Content) -> Records:
    """Return the whole records in the bytes of a file, found by their headers.

    Raises
    ------
    NotMiniSeedError
        There are bytes, but neither a record nor the beginning of one.
    """
    places = _uniform(content)
    if int(places[:, 1].sum()) < len(content):
        # Something is odd: from the last record that looked well each one is looked for.
        places = places[:-1]
        found = list(_walk(content, int(places[:, 1].sum())))
        places = np.concatenate([places, np.array(found, np.int64).reshape(-1, 2)])
    if not len(places) and len(content) >= _HEADER and not _is_header(content, 0):
        raise NotMiniSeedError("no miniSEED record in it")
    offset, length = places[:, 0], places[:, 1]
    heads = _heads(content, offset, length)
    start, end, rate = _times(heads)
    strange = len(content) - int(length.sum())
    return Records(content, offset, length, start, end, rate, _identifiers(heads), strange)


def _heads(content: Content, offset: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the first 64 bytes of every record, shape (n, 64)."""
    if not offset.size:
        return np.empty((0, 64), np.uint8)
    whole, size = np.frombuffer(content, np.uint8), int(length[0])
    if offset[0] == 0 and (length == size).all() and offset[-1] == (offset.size - 1) * size:
        return np.ascontiguousarray(whole[: offset.size * size].reshape(-1, size)[:, :64])
    return np.asarray(whole[offset[:, None] + np.arange(64)])


@dataclass(frozen=True)
class Unpacked:
    """What some records hold.

    Attributes
    ----------
    stream
        Their traces.
    damaged
        How many records could not be unpacked or failed their check, and are left out.
    unchecked
        How many records failed their check and are used all the same, since most do.
    """

    stream: Stream
    damaged: int
    unchecked: int


def decode(records: Records, chosen: NDArray[np.bool_]) -> Unpacked:
    """Unpack some records of a file.

    A Steim record ends with the value of its last sample, which tells whether what was unpacked is right. Records that
    fail this check are left out, unless most of them do: then the digitiser writes another value there.
    """
    from obspy import Stream

    numbers = np.flatnonzero(chosen)
    if not numbers.size:
        return Unpacked(Stream(), 0, 0)
    stream, failures = _read(records, numbers)
    if stream is not None and failures > numbers.size / 2:
        return Unpacked(stream, 0, failures)
    if stream is not None and not failures:
        return Unpacked(stream, 0, 0)
    parts = list(_good_parts(records, numbers))
    return Unpacked(sum((part for part, _ in parts), Stream()), sum(lost for _, lost in parts), 0)


def decode_together(parts: Sequence[tuple[Records, NDArray[np.bool_]]]) -> Stream | None:
    """Unpack chosen records of several files at once, so that what is contiguous across them is one array.

    Returns
    -------
    Stream or None
        None if anything is wrong with one of them; then each file is for `decode`.
    """
    contents = [_content(records, np.flatnonzero(chosen)) for records, chosen in parts]
    stream, failures = _unpack(np.concatenate(contents)) if contents else _unpack(np.empty(0, np.int8))
    return None if failures else stream


def drift_seconds(records: Records, chosen: NDArray[np.bool_]) -> float:
    """Return how far the time stamps of contiguous records run away from the first one's sampling grid, s."""
    at = np.flatnonzero(chosen & (records.sampling_rate > 0))
    if at.size < 2:
        return 0.0
    deviation = records.start_ns[at[1:]] - records.end_ns[at[:-1]]
    joins = np.abs(deviation) <= 0.5 * NS / records.sampling_rate[at[1:]]
    joins &= records.sampling_rate[at[1:]] == records.sampling_rate[at[:-1]]
    total = np.cumsum(np.where(joins, deviation, 0))
    # What had been summed up when a contiguous stretch began does not count for it.
    before = np.maximum.accumulate(np.where(joins, -1, np.arange(total.size)))
    base = np.where(before >= 0, total[np.maximum(before, 0)], 0)
    return float(np.abs(total - base).max() / NS)


def _good_parts(records: Records, numbers: NDArray[np.intp]) -> Iterator[tuple[Stream, int]]:
    """Yield what records hold; of a group that is not all right, the halves, until the bad ones stand alone."""
    from obspy import Stream

    stream, failures = _read(records, numbers)
    if stream is not None and not failures:
        yield stream, 0
    elif numbers.size == 1:
        yield Stream(), 1
    else:
        half = numbers.size // 2
        yield from _good_parts(records, numbers[:half])
        yield from _good_parts(records, numbers[half:])


def _read(records: Records, numbers: NDArray[np.intp]) -> tuple[Stream | None, int]:
    """Return what some records hold, none if ObsPy refuses them, and how many of them failed their check."""
    return _unpack(_content(records, numbers))


def _content(records: Records, numbers: NDArray[np.intp]) -> NDArray[np.int8]:
    """Return the bytes of some records, without a copy where they follow one another."""
    content = np.frombuffer(records.content, np.int8)
    if not numbers.size:
        return content[:0]
    first, last = int(records.offset[numbers[0]]), int(records.offset[numbers[-1]] + records.length[numbers[-1]])
    if last - first == int(records.length[numbers].sum()):
        return content[first:last]
    places = zip(records.offset[numbers].tolist(), records.length[numbers].tolist(), strict=True)
    return np.concatenate([content[at : at + size] for at, size in places])


def _unpack(content: NDArray[np.int8]) -> tuple[Stream | None, int]:
    """Return what records hold, none if ObsPy refuses them, and how many of them failed their check."""
    from obspy import Stream

    # The function behind obspy.read(format="MSEED"), which takes files alone and copies them three times.
    from obspy.io.mseed.core import _read_mseed

    if not content.size:
        return Stream(), 0
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            stream = _read_mseed(content)
        except Exception:  # noqa: BLE001 - ObsPy raises bare Exception, TypeError and its own errors for bad records
            return None, 0
    return stream, sum("integrity check" in str(warning.message) for warning in said)


def _uniform(content: Content) -> NDArray[np.int64]:
    """Return places and sizes of the records at the file's beginning that are of one size and follow each other."""
    size = _record_length(content, 0) if _is_header(content, 0) else 0
    count = len(content) // size if size else 0
    if not count:
        return np.empty((0, 2), np.int64)
    rows = np.frombuffer(content, np.uint8, count * size).reshape(count, size)[:, :56]
    rows = np.ascontiguousarray(rows)
    sequence, quality = rows[:, :6], rows[:, 6]
    good = (((sequence >= 48) & (sequence <= 57)) | (sequence == 32) | (sequence == 0)).all(axis=1)
    good &= np.isin(quality, list(b"DRQM")) & np.isin(rows[:, 7], (0, 32))
    good &= (rows[:, 24] < 24) & (rows[:, 25] < 60) & (rows[:, 26] <= 60) & (rows[:, 54] == rows[0, 54])
    year, day = _number(rows, 20, "u2"), _number(rows, 22, "u2")
    good &= (year >= 1900) & (year <= 2100) & (day >= 1) & (day <= 366)
    good &= (rows[:, 46:50] == rows[0, 46:50]).all(axis=1)
    count = count if good.all() else int(good.argmin())
    return np.stack([np.arange(count) * size, np.full(count, size)], axis=1).astype(np.int64)


def _walk(content: Content, at: int) -> Iterator[tuple[int, int]]:
    """Yield place and size of each whole record from a place on, whatever lies between them."""
    while (match := _CONTROL.search(content, at)) is not None:
        at = match.start()
        size = _record_length(content, at) if _is_header(content, at) else 0
        inner = _header_within(content, at, size) if size else 0
        if inner:
            at = inner
        elif size and at + size <= len(content):
            yield at, size
            at += size
        else:
            at += 1


def _header_within(content: Content, at: int, size: int) -> int:
    """Return where the next record begins inside a record that lost some of its bytes; 0 if it is whole."""
    if at + size == len(content) or _is_header(content, at + size):
        return 0
    place, end = at + _HEADER, at + size + 7
    while (match := _CONTROL.search(content, place, end)) is not None:
        if _is_header(content, match.start()):
            return match.start()
        place = match.start() + 1
    return 0


def _is_header(content: Content, at: int) -> bool:
    head = content[at : at + _HEADER]
    if len(head) < _HEADER or not _CONTROL.match(head):
        return False
    year, day = (int.from_bytes(head[k : k + 2], _order(head)) for k in (20, 22))
    return 1900 <= year <= 2100 and 1 <= day <= 366 and head[24] < 24 and head[25] < 60 and head[26] <= 60


def _order(head: Content) -> Any:
    return "big" if 1900 <= int.from_bytes(head[20:22], "big") <= 2100 else "little"


def _record_length(content: Content, at: int) -> int:
    """Return a record's size from its blockette 1000, else from where the next record or the file's end lies."""
    order = _order(content[at : at + _HEADER])
    place = int.from_bytes(content[at + 46 : at + 48], order)
    for _ in range(content[at + 39]):
        if place < _HEADER or at + place + 8 > len(content):
            break
        kind, following = (int.from_bytes(content[at + place + k : at + place + k + 2], order) for k in (0, 2))
        if kind == 1000:
            exponent = content[at + place + 6]
            return 1 << exponent if 7 <= exponent <= 20 else 0
        if following <= place:
            break
        place = following
    sizes = (1 << exponent for exponent in range(8, 17))
    return next((s for s in sizes if at + s == len(content) or _is_header(content, at + s)), 0)


def _number(heads: NDArray[np.uint8], at: int, kind: str) -> NDArray[Any]:
    """Return a header field of every record, in the byte order of each."""
    size = np.dtype(kind).itemsize
    field = np.ascontiguousarray(heads[:, at : at + size])
    year = np.ascontiguousarray(heads[:, 20:22]).view(">u2").ravel()
    big = field.view(">" + kind).ravel()
    return np.where((year >= 1900) & (year <= 2100), big, field.view("<" + kind).ravel())


def _times(heads: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    year, day, fraction, samples = (_number(heads, at, "u2").astype(np.int64) for at in (20, 22, 28, 30))
    factor, multiplier = (_number(heads, at, "i2").astype(np.float64) for at in (32, 34))
    epochs = {y: (date(y, 1, 1) - date(1970, 1, 1)).days for y in np.unique(year).tolist()}
    days = np.array([epochs[y] for y in year.tolist()], np.int64) + day - 1
    clock = days * 86_400 + heads[:, 24] * np.int64(3600) + heads[:, 25] * np.int64(60) + heads[:, 26]
    correction = _number(heads, 40, "i4").astype(np.int64)
    correction = np.where(heads[:, 36] & _TIME_CORRECTION_APPLIED, 0, correction)
    start = clock * NS + (fraction + correction) * 100_000
    # Blockette 1001, as the second one behind blockette 1000, adds microseconds.
    microseconds = heads[:, 61].view(np.int8).astype(np.int64)
    start += np.where(_number(heads, 56, "u2") == 1001, microseconds, 0) * 1000
    with np.errstate(divide="ignore", invalid="ignore"):
        # Negative numbers are periods and divisors (SEED manual, fixed header, fields 10 and 11).
        rate = np.where(factor > 0, factor, -1 / factor) * np.where(multiplier > 0, multiplier, -1 / multiplier)
        rate = np.where(np.isfinite(rate) & (rate > 0), rate, 0.0)
        length = np.where(rate > 0, samples * NS / rate, 0.0)
    return start, start + np.rint(length).astype(np.int64), rate


def _identifiers(heads: NDArray[np.uint8]) -> NDArray[np.str_]:
    codes, inverse = np.unique(np.ascontiguousarray(heads[:, 8:20]).view("V12").ravel(), return_inverse=True)
    names = []
    for code in codes:
        text = {n: bytes(code)[a - 8 : b - 8].decode("ascii", "replace").strip(" \0") for n, a, b in _CODES}
        text["location"] = "" if text["location"] == "--" else text["location"]
        names.append(".".join(text[n] for n, _, _ in _CODES))
    return np.array(names, dtype=np.str_)[inverse] if names else np.empty(0, np.str_)
