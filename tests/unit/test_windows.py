"""Windows cut elsewhere get the spectrograms that detections get."""

import numpy as np
import pytest

from ris_core.config import ConditioningSettings, SpectrogramSettings
from ris_core.processing.spectrograms import densities, event_spectrogram, plan
from ris_core.processing.windows import window_spectrograms

PLAN = plan(SpectrogramSettings(), ConditioningSettings())


def noisy_bursts(windows: int, samples: int, at: float, seed: int = 0) -> np.ndarray:
    """Return noise with a burst of 9 Hz at a share of each window."""
    rng = np.random.default_rng(seed)
    t = (np.arange(samples) - at * samples) / 50
    burst = np.exp(-((t / 0.3) ** 2)) * np.sin(2 * np.pi * 9 * t)
    return rng.normal(0, 1, (windows, samples)) + 50 * burst


@pytest.mark.parametrize("samples", [218, 219])
def test_a_window_of_one_spectrogram_is_taken_as_it_is(samples: int) -> None:
    windows = noisy_bursts(3, samples, 0.3)
    found = window_spectrograms(windows, PLAN)
    assert found.shape == (3, 87, 100)
    for window, spectrogram in zip(windows, found, strict=True):
        np.testing.assert_array_equal(spectrogram, densities(window[:218], PLAN))


@pytest.mark.parametrize("at", [0.45, 0.5, 0.55])
@pytest.mark.parametrize("samples", [1001, 2000])
def test_a_long_window_gives_the_spectrogram_of_a_detection_in_its_middle(samples: int, at: float) -> None:
    windows = noisy_bursts(2, samples, at)
    found = window_spectrograms(windows, PLAN)
    for window, spectrogram in zip(windows, found, strict=True):
        wanted = event_spectrogram(window, 0, samples // 2, PLAN)
        assert wanted is not None
        np.testing.assert_array_equal(spectrogram, wanted[1])


@pytest.mark.parametrize(("at", "start"), [(0.3, 0), (0.7, 82)])
def test_near_an_edge_the_columns_are_those_that_still_fit(at: float, start: int) -> None:
    (window,) = noisy_bursts(1, 300, at)
    (found,) = window_spectrograms(window[None], PLAN)
    np.testing.assert_array_equal(found, densities(window[start : start + 218], PLAN))


def test_an_event_beyond_the_search_does_not_draw_the_spectrogram_to_it() -> None:
    (window,) = noisy_bursts(1, 3000, 0.5)
    loud = window.copy()
    loud[2500:2600] += 1e4 * np.sin(np.arange(100))
    np.testing.assert_array_equal(window_spectrograms(loud[None], PLAN), window_spectrograms(window[None], PLAN))


@pytest.mark.parametrize("shape", [(3, 217), (218,), (2, 3, 218)])
def test_windows_that_are_too_short_or_no_table_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"n of at least 218 samples at 50 Hz, got"):
        window_spectrograms(np.zeros(shape), PLAN)
