"""miniSEED files of archives: finds whole records, and reports bytes between or after them.

libmseed (through pymseed) finds and parses the records, of versions 2 and 3; `unpacking` extracts their samples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymseed import sourceid2nslc

from ris_core.contracts.seed_id import SeedId
from ris_core.contracts.station_day import NS
from ris_core.waveforms.libmseed import clibmseed, ensure_thread_logging, ffi
from ris_core.waveforms.like_headers import like_headers

# Start of a header. Version 2: sequence number, quality, reserved byte, codes, year in either byte order (SEED
# Reference Manual, version 2.4, FDSN 2012, chapter 8). Version 3: its mark (docs.fdsn.org/projects/miniseed3).
_BEGIN = re.compile(rb"[0-9 \0]{6}[DRQM][ \0][ -~]{12}(?:[\x07\x08].|.[\x07\x08])|MS\x03", re.DOTALL)
_LONGEST_BEGIN = 22
_SMALLEST = 40
_PAYLOAD_SWAPPED = 2
_VERSION_2 = 2

Content = bytes | memoryview
"""The bytes of a file."""


def _layout() -> np.dtype[Any]:
    """Return the positions of the fields of libmseed's record in memory."""
    kinds = {"int32_t": "i4", "uint8_t": "u1", "int64_t": "i8", "double": "f8", "int16_t": "i2", "uint32_t": "u4"}
    kinds["char[64]"] = "S64"
    fields = {name: field for name, field in ffi.typeof("MS3Record").fields if field.type.cname in kinds}
    return np.dtype(
        {
            "names": list(fields),
            "formats": [kinds[field.type.cname] for field in fields.values()],
            "offsets": [field.offset for field in fields.values()],
            "itemsize": ffi.sizeof("MS3Record"),
        }
    )


_LAYOUT = _layout()


class NotMiniSeedError(OSError):
    """A file contains no miniSEED record."""


@dataclass(frozen=True)
class Records:
    """The whole records of a file, in the file's order.

    Attributes
    ----------
    content
        The file's bytes.
    offset, length
        Position and size of each record, bytes.
    payload
        Size of its samples, which are at its end, bytes.
    start_ns, end_ns
        Time of the first sample, and just after the last one, ns since 1970 UTC.
    sampling_rate
        Hz; 0 for records without a time series.
    samples
        Stated number of samples.
    encoding
        Stated encoding (SEED blockette 1000, field 4); 0 is text.
    swapped
        Whether the samples are in the opposite byte order to this machine's.
    intact
        Whether its checksum matches the stated one; version 2 states none.
    identifier
        NET.STA.LOC.CHAN.
    strange_bytes
        Bytes of the file that belong to no whole record.
    """

    content: Content
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    payload: NDArray[np.int64]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    sampling_rate: NDArray[np.float64]
    samples: NDArray[np.int64]
    encoding: NDArray[np.int16]
    swapped: NDArray[np.bool_]
    intact: NDArray[np.bool_]
    identifier: NDArray[np.str_]
    strange_bytes: int

    def __len__(self) -> int:
        return self.offset.size


def scan(content: Content) -> Records:
    """Return the whole records in the bytes of a file, from their headers.

    Raises
    ------
    NotMiniSeedError
        The file is not empty, but has neither a record nor the start of one.
    """
    if (alike := _alike(content)) is not None:
        return alike
    offset, heads, intact = _headers(content)
    if not offset.size and len(content) >= _SMALLEST and not _BEGIN.match(content):
        raise NotMiniSeedError("no miniSEED record in it")
    samples, start, length = (heads[name].astype(np.int64) for name in ("samplecnt", "starttime", "reclen"))
    return _records(content, offset, length, start, samples, heads, intact, _identifiers(heads["sid"]))


def _records(
    content: Content,
    offset: NDArray[np.int64],
    length: NDArray[np.int64],
    start: NDArray[np.int64],
    samples: NDArray[np.int64],
    heads: NDArray[Any],
    intact: NDArray[np.bool_],
    identifier: NDArray[np.str_],
) -> Records:
    """Return records from their times, stated samples and headers; of headers that are alike, one is enough."""
    rate = heads["samprate"].copy()
    # libmseed gives rates below 1 Hz as a negative period.
    slow = rate < 0
    rate[slow] = -1 / rate[slow]
    rate[~np.isfinite(rate)] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        duration = np.where(rate > 0, samples * NS / rate, 0.0)
    each = (
        heads["datalength"].astype(np.int64),
        rate,
        heads["encoding"].copy(),
        (heads["swapflag"] & _PAYLOAD_SWAPPED) > 0,
    )
    payload, rate, encoding, swapped = (np.broadcast_to(one, offset.shape).copy() for one in each)
    return Records(
        content=content,
        offset=offset,
        length=length,
        payload=payload,
        start_ns=start,
        end_ns=start + np.rint(duration).astype(np.int64),
        sampling_rate=rate,
        samples=samples,
        encoding=encoding,
        swapped=swapped,
        intact=intact,
        identifier=identifier,
        strange_bytes=len(content) - int(length.sum()),
    )


def _alike(content: Content) -> Records | None:
    """Return the records of a file whose headers differ in times and numbers of samples alone; none of other files."""
    if len(content) < _SMALLEST:
        return None
    ensure_thread_logging()
    buffer, record = ffi.from_buffer("char[]", content), ffi.new("MS3Record **")
    try:
        if clibmseed.msr3_parse(buffer, len(content), record, clibmseed.MSF_VALIDATECRC, 0):
            return None
        length = int(record[0].reclen)
        found = like_headers(content, length) if record[0].formatversion == _VERSION_2 else None
        if found is None or any(
            not clibmseed.msr3_parse(buffer + match.start(), len(content) - match.start(), record, 0, 0)
            for match in _BEGIN.finditer(content, 1, length + _LONGEST_BEGIN)
            if match.start() < length
        ):
            return None
        head = np.frombuffer(ffi.buffer(record[0], _LAYOUT.itemsize)[:], _LAYOUT)
    finally:
        clibmseed.msr3_free(record)
    n = found.samples.size
    offset, sizes = np.arange(n, dtype=np.int64) * length, np.full(n, length, np.int64)
    identifier = np.broadcast_to(np.array(_identifier(head["sid"][0])), (n,))
    return _records(content, offset, sizes, found.start_ns, found.samples, head, np.ones(n, bool), identifier)


def _headers(content: Content) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.bool_]]:
    """Return position, parsed header and soundness of each whole record; other bytes may lie between them."""
    ensure_thread_logging()
    size = len(content)
    buffer, record = ffi.from_buffer("char[]", content), ffi.new("MS3Record **")
    parse, view, width = clibmseed.msr3_parse, ffi.buffer, _LAYOUT.itemsize
    # The last record of version 2 may lack the blockette that states its length.
    plain = clibmseed.MSF_ATENDOFFILE
    checked = plain | clibmseed.MSF_VALIDATECRC

    def first_between(start: int, stop: int) -> int:
        """Return the position of the first whole record in [start, stop); 0 if there is none."""
        for match in _BEGIN.finditer(content, start, min(stop + _LONGEST_BEGIN, size)):
            place = match.start()
            if place < stop and not parse(buffer + place, size - place, record, plain, 0):
                return place
        return 0

    places: list[int] = []
    heads: list[bytes] = []
    damaged: set[int] = set()
    at = end = usual = 0
    try:
        while at < size:
            status = parse(buffer + at, size - at, record, checked, 0)
            if status == clibmseed.MS_INVALIDCRC:
                damaged.add(at)
                status = parse(buffer + at, size - at, record, plain, 0)
            if status:
                before = places[-1] if places and at == end else at
                if before < at and (inner := first_between(before + 1, at)):
                    # The previous record has lost some bytes and overlaps this one.
                    places.pop()
                    heads.pop()
                    at = inner
                else:
                    match = _BEGIN.search(content, at + 1)
                    at = match.start() if match else size
                continue
            head = view(record[0], width)[:]
            length = record[0].reclen
            if length != usual and (inner := first_between(at + 1, at + length)):
                # Its length is wrong.
                at = inner
                continue
            places.append(at)
            heads.append(head)
            at = end = at + length
            usual = length
    finally:
        clibmseed.msr3_free(record)
    intact = np.array([place not in damaged for place in places] if damaged else np.ones(len(places)), bool)
    return np.array(places, np.int64), np.frombuffer(b"".join(heads), _LAYOUT), intact


def _identifiers(ids: NDArray[np.bytes_]) -> NDArray[np.str_]:
    if not ids.size:
        return np.empty(0, np.str_)
    if (ids == ids[0]).all():
        return np.broadcast_to(np.array(_identifier(ids[0])), ids.shape)
    known, inverse = np.unique(ids, return_inverse=True)
    return np.array([_identifier(name) for name in known], np.str_)[inverse]


def _identifier(source: bytes) -> str:
    """Return NET.STA.LOC.CHAN for libmseed's identifier; the identifier itself if it has another form."""
    text = source.decode("ascii", "replace")
    try:
        network, station, location, channel = sourceid2nslc(text)
    except ValueError:
        return text
    return str(SeedId(network, station, "" if location == "--" else location, channel))
