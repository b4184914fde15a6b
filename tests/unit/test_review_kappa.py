"""Agreement of reviewers."""

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from ris_core.contracts.decision import Decision
from ris_core.review.kappa import ALL, agreement, cohen_kappa
from ris_core.review.state import ReviewState


def _pairs(n: int, seed: int, agree: float = 0.7) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    first = rng.choice(list("ABCD"), n, p=[0.5, 0.3, 0.15, 0.05])
    other = rng.choice(list("ABCD"), n, p=[0.4, 0.3, 0.2, 0.1])
    return list(first), list(np.where(rng.random(n) < agree, first, other))


@pytest.mark.parametrize("seed", range(4))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    first, second = _pairs(80, seed)
    assert cohen_kappa(first, second).value == pytest.approx(cohen_kappa_score(first, second))


def test_the_interval_is_that_of_a_published_example() -> None:
    # Two psychiatrists and 100 patients, three categories (Fleiss, Levin & Paik 2003, table 18.1 and eq. 18.15):
    # kappa 0.676 with a standard error of 0.087.
    table = {("p", "p"): 75, ("p", "n"): 1, ("p", "o"): 4, ("n", "p"): 5, ("n", "n"): 4, ("n", "o"): 1, ("o", "o"): 10}
    pairs = [pair for pair, count in table.items() for _ in range(count)]
    found = cohen_kappa([a for a, _ in pairs], [b for _, b in pairs])
    assert found.value == pytest.approx(0.676, abs=0.0005)
    assert (found.high - found.low) / 2 / 1.959964 == pytest.approx(0.087, abs=0.0015)


def test_the_interval_covers_the_true_agreement() -> None:
    truth = cohen_kappa(*_pairs(400_000, 99)).value
    hits = [found.low <= truth <= found.high for found in (cohen_kappa(*_pairs(100, seed)) for seed in range(300))]
    assert 0.91 <= np.mean(hits) <= 0.98


def test_without_two_classes_or_events_there_is_no_kappa() -> None:
    assert math.isnan(cohen_kappa([], []).value)
    assert math.isnan(cohen_kappa(["A", "A"], ["A", "A"]).value)
    assert cohen_kappa(["A", "B"], ["B", "A"]).value == -1
    full = cohen_kappa(["A", "B"] * 10, ["A", "B"] * 10)
    assert (full.value, full.low, full.high) == pytest.approx((1, 1, 1))


def _say(who: str, words: dict[str, str]) -> list[Decision]:
    return [Decision("label", who, (event,), name) for event, name in words.items()]


def test_agreement_is_on_events_that_both_persons_reviewed_and_per_class() -> None:
    ann = {f"e{i}": "A" if i < 6 else "B" if i < 9 else "C" for i in range(12)}
    bob = {f"e{i}": "A" if i < 4 else "B" if i < 9 else "noise" for i in range(10)} | {"e10": "unsure"}
    state = ReviewState.of([*_say("ann", ann), *_say("bob", bob), *_say("simulated", ann)])
    table = agreement(state).set_index("class_name")
    assert set(zip(table["first"], table["second"], strict=True)) == {("ann", "bob")}
    assert list(table.index) == [ALL, "A", "B", "C", "noise"]
    assert (table["events"] == 10).all()
    first, second = [ann[f"e{i}"] for i in range(10)], [bob[f"e{i}"] for i in range(10)]
    assert table.loc[ALL, "kappa"] == pytest.approx(cohen_kappa_score(first, second))
    assert tuple(table.loc["A", ["first_says", "second_says", "both_say"]]) == (6, 4, 4)
    for name in "AB":
        expected = cohen_kappa_score([word == name for word in first], [word == name for word in second])
        assert table.loc[name, "kappa"] == pytest.approx(expected)
    assert table.loc[ALL, "both_say"] == 7


def test_a_word_that_anothers_split_moved_is_no_agreement() -> None:
    words = [*_say("ann", {"e1": "A", "e2": "A"}), *_say("bob", {"e1": "A", "e2": "A"})]
    split = Decision("split", "ann", ("e1",), "B", ("A",))
    assert agreement(ReviewState.of([*words, split])).set_index("class_name").loc[ALL, "events"] == 1


def test_one_reviewer_agrees_with_nobody() -> None:
    assert agreement(ReviewState.of(_say("ann", {"e1": "A"}))).empty
