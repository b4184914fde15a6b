"""Links of the explorer lead to pages that Dagster and MLflow have, under the names that `ris_dagster` gives."""

from dataclasses import replace
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from ris_core.clustering.champion import Champion
from ris_core.contracts.station_day import StationDay
from ris_dagster.assets.champion_model import CHAMPION_MODEL
from ris_dagster.partitions import partition_key
from ris_explorer.explorer import AddressError, Addresses
from ris_explorer.links import champion_page, model_pages, run_page, sensor_page, station_day_page

AT = Addresses.of("http://127.0.0.1:3000/", "https://ris.example/mlflow/")
CHAMPION = Champion(2, "v1", "trained", (0, 1), 2, {}, {}, "", mlflow_versions={"demo-dec": "3", "a b": "1"})
KEY = StationDay("S01", date(2015, 1, 31))


def test_a_station_day_is_the_partition_that_dagster_has() -> None:
    address = urlsplit(station_day_page(AT, KEY))
    assert (address.netloc, address.path) == ("127.0.0.1:3000", "/assets/label_tables")
    assert parse_qs(address.query) == {"view": ["partitions"], "partition": [str(partition_key(KEY))]}
    assert urlsplit(station_day_page(AT, KEY, "spectrograms")).path == "/assets/spectrograms"


def test_the_champion_links_to_its_asset_and_its_registered_models() -> None:
    assert champion_page(AT) == f"http://127.0.0.1:3000/assets/{CHAMPION_MODEL.to_user_string()}"
    found = model_pages(AT, CHAMPION)
    assert found == {
        "demo-dec version 3": "https://ris.example/mlflow/#/models/demo-dec/versions/3",
        "a b version 1": "https://ris.example/mlflow/#/models/a%20b/versions/1",
    }
    assert model_pages(AT, replace(CHAMPION, mlflow_versions={})) == {}


def test_runs_and_sensors_have_a_page() -> None:
    assert run_page(AT, "1f/2") == "http://127.0.0.1:3000/runs/1f%2F2"
    assert sensor_page(AT, "after_review").endswith("/locations/__repository__@ris/sensors/after_review")


def test_without_servers_there_are_no_links() -> None:
    none = Addresses()
    assert [station_day_page(none, KEY), champion_page(none), run_page(none, "1"), sensor_page(none, "x")] == [""] * 4
    assert model_pages(none, CHAMPION) == {}


def test_dagster_is_asked_where_it_is_shown_unless_said_otherwise() -> None:
    assert AT.dagster_here == "http://127.0.0.1:3000"
    assert Addresses.of("https://ris.example", "", "http://[::1]:3000/").dagster_here == "http://[::1]:3000"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "127.0.0.1:3000", "ftp://a.example", "http://", "/x"])
def test_what_is_no_address_of_a_server_is_refused(address: str) -> None:
    with pytest.raises(AddressError, match="is not an address like"):
        Addresses.of(address, "")
    with pytest.raises(AddressError):
        Addresses.of("", address)
