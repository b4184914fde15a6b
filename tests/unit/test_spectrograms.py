"""Spectrograms: equal to SciPy's, centred on the strongest column, with the times of their samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from waveform_builders import burst, make_settings, noise

from ris_core.processing.spectrograms import column_power, densities, event_spectrogram, plan
from ris_core.processing.windows import window_spectrograms

RATE = 50.0
SETTINGS = make_settings()
PLAN = plan(SETTINGS.spectrogram, SETTINGS.conditioning)
BAND = slice(16, 103)


def in_scipy(samples):
    return signal.spectrogram(
        samples, RATE, signal.windows.kaiser(20, 5.7), noverlap=18, nfft=256, detrend="constant", scaling="density"
    )


def with_event(at: float, seconds: float = 60, amplitude: float = 1e4, seed: int = 0):
    samples = noise(round(seconds * RATE), seed)
    burst(samples, RATE, at, amplitude)
    return samples


def test_the_constants_are_the_published_shape():
    assert PLAN.samples == 218
    assert (PLAN.frequency.size, PLAN.time.size, PLAN.hop, PLAN.nfft) == (87, 100, 2, 256)
    assert PLAN.frequency[[0, -1]] == pytest.approx([3.125, 19.921875])
    assert PLAN.time[[0, 1, -1]] == pytest.approx([0, 0.04, 3.96])


def test_densities_are_those_of_scipy():
    samples = with_event(30)
    frequency, _, wanted = in_scipy(samples)
    found = densities(samples, PLAN)
    np.testing.assert_allclose(found, wanted[BAND], rtol=0, atol=1e-6 * wanted.max())
    np.testing.assert_allclose(frequency[BAND], PLAN.frequency)


def test_the_power_of_a_column_is_the_sum_over_all_of_scipy_s_frequencies():
    samples = with_event(30)
    np.testing.assert_allclose(column_power(samples, PLAN), in_scipy(samples)[2].sum(axis=0), rtol=1e-10)


@pytest.mark.parametrize("grid_offset", [0, 1, -15_000, -14_999, 4_319_999])
@pytest.mark.parametrize("at", [20.0, 33.33])
def test_an_event_is_cut_from_the_spectrogram_of_the_day_centred_on_its_strongest_column(grid_offset, at):
    samples = with_event(at)
    peak = int(np.argmax(np.abs(samples)))
    start, image, wave = event_spectrogram(samples, grid_offset, peak, PLAN)
    # Columns of the whole trace, of which those count that start on the even samples from midnight.
    align = grid_offset % 2
    _, middles, whole = in_scipy(samples[align:])
    distance = np.round((middles + align / RATE) * RATE) - peak
    near = np.flatnonzero((distance >= -250) & (distance < 250))
    centre = near[np.argmax(whole[:, near].sum(axis=0))]
    assert start == align + 2 * (centre - 50)
    assert (start + grid_offset) % 2 == 0
    wanted = whole[BAND, centre - 50 : centre + 50]
    assert image.shape == (87, 100)
    assert image.dtype == wave.dtype == np.float32
    np.testing.assert_allclose(image, wanted, rtol=0, atol=1e-5 * wanted.max())
    np.testing.assert_array_equal(wave, samples[start : start + 218].astype(np.float32))


def test_the_centre_is_sought_within_five_seconds_of_the_peak_and_not_farther():
    for distance, followed in ((4.5, True), (-4.5, True), (6.0, False), (-6.0, False)):
        samples = with_event(40, 80)
        burst(samples, RATE, 40 + distance, 3e4)
        peak = round(40.03 * RATE)
        start, _, _ = event_spectrogram(samples, 0, peak, PLAN)
        middle = (start + 100 + 10) / RATE
        assert middle == pytest.approx(40 + (distance if followed else 0), abs=0.3)


@pytest.mark.parametrize(("distance", "found"), [(-252, False), (-250, True), (248, True), (250, False)])
def test_the_column_five_seconds_before_the_peak_counts_and_the_one_five_seconds_after_it_does_not(distance, found):
    # White noise of the length of one column: that column is the strongest, by far.
    peak, samples = 2000, noise(4000, deviation=1e-3)
    column = slice(peak + distance - 10, peak + distance + 10)
    samples[column] += 1e4 * noise(20, 1) * signal.windows.kaiser(20, 5.7)
    start, image, _ = event_spectrogram(samples, 0, peak, PLAN)
    assert (start + 100 + 10 == peak + distance) == found
    (of_window,) = window_spectrograms(samples[None], PLAN)
    np.testing.assert_array_equal(of_window, image)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 3000), st.integers(-10, 10), st.integers(0, 5))
def test_all_samples_of_a_spectrogram_lie_in_the_segment_or_there_is_none(peak, grid_offset, seed):
    samples = with_event(peak / RATE, 60, seed=seed)
    cut = event_spectrogram(samples, grid_offset, min(peak, samples.size - 1), PLAN)
    if cut is None:
        assert peak < 110 + 250 or peak > samples.size - 108 - 250
    else:
        start, image, wave = cut
        assert 0 <= start <= samples.size - 218
        assert (start + grid_offset) % 2 == 0
        np.testing.assert_allclose(image, densities(wave, PLAN), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("peak_s", [0.0, 1.0, 1.9, 58.3, 59.9])
def test_an_event_too_near_the_ends_of_its_segment_has_no_spectrogram(peak_s):
    samples = with_event(peak_s)
    assert event_spectrogram(samples, 0, round(peak_s * RATE), PLAN) is None


@pytest.mark.parametrize("size", [0, 10, 19, 20, 100, 217])
def test_a_segment_without_room_for_all_columns_has_no_spectrogram(size):
    assert event_spectrogram(noise(size), 0, size // 2, PLAN) is None


def test_a_segment_with_just_the_room_for_all_columns_has_a_spectrogram():
    samples = np.zeros(218)
    burst(samples, RATE, 110 / RATE, 1e4)
    samples[110 - 10 : 110 + 10] += 1e5 * signal.windows.hann(20) * np.cos(np.arange(20))
    start, image, _ = event_spectrogram(samples, 0, 110, PLAN)
    assert (start, image.shape) == (0, (87, 100))
