"""From records to contiguous segments, and the figures of a station-day's quality."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waveform_builders import KEY, PADDING, make_trace, ns_at, record, segments_of

from ris_core.station_day import DAY_NS, NS
from ris_core.waveforms.segments import digest_of_segments, quality_of

RATE = 10.0


def whole_day(start: float = -PADDING, end: float = 86_400 + PADDING):
    return record(KEY, start, end, rate=RATE)


def cut(trace, start: float, end: float):
    """The samples of [start, end), in seconds of the day."""
    first = round((ns_at(KEY, start) - trace.stats.starttime.ns) * RATE / NS)
    return make_trace(ns_at(KEY, start), trace.data[first : first + round((end - start) * RATE)].copy(), RATE)


def test_contiguous_records_join_into_one_segment_that_reaches_both_ends_of_the_window():
    day = whole_day()
    ends = [-300, -100, 0, 40_000, 40_000.1, 86_400, 86_700]
    (segment,) = segments_of(KEY, *(cut(day, a, b) for a, b in pairwise(ends)))
    np.testing.assert_array_equal(segment.samples, day.data)
    assert segment.start_ns == ns_at(KEY, -300)
    assert segment.end_ns == ns_at(KEY, 86_700)
    assert (segment.opens_window, segment.closes_window) == (True, True)


def test_the_order_of_records_does_not_matter():
    day = whole_day()
    pieces = [cut(day, a, a + 100) for a in (0, 100, 300, 400)]
    there, back = segments_of(KEY, *pieces), segments_of(KEY, *pieces[::-1])
    assert [s.start_ns for s in there] == [ns_at(KEY, 0), ns_at(KEY, 300)]
    assert digest_of_segments(there) == digest_of_segments(back)


def test_records_that_repeat_the_same_samples_join():
    day = whole_day()
    (segment,) = segments_of(KEY, cut(day, 0, 500), cut(day, 300, 900), cut(day, 0, 500), cut(day, 400, 450))
    np.testing.assert_array_equal(segment.samples, cut(day, 0, 900).data)
    quality = quality_of([segment], KEY)
    assert (quality.overlaps, quality.gaps) == (0, 1)


def test_samples_that_differ_at_the_same_time_stay_apart():
    day = whole_day()
    other = cut(day, 300, 900)
    other.data += 7
    first, second = segments_of(KEY, cut(day, 0, 500), other)
    assert (first.samples.size, second.samples.size) == (5000, 6000)
    quality = quality_of([first, second], KEY)
    assert (quality.overlaps, quality.overlap_seconds) == (1, 200.0)
    assert quality.coverage == pytest.approx(900 / 86_400)


def test_a_gap_splits_and_its_edges_are_not_ends_of_the_window():
    day = whole_day()
    first, second = segments_of(KEY, cut(day, -300, 1000), cut(day, 1000.1, 86_700))
    assert (first.opens_window, first.closes_window) == (True, False)
    assert (second.opens_window, second.closes_window) == (False, True)
    assert second.start_ns == ns_at(KEY, 1000.1)


@pytest.mark.parametrize("step", [-0.05, 0.02, 0.05, 1.0, -1.0])
def test_a_clock_step_splits_and_the_samples_keep_their_own_times(step):
    day = whole_day()
    after = cut(day, 5000, 9000)
    after = make_trace(ns_at(KEY, 5000 + step), after.data, RATE)
    first, second = segments_of(KEY, cut(day, 1000, 5000), after)
    assert first.samples.size == second.samples.size == 40_000
    assert second.start_ns == ns_at(KEY, 5000 + step)


def test_a_change_of_the_sampling_rate_or_the_type_splits_there_and_nowhere_else():
    day = whole_day()
    fast = make_trace(ns_at(KEY, 200), day.data[:4000].astype(np.float32), 2 * RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = segments_of(KEY, cut(day, 0, 100), cut(day, 100, 200), fast, cut(day, 400, 500), cut(day, 500, 600))
    assert [(s.start_ns, s.end_ns) for s in found] == [
        (ns_at(KEY, a), ns_at(KEY, b)) for a, b in ((0, 200), (200, 400), (400, 600))
    ]
    assert [s.sampling_rate for s in found] == [RATE, 2 * RATE, RATE]


def test_times_of_samples_come_from_the_segment_itself():
    trace = make_trace(ns_at(KEY, 10) + 1_234_567, np.arange(50, dtype=np.int32), RATE)
    (segment,) = segments_of(KEY, trace)
    assert segment.time_ns(0) == ns_at(KEY, 10) + 1_234_567
    assert segment.time_ns(7) == segment.time_ns(0) + 7 * NS // 10


def test_a_whole_day_has_no_gap_and_the_padding_does_not_count():
    quality = quality_of(segments_of(KEY, whole_day()), KEY)
    assert (quality.coverage, quality.gaps, quality.gap_seconds) == (1.0, 0, 0.0)
    assert (quality.overlaps, quality.overlap_seconds) == (0, 0.0)
    assert quality.samples == 864_000
    assert quality.sampling_rate == RATE
    assert quality.shortest_segment_s == quality.longest_segment_s == 86_400


def test_a_day_whose_neighbours_are_absent_is_still_whole():
    quality = quality_of(segments_of(KEY, whole_day(0, 86_400)), KEY)
    assert (quality.coverage, quality.gaps) == (1.0, 0)


def test_a_gap_that_reaches_into_the_padding_counts_as_far_as_it_lies_in_the_day():
    day = whole_day()
    quality = quality_of(segments_of(KEY, cut(day, -300, -50), cut(day, 20, 86_390), cut(day, 86_500, 86_700)), KEY)
    assert (quality.gaps, quality.gap_seconds) == (2, 30.0)
    assert quality.coverage == pytest.approx(1 - 30 / 86_400)


def test_samples_of_the_padding_alone_are_no_samples_of_the_day():
    quality = quality_of(segments_of(KEY, whole_day(-300, -10)), KEY)
    assert (quality.samples, quality.coverage) == (0, 0.0)


def test_no_records_are_no_samples():
    quality = quality_of(segments_of(KEY), KEY)
    assert (quality.samples, quality.coverage, quality.gaps, quality.longest_segment_s) == (0, 0.0, 0, 0.0)


def test_the_digest_changes_with_time_rate_and_any_sample():
    samples = np.arange(1000, dtype=np.int32)
    changed = samples.copy()
    changed[500] += 1
    digests = {
        digest_of_segments(segments_of(KEY, make_trace(start, data, rate)))
        for start, data, rate in [
            (KEY.start_ns, samples, RATE),
            (KEY.start_ns + NS, samples, RATE),
            (KEY.start_ns, samples, 2 * RATE),
            (KEY.start_ns, changed, RATE),
            (KEY.start_ns, samples.astype(np.float32), RATE),
        ]
    }
    assert len(digests) == 5


@st.composite
def pieces(draw):
    """Cuts of [-300, 86 700) s in tenths of a second; each stretch between two cuts is there or not."""
    cuts = sorted(draw(st.sets(st.integers(-2999, 866_999), max_size=12)))
    ends = [-3000, *cuts, 867_000]
    kept = draw(st.lists(st.booleans(), min_size=len(ends) - 1, max_size=len(ends) - 1))
    return [(a, b) for a, b, k in zip(ends[:-1], ends[1:], kept, strict=True) if k]


@settings(max_examples=60, deadline=None)
@given(pieces(), st.integers(0, 99_999_999))
def test_coverage_and_gaps_make_up_the_day_whatever_is_missing(stretches, off_grid_ns):
    traces = [
        make_trace(KEY.start_ns + a * NS // 10 + off_grid_ns, np.zeros(b - a, dtype=np.int8), RATE)
        for a, b in stretches
    ]
    segments = segments_of(KEY, *traces)
    quality = quality_of(segments, KEY)
    inside = [(max(a, 0), min(b, 864_000)) for a, b in stretches if min(b, 864_000) > max(a, 0)]
    covered = sum(b - a for a, b in inside) / 10
    assert quality.coverage * 86_400 == pytest.approx(covered, abs=0.2)
    assert abs(quality.samples - 10 * covered) <= 2
    assert quality.overlaps == 0
    if quality.samples:
        assert quality.coverage * 86_400 + quality.gap_seconds == pytest.approx(DAY_NS / NS, abs=0.2)
        assert quality.shortest_segment_s <= quality.longest_segment_s <= 86_400
    assert all(a.end_ns < b.start_ns for a, b in pairwise(segments))
