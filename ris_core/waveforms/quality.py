"""What a station-day's samples are like: coverage, gaps, overlaps, flat lines, clipping, spikes, amplitudes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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


@dataclass(frozen=True)
class Quality:
    """What a station-day's samples are like; counts and seconds are of [00:00, 24:00) UTC, without the padding.

    Attributes
    ----------
    samples
        Finite samples, those of overlapping segments each.
    sampling_rate
        Of most of the day, Hz; NaN without samples.
    sampling_rates, sample_types
        All that occur.
    coverage
        Share of the day with samples, 0 to 1.
    gaps, gap_seconds
        Stretches without samples.
    overlaps, overlap_seconds
        Stretches for which there are samples that differ.
    duplicate_seconds
        Samples that came more than once and are used once, s.
    shortest_segment_s, longest_segment_s
        Of the contiguous segments' parts within the day.
    flat_lines, flat_line_seconds
        Runs of one value that last `FLAT_S` or a whole segment.
    clipped_runs, clipped_seconds
        Runs of `CLIP_SAMPLES` or more at the day's greatest or least value, where that lies beyond ±`CLIP_COUNTS`
        or is the limit of 16 bits. Only flat tops: analogue saturation that noise rides on is not found (for that see
        Yang & Ben-Zion 2010, doi 10.1785/gssrl.81.1.53).
    spikes
        Single samples that leave and return: they stand out from the mean of their two neighbours by more than
        `SPIKE_SCALES` robust standard deviations (median absolute value over the day / 0.6745), and no sample among
        the `SPIKE_SURROUNDINGS` on each side does so by more than `SPIKE_ISOLATION` of that height.
    non_finite
        Samples that are NaN or infinite.
    minimum, maximum, mean, rms
        Counts; rms about the mean. None without samples.
    notes
        What was damaged, absent or left out, in words.
    """

    samples: int
    sampling_rate: float
    sampling_rates: tuple[float, ...]
    sample_types: tuple[str, ...]
    coverage: float
    gaps: int
    gap_seconds: float
    overlaps: int
    overlap_seconds: float
    duplicate_seconds: float
    shortest_segment_s: float
    longest_segment_s: float
    flat_lines: int
    flat_line_seconds: float
    clipped_runs: int
    clipped_seconds: float
    spikes: int
    non_finite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    rms: float | None
    notes: tuple[str, ...]


def quality_of(segments: list[Segment], key: StationDay, stream: Stream | None = None) -> Quality:
    """Return the quality figures of a station-day.

    Parameters
    ----------
    segments : list of Segment
        As `to_segments` made them, in the order of time.
    key : StationDay
    stream : Stream
        What the segments were made of: tells non-finite and repeated samples, and brings the source's notes.
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
        # Midnight itself need not be on the sampling grid: nothing is missing where a sample follows within one step.
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
        # A record that ends mid-sample is no repetition.
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
    """Return what a source had to say of the files that a stream was read from (its attribute ``notes``)."""
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


def problems_of(record: Mapping[str, Any]) -> list[str]:
    """Return in words what is wrong with an acquired station-day, from the figures in its record."""
    if record["state"] != "data":
        return list(record.get("notes", ()))
    limits = (
        ("overlap_seconds", MOST_OVERLAP_S, "{:.6g} s of overlapping records"),
        ("flat_line_seconds", MOST_FLAT_S, "{:.6g} s of flat lines"),
        ("clipped_seconds", MOST_CLIPPED_S, "{:.3g} s clipped"),
        ("spikes", MOST_SPIKES, "{} spikes"),
        ("non_finite", 0, "{} samples NaN or infinite"),
    )
    found = [f"covers {record['coverage']:.1%}"] if record["coverage"] < LEAST_COVERAGE else []
    found += [text.format(record[name]) for name, most, text in limits if record.get(name, 0) > most]
    rates = record.get("sampling_rates", ())
    if len(rates) > 1:
        found.append("sampling rates " + ", ".join(f"{rate:g}" for rate in rates) + " Hz")
    return found + list(record.get("notes", ()))
