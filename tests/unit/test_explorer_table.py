"""The events in memory follow the disk, while the former ones answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from explorer_network import Client, Explored

from ris_core.catalogue.catalogue_reading import NoCatalogueError
from ris_core.catalogue.catalogue_update import update_catalogue
from ris_core.contracts.decision import Decision
from ris_core.review.log import ReviewLog
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError
from ris_explorer import current_table, feature_reader
from ris_explorer.answers import RefusedError
from ris_explorer.explorer import Explorer


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_table, "LOOK_S", 0.02)


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def rename_class(of: Explorer, name: str) -> None:
    """Bring the catalogue up to date with another name for class 0."""
    settings = of.network.settings
    champion = settings.champion.model_copy(update={"names": {**settings.champion.names, 0: name}})
    update_catalogue(StationDays(settings.model_copy(update={"champion": champion}), of.network.layout))


def test_another_catalogue_is_shown_without_that_a_request_waits(
    own_client: Client, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = own_client.json_of("/api/version")
    may_read, reads = threading.Event(), threading.Event()
    load = current_table.load_event_table

    def slow(*arguments: object) -> object:
        reads.set()
        assert may_read.wait(60)
        return load(*arguments)

    monkeypatch.setattr(current_table, "load_event_table", slow)
    rename_class(explorer, "crevasse")
    until(lambda: own_client.json_of("/api/version") and reads.is_set())
    assert own_client.json_of("/api/version") == before  # nobody waits
    may_read.set()
    until(lambda: own_client.json_of("/api/version")["version"] != before["version"])
    assert own_client.json_of("/api/network")["classes"][0]["name"] == "crevasse"
    assert own_client.json_of("/api/version")["trouble"] == ""


def test_a_damaged_month_is_told_while_the_events_stay_until_it_is_whole_again(
    own_client: Client, explorer: Explorer
) -> None:
    before = own_client.json_of("/api/counts")
    path = explorer.network.layout.catalogue(2020, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    until(lambda: own_client.json_of("/api/version")["trouble"])
    assert "month=03.parquet" in own_client.json_of("/api/version")["trouble"]
    assert own_client.json_of("/api/counts") == before
    path.write_bytes(whole)
    until(lambda: not own_client.json_of("/api/version")["trouble"])
    assert own_client.json_of("/api/counts")["events"] == before["events"]


def test_a_damaged_or_absent_catalogue_at_the_start_is_said_and_tried_again(explored_copy: Explored) -> None:
    of = explored_copy.explorer()
    path = of.network.layout.catalogue(2020, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(DamagedFileError, match="month=03"):
        _ = of.table
    path.write_bytes(whole)
    assert len(of.table) == 320
    for month in (2, 3):
        of.network.layout.catalogue(2020, month).unlink()
    with pytest.raises(NoCatalogueError, match="update_catalogue"):
        _ = explored_copy.explorer().table


def test_a_page_of_an_earlier_start_can_be_told(explored_copy: Explored, own_client: Client) -> None:
    started = own_client.json_of("/api/network")["started"]
    assert own_client.json_of("/api/version")["started"] == started
    assert explored_copy.explorer().started != started


def test_reviews_of_another_process_are_seen_and_own_ones_at_once(explorer: Explorer) -> None:
    event = explorer.table.name(300)
    log = ReviewLog(explorer.network.layout.reviews)
    log.append([Decision("label", "cyd", (event,), "swell")])
    now = explorer.reviewed_now()
    assert now.reviewed_names[now.reviewed[300]] == "swell"
    assert now.version == explorer.table.version
    log.append([Decision("label", "cyd", (event,), "noise")])
    until(lambda: explorer.table.reviewed_names[explorer.table.reviewed[300]] == "noise")
    first = explorer.table.review_version
    log.append([Decision("label", "cyd", (event,), "swell")])
    until(lambda: explorer.table.review_version != first)


def test_a_damaged_log_of_reviews_is_told_and_the_words_of_before_stay(explorer: Explorer) -> None:
    before = explorer.table
    log = explorer.network.layout.reviews
    whole = log.read_bytes()
    log.write_bytes(whole.replace(b"noise", b"nOise", 1))
    until(lambda: explorer.table is before and "log.jsonl" in explorer.trouble)
    log.write_bytes(whole)
    until(lambda: not (explorer.table and explorer.trouble))


def test_many_threads_at_the_start_read_the_events_once(explored: Explored, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    load = current_table.load_event_table
    monkeypatch.setattr(current_table, "load_event_table", lambda *a: loads.append(1) or load(*a))
    of = explored.explorer()
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(of.table)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert len({id(each) for each in found}) == 1


def test_features_are_read_once_and_who_is_impatient_is_told(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_read = threading.Event()
    opened = feature_reader.open_event_index

    def slow(network: object) -> object:
        assert may_read.wait(60)
        return opened(network)

    monkeypatch.setattr(feature_reader, "open_event_index", slow)
    monkeypatch.setattr(feature_reader, "_PATIENCE_S", 0.01)
    for _ in range(2):
        with pytest.raises(RefusedError, match="being read") as refused:
            _ = explorer.index
        assert refused.value.status == 503
    may_read.set()
    monkeypatch.setattr(feature_reader, "_PATIENCE_S", 60)
    assert len(explorer.index) == len(explorer.table)
    assert explorer.index is explorer.index


def test_the_features_of_a_network_without_labels_are_absent_in_words(explored_copy: Explored) -> None:
    of = explored_copy.explorer()
    of.network.layout.champion.unlink()
    with pytest.raises(FileNotFoundError, match="choose_champion"):
        _ = of.index
