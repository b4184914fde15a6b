"""The queue of the explorer: worked out in the background, blind where it must be, without decided events."""

import json
import os
import signal
import time
from typing import Any

import pytest
from explorer_network import Client, Explored

from ris_core.review.session import ReviewSession
from ris_core.station_days.station_days import StationDays
from ris_explorer.answers import RefusedError
from ris_explorer.reviewing.queue_process import QueueProcess, Worked
from ris_explorer.reviewing.queue_worker import QueueWorker


def queue_of(client: Client, reviewer: str = "ann", **asked: str) -> Any:
    """Return the queue once it is worked out."""
    until = time.monotonic() + 300
    while True:
        said = client.json_of("/api/queue", reviewer=reviewer, **asked)
        if said["of"] is not None and not said["working"]:
            return said
        assert time.monotonic() < until
        time.sleep(0.05)


class WorkedOutHere:
    """Works out the queue in this process; `read_client` is older than this, and asks a process as users do."""

    def __init__(self, network: StationDays) -> None:
        self._worker = QueueWorker(network)

    def worked(self, *asked: Any) -> Worked:
        suggested = self._worker.suggested(*asked)
        return Worked(suggested, self._worker.event_ids)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ris_explorer.reviewing.queue_ahead.QueueProcess", WorkedOutHere)


def test_the_queue_is_that_of_the_terminal(read_client: Client) -> None:
    explorer = read_client.explorer
    said = queue_of(read_client, count="20")
    everything = [explorer.table.name(row) for row in range(len(explorer.table))]
    session = ReviewSession(explorer.network.layout, explorer.network.settings, everything, "ann")
    expected = session.suggestions(30).head(20)
    assert [item["event_id"] for item in said["items"]] == expected["event_id"].tolist()
    assert [item["reason"] for item in said["items"]] == expected["reason"].tolist()
    assert said["of"] == len(everything)
    seen = next(item for item in said["items"] if not item["blind"])
    row = expected[expected["event_id"] == seen["event_id"]].iloc[0]
    assert seen["suggested"] == row["suggested_class"]
    assert [near["event_id"] for near in seen["nearest"]] == session.nearest(seen["event_id"])["event_id"].tolist()


def test_audits_and_second_opinions_say_nothing_of_model_and_others(read_client: Client) -> None:
    audits = [item for item in queue_of(read_client, count="30")["items"] if item["reason"] == "audit"]
    second = queue_of(read_client, "carla", second="yes")["items"]
    assert audits
    assert second
    for item in (*audits, *second):
        assert set(item) == {"event_id", "reason", "words", "blind"}
        assert item["blind"]
    everything_said = json.dumps([*audits, *second])
    assert not any(name in everything_said for name in read_client.explorer.state.classes)


def test_second_opinions_are_of_events_that_only_others_reviewed(own_client: Client) -> None:
    words = own_client.explorer.state.words
    said = own_client.json_of("/api/queue", reviewer="Ben", second="yes", count="200")
    assert {item["event_id"] for item in said["items"]} == {name for name, of in words.items() if "ben" not in of}


def test_decided_events_are_not_shown_again_and_the_queue_follows(own_client: Client) -> None:
    batch = own_client.explorer.network.settings.review.batch
    names = [item["event_id"] for item in queue_of(own_client)["items"]]
    for name in names[:batch]:
        own_client.post("/api/decisions", json={"reviewer": "ann", "event_ids": [name], "class_name": "noise"})
    said = own_client.json_of("/api/queue", reviewer="ann")
    assert said["items"], "the former suggestions are shown while the next ones are worked out"
    assert not {item["event_id"] for item in said["items"]} & set(names[:batch])
    after = queue_of(own_client, count="30")
    assert after["present"]
    assert len(after["items"]) == 30
    own_client.post("/api/decisions/undo", json={"reviewer": "ann"})
    own_client.post("/api/decisions", json={"reviewer": "ann", "event_ids": [names[0]], "class_name": "unsure"})
    assert names[0] not in [item["event_id"] for item in queue_of(own_client, count="30")["items"]]


def test_two_reviewers_get_other_events_first(own_client: Client) -> None:
    anns = queue_of(own_client, "ann")["items"]
    bens = queue_of(own_client, "ben")["items"]
    assert bens[0]["event_id"] not in [item["event_id"] for item in anns[:2]]
    assert queue_of(own_client, "ann")["items"][:2] == anns[:2]


def test_skipped_events_make_the_queue_longer(own_client: Client) -> None:
    assert len(queue_of(own_client, count="200")["items"]) == 30
    own_client.json_of("/api/queue", reviewer="ann", count="200", skipped="25")
    until = time.monotonic() + 300
    while len(own_client.json_of("/api/queue", reviewer="ann", count="200", skipped="25")["items"]) < 55:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_process_that_is_killed_is_said_and_started_again(explored: Explored) -> None:
    process = QueueProcess(explored.open())
    process._started()
    assert process._process is not None
    os.kill(process._process.pid or 0, signal.SIGKILL)
    with pytest.raises(RefusedError, match="exit status -9"):
        process.worked("", 5, 0)
    found = process.worked("", 5, 0)
    assert found.suggested is not None
    assert len(found.suggested.items) == 5
    assert found.event_ids is not None
    assert len(found.event_ids) == found.suggested.of
    assert process.worked("", 5, 0).event_ids is None, "they are sent once"
    at_rest = process._process
    process.end()
    at_rest.join(20)
    assert at_rest.exitcode == 0


def test_a_queue_without_features_says_how_to_make_them(own_client: Client) -> None:
    own_client.explorer.network.layout.features("spectra").unlink()
    until = time.monotonic() + 300
    while (answer := own_client.get("/api/queue", params={"reviewer": "ann"})).status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert answer.status_code == 409
    assert answer.json()["absent"]


@pytest.mark.parametrize("asked", [{"reviewer": "simulated"}, {}, {"reviewer": "ann", "count": "-1"}])
def test_a_queue_is_for_persons(read_client: Client, asked: dict[str, str]) -> None:
    assert read_client.get("/api/queue", params=asked).status_code == 400
