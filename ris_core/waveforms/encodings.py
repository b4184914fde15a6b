"""Tests whether miniSEED records have the stated encoding; one changed bit of it gives other numbers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ris_core.waveforms.libmseed import clibmseed, ffi
from ris_core.waveforms.miniseed import Records

TEXT, INT_16, INT_32, FLOAT_32, FLOAT_64, STEIM_1, STEIM_2 = 0, 1, 3, 4, 5, 10, 11
STEIM = (STEIM_1, STEIM_2)

# Result type of libmseed for each encoding, and its least bits of a sample. libmseed does not read 24-bit integers.
KINDS = {
    INT_16: ("i4", 16),
    INT_32: ("i4", 32),
    FLOAT_32: ("f4", 32),
    FLOAT_64: ("f8", 64),
    STEIM_1: ("i4", 8),
    STEIM_2: ("i4", 4),
    12: ("f4", 24),
    13: ("f4", 16),
    14: ("f4", 16),
    16: ("i4", 16),
    30: ("i4", 16),
    32: ("i4", 16),
}
_PLAIN = {INT_16: "i2", INT_32: "i4", FLOAT_32: "f4", FLOAT_64: "f8"}
_FRAME = 64
# With fewer samples the result could be chance.
_FEW = 8
# Samples in the wrong byte order have this many times larger steps than in the right one.
_ROUGHER = 30.0
_NOTHING = 1e-30


def fits(samples: NDArray[np.int64], payload: NDArray[np.int64], encoding: int) -> NDArray[np.bool_]:
    """Return the possible numbers of samples of an encoding in this many bytes."""
    whole = payload // _FRAME * _FRAME if encoding in STEIM else payload
    return np.asarray(samples * KINDS[encoding][1] <= 8 * whole)


def payload_of(records: Records, number: int) -> NDArray[np.uint8]:
    """Return the bytes of the samples of a record."""
    end = int(records.offset[number] + records.length[number])
    return np.frombuffer(records.content, np.uint8)[end - int(records.payload[number]) : end]


def last_samples(records: Records, numbers: NDArray[np.intp]) -> NDArray[np.int32]:
    """Return the last samples that Steim records state: the third word of their first frames."""
    return _words(records, numbers, 8).view(np.int32)


def may_be_steim(records: Records, numbers: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which records could be Steim according to their first frame.

    The first word gives the widths of the differences in the other words, with zeros for words without differences.
    If first and last sample are both 0, this proves nothing.
    """
    there = records.payload[numbers] >= _FRAME
    found = numbers[there]
    looks = _words(records, found, 0) >> 26 == 0
    looks &= (_words(records, found, 4) != 0) | (_words(records, found, 8) != 0)
    result = np.zeros(numbers.size, bool)
    result[there] = looks
    return result


def as_steim(records: Records, number: int) -> tuple[int, NDArray[np.int32]] | None:
    """Return the Steim encoding that gives the stated number of samples and the stated last one, and these samples.

    Returns none if neither encoding does.
    """
    words = np.dtype(np.uint32).newbyteorder(_order(bool(records.swapped[number])))
    payload = payload_of(records, number)
    controls = payload[: payload.size // _FRAME * _FRAME].view(words)[:: _FRAME // 4]
    if (controls >> 30).any():
        return None
    count, swapped = int(records.samples[number]), bool(records.swapped[number])
    stated = int(last_samples(records, np.array([number]))[0])
    buffer = ffi.from_buffer("char[]", payload)
    for encoding in STEIM:
        # Memory is allocated only for as many samples as fit.
        if fits(records.samples[number], records.payload[number], encoding):
            samples = np.empty(count, np.int32)
            room = ffi.from_buffer("char[]", samples, require_writable=True)
            rest = len(buffer), encoding, count, room, samples.nbytes, ffi.new("char[1]"), swapped
            done = clibmseed.ms_decode_data(buffer, *rest, ffi.new("char[]", b"record"), 0)
            if done == count and samples[-1] == stated:
                return encoding, samples
    return None


def misread(records: Records, numbers: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which uncompressed records do not have the encoding or byte order that they state.

    Only records that state another one than most of the file's records are tested. They count as misread in these
    cases: their bytes end where the same number of samples of the usual size would end; the usual kind of number or
    byte order makes them far smoother; or they state an old encoding that the others do not have.
    """
    result = np.zeros(numbers.size, bool)
    for stated, usual, suspects in _minorities(records.encoding[numbers]):
        if stated not in (*_PLAIN, *STEIM):
            result[suspects] = True
        elif stated in _PLAIN and usual in _PLAIN:
            result[suspects] = [_is_of(usual, records, int(number)) for number in numbers[suspects]]
    for _, _, suspects in _minorities(records.swapped[numbers]):
        result[suspects] |= [_is_swapped(records, int(number)) for number in numbers[suspects]]
    return result


def _minorities(values: NDArray[np.generic]) -> list[tuple[int, int, NDArray[np.intp]]]:
    """Yield each value except the most frequent, the most frequent value, and the positions of the former."""
    found, counts = np.unique(values, return_counts=True)
    usual = found[counts.argmax()] if found.size else 0
    return [(int(value), int(usual), np.flatnonzero(values == value)) for value in found if value != usual]


def _is_of(usual: int, records: Records, number: int) -> bool:
    """Return whether the bytes of a record are numbers of another type than the stated one."""
    count, used = int(records.samples[number]), np.flatnonzero(payload_of(records, number))
    if count < _FEW or not used.size:
        return False
    stated = np.dtype(_PLAIN[int(records.encoding[number])])
    if stated.itemsize == np.dtype(_PLAIN[usual]).itemsize:
        order = _order(bool(records.swapped[number]))
        as_stated, as_usual = (_plain(records, number, kind, order) for kind in (stated, np.dtype(_PLAIN[usual])))
        # Counts that are read as floating-point numbers are almost zero.
        return _rougher(as_stated, as_usual) or bool(stated.kind == "f" and np.abs(as_stated).max() < _NOTHING)
    return bool(2 ** np.ceil(np.log2((used[-1] + 1) / count)) == np.dtype(_PLAIN[usual]).itemsize)


def _is_swapped(records: Records, number: int) -> bool:
    """Return whether the bytes of a record are in another order than the stated one."""
    if records.samples[number] < _FEW or records.encoding[number] not in _PLAIN:
        return False
    kind, swapped = np.dtype(_PLAIN[int(records.encoding[number])]), bool(records.swapped[number])
    return _rougher(*(_plain(records, number, kind, _order(way)) for way in (swapped, not swapped)))


def _plain(records: Records, number: int, kind: np.dtype[Any], order: Literal["<", ">"]) -> NDArray[np.float64]:
    payload = payload_of(records, number)[: int(records.samples[number]) * kind.itemsize]
    return payload.view(kind.newbyteorder(order)).astype(np.float64)


def _rougher(samples: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    with np.errstate(all="ignore"):
        rough, smooth = (float(np.abs(np.diff(values)).sum()) for values in (samples, others))
    # Values that are not finite count as rough.
    return bool(np.isfinite(smooth) and not rough <= _ROUGHER * smooth)


def _order(swapped: bool) -> Literal["<", ">"]:
    """Return the byte order of samples that are, or are not, in the opposite order to this machine's."""
    return ">" if swapped == np.little_endian else "<"


def _words(records: Records, numbers: NDArray[np.intp], place: int) -> NDArray[np.uint32]:
    """Return the 32-bit word at a byte offset in the samples of each record."""
    start = records.offset[numbers] + records.length[numbers] - records.payload[numbers] + place
    content = np.frombuffer(records.content, np.uint8)
    words = content[start[:, None] + np.arange(4)].view(np.uint32).ravel()
    return np.asarray(np.where(records.swapped[numbers], words.byteswap(), words), np.uint32)
