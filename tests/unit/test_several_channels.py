"""Station-days of several channels: each is acquired, described, verified and removed, and none is silently absent."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import spoil
from fdsn_archive import Epoch, station_xml
from obspy import Inventory, Stream, Trace
from stage_steps import acquire_one, acquisition_of, is_current
from store import Store
from waveform_builders import DAY, KEY, NEXT_KEY, PADDING, make_settings, record, sds_settings, segments_of, write_sds

from ris_core.config import Settings
from ris_core.contracts.acquisition import Acquisition, Exchange, SamplesAt
from ris_core.contracts.waveform_source import Fetched
from ris_core.processing.process import ProcessStage
from ris_core.station_days.station_days import StationDays
from ris_core.storage.json_records import read_json
from ris_core.verification import damaged_files
from ris_core.waveforms.acquire import NotAcquiredError
from ris_core.waveforms.intake import NoUsableSamplesError
from ris_core.waveforms.sample_quality import problems_of
from ris_core.waveforms.segments import digest_of_segments
from ris_dagster.assets.raw_waveforms import describe_waveforms

CHANNELS = ("HHZ", "HHN", "HHE")


def trace_of(channel: str, start: float = 0, end: float = 600, seed: int = 0) -> Trace:
    """Noise of a channel, which differs from that of the others, with an event."""
    trace = record(KEY, start, end, [start + 200.0], seed=seed + CHANNELS.index(channel))
    trace.stats.channel = channel
    return trace


def archive_of(root: Path, *traces: Trace, **sections: Any) -> Store:
    write_sds(root / "archive", *traces)
    return Store(sds_settings(root / "archive", channels=CHANNELS, **sections), root / "data")


def part_of(found: Acquisition | None, channel: str) -> Acquisition:
    assert found is not None
    return dict(found.channels)[channel]


class Centre:
    """A data centre's samples of one channel, of which it may lose some."""

    in_place = False

    def __init__(self, channel: str, *traces: Trace) -> None:
        self.channel, self.traces, self.asked = channel, list(traces), 0

    def fetch(self, station: str, day: date) -> Stream:
        return self.request(station, day).stream

    def request(self, station: str, day: date) -> Fetched:
        self.asked += 1
        found = [t.copy() for t in self.traces if t.stats.starttime.date == day]
        stream = Stream(found)
        exchange = Exchange("far", 1.0, 1, 100)
        return Fetched(stream, "" if found else "HTTP 204", exchange)

    def inventory(self, station: str) -> Inventory | None:
        return None

    def newer_inventory(self, station: str, day: date, stored: Path) -> Inventory | None:
        return None


def centres(*traces: Trace) -> dict[str, Centre]:
    return {code: Centre(code, *(t for t in traces if t.stats.channel == code)) for code in CHANNELS}


def far(root: Path, sources: dict[str, Centre], **sections: Any) -> StationDays:
    settings = make_settings(source={"kind": "fdsn", "provider": "http://127.0.0.1:9"}, channels=CHANNELS, **sections)
    return StationDays(settings, Store(settings, root / "data"), sources=sources)


def test_an_archive_gives_every_channel_and_says_which_are_absent_or_have_gaps(tmp_path):
    traces = [trace_of("HHZ"), trace_of("HHN", 0, 200), trace_of("HHN", 250, 600)]
    store = archive_of(tmp_path, *traces)
    made = acquire_one(store, KEY)
    found = made.result
    assert [code for code, _ in found.channels] == list(CHANNELS)
    assert (found.has_data, found.samples_at) == (True, SamplesAt.IN_PLACE)
    assert not StationDays(store.settings, store).acquire.was_dropped(KEY)
    assert part_of(found, "HHZ").quality.gaps == found.quality.gaps == 1
    assert part_of(found, "HHN").quality.gaps == 2
    absent = part_of(found, "HHE")
    assert not absent.has_data and absent.reason.startswith("there is no file ")
    assert found.reason == f"HHE: {absent.reason}"
    assert "HHE: no samples" in problems_of(found)
    assert found.files is not None and len(found.files) == 3
    assert str(acquisition_of(store, KEY)) == str(found), "the record has all of it"
    segments, acquired = store.days.acquire.segments_to_process(KEY)
    assert {code: len(pieces) for code, pieces in segments.items()} == {"HHZ": 1, "HHN": 2, "HHE": 0}
    np.testing.assert_array_equal(segments["HHZ"][0].samples, traces[0].data)
    assert acquired.content == found.content
    assert "day" in made.pictures


def test_of_each_channel_the_record_has_what_a_network_of_that_channel_would_have(tmp_path):
    store = archive_of(tmp_path, *(trace_of(code) for code in CHANNELS))
    found = acquire_one(store, KEY).result
    for code in CHANNELS:
        alone = Store(store.settings.of_channel(code), tmp_path / code)
        assert part_of(found, code) == acquire_one(alone, KEY).result


def test_the_record_of_one_channel_says_nothing_of_channels(tmp_path):
    write_sds(tmp_path, trace_of("HHZ"))
    store = Store(sds_settings(tmp_path), tmp_path / "data")
    found = acquire_one(store, KEY).result
    assert found.channels == () and "channels" not in read_json(store.acquisition(KEY))
    assert found.content == digest_of_segments(segments_of(KEY, trace_of("HHZ")))


def test_a_day_counts_as_recorded_by_the_channel_of_detections_or_by_any_of_a_vector_sum(tmp_path):
    store = archive_of(tmp_path, trace_of("HHN"))
    found = acquire_one(store, KEY).result
    assert not found.has_data and part_of(found, "HHN").has_data
    assert "HHZ: no samples" in problems_of(found)
    by_sum = Settings.model_validate(store.settings.model_dump() | {"components": {"detect_on": "vector_sum"}})
    other = Store(by_sum, tmp_path / "sum")
    found = acquire_one(other, KEY).result
    assert found.has_data and found.quality == part_of(found, "HHN").quality
    assert found.reason.startswith("HHZ: there is no file ")


def test_a_change_in_any_channel_of_an_archive_is_seen(tmp_path):
    store = archive_of(tmp_path, *(trace_of(code) for code in CHANNELS))
    before = acquire_one(store, KEY).result
    write_sds(tmp_path / "archive", trace_of("HHE", 0, 700))
    segments, acquired = store.days.acquire.segments_to_process(KEY)
    assert len(segments["HHE"][0].samples) == 700 * 50
    after = acquisition_of(store, KEY)
    assert after is not None and after.content == acquired.content != before.content
    assert part_of(after, "HHZ") == part_of(before, "HHZ")


def test_a_record_without_one_of_the_channels_is_not_taken_for_these(tmp_path):
    write_sds(tmp_path / "archive", *(trace_of(code) for code in CHANNELS))
    one = Store(sds_settings(tmp_path / "archive"), tmp_path / "data")
    acquire_one(one, KEY)
    three = Store(sds_settings(tmp_path / "archive", channels=CHANNELS), tmp_path / "data")
    assert not is_current("acquire", three, KEY)
    with pytest.raises(NotAcquiredError, match=f"{KEY}: HHN, HHE: not acquired yet"):
        three.days.acquire.segments(KEY)
    assert acquire_one(three, KEY).result.has_data
    assert is_current("acquire", one, KEY)
    assert list(one.days.acquire.segments(KEY)) == ["HHZ"]
    other = Store(sds_settings(tmp_path / "archive", channel="HH1"), tmp_path / "data")
    assert not is_current("acquire", other, KEY)


def test_a_channel_that_cannot_be_read_fails_the_station_day(tmp_path):
    store = archive_of(tmp_path, trace_of("HHZ"), trace_of("HHN"))
    path = next((tmp_path / "archive").rglob("*HHN.D.2015.010"))
    path.write_bytes(b"no miniSEED" * 400)
    with pytest.raises(OSError, match=str(path)):
        acquire_one(store, KEY)
    assert acquisition_of(store, KEY) is None


def test_each_channel_is_stored_under_its_own_name_and_the_figures_are_added(tmp_path):
    network = far(tmp_path, centres(trace_of("HHZ"), trace_of("HHN")))
    found = network.acquire.run(KEY).result
    for code in ("HHZ", "HHN"):
        path = tmp_path / "data" / f"waveforms/2015/XX/S01/{code}.D/XX.S01..{code}.D.2015.010"
        assert part_of(found, code).stored_as == network.layout.relative(path)
        assert part_of(found, code).size == path.stat().st_size
    assert found.size == sum(part_of(found, code).size for code in CHANNELS)
    assert (found.exchange.attempts, found.exchange.request_seconds, found.exchange.received_bytes) == (3, 3.0, 300)
    assert found.reason == "HHE: HTTP 204"
    assert network.acquire.is_current(KEY)
    assert network.acquire.run(KEY).already_current
    assert [source.asked for source in network.sources.values()] == [1, 1, 1]


def test_nothing_is_stored_if_one_channel_cannot_be_used(tmp_path):
    broken = trace_of("HHE")
    broken.data = np.full(broken.data.size, np.nan, np.float32)
    network = far(tmp_path, centres(trace_of("HHZ"), broken))
    with pytest.raises(NoUsableSamplesError, match=f"{KEY}, HHE: all its 30000 samples are NaN"):
        network.acquire.run(KEY)
    assert not (tmp_path / "data" / "waveforms").exists()
    assert network.acquire.read(KEY) is None


def test_a_channel_that_is_added_is_fetched_alone(tmp_path):
    sources = centres(*(trace_of(code) for code in CHANNELS))
    one = make_settings(source={"kind": "fdsn", "provider": "http://127.0.0.1:9"})
    before = StationDays(one, Store(one, tmp_path / "data"), sources=sources).acquire.run(KEY).result
    found = far(tmp_path, sources).acquire.run(KEY).result
    assert part_of(found, "HHZ") == before
    assert [source.asked for source in sources.values()] == [1, 1, 1]
    assert far(tmp_path, sources).acquire.is_current(KEY)


@pytest.mark.parametrize(
    ("channels", "components"),
    [(CHANNELS, {"detect_on": "HHN"}), (CHANNELS[::-1], {}), (("HHZ", "HHE"), {"detect_on": "vector_sum"})],
)
def test_what_is_stored_is_not_fetched_again_for_other_detections_or_fewer_channels(tmp_path, channels, components):
    sources = centres(*(trace_of(code) for code in CHANNELS))
    far(tmp_path, sources).acquire.run(KEY)
    settings = make_settings(
        source={"kind": "fdsn", "provider": "http://127.0.0.1:9"}, channels=channels, components=components
    )
    network = StationDays(settings, Store(settings, tmp_path / "data"), sources=sources)
    assert network.acquire.is_current(KEY) and network.acquire.run(KEY).already_current
    assert [source.asked for source in sources.values()] == [1, 1, 1]
    found = network.acquire.read(KEY)
    assert tuple(code for code, _ in found.channels) == channels
    assert found.stored_as == part_of(found, settings.channel).stored_as
    network.stage(ProcessStage).run(KEY)
    assert network.stage(ProcessStage).is_current(KEY)
    assert list(damaged_files(network, [KEY])) == []


def test_products_of_one_channel_that_is_left_are_made_of_its_samples(tmp_path):
    sources = centres(*(trace_of(code) for code in CHANNELS))
    far(tmp_path, sources).acquire.run(KEY)
    one = make_settings(source={"kind": "fdsn", "provider": "http://127.0.0.1:9"})
    left = StationDays(one, Store(one, tmp_path / "data"), sources={"HHZ": sources["HHZ"]})
    assert left.stage(ProcessStage).run(KEY).result.events == 1
    assert left.stage(ProcessStage).is_current(KEY) and left.acquire.is_current(KEY)
    assert list(damaged_files(left, [KEY])) == []
    alone = StationDays(one, Store(one, tmp_path / "other"), sources={"HHZ": sources["HHZ"]}).acquire.run(KEY).result
    assert left.acquire.read(KEY) == alone


def test_a_stored_channel_that_the_data_centre_has_no_more_stays_and_says_so(tmp_path):
    sources = centres(*(trace_of(code) for code in CHANNELS))
    network = far(tmp_path, sources)
    first = network.acquire.run(KEY).result
    sources["HHN"].traces = []
    found = network.acquire.run(KEY, again=True).result
    assert found.reason == "HHN: kept: HTTP 204"
    assert found.content == first.content
    assert network.acquire.is_current(KEY)
    assert all(network.acquire.segments(KEY).values())


@pytest.mark.parametrize("lost", CHANNELS)
def test_a_lost_raw_file_of_any_channel_is_fetched_again_alone(tmp_path, lost):
    sources = centres(*(trace_of(code) for code in CHANNELS))
    network = far(tmp_path, sources)
    network.acquire.run(KEY)
    path = network.acquire.raw_files(KEY)[lost]
    path.unlink()
    assert not network.acquire.is_current(KEY)
    assert network.acquire.was_dropped(KEY)
    segments = network.acquire.segments(KEY)
    assert path.exists() and all(segments.values())
    assert {code: source.asked for code, source in sources.items()} == {code: 1 + (code == lost) for code in CHANNELS}
    assert not network.acquire.was_dropped(KEY)
    sources[lost].traces = []
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"{path} is gone"):
        network.acquire.segments(KEY)


def test_the_raw_files_of_all_channels_are_dropped_after_processing(tmp_path):
    network = far(
        tmp_path,
        centres(*(trace_of(code) for code in CHANNELS)),
        retention={"raw": "drop_after_processing"},
    )
    network.acquire.run(KEY)
    network.stage(ProcessStage).run(KEY)
    assert not [path for path in network.acquire.raw_files(KEY).values() if path.exists()]
    assert network.acquire.is_current(KEY) and network.acquire.was_dropped(KEY)


@pytest.mark.parametrize("code", CHANNELS)
def test_verification_reads_the_raw_file_of_each_channel(tmp_path, code):
    network = far(tmp_path, centres(*(trace_of(code) for code in CHANNELS)))
    network.acquire.run(KEY)
    assert list(damaged_files(network, [KEY])) == []
    path = network.acquire.raw_files(KEY)[code]
    spoil(path)
    (error,) = damaged_files(network, [KEY])
    assert str(path) in str(error)


def test_a_raw_file_of_one_channel_in_the_place_of_another_is_damage(tmp_path):
    network = far(tmp_path, centres(*(trace_of(code) for code in CHANNELS)))
    network.acquire.run(KEY)
    files = network.acquire.raw_files(KEY)
    files["HHN"].write_bytes(files["HHE"].read_bytes())
    (error,) = damaged_files(network, [KEY])
    assert str(files["HHN"]) in str(error)


def test_a_record_that_says_no_data_of_a_channel_that_is_there_is_damaged(tmp_path):
    network = far(tmp_path, centres(trace_of("HHZ")))
    network.acquire.run(KEY)
    path = network.acquire.raw_files(KEY)["HHN"]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a leftover")
    with pytest.raises(OSError, match=f"it says no data, but there is {path}"):
        network.acquire.read(KEY)
    assert not network.acquire.is_current(KEY)


def test_a_day_without_any_channel_is_a_recorded_result(tmp_path):
    network = far(tmp_path, centres(trace_of("HHZ")))
    found = network.acquire.run(NEXT_KEY).result
    assert not found.has_data and problems_of(found) == []
    assert found.reason == "HHZ: HTTP 204; HHN: HTTP 204; HHE: HTTP 204"
    assert network.acquire.run(NEXT_KEY).already_current
    assert network.acquire.segments(NEXT_KEY) == {"HHZ": [], "HHN": [], "HHE": []}


def test_the_response_of_an_archive_is_that_of_all_channels(tmp_path):
    folder = tmp_path / "responses"
    folder.mkdir()
    epochs = [Epoch("2014-01-01", None)]
    for code in ("HHZ", "HHN"):
        (folder / f"{code}.xml").write_bytes(station_xml("XX", "S01", epochs, channel=code, rate=50.0))
    write_sds(tmp_path / "archive", trace_of("HHZ"), trace_of("HHN"))
    source = {"kind": "sds", "root": str(tmp_path / "archive"), "inventory": str(folder)}
    store = Store(make_settings(source=source, channels=CHANNELS), tmp_path / "data")
    acquire = store.days.acquire
    inventory = acquire.inventory("S01", ["HHZ", "HHN"])
    assert inventory is not None
    assert sorted(inventory.get_contents()["channels"]) == ["XX.S01..HHN", "XX.S01..HHZ"]
    with pytest.raises(FileNotFoundError, match=r"describes XX.S01..HHE; of this station there is XX.S01..HHN"):
        acquire.inventory("S01")
    # A day without samples needs no response.
    store.days.acquire.run(NEXT_KEY)
    assert store.days.stage(ProcessStage).run(NEXT_KEY).result.detections == 0
    before = acquire.response_digest("S01")
    changed = [Epoch("2014-01-01", None, gain=2e9)]
    (folder / "HHN.xml").write_bytes(station_xml("XX", "S01", changed, channel="HHN", rate=50.0))
    assert acquire.response_digest("S01") != before
    assert store.days.acquire.response_digest("S02") == "none"


def test_the_metadata_have_a_row_for_each_channel(tmp_path):
    store = archive_of(tmp_path, trace_of("HHZ"), trace_of("HHN"))
    metadata = describe_waveforms(acquire_one(store, KEY))
    rows = [line for line in metadata["channels"].value.splitlines() if "HH" in line]
    assert [code for row, code in zip(rows, CHANNELS, strict=True) if code in row] == list(CHANNELS)
    assert ["no_data" in row for row in rows] == [False, False, True]
    assert "there is no file " in rows[2]
    assert any(problem.startswith("HHE: no samples") for problem in metadata["worth_a_look"])


def test_padding_of_every_channel_comes_from_the_neighbouring_days(tmp_path):
    store = archive_of(tmp_path, *(trace_of(code, -400, 600) for code in CHANNELS))
    acquire_one(store, KEY)
    starts = {pieces[0].start_ns for pieces in store.days.acquire.segments(KEY).values()}
    assert starts == {KEY.start_ns - round(PADDING * 1e9)}
    assert KEY.day == DAY
