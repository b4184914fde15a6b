"""Statistics of a station-day's samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quality:
    """Statistics of a station-day's samples; counts and seconds are of [00:00, 24:00) UTC, without the padding.

    Attributes
    ----------
    samples
        Number of finite samples; each of overlapping segments counts.
    sampling_rate
        Rate of most of the day, Hz; NaN without samples.
    sampling_rates, sample_types
        All rates and types that occur.
    coverage
        Share of the day with samples, 0 to 1.
    gaps, gap_seconds
        Stretches without samples.
    overlaps, overlap_seconds
        Stretches with several samples that differ.
    duplicate_seconds
        Samples that were there more than once and are used once, s.
    shortest_segment_s, longest_segment_s
        Lengths of the contiguous segments' parts within the day.
    flat_lines, flat_line_seconds
        Runs of one value that last `FLAT_S` or a whole segment.
    clipped_runs, clipped_seconds
        Runs of `CLIP_SAMPLES` or more at the day's greatest or least value, if that lies beyond ±`CLIP_COUNTS` or is
        the limit of 16 bits. This finds only flat tops, not analogue saturation with noise on it (for that see Yang &
        Ben-Zion 2010, doi 10.1785/gssrl.81.1.53).
    spikes
        Single samples that leave and return: they differ from the mean of their two neighbours by more than
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
