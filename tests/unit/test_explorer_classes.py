"""The classes of the explorer: what is said of each, from labels, reviews and rates."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from explorer_network import NAMES, Client

from ris_core.access import read_class_rates
from ris_core.clustering.reviewed.intervals import share_of
from ris_explorer.classes import class_rows, class_scores


def class_of(client: Client, number: int) -> Any:
    return next(each for each in client.json_of("/api/classes")["classes"] if each["number"] == number)


def rows_of_class(client: Client, number: int) -> np.ndarray:
    table = client.explorer.table
    place = [each.number for each in table.classes].index(number)
    return np.flatnonzero(table.class_index == place)


def test_classes_have_their_events_and_names_as_text(read_client: Client) -> None:
    said = read_client.json_of("/api/classes")
    assert {each["number"]: each["name"] for each in said["classes"]} == NAMES
    for each in said["classes"]:
        rows = rows_of_class(read_client, each["number"])
        assert each["events"] == len(rows)
        assert each["assigned"] == int(read_client.explorer.table.assigned[rows].sum())
    assert {each["review_class"] for each in said["classes"]} == {"icequake", "", "thermal"}
    assert {each["name"] for each in said["reviewed_only"]} == {"basal slip", "tremor", "noise"}
    assert not said["by_reviews"]


def test_typical_events_are_those_nearest_to_the_centre(read_client: Client) -> None:
    table = read_client.explorer.table
    rows = rows_of_class(read_client, 0)
    order = np.argsort(table.numbers["distance"][rows], kind="stable")
    assert class_of(read_client, 0)["typical"] == [table.name(row) for row in rows[order][:8]]


def test_typical_events_to_be_named_are_clear_and_nobodys(own_client: Client) -> None:
    names = own_client.json_of("/api/classes/0/typical", count="30")["event_ids"]
    table = own_client.explorer.table
    rows = table.rows_of(names)
    assert len(names) == 30
    assert table.assigned[rows].all()
    assert set(rows) <= set(rows_of_class(own_client, 0))
    assert not set(names) & own_client.explorer.state.seen
    assert own_client.get("/api/classes/9/typical").status_code == 404
    assert own_client.get("/api/classes/0/typical", params={"count": "100000"}).status_code == 400


def test_scores_of_a_cluster_are_of_events_that_were_looked_at(own_client: Client) -> None:
    table, words = own_client.explorer.table, own_client.explorer.state.reviewed()
    looked = words[~words["bulk"]]
    rows = table.rows_of(looked["event_id"].tolist())
    mine = np.isin(rows, rows_of_class(own_client, 2))
    thermal = looked["class_name"].to_numpy() == "thermal"
    scores = class_of(own_client, 2)["scores"]
    assert scores["of"] == "thermal"
    assert "reviews as they were chosen" in scores["by"]
    assert scores["precision"] == share_of(int((mine & thermal).sum()), int(mine.sum())).as_record()
    assert scores["recall"] == share_of(int((mine & thermal).sum()), int(thermal.sum())).as_record()
    named = {"reviewer": "ann", "filter": "class=2&reviewed=no", "class_name": "thermal"}
    assert own_client.post("/api/decisions", json=named).status_code == 200
    assert class_of(own_client, 2)["scores"] == scores  # a group that was named by its label says nothing of the label


def test_rates_are_those_of_the_table_per_live_hour(read_client: Client) -> None:
    said = read_client.json_of("/api/classes")
    frame = read_class_rates(read_client.explorer.network, stations="all", bins="day", classes=0)
    assert said["rates"]["bin"] == "day"
    assert class_of(read_client, 0)["rate"] == pytest.approx(frame["rate"].tolist())
    assert said["rates"]["starts"] == [start.timestamp() for start in frame["start"]]


def test_without_live_time_it_is_said_once_why_there_are_no_rates(
    own_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*asked: Any, **more: Any) -> pd.DataFrame:
        frame = read_class_rates(*asked, **more)
        frame.attrs["no_live_time"] = "the events were imported"
        return frame

    monkeypatch.setattr(class_rows, "read_class_rates", without)
    assert own_client.json_of("/api/classes")["rates"]["words"] == "the events were imported"


def test_absent_rates_say_how_to_make_them(own_client: Client) -> None:
    for path in own_client.explorer.network.layout.root.rglob("*rates*.parquet"):
        path.unlink()
    said = own_client.json_of("/api/classes")
    assert "ris run" in said["rates"]["words"]
    assert said["classes"][0]["rate"] is None


def test_notes_follow_their_class(own_client: Client) -> None:
    said = own_client.json_of("/api/classes")
    (tremor,) = [each for each in said["reviewed_only"] if each["name"] == "tremor"]
    assert [note["note"] for note in tremor["notes"]] == ["all of one <i>swarm</i>"]
    own_client.post(
        "/api/decisions", json={"reviewer": "ann", "kind": "rename", "former": ["tremor"], "class_name": "hum"}
    )
    said = own_client.json_of("/api/classes")
    (hum,) = [each for each in said["reviewed_only"] if each["name"] == "hum"]
    assert [note["note"] for note in hum["notes"]] == ["all of one <i>swarm</i>"]
    assert "tremor" not in json.dumps([each["name"] for each in said["reviewed_only"]])


def test_naming_a_cluster_is_a_bulk_decision_on_its_clear_members(own_client: Client) -> None:
    names = own_client.json_of("/api/classes/1/typical", count="20")["event_ids"]
    asked = {"reviewer": "ann", "event_ids": names, "class_name": "slip", "bulk": True}
    assert own_client.post("/api/decisions", json=asked).json()["changes"]["first"] == 20
    assert own_client.explorer.reviews[0].decisions[-1].bulk
    assert {"name": "slip", "events": 20} in class_of(own_client, 1)["reviewed_as"]
    changes = own_client.json_of("/api/decisions", classes="yes")["decisions"]
    assert [each["words"] for each in changes] == ["20 events: slip", "6 events: tremor"]


def test_scores_of_a_class_model_are_its_own_by_audits_where_it_has_any(
    read_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = {name: share_of(right, 8).as_record() for right, name in enumerate(("precision", "recall"), start=6)}
    audit = {f"audit_{name}": share_of(2, 3).as_record() for name in share}
    classes = [{"name": name, "reviewed": 8, "audits": n, **share, **audit} for name, n in (("rift", 3), ("slip", 0))]
    metadata = {"class_names": ["slip", "rift"], "assessment": {"classes": classes}}
    monkeypatch.setattr(class_scores, "read_description", lambda *_: SimpleNamespace(metadata=metadata))
    champion: Any = SimpleNamespace(model_version="some", classes=(4, 2), reviewed=True)
    found = class_scores.of_class_model(read_client.explorer.network.layout, champion)
    assert (found[4]["of"], found[4]["precision"], found[4]["recall"]) == ("slip", *share.values())
    assert found[4]["by"] == "8 reviews as they were chosen; no audits; events that the model had not seen"
    assert (found[2]["of"], found[2]["precision"]) == ("rift", share_of(2, 3).as_record())
    assert found[2]["by"].startswith("3 audits")
