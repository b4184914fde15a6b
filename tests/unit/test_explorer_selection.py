"""Filters against a plain evaluation of the catalogue, event by event."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from explorer_network import Explored
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Polygon

from ris_core.access import read_catalogue, read_event_map
from ris_core.review.state import ReviewState
from ris_explorer.answers import RefusedError
from ris_explorer.event_table import EventTable, load_event_table
from ris_explorer.explorer import Explorer
from ris_explorer.selection import Selection


@pytest.fixture(scope="module")
def shared(explored: Explored) -> Explorer:
    return explored.explorer()


@pytest.fixture(scope="module")
def table(shared: Explorer) -> EventTable:
    return shared.table


@pytest.fixture(scope="module")
def plain(shared: Explorer) -> pd.DataFrame:
    """The catalogue with all that filters speak of, in the order of the table."""
    network = shared.network
    frame = read_catalogue(network).set_index("event_id", drop=False)
    words = shared.state.reviewed().set_index("event_id")
    frame = frame.join(read_event_map(network).set_index("event_id")[["x", "y"]])
    frame = frame.join(words[["class_name", "audit"]].rename(columns={"class_name": "word"}))
    frame["time"] = frame["time_peak"].dt.tz_localize(None)
    frame["amplitude"] = frame["peak_acceleration"].abs()
    return frame


def chosen(table: EventTable, query: str) -> list[str]:
    parts = [tuple(part.split("=", 1)) for part in query.split("&")] if query else []
    return [table.name(row) for row in Selection.of(parts).rows(table)]


def test_events_are_in_the_order_of_time_with_all_that_the_catalogue_says(
    table: EventTable, plain: pd.DataFrame
) -> None:
    assert [table.name(row) for row in range(len(table))] == plain["event_id"].tolist()
    assert (np.diff(table.time) >= 0).all()
    assert [table.stations[place] for place in table.station] == plain["station"].tolist()
    assert [table.classes[place].number for place in table.class_index] == plain["label"].tolist()
    np.testing.assert_array_equal(table.numbers["snr"], plain["snr"].astype(np.float32))
    np.testing.assert_array_equal(table.numbers["x"], plain["x"])
    np.testing.assert_array_equal(table.numbers["amplitude"], plain["amplitude"].astype(np.float32))
    assert np.isnan(table.numbers["amplitude"][table.station == 2]).all(), "a station without response"
    names = ["" if row < 0 else table.name(row) for row in table.source]
    assert names == plain["source_id"].tolist()
    assert any(names)


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("", "index == index"),
        ("station=BB", "station == 'BB'"),
        ("station=BB,AA", "station != 'CC'"),
        ("class=0,2", "label in (0, 2)"),
        ("class=-1", "label == -1"),
        ("from=2020-02-29T00:00Z", "time >= '2020-02-29'"),
        ("from=2020-02-29&to=2020-03-01T22:05", "'2020-02-29' <= time < '2020-03-01T22:05'"),
        ("to=2020-03-01T01:00%2B01:00".replace("%2B", "+"), "time < '2020-03-01T00:00'"),
        ("from=2021-01-01", "index != index"),
        ("hours=5-5", "time.dt.hour == 5"),
        ("hours=20-4", "time.dt.hour >= 20 or time.dt.hour <= 4"),
        ("hours=6-21", "6 <= time.dt.hour <= 21"),
        ("months=3-3", "time.dt.month == 3"),
        ("months=12-2", "time.dt.month in (12, 1, 2)"),
        ("snr=20..", "snr >= 20"),
        ("snr=..20", "snr <= 20"),
        ("frequency=8..10", "8 <= peak_frequency <= 10"),
        ("duration=..", "duration == duration"),
        ("amplitude=0..", "station != 'CC'"),
        ("probability=.9..", "probability >= 0.9"),
        ("novelty=..1", "novelty <= 1"),
        ("assigned=no", "not assigned"),
        ("assigned=yes", "assigned"),
        ("reviewed=yes", "word == word"),
        ("reviewed=no", "word != word"),
        ("reviewed=audit", "audit == True"),
        ("reviewed_class=tremor", "word == 'tremor'"),
        ("reviewed_class=nobody said so", "index != index"),
        ("source=yes", "source_id != ''"),
        ("source=no", "source_id == ''"),
        (
            "station=AA&class=1&hours=22-23&reviewed=no",
            "station == 'AA' and label == 1 and word != word and time.dt.hour >= 22",
        ),
    ],
)
def test_each_filter_leaves_what_it_says(table: EventTable, plain: pd.DataFrame, query: str, condition: str) -> None:
    wanted = plain.query(condition, engine="python")["event_id"].tolist()
    assert chosen(table, query) == wanted
    assert len(wanted) < len(plain) or query in ("", "duration=..", "novelty=..1", "months=12-2") or wanted


def test_one_source_and_given_events(table: EventTable, plain: pd.DataFrame) -> None:
    source = plain.loc[plain["source_id"] != "", "source_id"].iloc[0]
    own = plain.loc[plain["source_id"] == source, "event_id"].tolist()
    assert len(own) > 1
    assert chosen(table, f"source={source}") == own
    names = plain["event_id"].tolist()
    assert chosen(table, f"events={names[7]},XX.NO..HHZ.1,{names[3]}") == [names[3], names[7]]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("station=ZZ", "there are AA, BB, CC"),
        ("class=9", "there are 0, 1, 2, -1"),
        ("class=one", "whole number"),
        ("source=XX.NO..HHZ.1", "no such event"),
        ("snr=5", "range like"),
        ("snr=9..3", "first end is greater"),
        ("hours=5-24", "0-23"),
        ("months=0-3", "1-12"),
        ("from=yesterday", "not a time"),
        ("from=0001-01-01", "not a time"),
        ("assigned=maybe", "yes, no"),
        ("lasso=1,2;3,4", "3 to 512 corners"),
        ("lasso=1,2;3,4;nan,1", "finite"),
        ("lasso=1,2;3,4;5", "polygon"),
        ("size=4", "no parameter"),
        ("snr=1..&snr=2..", "twice"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_words(table: EventTable, query: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        chosen(table, query)


@given(corners=st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30)), min_size=3, max_size=9, unique=True))
def test_a_lasso_holds_the_events_in_its_polygon(
    table: EventTable, plain: pd.DataFrame, corners: list[tuple[int, int]]
) -> None:
    spread = float(plain["x"].std()) / 10
    # Off any point, and a polygon that crosses itself counts by even and odd.
    corners_off = [(x * spread + 1e-7, y * spread + 1e-7) for x, y in corners]
    text = ";".join(f"{x!r},{y!r}" for x, y in corners_off)
    found = set(chosen(table, f"lasso={text}"))
    wanted = {
        name
        for name, x, y in zip(plain["event_id"], plain["x"], plain["y"], strict=True)
        if _crossings(x, y, corners_off) % 2
    }
    assert found == wanted


def _crossings(x: float, y: float, corners: list[tuple[float, float]]) -> int:
    ends = zip(corners, [*corners[1:], corners[0]], strict=True)
    return sum((y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1 for (x1, y1), (x2, y2) in ends)


def test_a_convex_lasso_agrees_with_matplotlib(table: EventTable, plain: pd.DataFrame) -> None:
    middle, spread = plain[["x", "y"]].median(), plain[["x", "y"]].std()
    angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    corners = np.stack([middle["x"] + spread["x"] * np.cos(angle), middle["y"] + spread["y"] * np.sin(angle)], axis=1)
    inside = Polygon(corners).contains_points(plain[["x", "y"]].to_numpy())
    assert 0 < inside.sum() < len(plain)
    found = chosen(table, "lasso=" + ";".join(f"{x},{y}" for x, y in corners))
    assert found == plain.loc[inside, "event_id"].tolist()


def test_events_without_a_map_have_no_place_and_it_is_said(explored_copy: Explored) -> None:
    network = explored_copy.open()
    network.layout.analysis("event_map.parquet").unlink()
    table = load_event_table(network, ReviewState.of([]), "v")
    assert any("map_events" in note for note in table.notes)
    selection = Selection.of([("lasso", "-9,-9;9,-9;9,9;-9,9")])
    assert not selection.mask(table).any()
    assert selection.notes(table) == ["320 of 320 events have no place on the map, so no lasso contains them"]


def test_events_that_no_range_contains_are_said(table: EventTable, plain: pd.DataFrame) -> None:
    unknown = int(plain["amplitude"].isna().sum())
    assert Selection.of([("amplitude", "0..")]).notes(table) == [
        f"{unknown} of {len(plain)} events have no amplitude, so no range of it contains them"
    ]
    assert Selection.of([("snr", "0..")]).notes(table) == []


def test_rows_of_unknown_and_of_odd_names(table: EventTable) -> None:
    first = table.name(0)
    rows = table.rows_of([first, first[:-1], first + "0", "", "é", "x" * 500])
    assert rows.tolist() == [0, -1, -1, -1, -1, -1]
