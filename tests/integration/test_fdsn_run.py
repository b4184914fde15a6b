"""The shipped settings of the Ross Ice Shelf, pointed at a data centre on loopback by one environment variable."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import fdsn_server as server
import numpy as np
import pytest
from builders import QUIET, Opened, failure_of, opened
from fdsn_archive import Epoch, station_xml, write_days
from fdsn_server import Proxy
from obspy import Trace, UTCDateTime

from ris_core.access import read_detections
from ris_core.config import PROJECT_ROOT
from ris_core.contracts.station_day import StationDay
from ris_dagster.partitions import range_tags

STATIONS = ("DR01", "DR02", "DR03")
DAYS = (date(2014, 12, 1), date(2014, 12, 2))
ALL = [StationDay(station, day) for day in DAYS for station in STATIONS]
WITHOUT = StationDay("DR02", DAYS[1])
ASSETS = ("raw_waveforms", "detections", "spectrograms")
RATE = 200
MIDNIGHT = UTCDateTime(2014, 12, 2)

pytestmark = pytest.mark.usefixtures("blank_pictures")


def recording(station: str) -> Trace:
    """Return an hour on each side of midnight with a burst of the same size every 50 s, one of them at midnight."""
    rng = np.random.default_rng([*station.encode()])
    # What ends before the padding of the second day leaves that day without an answer.
    hours = 0.75 if station == WITHOUT.station else 2
    samples = rng.normal(0, 20, round(hours * 3600 * RATE))
    t = np.arange(2 * RATE) / RATE
    burst = 5000 * np.exp(-t / 0.2) * np.sin(2 * np.pi * 8 * t)
    for start in range(100 * RATE, samples.size - 10 * RATE, 50 * RATE):
        samples[start : start + t.size] += burst
    header = {"network": "XH", "station": station, "channel": "HHZ", "sampling_rate": RATE}
    return Trace(samples.round().astype(np.int32), header | {"starttime": MIDNIGHT - 3600})


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Proxy]:
    for station in STATIONS:
        write_days(tmp_path / "archive", recording(station))
    with server.dataselect(tmp_path / "dataselect", tmp_path / "archive") as port, server.proxied(port) as proxy:
        for station in STATIONS:
            epochs = [Epoch("2014-11-01", None)]
            if station == "DR03":
                epochs = [Epoch("2014-11-01", "2014-12-02"), Epoch("2014-12-02", None, gain=2e9)]
            proxy.stations[station] = station_xml("XH", station, epochs)
        yield proxy


def run(network: Opened) -> dg.ExecuteInProcessResult:
    """Run what the UI runs for three assets selected together, over a block of station-days."""
    return network.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        run_config=QUIET,
        instance=network.instance,
        asset_selection=[dg.AssetKey(name) for name in ASSETS],
        tags=range_tags(STATIONS, *DAYS),
        raise_on_error=False,
    )


def test_three_stations_and_two_days_are_fetched_and_processed_in_one_run(
    centre: Proxy, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIS_FDSN_PROVIDER", centre.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with opened(PROJECT_ROOT / "config" / "ross_ice_shelf.yaml") as network:
        host = centre.url.removeprefix("http://").replace(".", "_").replace(":", "_")
        (raw_asset,) = [a for a in network.definitions.assets or [] if a.op.name == "raw_waveforms"]
        assert raw_asset.op.pool == f"fdsn_{host}"

        result = run(network)
        assert result.success, failure_of(result)
        assert [len(centre.asked(service)) for service in ("dataselect", "station")] == [6, 3]
        assert [len(centre.asked(s, "application.wadl")) for s in ("dataselect", "station", "event")] == [1, 1, 0]
        for key in ALL:
            for asset in ASSETS:
                assert network.materialization(asset, key) is not None, (asset, key)
            raw = network.materialization("raw_waveforms", key)
            assert raw is not None
            assert raw.metadata["state"].value == ("no_data" if key == WITHOUT else "data")
            assert raw.metadata["provider"].value == centre.url
            if key == WITHOUT:
                assert raw.metadata["reason"].value == f"{centre.url} has no data for this station-day (HTTP 204)"
            else:
                assert raw.metadata["attempts"].value == 1
                assert raw.metadata["request_seconds"].value > 0

        found = read_detections(network.days)
        events = found[found["outcome"] == "event"].assign(day=lambda t: t["time_on"].dt.date)
        counts = events.groupby(["station", "day"]).size().to_dict()
        assert set(counts) == {(key.station, key.day) for key in ALL if key != WITHOUT}
        assert min(counts.values()) > 45
        # One burst begins at 00:00:00, which the day before sees in its padding only.
        near = events[(events["time_on"] - MIDNIGHT.datetime.astimezone(events["time_on"].dt.tz)).abs().dt.seconds < 2]
        assert near.groupby("station").size().to_dict() == {"DR01": 1, "DR03": 1}
        # The same counts through an instrument of twice the gain are half the ground motion, from that day on.
        peak = events.assign(peak=events["peak_acceleration"].abs()).groupby(["station", "day"])["peak"].median()
        assert peak["DR01", DAYS[0]] == pytest.approx(peak["DR01", DAYS[1]], rel=0.03)
        assert peak["DR03", DAYS[0]] == pytest.approx(2 * peak["DR03", DAYS[1]], rel=0.03)

        arrived = len(centre.requests)
        assert run(network).success
        assert len(centre.requests) == arrived
