"""Three channels from a real FDSN server on loopback: one request for each, one for the metadata of all."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

import fdsn_faults as faults
import fdsn_server as server
import numpy as np
import pytest
from fdsn_archive import Epoch, station_xml, write_days
from fdsn_server import Proxy
from obspy import Inventory, Trace, UTCDateTime, read_inventory
from store import Store

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.running import StageTask, run_station_day
from ris_core.station_days.station_days import StationDays
from ris_core.waveforms.source_check import check_source

RATE = 10.0
KEY, NEXT_KEY = StationDay("S01", date(2015, 1, 10)), StationDay("S01", date(2015, 1, 11))
CHANNELS = ("HHZ", "HHN", "HHE")
EPOCHS = [Epoch("2014-01-01", None)]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Two days of HHZ and HHN; there is no HHE."""
    root, start = tmp_path_factory.mktemp("archive"), UTCDateTime(2015, 1, 9, 23)
    for seed, channel in enumerate(("HHZ", "HHN")):
        samples = np.random.default_rng(seed).normal(0, 100, round(50 * 3600 * RATE)).astype(np.int32)
        header = {"network": "XX", "station": "S01", "channel": channel, "sampling_rate": RATE, "starttime": start}
        write_days(root, Trace(samples, header))
    with server.dataselect(tmp_path_factory.mktemp("dataselect"), root) as port:
        yield port


def described(*channels: str) -> bytes:
    """Return StationXML of several channels, as a data centre gives it: in one station of one network."""
    first, *others = (
        read_inventory(BytesIO(station_xml("XX", "S01", EPOCHS, channel=c, rate=RATE)))[0] for c in channels
    )
    for other in others:
        first[0].channels += other[0].channels
    written = BytesIO()
    Inventory([first], source="tests").write(written, format="STATIONXML")
    return written.getvalue()


@pytest.fixture
def proxy(upstream: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with server.proxied(upstream) as proxy:
        proxy.stations["S01"] = described(*CHANNELS)
        yield proxy


@pytest.fixture
def network(proxy: Proxy, tmp_path: Path) -> StationDays:
    quick = {"first_wait": 0.01, "longest_wait": 0.05, "timeout": 20, "attempts": 2}
    settings = Settings.model_validate(
        {
            "network": {"name": "far", "code": "XX"},
            "stations": [{"code": "S01"}],
            "channels": CHANNELS,
            "first_day": "2015-01-09",
            "last_day": "2015-01-12",
            "source": {"kind": "fdsn", "provider": proxy.url, **quick},
        }
    )
    return StationDays(settings, Store(settings, tmp_path / "data"))


def test_each_channel_is_requested_once_and_the_metadata_of_all_together(proxy, network):
    found = network.acquire.run(KEY).result
    assert [query["channel"] for query in proxy.asked("dataselect")] == list(CHANNELS)
    assert [query["channel"] for query in proxy.asked("station")] == ["HHZ,HHN,HHE"]
    assert proxy.most_at_once == 1
    assert [of_channel.has_data for _, of_channel in found.channels] == [True, True, False]
    assert found.reason == f"HHE: {proxy.url} has no data for this station-day (HTTP 204)"
    assert found.exchange.attempts == 2
    assert found.has_response
    inventory = network.acquire.inventory("S01")
    assert inventory is not None
    assert sorted(inventory.get_contents()["channels"]) == ["XX.S01..HHE", "XX.S01..HHN", "XX.S01..HHZ"]
    assert [len(pieces) for pieces in network.acquire.segments(KEY).values()] == [1, 1, 0]
    network.acquire.run(NEXT_KEY)
    assert len(proxy.asked("station")) == 1
    assert len(proxy.asked("dataselect", "application.wadl")) == 1, "the channels share what is known of the services"


def test_a_channel_that_the_data_centre_does_not_describe_is_named(proxy, network, caplog):
    proxy.stations["S01"] = described("HHZ", "HHN")
    with caplog.at_level(logging.WARNING):
        network.acquire.run(KEY)
    assert f"{proxy.url} has no StationXML of XX.S01..HHE" in caplog.text
    (finding,) = check_source(network.settings, ask=True)
    assert finding.wrong
    assert finding.text == f"station S01, HHE: {proxy.url} has no StationXML of its channel"


def test_the_failed_request_of_one_channel_fails_the_station_day(proxy, network):
    proxy.next("dataselect", faults.status(204), *[faults.status(503)] * 2)
    task = StageTask("acquire", network.settings.model_dump_json(), str(network.layout.root))
    outcome = run_station_day(task, KEY)
    assert outcome.made is None
    assert "XX.S01..HHN 2015-01-10: given up after 2 attempt(s)" in outcome.error
    assert network.acquire.read(KEY) is None
    assert network.acquire.run(KEY).result.has_data


def test_a_refused_station_is_not_asked_for_its_other_channels(proxy, network):
    proxy.always("dataselect", faults.status(403))
    for channel in CHANNELS:
        with pytest.raises(OSError, match=r"access refused|was refused"):
            network.sources[channel].fetch("S01", KEY.day)
    assert len(proxy.asked("dataselect")) == 1
