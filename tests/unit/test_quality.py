"""Figures of a station-day's samples: flat lines, clipping, spikes, amplitudes, and what is worth a look."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import Stream
from waveform_builders import KEY, PADDING, make_trace, ns_at, segments_of

from ris_core.contracts.acquisition import Acquisition, SamplesAt
from ris_core.contracts.stamp import Stamp
from ris_core.waveforms.amplitudes import Amplitudes, amplitudes_of
from ris_core.waveforms.sample_quality import problems_of, quality_of
from ris_core.waveforms.segments import to_segments

RATE = 50.0
BLOCK = 1 << 16
"""Samples that are looked at in one go; what lies across its border counts once."""


def noise(size: int = 300_000, deviation: float = 100.0, seed: int = 0) -> np.ndarray:
    return np.rint(np.random.default_rng(seed).normal(0, deviation, size)).astype(np.int32)


def figures(samples: np.ndarray, rate: float = RATE) -> Amplitudes:
    return amplitudes_of([(samples, rate)])


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "float32", "float64"])
def test_extremes_mean_and_rms_are_those_of_the_samples(kind):
    samples = noise(deviation=20).clip(-100, 100).astype(kind)
    found = figures(samples)
    exact = samples.astype(np.float64)
    assert (found.minimum, found.maximum) == (exact.min(), exact.max())
    assert found.mean == pytest.approx(exact.mean(), abs=1e-9)
    assert found.rms == pytest.approx(exact.std(), rel=1e-9)
    assert found.samples == samples.size


def test_the_rms_of_a_small_motion_on_a_large_offset_keeps_its_digits():
    samples = noise(deviation=2) + 8_000_000
    found = figures(samples)
    assert found.mean == pytest.approx(samples.mean(), rel=1e-12)
    assert found.rms == pytest.approx(samples.std(), rel=1e-6)


def test_noise_has_no_flat_line_no_clipping_and_no_spike():
    for deviation in (2, 100, 1e6):
        found = figures(noise(deviation=deviation))
        assert (found.flat_lines, found.clipped_runs, found.spikes) == (0, 0, 0)


@pytest.mark.parametrize("start", [0, 1000, BLOCK - 30, 3 * BLOCK, 300_000 - 60])
@pytest.mark.parametrize(("length", "found"), [(49, 0), (50, 1), (60, 1)])
def test_a_run_of_one_value_counts_from_a_second_on_wherever_it_lies(start, length, found):
    samples = noise()
    stop = min(start + length, samples.size)
    samples[start:stop] = 7
    if start:
        samples[start - 1] = 8
    if stop < samples.size:
        samples[stop] = 8
    result = figures(samples)
    assert (result.flat_lines, result.flat_line_seconds) == (found, found * length / RATE)


def test_a_flat_line_over_many_blocks_is_one():
    samples = noise(500_000)
    samples[100_000:400_000] = 0
    samples[[99_999, 400_000]] = 1
    result = figures(samples)
    assert (result.flat_lines, result.flat_line_seconds) == (1, 6000.0)


def test_a_constant_fragment_is_a_flat_line_however_short():
    result = amplitudes_of([(np.full(20, 3, np.int32), RATE), (noise(1000), RATE), (np.zeros(5), RATE)])
    assert (result.flat_lines, result.flat_line_seconds) == (2, 25 / RATE)


@pytest.mark.parametrize("limit", [8_388_607, -8_388_608, 6_000_000, 32_767, -32_768])
@pytest.mark.parametrize("start", [5000, BLOCK - 2, BLOCK - 1])
def test_runs_at_the_digitisers_limit_are_clipped(limit, start):
    samples = noise()
    samples[start : start + 4] = limit
    samples[200_000:200_002] = limit
    result = figures(samples)
    assert (result.clipped_runs, result.clipped_seconds) == (1, 4 / RATE)


def test_flat_tops_below_the_extreme_or_of_small_amplitude_are_not_clipped():
    samples = noise()
    samples[1000:1004] = 5_000_000
    samples[2000] = 5_000_001
    assert figures(samples).clipped_runs == 0
    slow = np.rint(2000 * np.sin(np.arange(300_000) / RATE / 5)).astype(np.int32)
    assert figures(slow).clipped_runs == 0


@pytest.mark.parametrize("place", [2, 5000, BLOCK - 1, BLOCK, BLOCK + 1, 300_000 - 3])
@pytest.mark.parametrize("height", [20_000, -20_000])
@pytest.mark.parametrize("kind", ["int32", "float32"])
def test_a_single_sample_far_off_is_a_spike(place, height, kind):
    samples = noise().astype(kind)
    samples[place] += height
    assert figures(samples).spikes == 1


def test_spikes_of_32_bits_do_not_overflow():
    samples = noise()
    samples[5000] = 2**31 - 1
    samples[9000] = -(2**31)
    result = figures(samples)
    assert (result.spikes, result.maximum, result.minimum) == (2, 2.0**31 - 1, -(2.0**31))


def test_steps_pairs_and_earthquakes_are_no_spikes():
    samples = noise()
    samples[1000:] += 50_000
    samples[5000:5002] += 50_000
    time = np.arange(3000) / RATE
    for at, frequency in ((20_000, 5), (40_000, 12), (60_000, 20), (80_000, 24)):
        samples[at : at + 3000] += np.rint(1e5 * np.sin(2 * np.pi * frequency * time) * np.exp(-time / 5)).astype(int)
    rough = np.random.default_rng(1).normal(0, 1e5, 20_000) * np.hanning(20_000)
    samples[100_000:120_000] += np.rint(rough).astype(np.int32)
    assert figures(samples).spikes == 0


def test_a_spike_in_a_dead_channel_is_found():
    samples = np.zeros(300_000, np.float32)
    samples[5000] = 3.0
    result = figures(samples)
    assert (result.spikes, result.flat_lines) == (1, 2)


def runs_by_hand(samples: np.ndarray) -> list[int]:
    edges = np.flatnonzero(np.diff(samples)) + 1
    return [int(n) for n in np.diff([0, *edges, samples.size])]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(1, 60)), min_size=1, max_size=40),
    st.integers(0, 40),
    st.sampled_from([20.0, 50.0]),
)
def test_flat_lines_are_those_counted_one_by_one_across_blocks(runs, before, rate):
    # What is drawn lies across the border of two blocks.
    ahead = np.tile([3, 4], BLOCK)[-(BLOCK - before) :]
    samples = np.concatenate([ahead, *(np.full(n, value) for value, n in runs)]).astype(np.int32)
    expected = [n for n in runs_by_hand(samples) if n >= rate]
    result = figures(samples, rate)
    assert result.flat_lines == len(expected)
    assert result.flat_line_seconds == pytest.approx(sum(expected) / rate)


def test_figures_are_of_the_day_without_its_padding():
    samples = noise(round(87_000 * RATE))
    samples[[1000, 300 * 50 - 1, -5000]] = 1_000_000
    samples[-700:-500] = 5
    quality = quality_of(segments_of(KEY, make_trace(ns_at(KEY, -300), samples, RATE)), KEY)
    assert quality.maximum is not None
    assert quality.maximum < 1000
    assert (quality.spikes, quality.flat_lines, quality.samples) == (0, 0, 86_400 * 50)


def test_no_samples_have_no_amplitudes():
    quality = quality_of([], KEY)
    assert (quality.minimum, quality.maximum, quality.mean, quality.rms) == (None, None, None, None)
    assert (quality.sampling_rates, quality.sample_types) == ((), ())


def test_a_sampling_grid_that_misses_midnight_is_no_gap():
    samples = noise(round(86_400 * RATE) - 1)
    quality = quality_of(segments_of(KEY, make_trace(ns_at(KEY, 0.0195), samples, RATE)), KEY)
    assert (quality.gaps, quality.gap_seconds) == (0, 0.0)


def acquisition(stream: Stream, **changes) -> Acquisition:
    segments = to_segments(stream, KEY, PADDING)
    quality = replace(quality_of(segments, KEY, stream), **changes)
    has_data = quality.samples > 0
    where = SamplesAt.IN_PLACE if has_data else SamplesAt.NOWHERE
    stamp = Stamp("settings", "1", "content")
    return Acquisition(KEY, has_data, "", where, None, 0, len(segments), quality, stamp)


def with_samples(samples: np.ndarray, **changes) -> Acquisition:
    return acquisition(Stream([make_trace(KEY.start_ns, samples, RATE)]), **changes)


def test_a_good_day_is_not_worth_a_look():
    assert problems_of(with_samples(noise(), coverage=1.0)) == []


def test_what_is_wrong_is_said_in_words():
    samples = noise().astype(np.float64)
    samples[5000:8001] = 0
    samples[20_000:20_060] = 7e6
    samples[30_000] = np.nan
    assert problems_of(with_samples(samples, sampling_rates=(50.0, 100.0), notes=("a file is damaged",))) == [
        "covers 6.9%",
        "61.22 s of flat lines",
        "1.2 s clipped",
        "1 samples NaN or infinite",
        "sampling rates 50, 100 Hz",
        "a file is damaged",
    ]


def test_a_day_without_data_is_worth_a_look_if_a_file_of_it_is_damaged():
    assert problems_of(acquisition(Stream(), notes=("half a record",))) == ["half a record"]
    assert problems_of(acquisition(Stream())) == []
