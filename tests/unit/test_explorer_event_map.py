"""What the explorer says of the map of events."""

import numpy as np
from explorer_network import Client, Explored


def test_map_says_how_it_was_made_and_which_events_have_no_place(read_client: Client) -> None:
    said = read_client.json_of("/api/event_map")
    x = read_client.array_of("/api/columns/x")
    assert said["method"] == "pca"
    assert len(said["explained_variance"]) == 2
    assert "means nothing" in said["note"]
    assert said["placed"] == np.isfinite(x).sum() > 0
    assert said["without_place"] == np.isnan(x).sum()


def test_point_of_a_row_is_the_event_of_that_row(read_client: Client) -> None:
    x, time = read_client.array_of("/api/columns/x"), read_client.array_of("/api/columns/time")
    point = read_client.json_of("/api/event_map/point", row="5")
    assert point["x"] == np.float64(x[5])
    assert point["time"] == time[5]
    assert read_client.json_of("/api/event_map/point", event=point["event_id"]) == point


def test_point_of_nothing_is_refused(read_client: Client) -> None:
    for query in ({"row": "999999"}, {"row": "-1"}, {"row": "²"}, {}, {"event": "none"}, {"event": "../x"}):
        assert read_client.get("/api/event_map/point", params=query).status_code == 404


def test_without_a_map_it_says_how_to_make_one(explored_copy: Explored) -> None:
    explored_copy.open().layout.analysis("event_map.parquet").unlink()
    client = Client(explored_copy.explorer())
    answer = client.get("/api/event_map")
    assert answer.status_code == 409
    assert answer.json()["absent"]
    assert "`ris run --only map_events` makes it" in answer.json()["error"]
    point = client.json_of("/api/event_map/point", row="0")
    assert point["x"] is None
