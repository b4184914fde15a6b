"""From a stream of records to contiguous segments, and a digest of their samples."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from ris_core.contracts.station_day import NS, StationDay
from ris_core.waveforms.pieces import ROUNDING_NS, Marks, Piece, Samples, pieces_of

if TYPE_CHECKING:
    from obspy import Stream

# Record times without microseconds (blockette 1001) are rounded to 0.1 ms.
_TIME_RESOLUTION_NS = 100_000
# Fewer samples can be equal by chance, so they join only if their times agree closely.
_FEW_SAMPLES = 32
_BLOCK = 1 << 16
# Weight of a record's time stamp in the trend of the earlier ones.
_SMOOTHING = 0.1


@dataclass(frozen=True)
class Segment:
    """A contiguous piece of one channel.

    Attributes
    ----------
    start_ns
        Time of the first sample, ns since 1970 UTC.
    sampling_rate
        Hz.
    samples
        Shape (n,), counts; finite. They may be the source's own memory: do not change them in place.
    opens_window, closes_window
        Whether the piece reaches the first or last sample of the padded day. Other ends are gaps.
    marks
        Times of samples that do not follow from start and rate: each sample has the time of its own record.
    """

    start_ns: int
    sampling_rate: float
    samples: Samples
    opens_window: bool
    closes_window: bool
    marks: Marks | None = None

    @property
    def piece(self) -> Piece:
        """The samples and their times."""
        return Piece(self.start_ns, self.sampling_rate, self.samples, self.marks)

    @property
    def end_ns(self) -> int:
        """Time just after the last sample, ns since 1970 UTC."""
        return self.piece.end_ns

    def time_ns(self, index: int) -> int:
        """Return the time of a sample, ns since 1970 UTC."""
        return self.piece.time_ns(index)

    def within(self, key: StationDay) -> Samples:
        """Return the samples whose times lie in the day, [00:00, 24:00) UTC."""
        return self.piece.between(key.start_ns, key.end_ns).samples


def to_segments(stream: Stream, key: StationDay, padding: float) -> list[Segment]:
    """Join contiguous records and return the segments in the order of time.

    A record continues a segment if it begins within half a sample of the end of the previous record, or of the start
    that the earlier records predict on average: neither jitter nor a slow drift of the time stamps splits a segment. A
    greater step of the clock, another sampling rate or another sample type ends it. Each sample keeps the time of its
    own record.
    Records that repeat the same samples are joined; samples that differ at the same time stay apart. NaN and infinite
    samples are gaps. The order of the records does not matter.

    Parameters
    ----------
    stream : Stream
        Records of one channel.
    key : StationDay
    padding : float
        Length of the padding on each side of the day, s.
    """
    alike: dict[tuple[float, str], list[Piece]] = {}
    for piece in pieces_of(stream):
        if piece.samples.size:
            alike.setdefault((piece.sampling_rate, piece.samples.dtype.str), []).append(piece)
    first, last = key.start_ns - round(padding * NS), key.end_ns + round(padding * NS)
    segments = []
    for (rate, _), pieces in alike.items():
        step = NS / rate
        for joined in _joined(pieces, step):
            for piece in _finite_parts(joined):
                opens, closes = piece.start_ns < first + 1.5 * step, piece.end_ns > last - 1.5 * step
                segments.append(Segment(piece.start_ns, rate, piece.samples, opens, closes, piece.marks))
    return sorted(segments, key=lambda s: (s.start_ns, s.end_ns, s.sampling_rate, s.samples.dtype.str))


def digest_of_segments(segments: list[Segment]) -> str:
    """Return 12 hexadecimal digits of an XXH3-128 over times, rates, types and samples.

    It distinguishes contents but does not protect against forgery; it is some 20 times faster than SHA-256.
    """
    digest = xxhash.xxh3_128()
    for segment in segments:
        digest.update(f"{segment.start_ns} {segment.sampling_rate!r} {segment.samples.dtype.str}".encode())
        digest.update(np.ascontiguousarray(segment.samples).data)
        if segment.marks is not None:
            digest.update(segment.marks.index.astype("<i8").tobytes() + segment.marks.time_ns.astype("<i8").tobytes())
    return digest.hexdigest()[:12]


@dataclass
class _Growing:
    """A segment while pieces are joined to it.

    Its marks are those times of the pieces' marks and starts that do not follow from the earlier ones.

    Attributes
    ----------
    deviation
        Delay of the last mark relative to the sampling grid of the first one, ns.
    trend
        The same, smoothed: the expected start of a record if time stamps jitter.
    """

    step: float
    size: int = 0
    offsets: list[int] = field(default_factory=list)
    parts: list[Samples] = field(default_factory=list)
    index: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    deviation: float = 0.0
    trend: float = 0.0

    def since_end(self, start: int) -> float:
        """Return the time from the end to another time, ns; computed from differences, to keep the ns."""
        late = (start - self.times[0]) - self.size * self.step
        return min(late - self.deviation, late - self.trend, key=abs)

    def append(self, piece: Piece) -> None:
        if piece.marks is not None:
            self.index += (piece.marks.index + self.size).tolist()
            self.times += piece.marks.time_ns.tolist()
        elif (
            not self.index
            or abs(piece.start_ns - self.times[-1] - (self.size - self.index[-1]) * self.step) > ROUNDING_NS
        ):
            self.index.append(self.size)
            self.times.append(piece.start_ns)
        self.offsets.append(self.size)
        self.parts.append(piece.samples)
        self.size += piece.samples.size
        self.deviation = (self.times[-1] - self.times[0]) - self.index[-1] * self.step
        self.trend += _SMOOTHING * (self.deviation - self.trend)

    def continues_at(self, start: int) -> bool:
        return abs(self.since_end(start)) < 0.5 * self.step

    def position(self, time: int) -> float:
        """Return the position of a time among the samples, in samples from the first."""
        mark = max(0, bisect_right(self.times, time) - 1)
        return self.index[mark] + (time - self.times[mark]) / self.step

    def repeats(self, piece: Piece) -> bool:
        """Whether samples that begin before the end equal the existing ones where they overlap."""
        position = self.position(piece.start_ns)
        index = round(position)
        overlap = min(self.size - index, piece.samples.size)
        if overlap <= 0:
            return False
        close = abs(position - index) <= max(0.01, _TIME_RESOLUTION_NS / self.step)
        if not close and overlap < _FEW_SAMPLES:
            return False
        return self._same(index, piece.samples[:overlap])

    def extend(self, piece: Piece) -> None:
        """Add the part of repeated samples that lies after the end."""
        beyond = self.size - round(self.position(piece.start_ns))
        if beyond < piece.samples.size:
            self.append(piece.part(beyond, piece.samples.size))

    def _same(self, index: int, samples: Samples) -> bool:
        number = bisect_right(self.offsets, index) - 1
        done = 0
        while done < samples.size:
            there = self.parts[number][index + done - self.offsets[number] :][: samples.size - done]
            if not np.array_equal(there, samples[done : done + there.size], equal_nan=samples.dtype.kind == "f"):
                return False
            done, number = done + there.size, number + 1
        return True

    def joined(self, rate: float) -> Piece:
        samples = self.parts[0] if len(self.parts) == 1 else np.concatenate(self.parts)
        whole = Piece(self.times[0], rate, samples, Marks(np.array(self.index), np.array(self.times)))
        # Without the marks if they give no other times than the start does.
        return whole.part(0, samples.size)


def _joined(pieces: list[Piece], step: float) -> Iterator[Piece]:
    """Yield contiguous segments from pieces of one rate (``step`` in ns) and type."""
    rate = pieces[0].sampling_rate
    growing: list[_Growing] = []
    for piece in _in_order(pieces):
        start = piece.start_ns
        for done in [g for g in growing if g.since_end(start) >= 0.5 * step]:
            yield done.joined(rate)
        growing = [g for g in growing if g.since_end(start) < 0.5 * step]
        repeated = next((g for g in reversed(growing) if g.repeats(piece)), None)
        if repeated is not None:
            repeated.extend(piece)
            continue
        target = next((g for g in reversed(growing) if g.continues_at(start)), None)
        if target is None:
            target = _Growing(step)
            growing.append(target)
        target.append(piece)
    for rest in growing:
        yield rest.joined(rate)


def _in_order(pieces: list[Piece]) -> Iterator[Piece]:
    """Yield pieces by time, the longest first; pieces of equal time and length by content."""

    def place(piece: Piece) -> tuple[int, int]:
        return piece.start_ns, -piece.samples.size

    for _, group in groupby(sorted(pieces, key=place), key=place):
        same = list(group)
        yield from sorted(same, key=lambda piece: piece.samples.tobytes()) if len(same) > 1 else same


def _finite_parts(piece: Piece) -> Iterator[Piece]:
    """Yield each contiguous part of finite values."""
    samples = piece.samples
    blocks = range(0, samples.size, _BLOCK)
    if samples.dtype.kind != "f" or all(np.isfinite(samples[i : i + _BLOCK]).all() for i in blocks):
        yield piece
        return
    finite = np.isfinite(samples)
    edges = np.flatnonzero(np.diff(finite, prepend=False, append=False))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield piece.part(begin, end)
