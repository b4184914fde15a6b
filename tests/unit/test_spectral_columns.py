"""Peak frequency, centroid and duration of events."""

import numpy as np
import pytest

from ris_core.catalogue.spectral_columns import of_events
from ris_core.contracts.events import Events

FREQUENCY = np.arange(4.0, 12.0)
TIME = np.arange(50) * 0.1


def events(power: np.ndarray, noise: float | None = None) -> Events:
    n = len(power)
    surroundings = {}
    if noise is not None:
        components = power.shape[1] if power.ndim == 4 else 1
        surroundings = {"noise_psd": np.full((n, components, len(FREQUENCY)), noise, np.float32)}
    names = tuple(f"XX.A..HHZ.20150101T00000{i}.000000" for i in range(n))
    return Events(
        spectrogram=power.astype(np.float32),
        waveform=np.zeros((n, 10), np.float32),
        frequency=FREQUENCY,
        time=TIME,
        event_id=names,
        time_peak=np.zeros(n, np.int64),
        window_start=np.zeros(n, np.int64),
        sampling_rate=50.0,
        **surroundings,
    )


def test_the_peak_frequency_is_that_of_the_mean_over_time() -> None:
    power = np.zeros((1, 8, 50))
    power[0, 2, 10] = 40.0  # the greatest value, but not for long
    power[0, 5, 10:40] = 2.0
    peak, centroid, duration = of_events(events(power), 0.25)[0]
    assert peak == 9.0
    assert centroid == pytest.approx((40 * 6 + 60 * 9) / 100)
    assert duration == pytest.approx(0.1)


def test_the_duration_is_the_time_above_a_fifth_of_the_greatest_power() -> None:
    power = np.zeros((1, 8, 50))
    power[0, 3, :10] = 1.0
    power[0, 3, 20:30] = 0.21
    power[0, 3, 30:40] = 0.19
    assert of_events(events(power), 0.25)[0, 2] == pytest.approx(2.0)


def test_noise_is_taken_away_before_centroid_and_duration() -> None:
    quantile = 0.25
    mean = 1.0
    power = np.full((1, 8, 50), mean)
    power[0, 6, 5:15] += 100.0
    kept = -np.log1p(-quantile) * mean
    peak, centroid, duration = of_events(events(power, kept), quantile)[0]
    assert (peak, centroid, duration) == pytest.approx((10.0, 10.0, 1.0), rel=1e-4)


def test_components_are_added_up() -> None:
    power = np.zeros((1, 2, 8, 50))
    power[0, 0, 1] = 1.0
    power[0, 1, 7] = 3.0
    peak, centroid, _ = of_events(events(power), 0.25)[0]
    assert (peak, centroid) == pytest.approx((11.0, (5 + 33) / 4))


def test_an_event_below_its_noise_is_described_by_its_power_and_one_without_power_by_nothing() -> None:
    power = np.zeros((2, 8, 50))
    power[0, 4] = 1.0
    found = of_events(events(power, 100.0), 0.25)
    assert found[0] == pytest.approx([8.0, 8.0, 5.0])
    assert np.isnan(found[1]).all()
