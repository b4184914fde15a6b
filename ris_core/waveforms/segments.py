"""From a stream of records to contiguous segments, and a digest of their samples."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from ris_core.station_day import NS, StationDay

if TYPE_CHECKING:
    from obspy import Stream

Samples = NDArray[Any]

# Record times without microseconds (blockette 1001) are rounded to 0.1 ms.
_TIME_RESOLUTION_NS = 100_000
# So few samples are alike by chance, so they join only where their times agree closely.
_FEW_SAMPLES = 32
_BLOCK = 1 << 16


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
        Shape (n,), counts; finite. They may be the source's own memory: not to be changed in place.
    opens_window, closes_window
        Whether the piece reaches the first or last sample of the padded day. Other ends are gaps.
    """

    start_ns: int
    sampling_rate: float
    samples: Samples
    opens_window: bool
    closes_window: bool

    @property
    def end_ns(self) -> int:
        """Time just after the last sample, ns since 1970 UTC."""
        return self.start_ns + round(self.samples.size * NS / self.sampling_rate)

    def time_ns(self, index: int) -> int:
        """Return the time of a sample, ns since 1970 UTC."""
        return self.start_ns + round(index * NS / self.sampling_rate)

    def within(self, key: StationDay) -> Samples:
        """Return the samples whose times lie in the day, [00:00, 24:00) UTC."""
        first, last = (self._index_from(time) for time in (key.start_ns, key.end_ns))
        return self.samples[first:last]

    def _index_from(self, time_ns: int) -> int:
        """Return the index of the first sample at or after a time; a thousandth of a sample is no difference."""
        index = int(np.ceil((time_ns - self.start_ns) * self.sampling_rate / NS - 1e-3))
        return min(max(index, 0), self.samples.size)


def to_segments(stream: Stream, key: StationDay, padding: float) -> list[Segment]:
    """Join what is contiguous and return the segments in the order of time.

    A record that begins within half a sample of the time at which it should continues the segment, as in libmseed;
    a greater step of the clock, another sampling rate or another sample type ends it. Records that repeat the same
    samples are joined; samples that differ at the same time stay apart. NaN and infinite samples are gaps. The order
    of the records does not matter.

    Parameters
    ----------
    stream : Stream
        Records of one channel.
    key : StationDay
    padding : float
        Length of the padding on each side of the day, s.
    """
    alike: dict[tuple[float, str], list[tuple[int, Samples]]] = {}
    for trace in stream:
        data = np.asarray(trace.data)
        if data.size:
            kind = float(trace.stats.sampling_rate), data.dtype.str
            alike.setdefault(kind, []).append((int(trace.stats.starttime.ns), data))
    first, last = key.start_ns - round(padding * NS), key.end_ns + round(padding * NS)
    segments = []
    for (rate, _), records in alike.items():
        step = NS / rate
        for start, data in _joined(records, step):
            for offset, samples in _finite_parts(data):
                begin = start + round(offset * step)
                end = begin + round(samples.size * step)
                opens, closes = begin < first + 1.5 * step, end > last - 1.5 * step
                segments.append(Segment(begin, rate, samples, opens, closes))
    return sorted(segments, key=lambda s: (s.start_ns, s.end_ns, s.sampling_rate, s.samples.dtype.str))


def digest_of_segments(segments: list[Segment]) -> str:
    """Return 12 hexadecimal digits of an XXH3-128 over times, rates, types and samples.

    It tells contents apart and is no protection against forgery; it is some 20 times quicker than SHA-256.
    """
    digest = xxhash.xxh3_128()
    for segment in segments:
        digest.update(f"{segment.start_ns} {segment.sampling_rate!r} {segment.samples.dtype.str}".encode())
        digest.update(np.ascontiguousarray(segment.samples).data)
    return digest.hexdigest()[:12]


@dataclass
class _Growing:
    """A segment while records are joined to it."""

    start: int
    step: float
    size: int = 0
    offsets: list[int] = field(default_factory=list)
    parts: list[Samples] = field(default_factory=list)

    def since_end(self, start: int) -> float:
        """How far behind the end a time lies, ns; from differences, for a float holds no whole time to the ns."""
        return (start - self.start) - self.size * self.step

    def append(self, samples: Samples) -> None:
        self.offsets.append(self.size)
        self.parts.append(samples)
        self.size += samples.size

    def continues_at(self, start: int) -> bool:
        return abs(self.since_end(start)) < 0.5 * self.step

    def repeats(self, start: int, samples: Samples) -> bool:
        """Whether samples that begin before the end are those that are there already, as far as they overlap."""
        position = (start - self.start) / self.step
        index = round(position)
        overlap = min(self.size - index, samples.size)
        if overlap <= 0:
            return False
        close = abs(position - index) <= max(0.01, _TIME_RESOLUTION_NS / self.step)
        if not close and overlap < _FEW_SAMPLES:
            return False
        return self._same(index, samples[:overlap])

    def extend(self, start: int, samples: Samples) -> None:
        """Add what of repeating samples goes beyond the end."""
        beyond = samples[self.size - round((start - self.start) / self.step) :]
        if beyond.size:
            self.append(beyond)

    def _same(self, index: int, samples: Samples) -> bool:
        number = bisect_right(self.offsets, index) - 1
        done = 0
        while done < samples.size:
            there = self.parts[number][index + done - self.offsets[number] :][: samples.size - done]
            if not np.array_equal(there, samples[done : done + there.size], equal_nan=samples.dtype.kind == "f"):
                return False
            done, number = done + there.size, number + 1
        return True

    def joined(self) -> Samples:
        return self.parts[0] if len(self.parts) == 1 else np.concatenate(self.parts)


def _joined(records: list[tuple[int, Samples]], step: float) -> Iterator[tuple[int, Samples]]:
    """Yield start and samples of what is contiguous among records of one rate (``step`` in ns) and type."""
    growing: list[_Growing] = []
    for start, samples in _in_order(records):
        for done in [g for g in growing if g.since_end(start) >= 0.5 * step]:
            yield done.start, done.joined()
        growing = [g for g in growing if g.since_end(start) < 0.5 * step]
        repeated = next((g for g in reversed(growing) if g.repeats(start, samples)), None)
        if repeated is not None:
            repeated.extend(start, samples)
            continue
        target = next((g for g in reversed(growing) if g.continues_at(start)), None)
        if target is None:
            target = _Growing(start, step)
            growing.append(target)
        target.append(samples)
    for rest in growing:
        yield rest.start, rest.joined()


def _in_order(records: list[tuple[int, Samples]]) -> Iterator[tuple[int, Samples]]:
    """Yield records by time, the longest first; of those alike in both, by content."""

    def place(record: tuple[int, Samples]) -> tuple[int, int]:
        return record[0], -record[1].size

    for _, group in groupby(sorted(records, key=place), key=place):
        same = list(group)
        yield from sorted(same, key=lambda record: record[1].tobytes()) if len(same) > 1 else same


def _finite_parts(samples: Samples) -> Iterator[tuple[int, Samples]]:
    """Yield offset and samples of each stretch of finite values."""
    blocks = range(0, samples.size, _BLOCK)
    if samples.dtype.kind != "f" or all(np.isfinite(samples[i : i + _BLOCK]).all() for i in blocks):
        yield 0, samples
        return
    finite = np.isfinite(samples)
    edges = np.flatnonzero(np.diff(finite, prepend=False, append=False))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield begin, samples[begin:end]
