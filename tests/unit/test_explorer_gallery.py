"""The gallery: order, pages, neighbours in the order."""

import math

import numpy as np
import pytest

SORTS = ("time", "distance", "probability", "novelty", "snr")


def _all(client, **query):
    first = client.json_of("/api/gallery", **query)
    events = list(first["events"])
    for number in range(2, first["pages"] + 1):
        events += client.json_of("/api/gallery", **query, page=str(number))["events"]
    return first, events


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_pages_hold_each_event_once_in_order(read_client, sort, sign):
    table = read_client.explorer.table
    first, events = _all(read_client, sort=sign + sort)
    assert first["total"] == len(table) == len(events) == len({each["event_id"] for each in events})
    assert [len(events[start : start + 60]) for start in range(0, len(events), 60)][:-1] == [60] * (first["pages"] - 1)
    values = [each[sort] if each[sort] is not None else math.nan for each in events]
    known = [value for value in values if not math.isnan(value)]
    assert known == sorted(known, reverse=bool(sign)), "the order is another one"
    assert first["unknown"] == len(values) - len(known)
    assert all(math.isnan(value) for value in values[len(known) :]), "what is unknown is not last"


def test_equal_values_are_sorted_by_time(own_client):
    table = own_client.explorer.table
    table.numbers["snr"][:] = np.where(np.arange(len(table)) % 3 == 0, np.nan, np.arange(len(table)) % 2)
    for sort in ("snr", "-snr"):
        _, events = _all(own_client, sort=sort)
        by_value = {}
        for each in events:
            by_value.setdefault(each["snr"], []).append(each["time"])
        assert len(by_value) == 3
        assert all(times == sorted(times) for times in by_value.values())
        assert events[-1]["snr"] is None


def test_filter_and_page_beyond_the_last(read_client):
    found = read_client.json_of("/api/gallery", station="BB", page="999")
    assert {each["station"] for each in found["events"]} == {"BB"}
    assert found["page"] == found["pages"]
    none = read_client.json_of("/api/gallery", snr="1e6..")
    assert (none["total"], none["page"], none["pages"], none["events"]) == (0, 1, 1, [])


def test_what_cannot_be_asked_is_refused_with_words(read_client):
    for query, words in (
        ({"sort": "colour"}, "none of time"),
        ({"page": "0"}, "number from 1"),
        ({"page": "1e3"}, "number from 1"),
        ({"shape": "x"}, "known"),
    ):
        answer = read_client.get("/api/gallery", params=query)
        assert answer.status_code == 400 and words in answer.json()["error"]


def test_before_and_after_follow_the_order(read_client):
    _, events = _all(read_client, sort="-novelty", station="AA")
    names = [each["event_id"] for each in events]
    for place in (0, 1, 30, len(names) - 1):
        found = read_client.json_of("/api/gallery/beside", sort="-novelty", station="AA", of=names[place])
        assert found["place"] == place and found["total"] == len(names)
        assert found["before"] == (names[place - 1] if place else None)
        assert found["after"] == (names[place + 1] if place + 1 < len(names) else None)
    outside = read_client.json_of("/api/gallery/beside", station="BB", of=names[0])
    assert outside["place"] is None and outside["before"] is None
    assert read_client.get("/api/gallery/beside", params={"of": "no such event"}).status_code == 404
