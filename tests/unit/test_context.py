"""The context of events and the noise beneath them: equal to a direct computation, also at ends and beside gaps."""

import numpy as np
import pytest
from chain_builders import run_chain
from numpy.typing import NDArray
from scipy import signal
from waveform_builders import KEY, burst, make_settings, noise, record

from ris_core.contracts.events import Events
from ris_core.processing.context import context_plan, surroundings
from ris_core.processing.spectrograms import plan

RATE = 50.0
SETTINGS = make_settings()
PLAN = plan(SETTINGS.spectrogram, SETTINGS.conditioning)
CONTEXT = context_plan(SETTINGS.context, PLAN)
BAND = slice(16, 103)
MIDDLE = 110
Samples = NDArray[np.float64]


def columns_of(samples: Samples, grid_offset: int, start: int, reach: int = 3000, step: int = 50) -> list[int]:
    """First samples of the windows of 20 samples on the grid of seconds that lie within a minute and the segment."""
    middle = start + MIDDLE
    low, high = max(0, middle - reach), min(samples.size, middle + reach)
    return [at for at in range(low, high - 20 + 1) if (grid_offset + at) % step == 0]


def spectra(samples: Samples, columns: list[int]) -> Samples:
    parts = np.concatenate([samples[at : at + 20] for at in columns])
    _, _, found = signal.spectrogram(
        parts, RATE, signal.windows.kaiser(20, 5.7), nperseg=20, noverlap=0, nfft=256, detrend="constant"
    )
    return np.asarray(found[BAND])


@pytest.mark.parametrize("grid_offset", [0, 17, -14_999])
@pytest.mark.parametrize("quantile", [0.25, 0.1, 0.5])
def test_the_noise_is_the_quantile_of_scipy_s_spectra(grid_offset: int, quantile: float) -> None:
    samples = noise(20_000, seed=1)
    starts = np.array([4000, 4010, 4700, 9000, 9001, 16_000, 0, 20_000 - 218, 50, 19_000])
    c = context_plan(SETTINGS.context.model_copy(update={"noise_quantile": quantile}), PLAN)
    found = surroundings(samples, grid_offset, starts, PLAN, c)
    for row, start in enumerate(starts.tolist()):
        columns = columns_of(samples, grid_offset, start)
        assert found.noise_columns[row] == len(columns)
        wanted = np.quantile(spectra(samples, columns), quantile, axis=1)
        np.testing.assert_allclose(found.noise_psd[row], wanted, rtol=1e-4)
    assert found.noise_columns[0] in (119, 120)
    assert found.noise_columns[6] in (61, 62, 63)


def test_events_do_not_depend_on_which_others_there_are() -> None:
    samples = noise(100_000, seed=2)
    starts = np.sort(np.random.default_rng(0).integers(0, samples.size - PLAN.samples, 200))
    together = surroundings(samples, 3, starts, PLAN, CONTEXT)
    for row in (0, 1, 77, 199):
        alone = surroundings(samples, 3, starts[row : row + 1], PLAN, CONTEXT)
        for name, values in vars(alone).items():
            np.testing.assert_allclose(getattr(together, name)[row], values[0], rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("start", [0, 300, 490, 5000, 9400, 9782])
def test_the_context_is_the_trace_around_the_middle_and_zero_beyond_the_segment(start: int) -> None:
    samples = noise(10_000, seed=3)
    found = surroundings(samples, 0, np.array([start]), PLAN, CONTEXT)
    padded = np.pad(samples, 600)
    np.testing.assert_array_equal(found.context[0], padded[start + MIDDLE : start + MIDDLE + 1200].astype(np.float32))
    first, stop = found.context_recorded[0]
    assert (first, stop) == (max(0, 490 - start), min(1200, 10_000 - start + 490))
    assert not found.context[0, :first].any()
    assert not found.context[0, stop:].any()
    assert CONTEXT.lead == 490
    np.testing.assert_array_equal(found.context[0, 490 : 490 + 218], samples[start : start + 218].astype(np.float32))


def test_a_context_shorter_than_the_window_begins_after_its_first_sample() -> None:
    c = context_plan(SETTINGS.context.model_copy(update={"half_length": 1.0}), PLAN)
    samples = noise(10_000)
    found = surroundings(samples, 0, np.array([5000]), PLAN, c)
    assert c.lead == -60
    np.testing.assert_array_equal(found.context[0], samples[5060:5160].astype(np.float32))


def test_a_dead_stretch_is_not_taken_for_quiet_noise() -> None:
    samples = noise(12_000, seed=4)
    # What the filters leave of a constant is rounding.
    samples[2000:5500] = np.random.default_rng(0).normal(0, 2e-6, 3500)
    found = surroundings(samples, 0, np.array([5600]), PLAN, CONTEXT)
    columns = [at for at in columns_of(samples, 0, 5600) if at + 20 <= 2000 or at >= 5500]
    assert found.noise_columns[0] == pytest.approx(len(columns), abs=1)
    np.testing.assert_allclose(found.noise_psd[0], np.quantile(spectra(samples, columns), 0.25, axis=1), rtol=0.05)


def test_a_flat_line_of_the_instrument_is_not_taken_for_quiet_noise() -> None:
    def day(dead: bool) -> Events:
        trace = record(KEY, -300, 600, [300.0])
        if dead:
            # 50 of the 120 s around the event, from 548 s of the trace on.
            trace.data[27_400:29_900] = trace.data[27_399]
        return run_chain(KEY, trace).spectrograms

    whole, dead = day(dead=False), day(dead=True)
    assert whole.noise_psd is not None
    assert dead.noise_psd is not None
    assert dead.noise_columns is not None
    assert dead.noise_columns[0, 0] == pytest.approx(72, abs=3)
    difference = 10 * np.log10(dead.noise_psd[0, 0] / whole.noise_psd[0, 0])
    assert np.abs(difference).max() < 4
    assert abs(difference.mean()) < 0.7


def test_weak_noise_beside_a_strong_event_is_noise() -> None:
    samples = noise(12_000, seed=4, deviation=2.0)
    burst(samples, RATE, 120.0, 8e6)
    found = surroundings(samples, 0, np.array([5900]), PLAN, CONTEXT)
    assert found.noise_columns[0] >= 119
    wanted = np.quantile(spectra(samples, columns_of(samples, 0, 5900)), 0.25, axis=1)
    np.testing.assert_allclose(found.noise_psd[0], wanted, rtol=1e-3)


def test_a_trace_of_zeros_has_a_noise_of_zero() -> None:
    found = surroundings(np.zeros(10_000), 0, np.array([5000]), PLAN, CONTEXT)
    assert not found.noise_psd.any()
    assert found.noise_columns[0] >= 119


def test_without_a_place_for_a_spectrum_each_event_has_that_of_its_own_first_column() -> None:
    c = context_plan(SETTINGS.context.model_copy(update={"noise_step": 60.0}), PLAN)
    samples = noise(1000, seed=5)
    # Columns begin each minute; in this segment none does.
    found = surroundings(samples, 100, np.array([7, 200]), PLAN, c)
    assert found.noise_columns.tolist() == [1, 1]
    np.testing.assert_allclose(found.noise_psd, spectra(samples, [7, 200]).T, rtol=1e-4)
    # One of two events has columns, the other has none.
    long = noise(20_000, seed=6)
    found = surroundings(
        long,
        100,
        np.array([3000, 20]),
        PLAN,
        context_plan(SETTINGS.context.model_copy(update={"noise_step": 60.0, "noise_reach": 40.0}), PLAN),
    )
    assert found.noise_columns.tolist() == [1, 1]
    np.testing.assert_allclose(found.noise_psd, spectra(long, [2900, 20]).T, rtol=1e-4)


def test_no_events_are_no_rows() -> None:
    found = surroundings(noise(1000), 0, np.empty(0, np.int64), PLAN, CONTEXT)
    assert [len(values) for values in vars(found).values()] == [0, 0, 0, 0]


def test_every_event_of_a_day_has_the_trace_of_its_own_segment() -> None:
    before, after = record(KEY, -300, 500, [100.0, 496.0]), record(KEY, 500.2, 1200, [535.0, 800.0], seed=1)
    products = run_chain(KEY, before, after)
    events = products.spectrograms
    assert len(events) == 4
    assert events.context is not None
    assert events.context_recorded is not None
    assert events.noise_psd is not None
    assert events.noise_columns is not None
    assert events.context.shape == (4, 1, 1200)
    assert events.noise_psd.shape == (4, 1, 87)
    lead = events.context_lead
    np.testing.assert_array_equal(events.context[:, 0, lead : lead + 218], events.waveform)
    first, stop = events.context_recorded[:, 0].T
    # The second event lies 4 s before the gap.
    assert first.tolist() == [0, 0, 0, 0]
    assert stop[[0, 2, 3]].tolist() == [1200] * 3
    assert stop[1] == pytest.approx(600 + 4 * RATE, abs=25)
    assert not events.context[1, 0, stop[1] :].any()
    assert events.noise_columns[1, 0] == pytest.approx(64, abs=2)
    assert events.noise_columns[2, 0] == pytest.approx(95, abs=2)
    assert events.noise_columns[0, 0] in (119, 120)
    segments = products.traces.detection
    for row, number in enumerate((0, 0, 1, 1)):
        trace = segments[number]
        start = round((int(events.window_start[row]) - trace.start_ns) * RATE / 1e9)
        columns = columns_of(trace.samples, trace.grid_offset, start)
        wanted = np.quantile(spectra(trace.samples, columns), 0.25, axis=1)
        np.testing.assert_allclose(events.noise_psd[row, 0], wanted, rtol=1e-3)
