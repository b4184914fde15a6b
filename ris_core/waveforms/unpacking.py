"""The samples of miniSEED records; of records that cannot be unpacked correctly, number, position and reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import NS
from ris_core.waveforms.encodings import (
    KINDS,
    STEIM,
    STEIM_1,
    TEXT,
    as_steim,
    fits,
    last_samples,
    may_be_steim,
    misread,
)
from ris_core.waveforms.libmseed import clibmseed, ensure_thread_logging, ffi
from ris_core.waveforms.miniseed import Records
from ris_core.waveforms.pieces import ROUNDING_NS, Marks, Piece, Samples

_SIZES = {"i4": 4, "f4": 4, "f8": 8}
_NO_NUMBERS = ("say that they are text", "have an encoding that is not read")
CHECK = "do not end with the sample that they state (integrity check)"


@dataclass
class Faults:
    """The faults of the chosen records of one file.

    Attributes
    ----------
    count
        Number of chosen records.
    left_out
        Records that are left out, by reason: their numbers in the file.
    unchecked
        Number of records that fail their check but are used, since most records of the file do.
    reread
        Number of records that are used in another encoding than the stated one: only then they pass their check.
    """

    count: int
    left_out: dict[str, list[int]] = field(default_factory=dict)
    unchecked: int = 0
    reread: int = 0

    def leave_out(self, reason: str, numbers: NDArray[Any] | Sequence[int]) -> None:
        """Count records as left out for a reason."""
        if len(numbers):
            self.left_out.setdefault(reason, []).extend(int(number) for number in numbers)

    @property
    def lost(self) -> int:
        """Number of records that are left out."""
        return sum(map(len, self.left_out.values()))

    @property
    def damaged(self) -> bool:
        """Whether some records changed after they were written; false if most are like that, or hold no numbers."""
        return 0 < self.reread <= self.count / 2 or any(not reason.startswith(_NO_NUMBERS) for reason in self.left_out)


@dataclass
class _Chosen:
    """Unpacked records of one file: their numbers in the file, encodings, and positions in the array of their type."""

    records: Records
    numbers: NDArray[np.intp]
    encoding: NDArray[np.int16]
    place: NDArray[np.int64]
    faults: Faults

    def keep(self, good: NDArray[np.bool_]) -> None:
        self.numbers, self.encoding, self.place = self.numbers[good], self.encoding[good], self.place[good]


def unpack(parts: Sequence[tuple[Records, NDArray[np.bool_]]]) -> tuple[list[Piece], list[Faults]]:
    """Unpack chosen records of several files; contiguous samples of several files become one piece.

    Nothing is read beyond a record: records that state more samples than fit are left out before anything is unpacked,
    and libmseed tests this again. A Steim record ends with the value of its last sample, which shows whether it was
    unpacked correctly. Records that fail this check are left out, unless most records of a file do: then the digitiser
    writes another value there. A record that passes the check only in another encoding than the stated one is read in
    that encoding.

    Parameters
    ----------
    parts
        Records of a file, and which of them.

    Returns
    -------
    pieces
        Pieces in the order of the records.
    faults
        Faults of each file.
    """
    ensure_thread_logging()
    chosen = [_usable(records, np.flatnonzero(mask)) for records, mask in parts]
    # One array for each of the three result types of libmseed.
    sizes = dict.fromkeys(_SIZES, 0)
    for part in chosen:
        for kind in sizes:
            ours = _kinds_of(part.encoding) == kind
            count = part.records.samples[part.numbers[ours]]
            part.place[ours] = sizes[kind] + np.cumsum(count) - count
            sizes[kind] += int(count.sum())
    samples = {kind: np.empty(size, kind) for kind, size in sizes.items()}
    for part in chosen:
        _fill(part, samples)
    return list(_pieces(chosen, samples)), [part.faults for part in chosen]


def _kinds_of(encoding: NDArray[np.int16]) -> NDArray[np.str_]:
    found, inverse = np.unique(encoding, return_inverse=True)
    return np.array([KINDS[int(value)][0] for value in found], "U2")[inverse]


def _usable(records: Records, numbers: NDArray[np.intp]) -> _Chosen:
    """Return the records whose statements allow unpacking, before anything is unpacked."""
    numbers = numbers[records.samples[numbers] > 0]
    # A record without a blockette 1000 is read as Steim 1, as in libmseed, and its check decides.
    stated = np.where(records.encoding[numbers] < 0, STEIM_1, records.encoding[numbers])
    encoding = stated.copy()
    faults = Faults(numbers.size)
    good = records.intact[numbers].copy()
    faults.leave_out("have not the checksum that they state", numbers[~good])
    for place in np.flatnonzero(good & ~np.isin(encoding, STEIM) & may_be_steim(records, numbers)):
        if (found := as_steim(records, int(numbers[place]))) is not None:
            encoding[place] = found[0]
            faults.reread += 1
    for kind in np.unique(encoding[good]).tolist():
        ours = good & (encoding == kind)
        if kind == TEXT:
            faults.leave_out(_NO_NUMBERS[0], numbers[ours])
            good &= ~ours
        elif kind not in KINDS:
            faults.leave_out(f"{_NO_NUMBERS[1]} ({kind})", numbers[ours])
            good &= ~ours
        else:
            fitting = fits(records.samples[numbers], records.payload[numbers], kind)
            faults.leave_out("state more samples than fit into them", numbers[ours & ~fitting])
            good &= fitting | ~ours
    places = np.flatnonzero(good & (encoding == stated))
    wrong = misread(records, numbers[places])
    faults.leave_out("are not encoded as they state", numbers[places[wrong]])
    good[places[wrong]] = False
    return _Chosen(records, numbers[good], encoding[good], np.zeros(int(good.sum()), np.int64), faults)


def _fill(part: _Chosen, samples: dict[str, Samples]) -> None:
    """Unpack the records of a file into their positions, and keep the correct ones."""
    records, faults = part.records, part.faults
    good = _decoded(part, samples)
    steim = np.flatnonzero(np.isin(part.encoding, STEIM))
    checked = np.zeros(good.size, bool)
    ends = part.place[steim] + records.samples[part.numbers[steim]] - 1
    checked[steim] = samples["i4"][ends] == last_samples(records, part.numbers[steim])
    for place in steim[~(good & checked)[steim]]:
        if (found := as_steim(records, int(part.numbers[place]))) is not None:
            start = part.place[place]
            samples["i4"][start : start + found[1].size] = found[1]
            good[place] = checked[place] = True
            faults.reread += 1
    faults.leave_out("could not be unpacked", part.numbers[~good])
    failing = good & ~checked & np.isin(part.encoding, STEIM)
    if failing.sum() > faults.count / 2:
        faults.unchecked = int(failing.sum())
    else:
        faults.leave_out(CHECK, part.numbers[failing])
        good &= ~failing
    part.keep(good)


def _decoded(part: _Chosen, samples: dict[str, Samples]) -> NDArray[np.bool_]:
    """Unpack the records of a file into their positions; return which of them libmseed could unpack."""
    records, numbers = part.records, part.numbers
    good = np.ones(numbers.size, bool)
    buffer = ffi.from_buffer("char[]", records.content)
    rooms = {kind: ffi.from_buffer("char[]", room, require_writable=True) for kind, room in samples.items()}
    decode, found, name = clibmseed.ms_decode_data, ffi.new("char[1]"), ffi.new("char[]", b"record")
    payload, count = records.payload[numbers], records.samples[numbers]
    start = records.offset[numbers] + records.length[numbers] - payload
    columns = (start, payload, part.encoding, count, part.place, records.swapped[numbers])
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for row, (at, length, encoding, size, place, swapped) in enumerate(rows):
        kind = KINDS[encoding][0]
        width = _SIZES[kind]
        room = rooms[kind] + place * width
        if decode(buffer + at, length, encoding, size, room, size * width, found, swapped, name, 0) != size:
            good[row] = False
    return good


def _pieces(chosen: Sequence[_Chosen], samples: dict[str, Samples]) -> Iterator[Piece]:
    """Yield contiguous pieces from the records, in their order."""
    start, count, rate = (
        np.concatenate([getattr(part.records, name)[part.numbers] for part in chosen] or [np.empty(0, kind)])
        for name, kind in (("start_ns", np.int64), ("samples", np.int64), ("sampling_rate", np.float64))
    )
    place = np.concatenate([part.place for part in chosen] or [np.empty(0, np.int64)])
    encodings = np.concatenate([part.encoding for part in chosen] or [np.empty(0, np.int16)])
    kinds = _kinds_of(encodings)
    joins = (kinds[1:] == kinds[:-1]) & (rate[1:] == rate[:-1]) & (place[1:] == place[:-1] + count[:-1])
    # Times are compared with the previous record, so that a slow drift of the clock splits nothing.
    late = (start[1:] - start[:-1]) - count[:-1] * (NS / rate[1:])
    joins &= np.abs(late) < 0.5 * NS / rate[1:]
    edges = [0, *(np.flatnonzero(~joins) + 1).tolist(), start.size]
    for first, last in pairwise(edges):
        if first == last:
            continue
        begin, end = int(place[first]), int(place[last - 1] + count[last - 1])
        index = place[first:last] - begin
        times = start[first:last]
        grid = times[0] + np.rint(index * (NS / rate[first])).astype(np.int64)
        marks = None if np.abs(times - grid).max() <= ROUNDING_NS else Marks(index, times)
        yield Piece(int(times[0]), float(rate[first]), samples[kinds[first]][begin:end], marks)
