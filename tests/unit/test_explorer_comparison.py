"""Two models side by side over HTTP: their list, labels that are made in a process, the table and what changed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from explorer_network import Client

from ris_core.access import read_catalogue

WAIT_S = 120


def _labelled(client: Client, names: list[str]) -> None:
    """Let models label the events, and wait until they have."""
    answer = client.post("/api/comparison/labels", json={"models": names})
    assert answer.status_code == 200, answer.text
    until = time.monotonic() + WAIT_S
    while (state := client.json_of("/api/comparison/labels"))["models"]:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert state["error"] == ""


def _models(client: Client) -> dict[str, dict[str, Any]]:
    return {model["role"]: model for model in client.json_of("/api/comparison/models")["models"]}


def test_a_candidate_is_compared_with_the_champion(own_client: Client) -> None:
    models = _models(own_client)
    champion, candidate = models["champion"], models["candidate"]
    assert (champion["k"], candidate["k"]) == (3, 2)
    pair = {"before": champion["name"], "after": candidate["name"]}
    assert own_client.json_of("/api/comparison", **pair) == {"lacking": [candidate["name"]]}
    assert own_client.get("/api/comparison/changed", params=pair).status_code == 409
    _labelled(own_client, [candidate["name"]])

    found = own_client.json_of("/api/comparison", **pair)
    counts = np.array(found["counts"])
    events = read_catalogue(own_client.explorer.network)
    assert counts.sum() == found["events"] > 100
    # All events of this network belong to the training set.
    assert {each["number"]: each["events"] for each in found["before"]} == dict(events["label"].value_counts())
    rows, columns = ([each["number"] for each in found[side]] for side in ("before", "after"))
    same = sum(int(counts[rows.index(number), columns.index(number)]) for number in set(rows) & set(columns))
    assert found["changed"] == counts.sum() - same
    assert 0 < found["adjusted_rand"] < 1
    assert len(found["accuracy"]) == 2 and found["accuracy"][0]["all"]["count"] > 0

    cell = own_client.json_of("/api/comparison/changed", **pair, from_class=str(rows[0]), to_class=str(columns[0]))
    assert cell["events"] == counts[0, 0]
    every = own_client.json_of("/api/comparison/changed", **pair)
    assert every["events"] == found["changed"]
    by_event = events.set_index("event_id")["label"]
    assert all(by_event[each["event_id"]] == each["before"] != each["after"] for each in every["shown"])

    of_station = own_client.json_of("/api/comparison", **pair, station="AA")
    assert of_station["events"] == (events["station"] == "AA").sum()


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"before": "../../etc/passwd", "after": "x"}, 404, "there is no model"),
        ({}, 404, "there is no model"),
    ],
)
def test_unknown_models_are_refused(read_client: Client, query: dict[str, str], status: int, said: str) -> None:
    answer = read_client.get("/api/comparison", params=query)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True)


def test_what_cannot_be_labelled_is_refused(read_client: Client) -> None:
    champion = _models(read_client)["champion"]["name"]
    for names, said in (([champion], "label tables"), ([], "one or two"), (["unknown"], "no model")):
        answer = read_client.post("/api/comparison/labels", json={"models": names})
        assert answer.status_code >= 400 and said in answer.json()["error"]
    both = {"before": champion, "after": champion}
    assert "two different" in read_client.get("/api/comparison", params=both).json()["error"]
