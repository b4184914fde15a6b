"""From records to contiguous segments, and the figures of a station-day's quality."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import Stream
from waveform_builders import KEY, PADDING, make_trace, ns_at, record, segments_of

from ris_core.contracts.station_day import DAY_NS, NS
from ris_core.waveforms.sample_quality import quality_of
from ris_core.waveforms.segments import digest_of_segments, to_segments

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


@pytest.mark.parametrize("step", [-0.06, -0.05, 0.05, 0.06, 1.0, -1.0])
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


def test_the_digest_tells_apart_the_same_bytes_cut_by_a_gap():
    samples = np.arange(1000, dtype=np.int32)
    whole = segments_of(KEY, make_trace(KEY.start_ns, samples, RATE))
    apart = segments_of(
        KEY, make_trace(KEY.start_ns, samples[:500], RATE), make_trace(ns_at(KEY, 50.1), samples[500:], RATE)
    )
    assert len({digest_of_segments(whole), digest_of_segments(apart)}) == 2


@pytest.mark.parametrize("jitter", [0.03, -0.03, 0.04])
def test_a_record_less_than_half_a_sample_off_continues_the_segment(jitter):
    day = whole_day()
    late = make_trace(ns_at(KEY, 5000 + jitter), cut(day, 5000, 9000).data, RATE)
    (segment,) = segments_of(KEY, cut(day, 1000, 5000), late, cut(day, 9000, 9500))
    np.testing.assert_array_equal(segment.samples, cut(day, 1000, 9500).data)
    assert segment.start_ns == ns_at(KEY, 1000)


def test_jitter_of_many_records_does_not_add_up():
    day = whole_day()
    shifts = np.random.default_rng(0).uniform(-0.3, 0.3, 870) / RATE
    traces = [
        make_trace(ns_at(KEY, -300 + 100 * i + shifts[i]), cut(day, -300 + 100 * i, -200 + 100 * i).data, RATE)
        for i in range(870)
    ]
    (segment,) = segments_of(KEY, *traces, *traces[100:300])
    np.testing.assert_array_equal(segment.samples, day.data)


def test_a_slow_drift_cuts_nothing_and_every_sample_has_the_time_of_its_record():
    day = whole_day()
    starts = [ns_at(KEY, 100 * i + 0.01 * i) for i in range(9)]
    traces = [make_trace(start, cut(day, 100 * i, 100 * i + 100).data, RATE) for i, start in enumerate(starts)]
    (segment,) = segments_of(KEY, *traces[::-1], *traces[2:4])
    np.testing.assert_array_equal(segment.samples, cut(day, 0, 900).data)
    assert [segment.time_ns(1000 * i) for i in range(9)] == starts
    assert [segment.time_ns(1000 * i + 999) for i in range(9)] == [start + 999 * NS // 10 for start in starts]
    assert segment.end_ns == starts[-1] + 100 * NS


def test_a_few_samples_that_agree_by_chance_do_not_hide_a_clock_step():
    first = make_trace(ns_at(KEY, 0), np.zeros(100, np.int32), RATE)
    second = make_trace(ns_at(KEY, 9.93), np.zeros(100, np.int32), RATE)
    assert [s.samples.size for s in segments_of(KEY, first, second)] == [100, 100]


def test_a_copy_that_differs_in_one_sample_stays_apart_and_what_repeats_it_joins_it():
    day = whole_day()
    other = cut(day, 300, 900)
    other.data[3000] += 1
    found = segments_of(KEY, cut(day, 0, 1000), other, cut(day, 500, 1500), other.copy())
    assert [(s.start_ns, s.end_ns) for s in found] == [
        (ns_at(KEY, 0), ns_at(KEY, 1500)),
        (ns_at(KEY, 300), ns_at(KEY, 900)),
    ]


def test_samples_that_are_not_finite_are_gaps():
    day = whole_day()
    samples = day.data.astype(np.float32)
    samples[[3500, 3501, 400_000]] = np.nan, np.inf, -np.inf
    samples[:1000] = np.nan
    stream = Stream([make_trace(ns_at(KEY, -300), samples, RATE)])
    found = to_segments(stream, KEY, PADDING)
    assert [(s.start_ns, s.end_ns) for s in found] == [
        (ns_at(KEY, -200), ns_at(KEY, 50)),
        (ns_at(KEY, 50.2), ns_at(KEY, 39_700)),
        (ns_at(KEY, 39_700.1), ns_at(KEY, 86_700)),
    ]
    assert [(s.opens_window, s.closes_window) for s in found] == [(False, False), (False, False), (False, True)]
    quality = quality_of(found, KEY, stream)
    assert (quality.non_finite, quality.gaps, quality.duplicate_seconds) == (3, 2, 0.0)
    assert quality.gap_seconds == pytest.approx(0.3)


def test_nothing_but_nan_is_no_samples():
    stream = Stream([make_trace(KEY.start_ns, np.full(1000, np.nan), RATE)])
    quality = quality_of(to_segments(stream, KEY, PADDING), KEY, stream)
    assert (quality.samples, quality.coverage, quality.non_finite) == (0, 0.0, 1000)


def test_repeated_floats_join_although_nan_equals_nothing():
    samples = np.arange(1000, dtype=np.float64)
    samples[500] = np.nan
    trace = make_trace(KEY.start_ns, samples, RATE)
    stream = Stream([trace, trace.copy()])
    found = to_segments(stream, KEY, PADDING)
    assert [s.samples.size for s in found] == [500, 499]
    assert quality_of(found, KEY, stream).overlaps == 0


def test_thousands_of_fragments_and_one_alone_are_segments_of_their_own():
    samples = np.arange(50, dtype=np.int32)
    fragments = [make_trace(ns_at(KEY, 17.0 * i), samples, RATE) for i in range(5000)]
    found = segments_of(KEY, *fragments[::-1])
    assert [s.start_ns for s in found] == [ns_at(KEY, 17.0 * i) for i in range(5000)]
    quality = quality_of(found, KEY)
    assert (quality.gaps, quality.samples) == (5000, 250_000)
    assert quality.coverage * 86_400 + quality.gap_seconds == pytest.approx(86_400)
    (alone,) = segments_of(KEY, make_trace(ns_at(KEY, 4000), np.arange(200, dtype=np.int32), RATE))
    assert quality_of([alone], KEY).gap_seconds == 86_380


SIGNAL = np.random.default_rng(0).integers(-2, 3, 9000).astype(np.int32)
"""Few values, so that neighbouring samples and short stretches are often alike by chance."""


@st.composite
def pieces(draw):
    """Stretches of a window of 9000 samples, each at least a sample from the next one."""
    cuts = sorted(draw(st.sets(st.integers(1, 8999), max_size=8)))
    ends = [0, *cuts, 9000]
    kept = draw(st.lists(st.booleans(), min_size=len(ends) - 1, max_size=len(ends) - 1))
    merged: list[tuple[int, int]] = []
    for a, b, keep in zip(ends[:-1], ends[1:], kept, strict=True):
        if keep and merged and merged[-1][1] == a:
            merged[-1] = merged[-1][0], b
        elif keep:
            merged.append((a, b))
    return merged


@st.composite
def records(draw, stretches):
    """The same stretches as records: cut anywhere, some overlapping or repeated, in any order."""
    found = []
    for a, b in stretches:
        cuts = sorted(draw(st.sets(st.integers(a, b), max_size=6)))
        for start, end in pairwise([a, *(c for c in cuts if a < c < b), b]):
            found.append((start, min(b, end + draw(st.integers(0, 40)))))
            if draw(st.booleans()):
                inner = draw(st.integers(start, end - 1))
                found.append((inner, draw(st.integers(inner + 1, b))))
    return draw(st.permutations(found))


@settings(max_examples=150, deadline=None)
@given(st.data(), pieces(), st.sampled_from([0.1, 1 / 9.6, 0.103, 100.0]), st.integers(-999, 999))
def test_however_a_signal_is_cut_its_segments_are_the_same(data, stretches, rate, late_ms):
    def segments(cuts):
        start = KEY.start_ns - round(300 * NS) + late_ms * 1_000_000
        return segments_of(KEY, *(make_trace(start + round(a * NS / rate), SIGNAL[a:b], rate) for a, b in cuts))

    found = segments(data.draw(records(stretches)))
    assert len(found) == len(stretches)
    for segment, (a, b) in zip(found, stretches, strict=True):
        np.testing.assert_array_equal(segment.samples, SIGNAL[a:b])
    assert digest_of_segments(found) == digest_of_segments(segments(data.draw(records(stretches))))
    assert digest_of_segments(found) == digest_of_segments(segments(stretches))

    quality = quality_of(found, KEY)
    covered = sum(max(0, min(s.end_ns, KEY.end_ns) - max(s.start_ns, KEY.start_ns)) for s in found) / NS
    assert quality.coverage * 86_400 == pytest.approx(covered)
    assert quality.overlaps == 0
    assert abs(quality.samples - covered * rate) <= len(found)
    if quality.samples:
        # Midnight may lie between two samples: up to one at each end of the day is no gap.
        assert quality.coverage * 86_400 + quality.gap_seconds == pytest.approx(DAY_NS / NS, abs=2.01 / rate)
        assert quality.shortest_segment_s <= quality.longest_segment_s <= 86_400
