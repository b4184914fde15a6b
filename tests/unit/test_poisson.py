"""Exact Poisson intervals against published values and coverage, and dispersion against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from ris_core.rates.poisson import dispersion, poisson_interval


def test_intervals_are_those_of_the_tables() -> None:
    # Garwood (1936); the values for 0, 1, 10 and 100 events at 95 % stand in every table of the interval.
    low, high = poisson_interval(np.array([[0, 1], [10, 100]]))
    np.testing.assert_allclose(low, [[0, 0.0253], [4.7954, 81.3640]], atol=5e-5)
    np.testing.assert_allclose(high, [[3.6889, 5.5716], [18.3904, 121.6268]], atol=5e-5)


@pytest.mark.parametrize("mean", [0.3, 2.0, 25.0])
def test_the_interval_holds_the_mean_at_least_as_often_as_promised(mean: float) -> None:
    n = np.arange(200)
    low, high = poisson_interval(n, 0.9)
    assert poisson.pmf(n, mean)[(low <= mean) & (mean <= high)].sum() >= 0.9


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        poisson_interval(np.array([-1]))


def test_dispersion_is_the_sum_of_squared_residuals() -> None:
    n, t = np.array([3.0, 0.0, 7.0, 2.0]), np.array([1.0, 0.5, 1.0, 0.75])
    rate = n.sum() / t.sum()
    expected = ((n - rate * t) ** 2 / (rate * t)).sum() / 3
    found = dispersion(n.sum(), (n**2 / t).sum(), t.sum(), np.array(4.0))
    assert found == pytest.approx(expected)


def test_dispersion_of_a_single_cell_or_no_event_is_unknown() -> None:
    zero, one = np.array(0.0), np.array(1.0)
    assert np.isnan(dispersion(zero, zero, one, np.array(5.0)))
    assert np.isnan(dispersion(one, one, one, one))
