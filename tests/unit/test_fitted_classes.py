"""The classifier of reviewed events: calibration, conformal coverage, groups, audits, and what cannot be said."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ris_core.clustering.reviewed.calibration import fit_calibration, log_loss, no_calibration
from ris_core.clustering.reviewed.conformal import left_out_thresholds, scores_of, sets_of, weighted_threshold
from ris_core.clustering.reviewed.fitted_classes import FittedClasses, fit_classes
from ris_core.clustering.reviewed.groups import groups_of, parts_of
from ris_core.clustering.reviewed.intervals import share_of
from ris_core.clustering.reviewed.weights import standing_for
from ris_core.config import ClassModelSettings
from ris_core.contracts.station_day import NS

SETTINGS = ClassModelSettings(trees=15, folds=4)
NAMES = np.array(["ice front", "noise", "rift"])


def draw(n: int, seed: int, spread: float = 1.0) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return events of three classes that overlap, of different frequency, in 6 features."""
    random = np.random.default_rng(seed)
    y = random.choice(3, n, p=[0.2, 0.5, 0.3])
    centres = np.array([[2, 0], [0, 0], [0, 2]]) * 1.2
    z = random.normal(size=(n, 6)) * spread
    z[:, :2] += centres[y]
    return z.astype(np.float32), NAMES[y]


def fit(n: int, seed: int = 0, **changed: Any) -> tuple[FittedClasses, NDArray[np.float32], NDArray[Any]]:
    z, names = draw(n, seed)
    settings = SETTINGS.model_copy(update=changed)
    return fit_classes(z, names.tolist(), np.arange(n), np.ones(n, bool), settings, 0, z), z, names


def test_calibration_makes_the_probabilities_of_other_events_better() -> None:
    fitted, _, _ = fit(300)
    z, names = draw(2000, 99)
    y = np.searchsorted(fitted.names, names)
    ones = np.ones(len(y))
    before = log_loss(no_calibration(3)(fitted.trees.predict_proba(z)), y, ones)
    assert log_loss(fitted.probabilities(z), y, ones) < before
    assert fitted.assessment is not None
    assert fitted.assessment.log_loss is not None and fitted.assessment.log_loss_uncalibrated is not None
    assert fitted.assessment.log_loss < fitted.assessment.log_loss_uncalibrated


def test_sets_keep_the_promised_coverage_on_other_events() -> None:
    covered = []
    for seed in range(6):
        fitted, _, _ = fit(120, seed, coverage=0.9)
        z, names = draw(1000, 100 + seed)
        covered.append(fitted.sets(z)[np.arange(1000), np.searchsorted(fitted.names, names)].mean())
    assert abs(np.mean(covered) - 0.9) < 0.03


def test_the_accuracy_of_other_events_lies_in_the_interval_of_the_audits() -> None:
    inside = 0
    for seed in range(6):
        fitted, _, _ = fit(60, seed)
        z, names = draw(2000, 100 + seed)
        true = (np.array(fitted.names)[fitted.probabilities(z).argmax(axis=1)] == names).mean()
        assert fitted.assessment is not None
        audited = fitted.assessment.audit_accuracy
        inside += audited.low <= true <= audited.high
    assert inside >= 5


def test_events_far_from_all_reviewed_ones_are_new_and_others_rarely() -> None:
    fitted, _, _ = fit(200, false_alarms=0.05)
    z, _ = draw(1000, 5)
    assert fitted.novel(z).mean() < 0.12
    assert fitted.novel(z + 8).all()
    assert (fitted.novelty(z + 8) > fitted.novelty(z)).all()


def test_the_same_seed_gives_the_same_arrays_and_an_open_file_the_same_answers() -> None:
    first, z, _ = fit(80)
    again, _, _ = fit(80)
    for name, values in first.arrays().items():
        assert values.tobytes() == again.arrays()[name].tobytes()
    built = FittedClasses.build(first.spec(), first.arrays())
    np.testing.assert_array_equal(built.probabilities(z), first.probabilities(z))
    np.testing.assert_array_equal(built.sets(z), first.sets(z))
    np.testing.assert_array_equal(built.novel(z), first.novel(z))


def test_events_of_one_source_or_block_are_one_group() -> None:
    minutes = np.array([1, 20, 31, 45, 100, 200]) * 60 * NS
    assert groups_of(minutes, 1800.0).tolist() == [0, 0, 1, 1, 2, 3]
    # The source 7 was recorded in two blocks, which makes one group of them.
    assert groups_of(minutes, 1800.0, np.array([1, 7, 7, 2, 3, 4])).tolist() == [0, 0, 0, 0, 1, 2]


def test_no_group_is_torn_apart_and_classes_are_spread() -> None:
    random = np.random.default_rng(0)
    groups, y = random.integers(0, 40, 200), random.choice(3, 200, p=[0.1, 0.3, 0.6])
    part = parts_of(groups, y, 5, seed=0)
    assert all(len(set(part[groups == group])) == 1 for group in np.unique(groups))
    assert set(part) == set(range(5))
    counts = np.array([[(part[y == c] == p).sum() for p in range(5)] for c in range(3)])
    assert (counts > 0).all()
    np.testing.assert_array_equal(part, parts_of(groups, y, 5, seed=0))


def test_copies_of_one_source_do_not_make_the_model_look_good() -> None:
    """Features that tell each source apart, but no class: only a cross-validation in groups finds that out."""
    random = np.random.default_rng(1)
    source = np.repeat(np.arange(30), 5)
    z = (random.normal(size=(30, 4))[source] + 0.01 * random.normal(size=(150, 4))).astype(np.float32)
    names = NAMES[random.integers(0, 2, 30)][source].tolist()
    audit = np.zeros(150, bool)
    apart = fit_classes(z, names, source, audit, SETTINGS, 0).assessment
    torn = fit_classes(z, names, np.arange(150), audit, SETTINGS, 0).assessment
    assert apart is not None and torn is not None
    assert (torn.accuracy.value or 0) > 0.95
    assert (apart.accuracy.value or 1) < 0.8


def test_events_named_as_a_group_train_but_are_not_assessed() -> None:
    z, names = draw(80, 0)
    single = np.arange(80) < 60
    found = fit_classes(z, names.tolist(), np.arange(80), single, SETTINGS, 0, None, single)
    assert found.assessment is not None and found.cross_validated is not None
    assert found.assessment.confusion.sum() == 60 and len(found.cross_validated.y) == 60


@pytest.mark.parametrize(
    ("names", "groups", "said"),
    [
        (["rift"] * 8, range(8), "one class, rift"),
        (["rift", "noise"] * 4, [0] * 8, "one source or one block"),
        (["rift", "noise"] * 4, range(8), "12 more"),
        (["rift", "noise"] * 4, range(8), "no audits"),
        (["rift"] * 7 + ["noise"], range(8), r"noise \(1\)"),
    ],
)
def test_with_few_reviews_it_says_what_it_cannot_say(names: list[str], groups: Any, said: str) -> None:
    z, _ = draw(8, 0)
    found = fit_classes(z, names, np.array(groups), np.zeros(8, bool), SETTINGS, 0)
    assert found.assessment is not None
    assert any(re.search(said, line) for line in found.assessment.limits)
    assert not found.assessment.calibrated
    np.testing.assert_allclose(found.probabilities(z).sum(axis=1), 1)
    assert np.isfinite(list(found.assessment.metrics().values())).all()


def test_one_reviewed_event_is_enough_for_a_model_that_says_nothing() -> None:
    z, _ = draw(3, 0)
    found = fit_classes(z[:1], ["rift"], np.array([0]), np.array([True]), SETTINGS, 0)
    assert found.sets(z).all() and not found.novel(z).any()
    assert found.assessment is not None and found.assessment.doubts_of_coverage()


@pytest.mark.parametrize("change", ["rows", "finite", "none"])
def test_what_does_not_belong_together_is_refused(change: str) -> None:
    z, names = draw(10, 0)
    names = names.tolist()
    if change == "rows":
        names = names[:-1]
    elif change == "finite":
        z[3, 1] = np.nan
    else:
        z, names = z[:0], []
    with pytest.raises(ValueError):
        fit_classes(z, names, np.arange(len(z)), np.zeros(len(z), bool), SETTINGS, 0)


def test_the_threshold_is_the_order_statistic_of_conformal_prediction() -> None:
    scores = np.arange(1, 20) / 20  # n = 19: ⌈20 · 0.9⌉ = 18
    assert weighted_threshold(scores, np.ones(19), 0.9) == scores[17]
    assert weighted_threshold(scores[:8], np.ones(8), 0.9) == np.inf
    assert weighted_threshold(scores[:0], np.ones(0), 0.9) == np.inf
    # An event that stands for many others has their weight.
    assert weighted_threshold(np.array([0.2, 0.9]), np.array([1000.0, 1.0]), 0.4) == 0.2


def test_a_reviewed_event_stands_for_the_events_that_are_nearest_to_it() -> None:
    z = np.array([[0.0, 0.0], [10.0, 0.0]])
    population = np.concatenate([z, np.random.default_rng(0).normal(size=(8, 2))])
    np.testing.assert_allclose(standing_for(z, population), [1.8, 0.2])
    np.testing.assert_array_equal(standing_for(z, None), [1, 1])
    # Of reviewed events without others near them, each stands for itself.
    np.testing.assert_allclose(standing_for(z, population[2:]), [2 * 8 / 9, 2 / 9])


def test_a_set_holds_the_classes_that_are_probable_enough_and_may_be_empty() -> None:
    probabilities = np.array([[0.4, 0.35, 0.25], [0.98, 0.01, 0.01]])
    np.testing.assert_array_equal(sets_of(probabilities, 0.7), [[True, True, False], [True, False, False]])
    np.testing.assert_array_equal(sets_of(probabilities, 0.1), [[False, False, False], [True, False, False]])
    assert sets_of(probabilities, np.inf).all()


def test_the_threshold_for_an_event_is_that_of_other_groups() -> None:
    scores, groups = np.array([0.1, 0.2, 0.3, 5.0, 6.0]), np.array([0, 0, 0, 1, 1])
    found = left_out_thresholds(scores, np.ones(5), groups, 0.5)
    np.testing.assert_array_equal(found, [6.0, 6.0, 6.0, 0.2, 0.2])


def test_a_calibration_that_overstates_is_cooled_down() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 400)
    shares = np.where(np.arange(2) == y[:, None], 0.97, 0.03)
    wrong = random.random(400) < 0.3
    shares[wrong] = shares[wrong, ::-1]
    found = fit_calibration(shares, y, np.ones(400))
    assert found.temperature > 1.5
    assert found(shares).max(axis=1).mean() == pytest.approx(0.7, abs=0.04)
    assert scores_of(found(shares), y).shape == (400,)


def test_intervals_are_those_of_clopper_and_pearson() -> None:
    found = share_of(8, 10)
    assert (found.low, found.high) == pytest.approx((0.4439, 0.9748), abs=1e-4)
    assert (share_of(0, 10).low, share_of(10, 10).high) == (0.0, 1.0)
    nothing = share_of(0, 0)
    assert (nothing.value, nothing.low, nothing.high, str(nothing)) == (None, 0.0, 1.0, "no event")
