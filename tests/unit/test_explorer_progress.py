"""How far the reviews are, for the explorer, and what more audits would bring."""

import pytest
from explorer_network import Client

from ris_core.clustering.reviewed.intervals import share_of
from ris_core.contracts.decision import Decision
from ris_core.review.log import ReviewLog
from ris_core.review.outlook import outlook


def test_more_audits_make_the_interval_narrower() -> None:
    found = outlook(8, 10, share_of(8, 10).low, 0.0)
    assert [one.audits for one in found] == [10, 30, 60, 110]
    widths = [one.high - one.low for one in found]
    assert widths == sorted(widths, reverse=True)
    expected = share_of(24, 30)
    assert (found[1].low, found[1].high) == pytest.approx((expected.low, expected.high), abs=1e-3)


def test_audits_that_come_in_groups_are_worth_less() -> None:
    grouped = share_of(16, 20, 5.0)
    now, more = outlook(16, 20, grouped.low, 0.0)[:2]
    assert (now.low, now.high) == pytest.approx((grouped.low, grouped.high), abs=1e-3)
    expected = share_of(32, 40, 10.0)
    assert (more.low, more.high) == pytest.approx((expected.low, expected.high), abs=1e-3)


def test_without_audits_a_share_is_presumed() -> None:
    none, twenty = outlook(0, 0, 0.0, 0.8)[:2]
    assert (none.low, none.high) == (0, 1)
    expected = share_of(16, 20)
    assert (twenty.low, twenty.high) == pytest.approx((expected.low, expected.high))


def test_progress_says_agreement_and_that_there_is_no_model(read_client: Client) -> None:
    said = read_client.json_of("/api/reviews/progress")
    (pair,) = said["agreement"]
    assert (pair["first"], pair["second"], pair["events"], pair["both_say"]) == ("ann", "ben", 1, 1)
    assert pair["kappa"] is None  # one event with one class: chance explains it
    assert said["conflicting"] == 0
    assert not said["model"]["trained"]
    assert said["model"]["since"] == len(read_client.explorer.state.reviewed())
    assert "no class model" in said["model"]["words"]
    assert said["model"]["presumed"] == 0.8


def test_conflicts_are_listed_with_the_words_of_each(own_client: Client) -> None:
    event = next(d.event_ids[0] for d in own_client.explorer.reviews[0].decisions if d.reason == "audit")
    own_client.json_of("/api/reviews/progress")
    ReviewLog(own_client.explorer.network.layout.reviews).append([Decision("label", "ann", (event,), "tremor")])
    said = own_client.json_of("/api/reviews/progress")
    assert said["conflicting"] == 1
    (found,) = said["conflicts"]
    assert found["event_id"] == event
    assert {(word["reviewer"], word["class_name"]) for word in found["words"]} == {
        ("ann", "tremor"),
        ("ben", "thermal"),
    }
