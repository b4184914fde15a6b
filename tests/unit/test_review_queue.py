"""What is shown to a reviewer next."""

import numpy as np
import pandas as pd
import pytest

from ris_core.config import ReviewSettings
from ris_core.contracts.decision import Decision, Reason
from ris_core.contracts.station_day import NS
from ris_core.review.queue import Judgement, Pool, medoids, suggest
from ris_core.review.random_order import random_order, second_opinions
from ris_core.review.state import ReviewState

MICRO = 8
NOTHING = ReviewState.of([])


@pytest.fixture(scope="module")
def pool() -> Pool:
    """300 events in 8 micro-clusters of falling size, on three stations, an hour apart but for some copies."""
    rng = np.random.default_rng(0)
    micro = np.sort(np.concatenate([np.arange(MICRO), rng.geometric(0.4, 292).clip(max=MICRO) - 1]))
    z = rng.normal(size=(300, 4)) + 10 * micro[:, None]
    time = np.arange(300) * 3600 * NS
    time[1::3] = time[0::3] + 60 * NS  # a copy a minute later
    return Pool(
        np.array([f"e{i:03d}" for i in range(300)]), z, micro, np.array(["S1", "S2", "S3"])[np.arange(300) % 3], time
    )


def _judgement(pool: Pool, seed: int = 0) -> Judgement:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(3), len(pool.event_id))
    novelty = rng.random(len(pool.event_id))
    return Judgement(("A", "B", "noise"), p, novelty > 0.9, novelty)


def _reviewed(table: pd.DataFrame) -> ReviewState:
    return ReviewState.of(
        [_word(name, reason) for name, reason in zip(table["event_id"], table["reason"], strict=True)]
    )


def _word(name: str, reason: Reason) -> Decision:
    return Decision("label", "ann", (name,), "A", reason=reason)


def _all(pool: Pool) -> list[str]:
    """The pool, and as many events outside of it."""
    return [*pool.event_id, *(f"x{i:03d}" for i in range(300))]


def test_medoids_of_the_greatest_micro_clusters_come_first(pool: Pool) -> None:
    settings = ReviewSettings(first=5, length=5, audit_share=0)
    table = suggest(pool, list(pool.event_id), NOTHING, settings)
    assert set(table["reason"]) == {"medoid"}
    assert list(table["micro"]) == list(pd.Series(pool.micro).value_counts(sort=True).index[:5])
    assert list(table["event_id"]) == [pool.event_id[row] for row in medoids(pool.z, pool.micro)[:5]]
    for name, micro in zip(table["event_id"], table["micro"], strict=True):
        members = pool.z[pool.micro == micro]
        mine = pool.z[pool.event_id == name][0]
        assert np.square(members - members.mean(0)).sum(1).min() == pytest.approx(
            np.square(mine - members.mean(0)).sum()
        )


def test_events_that_are_not_processed_any_more_are_not_suggested(pool: Pool) -> None:
    there = list(pool.event_id[::2])
    table = suggest(pool, there, NOTHING, ReviewSettings(length=300, first=5, block=0), _judgement(pool))
    assert set(table["event_id"]) == set(there)


def test_the_same_state_and_seed_give_the_same_queue_in_any_order_of_events(pool: Pool) -> None:
    settings, judgement = ReviewSettings(length=40, first=5), _judgement(pool)
    first = suggest(pool, _all(pool), NOTHING, settings, judgement)
    mixed = np.random.default_rng(3).permutation(len(pool.event_id))
    other_pool = Pool(*(getattr(pool, name)[mixed] for name in Pool.__dataclass_fields__))
    other = Judgement(judgement.classes, judgement.probability[mixed], judgement.novel[mixed], judgement.novelty[mixed])
    pd.testing.assert_frame_equal(first, suggest(other_pool, _all(pool)[::-1], NOTHING, settings, other))
    assert list(first["event_id"]) != list(
        suggest(pool, _all(pool), NOTHING, settings.model_copy(update={"seed": 1}), judgement)["event_id"]
    )


def test_nothing_is_shown_twice_and_copies_not_both(pool: Pool) -> None:
    settings = ReviewSettings(length=30, first=5, audit_share=0)
    shown: list[str] = []
    state = NOTHING
    decisions: list[Decision] = []
    for seed in range(3):
        table = suggest(pool, _all(pool), state, settings, _judgement(pool, seed))
        decisions += [_word(name, why) for name, why in zip(table["event_id"], table["reason"], strict=True)]
        shown += list(table["event_id"])
        state = ReviewState.of(decisions)
    assert len(set(shown)) == len(shown) > 60
    rows = [int(np.flatnonzero(pool.event_id == name)[0]) for name in shown]
    for i, row in enumerate(rows):
        for other in rows[:i]:
            assert pool.micro[row] != pool.micro[other] or abs(pool.time[row] - pool.time[other]) >= 1800 * NS


def test_the_share_of_audits_holds_over_sessions(pool: Pool) -> None:
    settings = ReviewSettings(length=7, first=5, audit_share=0.3)
    decisions: list[Decision] = []
    for _ in range(10):
        table = suggest(pool, _all(pool), ReviewState.of(decisions), settings, _judgement(pool))
        decisions += [_word(name, why) for name, why in zip(table["event_id"], table["reason"], strict=True)]
    audits = [decision for decision in decisions if decision.reason == "audit"]
    assert len(audits) == 21


def test_audits_are_a_uniform_sample_of_all_events_whatever_is_chosen_beside_them(pool: Pool) -> None:
    everything, judgement = _all(pool), _judgement(pool)
    settings = ReviewSettings(length=40, first=5, audit_share=0.5)
    counts = pd.Series(0, index=everything)
    for seed in range(100):
        table = suggest(pool, everything, NOTHING, settings.model_copy(update={"seed": seed}), judgement)
        counts[table.loc[table["reason"] == "audit", "event_id"]] += 1
    # 100 draws of 20 of 600 events; those of the pool that are chosen for another reason first are not drawn again.
    assert counts.sum() == 2000
    assert counts[300:].mean() == pytest.approx(counts[:300].mean(), rel=0.15)
    assert counts.var() == pytest.approx(100 * (1 / 30) * (29 / 30), rel=0.25)


def test_events_that_come_later_take_their_places_among_the_audits() -> None:
    early = [f"a{i}" for i in range(50)]
    late = [f"b{i}" for i in range(50)]
    order = random_order([*early, *late], 0)
    assert [name for name in order if name[0] == "a"] == random_order(early, 0)
    assert 5 <= sum(name[0] == "b" for name in order[:20]) <= 15


def test_after_the_medoids_uncertain_rare_and_novel_events_are_shown(pool: Pool) -> None:
    settings = ReviewSettings(length=30, first=4, audit_share=0.2, rare_share=0.1, novel_share=0.1, pool=20)
    judgement = _judgement(pool)
    table = suggest(pool, _all(pool), NOTHING, settings, judgement)
    count = table["reason"].value_counts()
    assert count["medoid"] == 4
    assert count["audit"] == 6
    assert 1 <= count["rare"] <= 3
    assert 1 <= count["novel"] <= 3
    uncertain = table[table["reason"] == "uncertain"]
    assert uncertain["uncertainty"].min() > np.quantile(judgement.uncertainty, 0.75)
    novel = table[table["reason"] == "novel"]
    assert (novel["unlike"] > 0.9).all()
    rare = table[table["reason"] == "rare"]
    before = [set(table["micro"][:order]) for order in rare["order"]]
    assert all(micro not in seen for micro, seen in zip(rare["micro"], before, strict=True))


def test_stations_are_balanced_if_that_is_wanted(pool: Pool) -> None:
    judgement = _judgement(pool)
    # One station has all that is uncertain.
    p = np.where((pool.station == "S1")[:, None], judgement.probability, [[0.98, 0.01, 0.01]])
    of_one = Judgement(judgement.classes, p, judgement.novel, judgement.novelty)
    settings = ReviewSettings(length=12, first=1, audit_share=0, rare_share=0, novel_share=0, pool=30, batch=12)

    def stations(per_station: bool) -> set[str]:
        table = suggest(
            pool, list(pool.event_id), NOTHING, settings.model_copy(update={"per_station": per_station}), of_one
        )
        chosen = table.loc[table["reason"] == "uncertain", "event_id"]
        return set(pool.station[np.isin(pool.event_id, chosen)])

    assert stations(False) == {"S1"}
    assert stations(True) == {"S1", "S2", "S3"}


def test_a_small_pool_ends_early_and_the_rest_is_audits(pool: Pool) -> None:
    small = Pool(*(getattr(pool, name)[:9] for name in Pool.__dataclass_fields__))
    table = suggest(small, ["x1", "x2"], NOTHING, ReviewSettings(length=50))
    assert sorted(table["event_id"])[-2:] == ["x1", "x2"]
    assert len(table) < 9


def test_second_opinions_are_of_events_that_another_person_reviewed() -> None:
    words = [_word(name, "free") for name in ("e1", "e2", "e3")]
    more = [Decision("label", "bob", ("e2",), "B"), Decision("label", "simulated", ("e4",), "B")]
    state = ReviewState.of([*words, *more])
    assert sorted(second_opinions(state, "bob", 0)) == ["e1", "e3"]
    assert second_opinions(state, "ann", 0) == []
