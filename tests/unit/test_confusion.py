"""Counts without confusion: known answers, the exact Poisson interval as a limit, coverage, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from ris_core.clustering.champion import Champion, appoint
from ris_core.config import ChampionSettings, RatesSettings
from ris_core.rates.confusion import Confusion, known_confusion, unmix, unmix_with_interval
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import write_json
from ris_core.storage.layout import Layout

NAMES = ("rift", "thermal", "noise")
SHARES = np.array([[0.8, 0.15, 0.05], [0.2, 0.7, 0.1], [0.0, 0.1, 0.9]])


def known(n: float, shares: np.ndarray = SHARES) -> Confusion:
    return Confusion(NAMES, n * shares, "a test")


def test_mixed_counts_are_unmixed_to_the_true_ones() -> None:
    true = np.array([[100.0, 20.0, 3.0], [0.0, 50.0, 0.0]])
    found = unmix(true @ SHARES, known(1e9))
    np.testing.assert_allclose(found, true, atol=1e-5)
    assert unmix(true[0] @ SHARES, known(1e9)).shape == (3,)


def test_the_sum_over_the_classes_stays() -> None:
    counts = np.array([7.0, 0.0, 2.0])
    assert unmix(counts, known(30)).sum() == pytest.approx(9)


def test_without_confusion_the_interval_is_the_exact_one_of_poisson_counts() -> None:
    counts = np.array([[0, 3, 40]])
    found = unmix_with_interval(counts, known(1e12, np.eye(3)), draws=200_000)
    np.testing.assert_allclose(found.value, counts, atol=1e-6)
    np.testing.assert_allclose(found.low[0, 1:], chi2.ppf(0.025, 2 * counts[0, 1:]) / 2, rtol=0.02)
    np.testing.assert_allclose(found.high[0], chi2.ppf(0.975, 2 * (counts[0] + 1)) / 2, rtol=0.02)
    assert found.low[0, 0] == 0


def test_intervals_hold_the_true_mean_as_often_as_promised() -> None:
    rng = np.random.default_rng(5)
    mean, held = np.array([30.0, 8.0, 15.0]), []
    for seed in range(200):
        rows = np.stack([rng.multinomial(60, row) for row in SHARES]).astype(float)
        found = unmix_with_interval(rng.poisson(mean @ SHARES), Confusion(NAMES, rows, ""), draws=400, seed=seed)
        held.append((found.low <= mean) & (mean <= found.high))
    assert np.mean(held, axis=0).min() > 0.93


def test_fewer_tested_events_make_wider_intervals() -> None:
    counts = np.array([400, 100, 50])
    few, many = (unmix_with_interval(counts, known(n)) for n in (20, 2000))
    assert ((few.high - few.low) > 1.5 * (many.high - many.low)).all()


def test_values_that_are_shown_are_not_negative_and_lie_in_their_interval() -> None:
    found = unmix_with_interval(np.array([[5, 0, 0], [0, 0, 0], [0, 9, 1]]), known(40))
    assert (found.value >= 0).all()
    assert ((found.low <= found.value) & (found.value <= found.high)).all()


def test_why_counts_cannot_be_unmixed_is_said() -> None:
    assert known(100).doubts(10, 20) == ()
    few = Confusion(NAMES, np.diag([50.0, 3.0, 50.0]), "")
    assert "thermal: 3 tested events, 10 are needed" in few.doubts(10, 20)[0]
    alike = Confusion(NAMES, 100 * np.array([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1.0]]), "")
    assert "condition number" in alike.doubts(10, 20)[0]


def test_counts_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="3 x 3"):
        Confusion(NAMES, np.eye(2), "")
    with pytest.raises(ValueError, match="2 numbers"):
        Confusion(NAMES, np.eye(3), "", (0, 1))


def class_model(root: Path, confusion: list[list[int]], audits: list[list[int]], reviewed: bool = True) -> Layout:
    """Return a data root whose champion is a model of two classes, numbers 4 and 2, with stored confusions."""
    layout = Layout(root, "small", "XX", "", "HHZ")
    assessment = {"confusion": confusion, "audit_confusion": audits}
    said = {"assessment": assessment, "simulated": True}
    description = {"network": "classes", "n_clusters": 2, "digest": "d", "metadata": said}
    write_json(layout.champion_model("model-1") / "model.json", description)
    names = {4: "rift", 2: "thermal"} if reviewed else {}
    appoint(layout, Champion(2, "model-1", "here", (4, 2), 5, {}, {}, "", names=names, reviewed=reviewed))
    return layout


def test_audits_alone_are_used_if_there_are_enough_of_each_class(tmp_path: Path) -> None:
    layout = class_model(tmp_path, [[30, 10], [5, 40]], [[20, 2], [1, 25]])
    found = known_confusion(layout)
    assert found is not None
    assert (found.classes, found.numbers) == (("rift", "thermal"), (4, 2))
    assert found.counts.tolist() == [[20, 2], [1, 25]]
    assert "48 audits" in found.source and "simulated" in found.source
    few = known_confusion(layout, rates=RatesSettings(least_audits=23))
    assert few is not None and few.counts.tolist() == [[30, 10], [5, 40]]
    assert "overstated" in few.source


def test_names_of_the_settings_stand_above_those_of_the_reviews(tmp_path: Path) -> None:
    found = known_confusion(class_model(tmp_path, [[3, 0], [0, 3]], [[0, 0], [0, 0]]), ChampionSettings(names={4: "x"}))
    assert found is not None and found.classes == ("x", "thermal")


def test_without_reviews_or_tests_no_confusion_is_known(tmp_path: Path) -> None:
    assert known_confusion(Layout(tmp_path / "none", "small", "XX", "", "HHZ")) is None
    assert known_confusion(class_model(tmp_path / "a", [[3, 0], [0, 3]], [[0, 0], [0, 0]], reviewed=False)) is None
    assert known_confusion(class_model(tmp_path / "b", [[0, 0], [0, 0]], [[0, 0], [0, 0]])) is None


def test_a_confusion_that_cannot_be_read_is_damage(tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError, match="train the class model again"):
        known_confusion(class_model(tmp_path, [[1, 2, 3], [0, 3, 1]], [[0, 0], [0, 0]]))
