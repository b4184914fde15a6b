"""Gallery and event of networks of another kind: three components, of which one is lost at times; imported events."""

import io

import numpy as np
import pytest
from explorer_network import Client
from other_networks import COMPONENTS, DAYS, network_values, write_volcano
from PIL import Image
from published_builders import import_into, published, published_network

from ris_core.access import read_event
from ris_core.catalogue.catalogue_update import update_catalogue
from ris_core.config import Settings
from ris_core.station_days.station_days import StationDays
from ris_explorer.explorer import Explorer


@pytest.fixture(scope="module")
def volcano(tmp_path_factory) -> Client:
    root = tmp_path_factory.mktemp("volcano")
    written = write_volcano(root / "archive", ("BB",), DAYS[1:])
    values = network_values(
        "volcano", written, preset="volcano", channels=list(COMPONENTS), components={"missing": "zeros"}
    )
    network = StationDays.open(Settings.model_validate(values), root / "data")
    for key in network.all():
        network.acquire.run(key)
        network.process.run(key)
    update_catalogue(network)
    return Client(Explorer(network))


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> Client:
    root = tmp_path_factory.mktemp("imported")
    network = published_network(root / "data")
    import_into(network, published().write(root / "events.h5"))
    update_catalogue(network)
    return Client(Explorer(network))


def _lost(client):
    """Return an event of which a component was not recorded, and one of which all were."""
    table, found = client.explorer.table, {}
    for row in range(len(table)):
        event = read_event(client.explorer.network, table.name(row))
        found.setdefault(event.recorded is None or bool(np.all(event.recorded)), event)
    return found[False], found[True]


def test_each_component_is_seen_and_heard_and_a_lost_one_is_said(volcano):
    lost, whole = _lost(volcano)
    for event in (lost, whole):
        address = f"/api/events/{event.event_id}"
        signal = volcano.json_of(f"{address}/signal")
        recorded = dict.fromkeys(event.components, True) | ({"E": False} if event is lost else {})
        assert {each["letter"]: each["recorded"] for each in signal["components"]} == recorded
        assert volcano.array_of(f"{address}/spectrogram").shape == event.spectrogram.shape
        for letter, there in recorded.items():
            answer = volcano.get(f"{address}/waveform", params={"component": letter})
            if there:
                np.testing.assert_array_equal(np.frombuffer(answer.content, "<f4"), event.context_trace(letter).data)
                assert volcano.get(f"{address}/sound.wav", params={"component": letter}).status_code == 200
            else:
                assert answer.status_code == 409 and "was not recorded" in answer.json()["error"]


def test_miniseed_holds_the_recorded_components_and_csv_the_one_that_is_asked_for(volcano):
    from obspy import read

    lost, whole = _lost(volcano)
    for event, channels in ((lost, {"HHN", "HHZ"}), (whole, set(COMPONENTS))):
        stream = read(io.BytesIO(volcano.get(f"/api/events/{event.event_id}/download/event.mseed").content))
        assert {trace.stats.channel for trace in stream} == channels
    table = volcano.get(f"/api/events/{whole.event_id}/download/event.csv", params={"component": "N"}).text
    assert "HHN conditioned" in table.splitlines()[0]
    assert volcano.get(f"/api/events/{whole.event_id}/download/event.png").status_code == 200


def test_thumbnail_shows_components_one_below_the_other(volcano):
    lost, whole = _lost(volcano)
    pictures = [
        np.asarray(Image.open(io.BytesIO(volcano.get(f"/api/thumbnails/{event.event_id}").content)).convert("RGBA"))
        for event in (lost, whole)
    ]
    of_components = [picture.reshape(3, -1, *picture.shape[1:]) for picture in pictures]
    place = lost.components.index("E")
    assert not of_components[0][place].any() and of_components[1][place].any()


def test_imported_events_have_no_context_no_raw_record_and_no_labels_and_it_is_said(imported):
    table = imported.explorer.table
    address = f"/api/events/{table.name(3)}"
    event = read_event(imported.explorer.network, table.name(3))
    signal = imported.json_of(f"{address}/signal")
    assert not signal["has_context"] and not signal["raw"]["possible"] and "imported" in signal["raw"]["words"]
    answer = imported.get(f"{address}/waveform")
    assert answer.headers["x-context"] == "no"
    np.testing.assert_array_equal(np.frombuffer(answer.content, "<f4"), event.waveform)
    assert imported.get(f"{address}/download/raw.mseed").status_code == 409
    assert imported.get(f"{address}/download/event.mseed").status_code == 200
    assert imported.get(f"{address}/sound.wav").status_code == 200
    found = imported.json_of(address)
    assert "no label table" in found["memberships"]["error"]
    near = imported.get(f"{address}/neighbours")
    assert near.status_code == 409 and near.json()["error"]
    gallery = imported.json_of("/api/gallery", sort="novelty")
    assert gallery["unknown"] == gallery["total"] == len(table)
    pictures = imported.json_of("/api/thumbnails", events=",".join(each["event_id"] for each in gallery["events"][:20]))
    assert all("picture" in each for each in pictures.values())
