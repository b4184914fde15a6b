"""Contiguous samples and their times: the time of a sample comes from its own record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import NS

if TYPE_CHECKING:
    from obspy import Stream

Samples = NDArray[Any]

ROUNDING_NS = 2
"""Greatest difference of equal times, ns: they are rounded to the ns, and once more when they are added."""

# A difference of a thousandth of a sample is rounding.
_SLACK = 1e-3


@dataclass(frozen=True, eq=False)
class Marks:
    """Times of records that do not follow from the first one and the sampling rate.

    They come from a clock that drifts against the nominal rate, or from rounded time stamps.

    Attributes
    ----------
    index
        Shape (n,): indices of samples, ascending from 0.
    time_ns
        Shape (n,): their times, ns since 1970 UTC, ascending.
    """

    index: NDArray[np.int64]
    time_ns: NDArray[np.int64]

    def part(self, first: int, last: int, start_ns: int) -> Marks | None:
        """Return the marks of the samples [first, last), the first of which is at ``start_ns``; none if that is all."""
        inside = (self.index > first) & (self.index < last)
        if not inside.any():
            return None
        return Marks(
            np.insert(self.index[inside] - first, 0, 0),
            np.insert(self.time_ns[inside], 0, start_ns),
        )

    def every(self, step: float, first: float, rate: float) -> Marks:
        """Return the marks of every ``step``-th sample from the position ``first`` on.

        Parameters
        ----------
        step, first
            In samples of the marked trace; between two samples, time continues from the previous mark.
        rate
            Sampling rate of that trace, Hz.
        """
        index = np.maximum(np.ceil((self.index - first) / step - _SLACK), 0).astype(np.int64)
        # If one sample has several marks, the last one counts.
        last = np.append(np.diff(index) > 0, True)
        index, base, time = index[last], self.index[last], self.time_ns[last]
        beyond = (first + index * step - base) * (NS / rate)
        return Marks(index, time + np.rint(beyond).astype(np.int64))


@dataclass(frozen=True)
class Piece:
    """Contiguous samples of one channel.

    Attributes
    ----------
    start_ns
        Time of the first sample, ns since 1970 UTC.
    sampling_rate
        Hz.
    samples
        Shape (n,). They may be the source's own memory: do not change them in place.
    marks
        Times of samples that do not follow from start and rate.
    """

    start_ns: int
    sampling_rate: float
    samples: Samples
    marks: Marks | None = None

    @property
    def end_ns(self) -> int:
        """Time just after the last sample, ns since 1970 UTC."""
        return self.time_ns(self.samples.size)

    def time_ns(self, index: int) -> int:
        """Return the time of a sample, ns since 1970 UTC."""
        base, time = 0, self.start_ns
        if self.marks is not None:
            place = max(0, int(np.searchsorted(self.marks.index, index, side="right")) - 1)
            base, time = int(self.marks.index[place]), int(self.marks.time_ns[place])
        return time + round((index - base) * NS / self.sampling_rate)

    def nearest(self, time_ns: int) -> int:
        """Return the index of the sample nearest to a time; beyond the ends, of one that would follow at the rate."""
        base, time = 0, self.start_ns
        if self.marks is not None:
            place = max(0, int(np.searchsorted(self.marks.time_ns, time_ns, side="right")) - 1)
            base, time = int(self.marks.index[place]), int(self.marks.time_ns[place])
        return base + round((time_ns - time) * self.sampling_rate / NS)

    def index_from(self, time_ns: int) -> int:
        """Return the index of the first sample at or after a time, to a thousandth of a sample."""
        base, time, stop = 0, self.start_ns, self.samples.size
        if self.marks is not None:
            slack = round(_SLACK * NS / self.sampling_rate)
            place = int(np.searchsorted(self.marks.time_ns, time_ns + slack, side="right"))
            if place < self.marks.index.size:
                stop = int(self.marks.index[place])
            base, time = int(self.marks.index[max(place - 1, 0)]), int(self.marks.time_ns[max(place - 1, 0)])
        index = base + int(np.ceil((time_ns - time) * self.sampling_rate / NS - _SLACK))
        return min(max(index, 0), stop)

    def part(self, first: int, last: int) -> Piece:
        """Return the samples [first, last) with their times, without a copy."""
        start = self.time_ns(first)
        marks = self.marks.part(first, last, start) if self.marks is not None else None
        return Piece(start, self.sampling_rate, self.samples[first:last], marks)

    def between(self, start_ns: int, end_ns: int) -> Piece:
        """Return the samples whose times lie in [start, end), ns since 1970 UTC."""
        return self.part(self.index_from(start_ns), self.index_from(end_ns))


def stream_of(pieces: Iterable[Piece], identifier: str) -> Stream:
    """Return pieces of a channel, NET.STA.LOC.CHAN, as a stream; the marks are in the traces' ``stats.marks``."""
    from obspy import Stream, Trace, UTCDateTime

    network, station, location, channel = identifier.split(".")
    codes = {"network": network, "station": station, "location": location, "channel": channel}
    stream = Stream()
    for piece in pieces:
        header = {**codes, "sampling_rate": piece.sampling_rate, "starttime": UTCDateTime(ns=piece.start_ns)}
        stream.append(Trace(piece.samples, header if piece.marks is None else {**header, "marks": piece.marks}))
    return stream


def pieces_of(stream: Stream) -> Iterator[Piece]:
    """Yield the traces of a stream as pieces."""
    for trace in stream:
        stats = trace.stats
        marks = stats.get("marks")
        yield Piece(int(stats.starttime.ns), float(stats.sampling_rate), np.asarray(trace.data), marks)
