"""Decisions of the explorer's page: what they write to the review log, and what is refused."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from explorer_network import Client

from ris_core.contracts.decision import Decision
from ris_core.review.log import ReviewLog
from ris_explorer.reviewing import deciding


def log_of(client: Client) -> tuple[Decision, ...]:
    return ReviewLog(client.explorer.network.layout.reviews).read().decisions


def names_of(client: Client) -> list[str]:
    table = client.explorer.table
    return [table.name(row) for row in range(len(table))]


def post(client: Client, path: str = "/api/decisions", **asked: Any) -> Any:
    return client.post(path, json={"reviewer": "ann", **asked})


def refusal(client: Client, **asked: Any) -> str:
    before = log_of(client)
    answer = post(client, **asked)
    assert answer.status_code in (400, 404, 409), answer.text
    assert log_of(client) == before
    return str(answer.json()["error"])


def test_a_label_is_one_line_of_the_log_and_shows_at_once(own_client: Client) -> None:
    event = names_of(own_client)[5]
    said = post(own_client, event_ids=[event], class_name="Tremor", note="gliding", reason="novel", model="queue-1")
    assert said.status_code == 200, said.text
    last = log_of(own_client)[-1]
    assert (last.kind, last.reviewer, last.event_ids, last.note) == ("label", "ann", (event,), "gliding")
    assert (last.reason, last.model, last.bulk) == ("novel", "queue-1", False)
    assert last.class_name == "tremor"  # the class that is there, in its own spelling
    assert said.json()["changes"]["first"] == 1
    found = own_client.json_of(f"/api/reviews/{event}")
    assert found["final"] == "tremor"
    assert found["words"][0]["note"] == "gliding"
    assert own_client.json_of("/api/counts", reviewed_class="tremor", events=event)["events"] == 1


def test_the_same_decision_sent_twice_is_written_once(own_client: Client) -> None:
    event, identifier = names_of(own_client)[5], str(uuid.uuid4())
    asked = {"event_ids": [event], "class_name": "noise", "id": identifier}
    before = len(log_of(own_client))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: post(own_client, **asked), range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert sorted(answer.json()["known"] for answer in answers) == [False, True]
    assert len(log_of(own_client)) == before + 1
    assert "another decision with this id" in refusal(own_client, **{**asked, "class_name": "tremor"})


def test_threads_write_at_once_and_lose_nothing(own_client: Client) -> None:
    names = names_of(own_client)[:20]
    before = len(log_of(own_client))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda name: post(own_client, event_ids=[name], class_name="noise"), names))
    assert all(answer.status_code == 200 for answer in answers)
    written = log_of(own_client)[before:]
    assert sorted(decision.event_ids[0] for decision in written) == sorted(names)
    assert {answer.json()["decision"]["id"] for answer in answers} == {decision.id for decision in written}


def test_a_filter_is_resolved_to_its_events_and_is_bulk(own_client: Client) -> None:
    table = own_client.explorer.table
    number = table.classes[0].number
    mine = {name for name, of in own_client.explorer.state.words.items() if "ann" in of and not of["ann"].bulk}
    of_class = {table.name(row) for row in range(len(table)) if table.class_index[row] == 0}
    said = post(own_client, filter=f"class={number}", class_name="quake").json()
    last = log_of(own_client)[-1]
    assert set(last.event_ids) == of_class - mine
    assert last.bulk
    assert said["kept"] == len(of_class & mine) > 0
    assert said["decision"]["events"] == len(last.event_ids)


def test_a_selection_is_bounded(own_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "MOST_EVENTS", 10)
    assert "10 at most" in refusal(own_client, filter="", class_name="noise")
    assert "10 events at most" in refusal(own_client, event_ids=names_of(own_client)[:11], class_name="noise")
    assert "no event is selected" in refusal(own_client, filter="snr=1e9..", class_name="noise")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"class_name": "<script>"}, "cannot be the name of a class"),
        ({"class_name": ""}, "cannot be the name of a class"),
        ({"class_name": "noise", "reviewer": "simulated-ann"}, "kept for simulated"),
        ({"class_name": "noise", "reviewer": ""}, "cannot be the name of a reviewer"),
        ({"class_name": "noise", "event_ids": ["XX.AA..HHZ.nothing"]}, "there is no event"),
        ({"class_name": "noise", "event_ids": []}, "no event is named"),
        ({"class_name": "noise", "event_ids": [1]}, "not a list of texts"),
        ({"class_name": "noise", "reason": "whim"}, "reason cannot be 'whim'"),
        ({"class_name": "noise", "kind": "eat"}, "kind 'eat'"),
        ({"class_name": "noise", "note": "x" * 2001}, "2000 characters"),
        ({"class_name": "noise", "colour": "red"}, "'colour' is not known"),
    ],
)
def test_what_cannot_be_decided_is_refused(own_client: Client, asked: dict[str, Any], words: str) -> None:
    assert words in refusal(own_client, **{"event_ids": names_of(own_client)[:1], **asked})


def test_events_of_the_queue_are_decided_one_by_one(own_client: Client) -> None:
    several = names_of(own_client)[:2]
    assert "one by one" in refusal(own_client, event_ids=several, class_name="noise", reason="audit")


def test_changes_of_classes_are_entries_that_can_be_withdrawn(own_client: Client) -> None:
    classes = own_client.explorer.state.classes
    assert post(own_client, kind="rename", former=["thermal"], class_name="thermal crack").status_code == 200
    assert post(own_client, kind="merge", former=["tremor", "noise"], class_name="hum").status_code == 200
    assert own_client.explorer.state.classes == ("basal slip", "hum", "icequake", "thermal crack")
    for decision in log_of(own_client)[-2:]:
        assert post(own_client, kind="withdraw", withdrawn=[decision.id]).status_code == 200
    assert own_client.explorer.state.classes == classes


def test_a_split_takes_the_selected_events_of_its_class(own_client: Client) -> None:
    said = post(own_client, kind="split", filter="", former=["tremor"], class_name="short tremor").json()
    assert log_of(own_client)[-1].kind == "split"
    assert said["decision"]["events"] == 6
    assert said["elsewhere"] == len(names_of(own_client)) - 6
    assert "tremor" not in own_client.explorer.state.classes


def test_changes_without_effect_are_refused(own_client: Client) -> None:
    assert "no event was of the class 7" in refusal(own_client, kind="rename", former=["7"], class_name="seven")
    assert "a merge makes both one" in refusal(own_client, kind="rename", former=["tremor"], class_name="noise")
    assert "only reviewed events" in refusal(
        own_client, kind="split", filter="reviewed=no", former=["tremor"], class_name="short"
    )
    assert "no decision" in refusal(own_client, kind="withdraw", withdrawn=[str(uuid.uuid4())])


def test_undo_withdraws_the_last_own_decision(own_client: Client) -> None:
    event = names_of(own_client)[5]
    mine = post(own_client, event_ids=[event], class_name="noise").json()["decision"]["id"]
    post(own_client, event_ids=[event], class_name="noise", reviewer="ben")
    taken = post(own_client, "/api/decisions/undo").json()["withdrawn"]
    assert taken["id"] == mine
    assert taken["event_ids"] == [event]
    last = log_of(own_client)[-1]
    assert (last.kind, last.withdrawn, last.reviewer) == ("withdraw", (mine,), "ann")
    assert own_client.json_of(f"/api/reviews/{event}")["words"][0]["reviewer"] == "ben"
    assert post(own_client, "/api/decisions/undo", reviewer="carl").json()["withdrawn"] is None


def test_a_preview_says_what_changes_and_writes_nothing(own_client: Client) -> None:
    before = log_of(own_client)
    bens = next(decision.event_ids[0] for decision in before if decision.reason == "audit")
    said = post(own_client, "/api/decisions/preview", event_ids=[bens], class_name="tremors").json()
    assert said["changes"] == {"first": 0, "changed": 0, "lost": 1, "conflicts": 1, "words": 1}
    assert (said["new_class"], said["like"], said["written"]) == (True, "tremor", False)
    assert log_of(own_client) == before


def test_a_damaged_log_takes_no_decision(own_client: Client) -> None:
    path = own_client.explorer.network.layout.reviews
    names = names_of(own_client)
    damaged = path.read_bytes().replace(b"tremor", b"tremur")
    path.write_bytes(damaged)
    answer = post(own_client, event_ids=names[:1], class_name="noise")
    assert answer.status_code == 500
    assert str(path) in answer.json()["error"]
    assert path.read_bytes() == damaged
    assert own_client.get("/api/reviews").status_code == 500


def test_the_summary_counts_classes_and_what_one_reviewer_did(own_client: Client) -> None:
    said = own_client.json_of("/api/reviews", reviewer="ANN")
    assert [(each["name"], each["key"]) for each in said["classes"]] == [
        *(("basal slip", "1"), ("icequake", "2"), ("thermal", "3"), ("tremor", "4")),
        *(("noise", "x"), ("not an event", "X"), ("unsure", "u")),
    ]
    words = own_client.explorer.state.all_words()
    assert said["mine"] == said["today"] == int((words["reviewer"] == "ann").sum())
    assert (said["audits"], said["unsure"], said["conflicts"]) == (1, 1, 0)
    assert sum(each["bulk"] for each in said["classes"]) == said["bulk"] == 6
    assert said["reviewers"] == ["ann", "ben"]


def test_the_last_decisions_come_with_notes_and_withdrawals(own_client: Client) -> None:
    post(own_client, kind="withdraw", withdrawn=[log_of(own_client)[-1].id])
    said = own_client.json_of("/api/decisions", count="2")
    assert said["of"] == len(log_of(own_client))
    assert [row["kind"] for row in said["decisions"]] == ["withdraw", "label"]
    assert said["decisions"][1]["withdrawn"]
    noted = own_client.json_of("/api/decisions", notes="yes")["decisions"]
    assert [row["note"] for row in noted] == ["all of one <i>swarm</i>"]
    assert own_client.get("/api/decisions", params={"count": "many"}).status_code == 400


def test_the_name_of_a_reviewer_is_that_of_the_log(own_client: Client) -> None:
    assert own_client.json_of("/api/reviewer", name="  Ann ")["name"] == "ann"
    assert own_client.json_of("/api/reviewer", name="Dora")["name"] == "Dora"
    for name in ("simulated", "<b>x</b>", ""):
        assert own_client.get("/api/reviewer", params={"name": name}).status_code == 400
