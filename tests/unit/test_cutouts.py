"""Waveforms of selected events as miniSEED, read back by ObsPy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import Opened
from obspy import Stream, Trace, UTCDateTime, read
from published_builders import import_into, published, published_network
from store import Store
from waveform_builders import KEY, record, sds_settings, write_sds

from ris_core.access import read_catalogue, read_event, read_raw
from ris_core.catalogue.catalogue_update import update_catalogue
from ris_core.exports.cutouts import CutoutOptions, mseed
from ris_core.exports.export_run import Exported, TooManyCutoutsError, export
from ris_core.exports.selection import NothingSelectedError, Selection
from ris_core.station_days.station_days import StationDays

CHANNELS = ("HHZ", "HHN", "HHE")


def cut(network: StationDays, folder: Path, raw: bool = False, most: int = 10_000, **selected: object) -> Exported:
    update_catalogue(network)
    selection = Selection.of(network, **selected)  # type: ignore[arg-type]
    return export(network, folder, selection, ("miniseed",), CutoutOptions(raw), most)


def test_cut_outs_are_the_context_of_each_event(copied: Opened, tmp_path: Path) -> None:
    network = copied.days
    found = cut(network, tmp_path, stations=("BB",))
    events = read_catalogue(network, stations="BB")
    index = pd.read_csv(tmp_path / "cutouts.csv")
    assert found.cutouts == len(events) == len(index) > 3
    assert set(index["event_id"]) == set(events["event_id"])
    for row in index.head(5).itertuples():
        (trace,) = read(str(tmp_path / row.file))
        wanted = read_event(network, row.event_id).context_trace()
        assert np.array_equal(trace.data, wanted.data) and trace.data.dtype == np.float32
        assert trace.id == wanted.id and trace.stats.sampling_rate == wanted.stats.sampling_rate
        assert abs(trace.stats.starttime - wanted.stats.starttime) < 1e-6
        assert (row.kind, row.unit, row.samples, row.channel) == ("context", "counts", len(wanted), "HHZ")
    assert json.loads((tmp_path / "cutouts.json").read_text())["left_out"] == {}


def test_raw_cut_outs_are_the_recorded_counts(copied: Opened, tmp_path: Path) -> None:
    network = copied.days
    cut(network, tmp_path, raw=True, first="2020-03-02")
    index = pd.read_csv(tmp_path / "cutouts.csv")
    assert set(index["kind"]) == {"raw"}
    for row in index.head(4).itertuples():
        (trace,) = read(str(tmp_path / row.file))
        (wanted,) = read_raw(network, row.event_id)
        assert trace.data.dtype == np.int32 and np.array_equal(trace.data, wanted.data)
        assert trace.stats.starttime == wanted.stats.starttime


def test_all_components_of_an_event_are_in_its_file(tmp_path: Path) -> None:
    traces = []
    for number, channel in enumerate(CHANNELS):
        traces.append(record(KEY, 0, 600, [200.0], seed=number))
        traces[-1].stats.channel = channel
    write_sds(tmp_path / "archive", *traces)
    network = Store(sds_settings(tmp_path / "archive", channels=CHANNELS), tmp_path / "data").days
    network.acquire.run(KEY)
    network.process.run(KEY)
    cut(network, tmp_path / "out")
    (event_id, *_) = read_catalogue(network)["event_id"]
    found = read(str(tmp_path / "out" / "cutouts" / KEY.station / str(KEY.day) / f"{event_id}.mseed"))
    event = read_event(network, event_id)
    assert {trace.stats.channel for trace in found} == set(CHANNELS)
    for trace in found:
        assert np.array_equal(trace.data, event.context_trace(trace.stats.channel[-1]).data)


def test_imported_events_give_the_samples_of_their_spectrogram(tmp_path: Path) -> None:
    network = published_network(tmp_path / "data")
    published(each=2).write(tmp_path / "file.h5")
    import_into(network, tmp_path / "file.h5")
    found = cut(network, tmp_path / "out", stations=("AA",))
    index = pd.read_csv(tmp_path / "out" / "cutouts.csv")
    assert set(index["kind"]) == {"window"}
    (trace,) = read(str(tmp_path / "out" / index["file"][0]))
    assert np.array_equal(trace.data, read_event(network, index["event_id"][0]).waveform)
    assert any("have no context" in note for note in found.notes)
    with pytest.raises(NothingSelectedError, match="there are no waveforms to"):
        cut(network, tmp_path / "raw", raw=True)
    assert not (tmp_path / "raw" / "cutouts.csv").exists()


def test_more_events_than_allowed_are_refused(copied: Opened, tmp_path: Path) -> None:
    with pytest.raises(TooManyCutoutsError, match="--most"):
        cut(copied.days, tmp_path / "out", most=1)
    assert not (tmp_path / "out").exists()


def test_a_station_day_without_its_spectrograms_is_left_out_and_named(copied: Opened, tmp_path: Path) -> None:
    network = copied.days
    update_catalogue(network)
    key = next(key for key in network.all() if key.station == "AA")
    network.layout.spectrograms(key).write_bytes(b"spoilt")
    found = export(network, tmp_path, Selection(), ("miniseed",))
    assert any(str(key) in note and "events have no cut-out" in note for note in found.notes)
    assert any("the catalogue is not that of the present" in note for note in found.notes)
    index = pd.read_csv(tmp_path / "cutouts.csv")
    lost = (read_catalogue(network)["event_id"].str.contains(f"AA..HHZ.{key.day:%Y%m%d}", regex=False)).sum()
    assert len(index) == len(read_catalogue(network)) - lost and lost > 0


def test_steps_too_large_for_steim_are_kept_as_they_are(tmp_path: Path) -> None:
    samples = np.array([-(2**31), 2**31 - 1, 0, 5] * 50, np.int32)
    trace = Trace(samples, {"network": "XX", "station": "A", "channel": "HHZ", "starttime": UTCDateTime(2020, 1, 1)})
    (tmp_path / "x.mseed").write_bytes(mseed(Stream([trace])))
    assert np.array_equal(read(str(tmp_path / "x.mseed"))[0].data, samples)
