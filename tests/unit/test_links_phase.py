"""Phases of the tide, Schuster spectra and lagged correlation: known answers, gaps, swarms."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ris_core.links.lagged import NO_LAG, lagged_correlation
from ris_core.links.schuster import schuster_spectrum
from ris_core.links.tidal_phase import CONSTITUENTS, phase_test

HOUR = 3_600_000_000_000
START = 1_417_392_000 * 10**9
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def whole(days: int) -> Ints:
    return np.array([[START, START + 24 * days * HOUR]], dtype=np.int64)


def at(hours: Floats) -> Ints:
    return START + (hours * HOUR).astype(np.int64)


def tidal(rng: np.random.Generator, number: int, days: int, depth: float, name: str = "O1") -> Ints:
    """Poisson events whose rate goes as 1 + depth cos of a constituent's phase since 1970."""
    hours = rng.uniform(0, 24 * days, 3 * number)
    phase = np.deg2rad(CONSTITUENTS[name]) * (at(hours) / 3.6e12)
    return at(hours[rng.uniform(0, 1 + depth, len(hours)) < 1 + depth * np.cos(phase)][:number])


def within(times: Ints, intervals: Ints) -> Ints:
    place = np.searchsorted(intervals[:, 0], times, side="right") - 1
    return times[(place >= 0) & (times < intervals[np.maximum(place, 0), 1])]


def test_a_tidal_rate_is_found_with_its_strength_and_phase() -> None:
    found = phase_test(tidal(np.random.default_rng(1), 3000, 730, 0.6), whole(730), "O1")
    assert found.p < 1e-10
    assert found.declustered < 1e-6
    # The mean of cos under the density 1 + d cos is d / 2.
    assert found.excess == pytest.approx(0.3, abs=0.04)
    assert min(found.angle, 360 - found.angle) < 10
    assert found.blocks == 53


def test_events_without_a_tide_keep_the_size_of_the_test() -> None:
    rng = np.random.default_rng(2)
    rejected = sum(phase_test(at(rng.uniform(0, 24 * 400, 500)), whole(400), "O1").p < 0.05 for _ in range(200))
    assert rejected <= 18


def test_swarms_do_not_make_a_tide() -> None:
    """Schuster's p is far below .01 for most of them."""
    rng = np.random.default_rng(3)
    rejected, plain = 0, 0
    for _ in range(60):
        parents = np.repeat(rng.uniform(0, 24 * 500, 40), 30)
        times = at(parents + rng.uniform(0, 6, len(parents)))
        rejected += phase_test(times, whole(500), "O1").p < 0.05
        resultant = np.abs(np.exp(1j * np.deg2rad(CONSTITUENTS["O1"]) * (times / 3.6e12)).sum())
        plain += np.exp(-(resultant**2) / len(times)) < 0.01
    assert rejected <= 8
    assert plain > 30


def test_gaps_do_not_make_phases() -> None:
    """A station that is live for a part of each O1 cycle has all its events at one phase, and still no tide."""
    rng = np.random.default_rng(4)
    cycle = 360.0 / CONSTITUENTS["O1"]
    starts = at(np.arange(0, 24 * 400, cycle))
    intervals = np.stack([starts, starts + int(10 * HOUR)], axis=1)
    times = within(at(rng.uniform(0, 24 * 400, 4000)), intervals)
    found = phase_test(times, intervals, "O1")
    raw = np.abs(np.exp(1j * np.deg2rad(CONSTITUENTS["O1"]) * (times / 3.6e12)).mean())
    assert raw > 0.7
    assert found.excess < 0.05
    assert found.p > 0.01


def test_daily_outages_do_not_make_tides_of_events_at_noon() -> None:
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(40):
        days = np.arange(500)
        intervals = np.stack([at(24.0 * days + 2), at(24.0 * days + 23)], axis=1)
        hours = rng.uniform(0, 24 * 500, 3000)
        sun = hours[rng.uniform(0, 2, len(hours)) < 1 + np.cos(2 * np.pi * (hours - 12) / 24)]
        rejected += phase_test(within(at(sun), intervals), intervals, "O1").p < 0.05
    assert rejected <= 6


@pytest.mark.parametrize("name", ["K1", "P1", "S1", "S2"])
def test_what_the_sun_makes_too_is_shown_without_significance(name: str) -> None:
    found = phase_test(tidal(np.random.default_rng(6), 2000, 400, 0.8, name), whole(400), name)
    assert np.isnan(found.p)
    assert found.excess > 0.3
    assert "sun" in found.reason


def test_nothing_is_said_of_tides_below_29_days() -> None:
    found = phase_test(tidal(np.random.default_rng(7), 500, 28, 0.9), whole(28), "O1")
    assert np.isnan(found.p)
    assert "29" in found.reason


def test_few_blocks_are_not_tested() -> None:
    found = phase_test(tidal(np.random.default_rng(8), 500, 100, 0.9), whole(100), "O1")
    assert np.isnan(found.p)
    assert "10 are needed" in found.reason


def test_no_events_have_no_phase() -> None:
    found = phase_test(np.zeros(0, np.int64), whole(400), "O1")
    assert found.events == 0
    assert np.isnan(found.p)


def test_the_spectrum_is_schusters_formula_at_its_periods() -> None:
    rng = np.random.default_rng(9)
    hours = 4800
    when = np.sort(rng.integers(0, hours, 700))
    counts = np.bincount(when, minlength=hours).astype(float)
    found = schuster_spectrum(counts, np.ones(hours), finer=1)
    place = int(np.argmin(np.abs(found.period - 24.0)))
    assert found.period[place] == pytest.approx(24.0)
    resultant = np.abs(np.exp(2j * np.pi * when / 24.0).sum()) / np.sinc(1 / 24)
    assert found.log_p[place] == pytest.approx(-(resultant**2) / 700)
    assert found.expected[place] == pytest.approx(np.log(0.05 * 24 / 4800))


def test_the_spectrum_shows_a_tide_and_not_outages() -> None:
    rng = np.random.default_rng(10)
    hours = np.arange(24 * 500)
    live = np.where(hours % 24 < 3, 0.0, 1.0)
    even = schuster_spectrum(rng.poisson(0.3 * live).astype(float), live)
    near = np.abs(even.period - 24.0) < 0.05
    assert (even.log_p[near] > even.expected[near] - 3).all()
    rate = 0.3 * live * (1 + 0.8 * np.cos(2 * np.pi * hours / 25.819))
    found = schuster_spectrum(rng.poisson(rate).astype(float), live)
    assert found.period[np.argmin(found.log_p)] == pytest.approx(25.819, abs=0.1)


def test_the_lag_of_a_delayed_answer_is_found() -> None:
    rng = np.random.default_rng(11)
    series = rng.standard_normal(8000)
    for _ in range(3):
        series = np.convolve(series, np.ones(5) / 5, mode="same")
    residuals = 0.5 * np.roll(series, 7) / series.std() + rng.standard_normal(8000)
    residuals[100:300] = np.nan
    found = lagged_correlation(residuals, series)
    assert found.lag == pytest.approx(7, abs=1)
    assert found.p < 0.01
    assert found.shifts > 6000


def test_chance_has_no_small_p_and_short_series_none() -> None:
    rng = np.random.default_rng(12)
    values = [lagged_correlation(rng.standard_normal(3000), rng.standard_normal(3000)).p for _ in range(40)]
    assert np.mean(np.array(values) < 0.05) < 0.2
    assert lagged_correlation(rng.standard_normal(500), rng.standard_normal(500)) is NO_LAG
