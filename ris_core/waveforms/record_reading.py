"""The records of a file that have samples in a window, and remarks about records and their times in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import NS
from ris_core.waveforms.miniseed import Records
from ris_core.waveforms.pieces import Piece
from ris_core.waveforms.unpacking import Faults

# Number of records that are named one by one.
_NAMED = 3


def cut(pieces: Sequence[Piece], start_ns: int, end_ns: int) -> list[Piece]:
    """Return the samples of [start, end), ns since 1970 UTC, without empty pieces."""
    return [part for piece in pieces if (part := piece.between(start_ns, end_ns)).samples.size]


def has_samples(records: Records) -> NDArray[np.bool_]:
    """Return which records have samples; a record without a sampling rate is text, such as a digitiser's log."""
    return (records.sampling_rate > 0) & (records.samples > 0)


def reaching_into(records: Records, start_ns: int, end_ns: int) -> NDArray[np.bool_]:
    """Return which records have samples in [start, end), ns since 1970 UTC, allowing for the rounding of times."""
    return has_samples(records) & (records.end_ns > start_ns - NS) & (records.start_ns < end_ns + NS)


def words_on(records: Records, faults: Faults) -> list[str]:
    """Return in words the faults of the chosen records of a file: number, reason, and positions of the first ones."""
    said = [
        f"{len(numbers)} of {faults.count} records {reason} and are left out ({_places(records, numbers)})"
        for reason, numbers in faults.left_out.items()
    ]
    if faults.unchecked:
        said.append(f"{faults.unchecked} of {faults.count} records fail their check, as most do; they are used")
    if faults.reread:
        said.append(
            f"{faults.reread} of {faults.count} records are Steim-compressed in another way than they state; they are "
            "used, since they end with the sample that they state"
        )
    return said


def drift_words(pieces: Sequence[Piece]) -> list[str]:
    """Return in words how far record times drift away from the sampling rate, if by more than a sample."""
    most, samples = 0.0, 1.0
    for piece in pieces:
        if piece.marks is not None:
            away = (piece.marks.time_ns - piece.start_ns) - piece.marks.index * (NS / piece.sampling_rate)
            seconds = float(away[np.abs(away).argmax()]) / NS
            if abs(seconds) * piece.sampling_rate > samples:
                most, samples = seconds, abs(seconds) * piece.sampling_rate
    if not most:
        return []
    return [
        f"time stamps of contiguous records run {abs(most):.3g} s away from the sampling rate, {_side(most)}; samples "
        "have the times of their records"
    ]


def _side(seconds: float) -> str:
    return "later than it says" if seconds > 0 else "earlier than it says"


def _places(records: Records, numbers: Sequence[int]) -> str:
    from obspy import UTCDateTime

    first = sorted(numbers)[:_NAMED]
    places = [f"at byte {records.offset[n]}, {str(UTCDateTime(ns=int(records.start_ns[n])))[:22]}" for n in first]
    return "; ".join(places) + ("; ..." if len(numbers) > _NAMED else "")
