"""From a stream of records to contiguous segments, with the figures of their quality and a digest of the samples."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ris_core.station_day import NS, StationDay

if TYPE_CHECKING:
    from obspy import Stream


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
        Shape (n,), counts.
    opens_window, closes_window
        Whether the piece reaches the first or last sample of the padded day. Other ends are gaps.
    """

    start_ns: int
    sampling_rate: float
    samples: NDArray[Any]
    opens_window: bool
    closes_window: bool

    @property
    def end_ns(self) -> int:
        """Time just after the last sample, ns since 1970 UTC."""
        return self.start_ns + round(self.samples.size * NS / self.sampling_rate)

    def time_ns(self, index: int) -> int:
        """Return the time of a sample, ns since 1970 UTC."""
        return self.start_ns + round(index * NS / self.sampling_rate)


@dataclass(frozen=True)
class Quality:
    """What a station-day's samples are like; counts and seconds are of [00:00, 24:00) UTC, without the padding."""

    samples: int
    sampling_rate: float
    coverage: float
    gaps: int
    gap_seconds: float
    overlaps: int
    overlap_seconds: float
    shortest_segment_s: float
    longest_segment_s: float


def to_segments(stream: Stream, key: StationDay, padding: float) -> list[Segment]:
    """Join what is contiguous and return the segments in the order of time.

    Records that repeat the same samples are joined; samples that differ at the same time stay apart. A clock step
    ends a segment, since time stamps then leave the sampling grid; so does another sampling rate or sample type.
    """
    from obspy import Stream

    alike: dict[tuple[float, str], Stream] = {}
    for trace in stream:
        kind = trace.stats.sampling_rate, trace.data.dtype.str
        alike.setdefault(kind, Stream()).append(trace.copy())
    traces = [trace for part in alike.values() for trace in part.merge(method=-1)]
    first, last = key.start_ns - round(padding * NS), key.end_ns + round(padding * NS)
    segments = []
    for trace in sorted(traces, key=lambda t: t.stats.starttime.ns):
        if trace.stats.npts == 0:
            continue
        sample_ns = NS / trace.stats.sampling_rate
        start = int(trace.stats.starttime.ns)
        end = start + round(trace.stats.npts * sample_ns)
        segments.append(
            Segment(
                start_ns=start,
                sampling_rate=float(trace.stats.sampling_rate),
                samples=np.asarray(trace.data),
                opens_window=start < first + 1.5 * sample_ns,
                closes_window=end > last - 1.5 * sample_ns,
            )
        )
    return segments


def quality_of(segments: list[Segment], key: StationDay) -> Quality:
    """Return the quality figures of a station-day."""
    covered, gap, overlap, samples = 0, 0, 0, 0
    gaps = overlaps = 0
    reached = key.start_ns
    lengths = []
    for segment in segments:
        half = 0.5 * NS / segment.sampling_rate
        start, end = max(segment.start_ns, key.start_ns), min(segment.end_ns, key.end_ns)
        if end <= start:
            continue
        lengths.append((end - start) / NS)
        samples += round((end - start) * segment.sampling_rate / NS)
        if start > reached + half:
            gaps, gap = gaps + 1, gap + start - reached
        elif start < reached - half:
            overlaps, overlap = overlaps + 1, overlap + min(reached, end) - start
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    if lengths and reached < key.end_ns - NS / segments[-1].sampling_rate:
        gaps, gap = gaps + 1, gap + key.end_ns - reached
    return Quality(
        samples=samples,
        sampling_rate=segments[0].sampling_rate if segments else float("nan"),
        coverage=min(1.0, covered / (key.end_ns - key.start_ns)),
        gaps=gaps,
        gap_seconds=gap / NS,
        overlaps=overlaps,
        overlap_seconds=overlap / NS,
        shortest_segment_s=min(lengths, default=0.0),
        longest_segment_s=max(lengths, default=0.0),
    )


def digest_of_segments(segments: list[Segment]) -> str:
    """Return the first 12 hexadecimal digits of a SHA-256 over times, rates, types and samples."""
    digest = hashlib.sha256()
    for segment in segments:
        digest.update(f"{segment.start_ns} {segment.sampling_rate!r} {segment.samples.dtype.str}".encode())
        digest.update(np.ascontiguousarray(segment.samples).tobytes())
    return digest.hexdigest()[:12]
