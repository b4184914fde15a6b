"""Statistics of a station-day's samples: coverage, gaps, overlaps, flat lines, clipping, spikes, amplitudes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ris_core.contracts.acquisition import Acquisition
from ris_core.contracts.quality import Quality
from ris_core.contracts.station_day import NS, StationDay
from ris_core.waveforms.amplitudes import amplitudes_of
from ris_core.waveforms.pieces import pieces_of
from ris_core.waveforms.segments import Segment

if TYPE_CHECKING:
    from obspy import Stream

LEAST_COVERAGE = 0.5
MOST_OVERLAP_S = 60.0
MOST_FLAT_S = 60.0
MOST_CLIPPED_S = 1.0
MOST_SPIKES = 100
"""A station-day beyond one of these is worth a look."""

_BLOCK = 1 << 16


def quality_of(segments: list[Segment], key: StationDay, stream: Stream | None = None) -> Quality:
    """Return the quality figures of a station-day.

    Parameters
    ----------
    segments : list of Segment
        Segments of `to_segments`, in the order of time.
    key : StationDay
    stream : Stream
        The records of the segments: they show non-finite and repeated samples, and have the source's notes.
    """
    covered, gap, overlap = 0, 0, 0
    gaps = overlaps = 0
    midnight, next_midnight = key.start_ns, key.end_ns
    reached = midnight
    lengths = []
    seconds_at: dict[float, float] = {}
    for segment in segments:
        half = 0.5 * NS / segment.sampling_rate
        start, end = max(segment.start_ns, midnight), min(segment.end_ns, next_midnight)
        if end <= start:
            continue
        lengths.append((end - start) / NS)
        seconds_at[segment.sampling_rate] = seconds_at.get(segment.sampling_rate, 0.0) + lengths[-1]
        # Midnight itself need not be on the sampling grid: nothing is missing if a sample follows within one step.
        if start > reached + (half if lengths[:-1] else 2 * half):
            gaps, gap = gaps + 1, gap + start - reached
        elif start < reached - half:
            overlaps, overlap = overlaps + 1, overlap + min(reached, end) - start
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    if lengths and reached < next_midnight - NS / segments[-1].sampling_rate:
        gaps, gap = gaps + 1, gap + next_midnight - reached
    parts = [(part, s.sampling_rate) for s in segments if (part := s.within(key)).size]
    figures = amplitudes_of(parts)
    non_finite, delivered = _delivered(stream, key) if stream is not None else (0, sum(lengths))
    duplicates = delivered - sum(lengths)
    return Quality(
        samples=figures.samples,
        sampling_rate=max(seconds_at, key=lambda rate: (seconds_at[rate], rate)) if seconds_at else float("nan"),
        sampling_rates=tuple(sorted(seconds_at)),
        sample_types=tuple(sorted({part.dtype.name for part, _ in parts})),
        coverage=min(1.0, covered / (next_midnight - midnight)),
        gaps=gaps,
        gap_seconds=gap / NS,
        overlaps=overlaps,
        overlap_seconds=overlap / NS,
        # A record that ends within a sample is not a repetition.
        duplicate_seconds=round(duplicates, 6) if duplicates * max(seconds_at, default=0.0) > 0.5 else 0.0,
        shortest_segment_s=min(lengths, default=0.0),
        longest_segment_s=max(lengths, default=0.0),
        flat_lines=figures.flat_lines,
        flat_line_seconds=figures.flat_line_seconds,
        clipped_runs=figures.clipped_runs,
        clipped_seconds=figures.clipped_seconds,
        spikes=figures.spikes,
        non_finite=non_finite,
        minimum=figures.minimum,
        maximum=figures.maximum,
        mean=figures.mean,
        rms=figures.rms,
        notes=notes_of(stream),
    )


def notes_of(stream: Stream | None) -> tuple[str, ...]:
    """Return the source's remarks about the files of a stream (its attribute ``notes``)."""
    return tuple(getattr(stream, "notes", ()))


def _delivered(stream: Stream, key: StationDay) -> tuple[int, float]:
    """Return how many samples of the day are not finite, and the seconds of finite ones with their repetitions."""
    non_finite, seconds = 0, 0.0
    for piece in pieces_of(stream):
        if not piece.samples.size:
            continue
        rate = piece.sampling_rate
        seconds += max(0, min(piece.end_ns, key.end_ns) - max(piece.start_ns, key.start_ns)) / NS
        if piece.samples.dtype.kind == "f":
            part = piece.between(key.start_ns, key.end_ns).samples
            blocks = (part[i : i + _BLOCK] for i in range(0, part.size, _BLOCK))
            bad = sum(block.size - int(np.count_nonzero(np.isfinite(block))) for block in blocks)
            non_finite, seconds = non_finite + bad, seconds - bad / rate
    return non_finite, seconds


def problems_of(found: Acquisition) -> list[str]:
    """Return in words what is wrong with an acquired station-day, from the figures in its record.

    Of several channels, each is named; one without samples is a problem if another one has some.
    """
    if found.channels:
        some = any(of_channel.has_data for _, of_channel in found.channels)
        return [
            f"{code}: {problem}"
            for code, of_channel in found.channels
            for problem in (["no samples"] if some and not of_channel.has_data else []) + problems_of(of_channel)
        ]
    quality = found.quality
    if not found.has_data:
        return list(quality.notes)
    limits = (
        (quality.overlap_seconds, MOST_OVERLAP_S, "{:.6g} s of overlapping records"),
        (quality.flat_line_seconds, MOST_FLAT_S, "{:.6g} s of flat lines"),
        (quality.clipped_seconds, MOST_CLIPPED_S, "{:.3g} s clipped"),
        (quality.spikes, MOST_SPIKES, "{} spikes"),
        (quality.non_finite, 0, "{} samples NaN or infinite"),
    )
    problems = [f"covers {quality.coverage:.1%}"] if quality.coverage < LEAST_COVERAGE else []
    problems += [text.format(value) for value, most, text in limits if value > most]
    if len(quality.sampling_rates) > 1:
        problems.append("sampling rates " + ", ".join(f"{rate:g}" for rate in quality.sampling_rates) + " Hz")
    return problems + list(quality.notes)
