"""What the decisions of a log amount to."""

from datetime import UTC, datetime, timedelta

import pytest

from ris_core.contracts.decision import Decision
from ris_core.contracts.reviewed_classes import present_names
from ris_core.review.kappa import agreement
from ris_core.review.random_order import second_opinions
from ris_core.review.state import ReviewState


def _label(events: str, name: str, reviewer: str = "ann", **more: object) -> Decision:
    return Decision("label", reviewer, tuple(events.split()), name, **more)  # type: ignore[arg-type]  # named fields


def _classes(*decisions: Decision, decider: str | None = None) -> dict[str, str]:
    table = ReviewState.of(decisions, decider).reviewed()
    return dict(zip(table["event_id"], table["class_name"], strict=True))


def test_the_last_word_of_a_reviewer_counts_whatever_the_clocks_say() -> None:
    late = datetime.now(UTC) + timedelta(days=1)
    assert _classes(_label("e1 e2", "A", time=late), _label("e1", "B")) == {"e1": "B", "e2": "A"}


def test_unsure_is_no_class() -> None:
    state = ReviewState.of([_label("e1", "A"), _label("e1", "unsure"), _label("e2", "noise")])
    assert list(state.reviewed()["event_id"]) == ["e2"]
    assert list(state.unsure()["event_id"]) == ["e1"]
    assert state.seen == {"e1", "e2"}


def test_a_withdrawn_decision_does_not_count_until_its_withdrawal_is_withdrawn() -> None:
    first, second = _label("e1", "A"), _label("e1", "B")
    taken_back = Decision("withdraw", "ann", withdrawn=(second.id,))
    again = Decision("withdraw", "ann", withdrawn=(taken_back.id,))
    assert _classes(first, second, taken_back) == {"e1": "A"}
    assert _classes(first, second, taken_back, again) == {"e1": "B"}


def test_a_withdrawal_of_what_is_not_there_is_said() -> None:
    decision = Decision("withdraw", "ann", withdrawn=(_label("e1", "A").id,))
    assert "no decision" in ReviewState.of([decision]).without_effect[decision.id]


def test_rename_merge_and_split_change_the_words_before_them() -> None:
    rename = Decision("rename", "ann", class_name="B", former=("A",))
    assert _classes(_label("e1", "A"), rename, _label("e2", "A")) == {"e1": "B", "e2": "A"}
    merge = Decision("merge", "ann", class_name="C", former=("A", "B"))
    assert _classes(_label("e1", "A"), _label("e2", "B"), _label("e3", "D"), merge) == {"e1": "C", "e2": "C", "e3": "D"}
    split = Decision("split", "ann", ("e1", "e3"), "new", ("A",))
    words = [_label("e1 e2", "A"), _label("e3", "B")]
    assert _classes(*words, split) == {"e1": "new", "e2": "A", "e3": "B"}
    state = ReviewState.of([*words, split])
    assert "1 of 2 events" in state.without_effect[split.id]
    undone = Decision("withdraw", "ann", withdrawn=(split.id,))
    assert _classes(*words, split, undone) == {"e1": "A", "e2": "A", "e3": "B"}


def test_former_names_lead_to_the_present_one() -> None:
    renames = [
        Decision("rename", "ann", class_name="B", former=("A",)),
        Decision("merge", "ann", class_name="C", former=("B", "D")),
    ]
    state = ReviewState.of([_label("e1", "A"), *renames])
    present = present_names("ABCDE", (), state.renames, state.classes)
    assert [present[name] for name in "ABCDE"] == ["C", "C", "C", "C", "E"]
    # Names after the first rename are followed from there.
    assert present_names("AB", state.renames[:1], state.renames, state.classes) == {"A": "A", "B": "C"}


def test_two_classes_can_swap_their_names() -> None:
    swap = [Decision("rename", "ann", class_name=new, former=(old,)) for old, new in ("Ax", "BA", "xB")]
    state = ReviewState.of([_label("e1", "A"), _label("e2", "B"), *swap])
    assert state.reviewed()["class_name"].tolist() == ["B", "A"]
    assert present_names("AB", (), state.renames, state.classes) == {"A": "B", "B": "A"}
    assert present_names("AB", state.renames, state.renames, state.classes) == {"A": "A", "B": "B"}


def test_upper_and_lower_case_make_no_other_class_whoever_writes_them() -> None:
    words = [_label("e1", "Tremor"), _label("e1", "tremor", "bob"), _label("e2", "TREMOR", "carl")]
    assert _classes(*words) == {"e1": "Tremor", "e2": "Tremor"}
    assert ReviewState.of(words).conflicts().empty
    split = Decision("split", "ann", ("e2",), "Gliding", ("tremor",))
    assert _classes(*words, split) == {"e1": "Tremor", "e2": "Gliding"}
    merge = Decision("merge", "ann", class_name="tremor", former=("gliding",))
    assert _classes(*words, split, merge) == {"e1": "Tremor", "e2": "Tremor"}


def test_a_rename_gives_a_class_another_spelling_and_frees_its_former_name() -> None:
    words = [_label("e1", "tremor"), Decision("rename", "ann", class_name="Tremor", former=("tremor",))]
    state = ReviewState.of(words)
    assert (state.classes, state.names, state.without_effect) == (("Tremor",), {"tremor": "Tremor"}, {})
    words += [Decision("rename", "ann", class_name="hum", former=("TREMOR",)), _label("e2", "tremor")]
    assert _classes(*words) == {"e1": "hum", "e2": "tremor"}


def test_differing_reviewers_are_a_conflict_until_one_yields_or_the_decider_speaks() -> None:
    words = [_label("e1 e2", "A"), _label("e1", "B", "bob")]
    state = ReviewState.of(words)
    assert list(state.reviewed()["event_id"]) == ["e2"]
    assert list(state.conflicts()["class_name"]) == ["A", "B"]
    assert _classes(*words, _label("e1", "A", "bob")) == {"e1": "A", "e2": "A"}
    assert _classes(*words, decider="bob") == {"e1": "B", "e2": "A"}
    # Who is unsure does not object.
    assert _classes(_label("e1", "A"), _label("e1", "unsure", "bob"), decider="bob") == {"e1": "A"}


def test_upper_and_lower_case_make_no_other_reviewer_and_the_log_keeps_what_was_written() -> None:
    words = [_label("e1 e2", "A", "Ann"), _label("e1", "B", "ann"), _label("e1", "C", "bob")]
    state = ReviewState.of(words)
    assert state.words["e1"].keys() == {"Ann", "bob"}
    assert state.spelt("ANN") == "Ann" and state.spelt("carl") == "carl"
    assert _classes(*words, decider="ANN") == {"e1": "B", "e2": "A"}
    assert agreement(state)["events"].tolist() == [1, 1, 1]
    assert [word.reviewer for word in words] == ["Ann", "ann", "bob"]
    assert second_opinions(state, "BOB", 0) == ["e2"]
    # A split of one's own words is one's own word.
    split = Decision("split", "ANN", ("e2",), "D", ("A",))
    assert not ReviewState.of([*words, split]).all_words()["moved"].any()


def test_a_person_stands_above_a_simulated_reviewer() -> None:
    state = ReviewState.of([_label("e1 e2", "A", "simulated"), _label("e1", "B"), _label("e2", "unsure")])
    assert list(state.reviewed()["class_name"]) == ["B"]
    assert not state.simulated
    assert ReviewState.of([_label("e1", "A", "simulated-2")]).simulated


def test_audits_and_groups_are_marked() -> None:
    table = ReviewState.of(
        [_label("e1", "A", reason="audit"), _label("e1 e2", "B", bulk=True), _label("e3", "A", reason="rare")]
    ).reviewed()
    assert table.set_index("event_id")["audit"].to_dict() == {"e1": True, "e2": False, "e3": False}
    assert table.set_index("event_id")["bulk"].to_dict() == {"e1": True, "e2": True, "e3": False}


def test_the_digest_follows_the_final_words_alone() -> None:
    first = ReviewState.of([_label("e1", "A"), _label("e2", "B")])
    assert first.digest == ReviewState.of([_label("e2", "B", note="sure"), _label("e1", "A", "bob")]).digest
    assert first.digest == ReviewState.of([_label("e1", "A"), _label("e2", "B"), _label("e3", "unsure")]).digest
    assert first.digest != ReviewState.of([_label("e1", "A"), _label("e2", "A")]).digest
    assert first.digest != ReviewState.of([_label("e1", "A"), _label("e2", "B", reason="audit")]).digest


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"kind": "promote"}, "kind"),
        ({"kind": "label"}, "event_ids"),
        ({"kind": "label", "event_ids": ("e1",), "class_name": "=A1"}, "name of a class"),
        ({"kind": "label", "event_ids": ("e1", "e1"), "class_name": "A"}, "twice"),
        ({"kind": "label", "event_ids": ("e 1",), "class_name": "A"}, "identifier of an event"),
        ({"kind": "label", "event_ids": ("e1",), "class_name": "Noise"}, "spelt 'noise'"),
        ({"kind": "merge", "class_name": "A", "former": ("B", "unsure")}, "not a class"),
        ({"kind": "rename", "class_name": "A", "former": ("A",)}, "changes nothing"),
        ({"kind": "label", "event_ids": ("e1",), "class_name": "A", "time": datetime(2020, 1, 1)}, "UTC"),
        ({"kind": "label", "event_ids": ("e1",), "class_name": "A", "id": "1"}, "UUID"),
        ({"kind": "label", "event_ids": ("e1",), "class_name": "A", "note": "\x1b[2J"}, "control"),
    ],
)
def test_a_decision_that_means_nothing_is_refused(values: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Decision(reviewer="ann", **values)  # type: ignore[arg-type]  # the case
