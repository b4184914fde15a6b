"""The logistic fit of detections: known curves, another library's estimate, and detections without any overlap."""

from __future__ import annotations

import numpy as np
import pytest

from ris_core.completeness.logistic import fit_logistic


def drawn(seed: int, size: int, fifty: float = 100.0, slope: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    amplitude = 10 ** rng.uniform(1, 3, size)
    probability = 1 / (1 + np.exp(-slope * (np.log10(amplitude) - np.log10(fifty))))
    return amplitude, rng.random(size) < probability


def test_many_detections_give_the_known_amplitudes():
    fit = fit_logistic(*drawn(0, 20_000))
    assert fit.amplitude_at(0.5, 0.95)[0] == pytest.approx(100, rel=0.02)
    # logit 0.9 = ln 9 of the logarithm's slope of 10.
    assert fit.amplitude_at(0.9, 0.95)[0] == pytest.approx(100 * 10 ** (np.log(9) / 10), rel=0.03)
    assert fit.probability(np.array([100.0]))[0] == pytest.approx(0.5, abs=0.02)


def test_intervals_hold_the_known_amplitude_as_often_as_they_say():
    held = 0
    for seed in range(300):
        _, low, high = fit_logistic(*drawn(seed, 150)).amplitude_at(0.9, 0.9)
        held += low <= 100 * 10 ** (np.log(9) / 10) <= high
    assert 0.85 <= held / 300 <= 0.95


def test_the_penalty_vanishes_with_many_detections():
    from sklearn.linear_model import LogisticRegression

    amplitude, detected = drawn(3, 20_000)
    logs = np.log10(amplitude)[:, None]
    plain = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logs, detected)
    fit = fit_logistic(amplitude, detected)
    assert fit.slope == pytest.approx(float(plain.coef_[0, 0]), rel=0.01)
    fifty = 10 ** -(plain.intercept_[0] / plain.coef_[0, 0])
    assert fit.amplitude_at(0.5, 0.95)[0] == pytest.approx(fifty, rel=0.005)


def test_amplitudes_without_overlap_have_finite_estimates():
    amplitude = np.array([1.0, 2, 3, 4, 10, 20, 30, 40])
    value, low, high = fit_logistic(amplitude, amplitude > 5).amplitude_at(0.5, 0.95)
    assert 4 < value < 10 and low < value < high and np.isfinite(high)


def test_detections_that_do_not_rise_have_no_amplitude():
    amplitude, detected = drawn(1, 500)
    fit = fit_logistic(amplitude, ~detected)
    assert not fit.rises
    with pytest.raises(ValueError, match="does not rise"):
        fit.amplitude_at(0.5, 0.95)


@pytest.mark.parametrize("amplitude", [[1.0, 1.0], [0.0, 1.0]])
def test_amplitudes_that_say_nothing_are_refused(amplitude: list[float]):
    with pytest.raises(ValueError, match="amplitudes"):
        fit_logistic(np.array(amplitude), np.array([True, False]))
