"""Columns, masks and counts of the events over HTTP."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from explorer_network import NAMES, Client, Explored

from ris_core.access import read_catalogue
from ris_explorer.columns.selected_csv import selected_csv


def test_the_first_answer_says_what_is_there(read_client: Client, explored: Explored) -> None:
    events = read_catalogue(explored.open())
    found = read_client.json_of("/api/network")
    assert found["events"] == len(events) > 200
    assert {each["name"]: each["events"] for each in found["classes"] if each["events"]} == dict(
        events["class_name"].value_counts()
    )
    assert found["notes"] == []


def test_a_mask_has_a_bit_for_each_event_in_the_order_of_the_columns(read_client: Client) -> None:
    hour, station = read_client.array_of("/api/columns/hour"), read_client.array_of("/api/columns/station")
    bits = np.unpackbits(read_client.array_of("/api/mask", hours="22-4", station="BB"), bitorder="little")
    wanted = (hour == 22) & (station == 1)
    assert 0 < wanted.sum() < len(wanted)
    np.testing.assert_array_equal(bits[: len(hour)], wanted)
    assert read_client.json_of("/api/counts", hours="22-4", station="BB")["events"] == wanted.sum()


def test_a_column_that_is_known_already_is_not_sent_again(read_client: Client) -> None:
    first = read_client.get("/api/columns/snr")
    assert first.headers["X-Type"] == "float32"
    again = read_client.get("/api/columns/snr", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert not again.content
    assert first.headers["X-Version"] == read_client.get("/api/mask").headers["X-Version"]
    assert read_client.get("/api/columns/snr", headers={"If-None-Match": '"other"'}).status_code == 200


def test_an_unknown_column_is_refused_with_those_that_there_are(read_client: Client) -> None:
    answer = read_client.get("/api/columns/..%2f..%2fetc")
    assert answer.status_code == 404
    answer = read_client.get("/api/columns/size")
    assert answer.status_code == 404
    assert "there are time, station" in answer.json()["error"]


def test_distributions_count_the_selection_and_what_has_no_value(read_client: Client) -> None:
    found = read_client.json_of("/api/distributions", station="CC,AA")["numbers"]
    events = read_client.json_of("/api/counts")["by_station"]
    assert set(found) == {"snr", "amplitude", "probability", "novelty", "frequency", "duration"}
    for each in found.values():
        assert (np.diff(each["edges"]) > 0).all()
        assert len(each["counts"]) == len(each["edges"]) - 1
        assert sum(each["counts"]) + each["unknown"] == events["AA"] + events["CC"]
        assert (np.array(each["all"]) >= each["counts"]).all()
    assert found["amplitude"]["unknown"] == events["CC"]
    snr = read_client.array_of("/api/columns/snr")[read_client.array_of("/api/columns/station") != 1]
    edges = np.array(found["snr"]["edges"])
    assert found["snr"]["counts"][5] == ((snr >= edges[5]) & (snr < edges[6])).sum()


def test_a_selection_is_exported_as_text_that_no_spreadsheet_runs(explored_copy: Explored) -> None:
    explorer = explored_copy.explorer()
    asked = Client(explorer)
    rows = list(csv.DictReader(asked.get("/api/selection.csv?station=CC&hours=22-22").text.splitlines()))
    assert len(rows) == asked.json_of("/api/counts", station="CC", hours="22-22")["events"] > 10
    times = [row["time_peak (UTC)"] for row in rows]
    assert times == sorted(times)
    assert {row["class_name"] for row in rows} <= set(NAMES.values())
    table = explorer.table
    first = table.row_of(rows[0]["event_id"])
    assert first is not None
    assert float(rows[0]["snr (dB)"]) == pytest.approx(float(table.numbers["snr"][first]), rel=1e-5)
    assert rows[0]["amplitude (m/s^2)"] == ""  # no response
    formula = replace(table.classes[0], name="=1+1")
    hostile = replace(table, classes=(formula, *table.classes[1:]))
    text = b"".join(selected_csv(hostile, np.arange(len(table)))).decode()
    assert ",'=1+1," in text
    assert ",=1+1," not in text


def test_an_empty_selection_is_exported_as_a_header(read_client: Client) -> None:
    answer = read_client.get("/api/selection.csv?from=2021-01-01")
    assert answer.text.startswith("event_id,station,")
    assert answer.text.count("\n") == 1
    assert "attachment" in answer.headers["Content-Disposition"]
