"""Published data: what an import keeps, what it refuses, and what an export gives back."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from amplitude_detector import AmplitudeDetector
from builders import products, sds_values, write_archive
from members import added
from published_builders import (
    DAYS,
    FREQUENCY,
    SHARED,
    TIME,
    Published,
    import_into,
    published,
    published_network,
    published_values,
)

from ris_core.access import read_detections, read_event, read_live, read_live_time, read_raw
from ris_core.config import PROJECT_ROOT, Settings, load_settings
from ris_core.contracts.events import SURROUNDINGS
from ris_core.contracts.station_day import StationDay
from ris_core.detectors.registry import DETECTORS
from ris_core.processing.process import ProcessStage
from ris_core.published.covering import write_settings
from ris_core.published.exporting import export
from ris_core.published.importing import prepare
from ris_core.published.published_catalogue import read_catalogue
from ris_core.station_days.running import StageTask, run_station_day
from ris_core.station_days.state import state_of, state_table
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file
from ris_core.storage.json_records import to_text
from ris_core.storage.published_file import PublishedFileError, open_published
from ris_core.waveforms.imported_events import NoWaveformsError

ROUNDING = 2.0**-18
FIRST = StationDay("AA", DAYS[0])
ALL = [StationDay(station, day) for day in DAYS for station in ("AA", "BB")]


def arrays(path: Path) -> tuple[Any, Any, list[bytes]]:
    with h5py.File(path) as file:
        group = file["4.0"]
        return group["Spectrogram"][:], group["Trace"][:], list(group["Catalogue"][:])


def assert_same_file(path: Path, exported: Path) -> None:
    """Assert that two files hold the same, up to the rounding of the spectrograms."""
    was, found = arrays(path), arrays(exported)
    assert found[0].dtype == was[0].dtype and found[0].shape == was[0].shape
    np.testing.assert_allclose(found[0], was[0], rtol=ROUNDING, atol=0, equal_nan=True)
    np.testing.assert_array_equal(found[0][:, :, 0], was[0][:, :, 0])
    np.testing.assert_array_equal(found[0][:, -1], was[0][:, -1])
    np.testing.assert_array_equal(found[1], was[1])
    assert found[2] == was[2]
    assert exported.with_name(exported.name + ".csv").read_bytes() == path.with_name(path.name + ".csv").read_bytes()


def test_every_event_comes_to_the_station_day_of_its_onset_with_what_the_file_says_of_it(tmp_path: Path) -> None:
    data = published()
    network = published_network(tmp_path / "root")
    path = data.write(tmp_path / "events.h5")
    assert import_into(network, path, table=tmp_path / "events.h5.csv") == dict.fromkeys(ALL, True)
    for key in ALL:
        rows = [
            row
            for row, entry in enumerate(data.catalogue)
            if entry["station"] == key.station and entry["dt_on"].startswith(str(key.day))
        ]
        rows.sort(key=lambda row: data.catalogue[row]["dt_on"])
        found = spectrogram_file.read_spectrograms(network.layout.spectrograms(key))
        np.testing.assert_allclose(found.spectrogram, data.spectrogram[rows][:, :-1, 1:], rtol=ROUNDING)
        np.testing.assert_array_equal(found.waveform, data.trace[rows])
        np.testing.assert_allclose(found.frequency, FREQUENCY)
        np.testing.assert_allclose(found.time, TIME)
        assert found.unit == "counts"
        peaks = [data.catalogue[row]["dt_peak"].translate(str.maketrans({" ": "T", "-": "", ":": ""})) for row in rows]
        assert list(found.event_id) == [f"XX.{key.station}..HHZ.{peak}000" for peak in peaks]
    table = read_detections(network)
    assert len(table) == len(data.catalogue) and set(table["outcome"]) == {"event"}
    assert set(table["found_by"]) == {"recursive 0.5/30 s"}
    assert table[["peak_acceleration", "snr", "characteristic_max"]].isna().all(axis=None)
    by_peak = {entry["dt_peak"]: entry["peak"] for entry in data.catalogue if entry["station"] == "AA"}
    own = table[table["station"] == "AA"]
    said = [by_peak[str(peak)[:23]] for peak in own["time_peak"].dt.tz_localize(None).astype("datetime64[ms]")]
    np.testing.assert_allclose(own["peak_counts"], said, atol=1e-4)


def test_the_record_of_an_imported_station_day_has_the_bytes_of_earlier_versions(tmp_path: Path) -> None:
    network = published_network(tmp_path / "root")
    found = prepare(network, published().write(tmp_path / "events.h5"))
    dict(found.write())
    (inputs,) = [some.inputs for some in found.station_days if some.key == FIRST]
    fields = {
        "station": "AA",
        "day": "2015-01-03",
        "state": "data",
        "reason": "imported from events.h5: events without their continuous waveforms",
        "path": "imported",
        "bytes": 0,
        "segments": 0,
        "samples": 0,
        "sampling_rate": math.nan,
        "sampling_rates": [],
        "sample_types": [],
        "coverage": math.nan,
        "gaps": 0,
        "gap_seconds": 0.0,
        "overlaps": 0,
        "overlap_seconds": 0.0,
        "duplicate_seconds": 0.0,
        "shortest_segment_s": 0.0,
        "longest_segment_s": 0.0,
        "flat_lines": 0,
        "flat_line_seconds": 0,
        "clipped_runs": 0,
        "clipped_seconds": 0,
        "spikes": 0,
        "non_finite": 0,
        "minimum": None,
        "maximum": None,
        "mean": None,
        "rms": None,
        "notes": [],
        "provider": None,
        "request_seconds": None,
        "attempts": None,
        "received_bytes": None,
        "settings": network.settings.acquire_digest(),
        "version": "1",
        "inputs": inputs,
    }
    assert network.layout.acquisition(FIRST).read_text(encoding="utf-8") == to_text(fields)


def test_the_trace_lies_in_time_where_the_columns_say(tmp_path: Path) -> None:
    network = published_network(tmp_path / "root")
    import_into(network, published().write(tmp_path / "events.h5"))
    detections = read_detections(network, ["AA"], DAYS[0], DAYS[0])
    event = read_event(network, detections["event_id"][0])
    trace = event.trace()
    loudest = event.window_start + int(np.argmax(np.abs(trace.data))) * 20_000_000
    assert loudest == event.time_peak == detections["time_peak"][0].value
    with h5py.File(network.layout.spectrograms(FIRST)) as file:
        assert file["waveform"].attrs["note"].startswith("short: 199 of the 218 samples")


def test_an_export_of_an_import_is_the_file_again(tmp_path: Path) -> None:
    path = published().write(tmp_path / "events.h5")
    network = published_network(tmp_path / "root")
    import_into(network, path)
    done = export(network, tmp_path / "again.h5")
    assert (done.events, done.station_days, done.outdated) == (24, 4, 0)
    assert_same_file(path, tmp_path / "again.h5")
    with h5py.File(path) as was, h5py.File(tmp_path / "again.h5") as now:
        assert dict(now["4.0"].attrs) == dict(was["4.0"].attrs)
        assert now["4.0/Spectrogram"].attrs["AmplUnits"] == "counts^2/Hz"
        assert now["4.0/Scalogram"].shape == (0, 69, 100)


def test_the_order_of_the_file_and_the_size_of_blocks_make_no_difference(tmp_path: Path) -> None:
    data = published(each=30)
    plain, mixed = published_network(tmp_path / "plain"), published_network(tmp_path / "mixed")
    import_into(plain, data.write(tmp_path / "plain.h5"))
    order = np.random.default_rng(1).permutation(len(data.catalogue))
    path = data.reordered(order).write(tmp_path / "mixed.h5")
    import_into(mixed, path, table=tmp_path / "mixed.h5.csv", block=7)
    for key in ALL:
        one, other = (
            spectrogram_file.read_spectrograms(network.layout.spectrograms(key)) for network in (plain, mixed)
        )
        assert one.event_id == other.event_id
        assert spectrogram_file.content_digest(one) == spectrogram_file.content_digest(other)
    export(mixed, tmp_path / "again.h5")
    assert_same_file(path, tmp_path / "again.h5")


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    path = published().write(tmp_path / "events.h5")
    network = published_network(tmp_path / "root")
    import_into(network, path)
    before = products(network.layout)
    times = {file: file.stat().st_mtime_ns for file in network.layout.root.rglob("*") if file.is_file()}
    moved = Path(shutil.copy(path, tmp_path / "moved.h5"))
    assert import_into(network, moved) == dict.fromkeys(ALL, False)
    assert products(network.layout) == before
    assert {file: file.stat().st_mtime_ns for file in network.layout.root.rglob("*") if file.is_file()} == times


def test_an_import_that_was_broken_off_leaves_whole_station_days_and_goes_on(tmp_path: Path) -> None:
    path = published().write(tmp_path / "events.h5")
    whole, broken = published_network(tmp_path / "whole"), published_network(tmp_path / "broken")
    import_into(whole, path)
    running = prepare(broken, path, block=6).write()
    done = [next(running)[0], next(running)[0]]
    running.close()
    assert [key for key in ALL if broken.process.is_current(key)] == sorted(done, key=ALL.index)
    assert [key for key in ALL if broken.layout.spectrograms(key).exists()] == sorted(done, key=ALL.index)
    # As if it had been killed between the products and the record of a third one.
    third = next(key for key in ALL if key not in done)
    broken.layout.spectrograms(third).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(whole.layout.spectrograms(third), broken.layout.spectrograms(third))
    assert not broken.process.is_current(third)
    assert import_into(broken, path) == {key: key not in done for key in ALL}
    assert products(broken.layout) == products(whole.layout)


def test_imported_station_days_are_current_whatever_the_settings_of_detection_become(tmp_path: Path) -> None:
    network = published_network(tmp_path / "root")
    import_into(network, published().write(tmp_path / "events.h5"))
    detection = {"detector": {"threshold_on": 20}, "conditioning": {"decimation": "zero_phase_fir"}}
    other = published_network(tmp_path / "root", **detection)
    renamed = published_network(tmp_path / "root", location="00")
    for key in ALL:
        assert network.acquire.is_current(key) and network.process.is_current(key)
        assert other.acquire.is_current(key) and other.process.is_current(key)
        assert not renamed.process.is_current(key)


def test_a_station_day_that_is_not_in_the_file_has_no_record_and_the_others_are_processed(tmp_path: Path) -> None:
    days = {"first_day": "2015-01-02"}
    network = published_network(tmp_path / "root", **days)
    import_into(network, published().write(tmp_path / "events.h5"))
    states = state_table(state_of(network, key) for key in network.settings.station_days()).set_index(
        ["station", "day"]
    )
    assert set(states.loc[[(k.station, str(k.day)) for k in ALL], "state"]) == {"processed"}
    assert states.loc[("AA", "2015-01-02"), "state"] == "not yet"
    assert states["events"].sum() == 24 and set(states["outdated"]) == {""}
    live = read_live_time(network)
    assert len(live) == 4 and live["live_seconds"].isna().all()
    with pytest.raises(ValueError, match=r"its events were imported.*there are no live intervals"):
        read_live(network)
    assert network.process.products(FIRST) == (network.layout.detections(FIRST), network.layout.spectrograms(FIRST))


def test_stages_say_that_imported_station_days_cannot_be_made_again(tmp_path: Path) -> None:
    network = published_network(tmp_path / "root", first_day="2015-01-02")
    import_into(network, published().write(tmp_path / "events.h5"))
    for stage in ("acquire", "process"):
        task = StageTask(stage, network.settings.model_dump_json(), str(network.layout.root))
        done = run_station_day(task, FIRST)
        assert done.made is not None and done.made.already_current
        refused = run_station_day(task, StationDay("AA", date(2015, 1, 2)))
        assert refused.made is None
        assert "AA 2015-01-02: this network's station-days are imported" in refused.error
        assert "ris import-h5 FILE" in refused.error
    network.layout.spectrograms(FIRST).unlink()
    with pytest.raises(NoWaveformsError, match="AA 2015-01-04"):
        read_raw(network, read_detections(network, ["AA"])["event_id"].iloc[-1])
    process = StageTask("process", network.settings.model_dump_json(), str(network.layout.root))
    assert "this network's station-days are imported" in run_station_day(process, FIRST).error


def test_station_days_of_another_file_are_replaced_only_when_asked_to(tmp_path: Path) -> None:
    network = published_network(tmp_path / "root")
    import_into(network, published().write(tmp_path / "events.h5"))
    before = products(network.layout)
    changed = published()
    changed.trace[0, 0] += 1
    path = changed.write(tmp_path / "changed.h5")
    with pytest.raises(
        PublishedFileError, match=r"1 of its 4 .* are there already with other events \(AA 2015-01-03\)"
    ):
        prepare(network, path)
    assert products(network.layout) == before
    assert import_into(network, path, replace_other=True) == {key: key == FIRST for key in ALL}
    assert spectrogram_file.read_spectrograms(network.layout.spectrograms(FIRST)).waveform[0, 0] == changed.trace[0, 0]


def test_single_events_that_cannot_be_used_are_left_out_when_asked_to(tmp_path: Path) -> None:
    data = published()
    _not_finite(data)
    _zero(data)
    _twice(data)
    path = data.write(tmp_path / "events.h5")
    network = published_network(tmp_path / "root")
    with pytest.raises(PublishedFileError, match="--leave-out"):
        prepare(network, path)
    found = prepare(network, path, leave_out=True, block=5)
    assert found.left_out == 3
    dict(found.write())
    export(network, tmp_path / "again.h5")
    rows = [row for row in range(24) if row not in (4, 9, 11)]
    assert_same_file(data.reordered(rows).write(tmp_path / "usable.h5"), tmp_path / "again.h5")


def _frequency(data: Published) -> None:
    data.spectrogram[13, 3, 0] += 0.2


def _other_axes(data: Published) -> None:
    data.spectrogram[:, -1, 1:] *= 2


def _swapped(data: Published) -> None:
    data.spectrogram = np.ascontiguousarray(data.spectrogram.transpose(0, 2, 1))


def _not_finite(data: Published) -> None:
    data.spectrogram[11, 5, 7] = np.inf


def _decibels(data: Published) -> None:
    data.spectrogram[:, :-1, 1:] = 10 * np.log10(data.spectrogram[:, :-1, 1:])


def _zero(data: Published) -> None:
    data.spectrogram[4, :-1, 1:] = 0


def _short_trace(data: Published) -> None:
    data.trace = data.trace[:, :100]


def _fewer_traces(data: Published) -> None:
    data.trace = data.trace[:-2]


def _fewer_entries(data: Published) -> None:
    del data.catalogue[-1]


def _integers(data: Published) -> None:
    data.trace = data.trace.astype(np.int32)


def _group(data: Published) -> None:
    data.group = "6.0"


def _twice(data: Published) -> None:
    data.catalogue[9] = data.catalogue[8] | {"Index": 9}


def _set(name: str, value: object) -> Callable[[Published], None]:
    def change(data: Published) -> None:
        data.catalogue[7][name] = value

    return change


def _without(name: str) -> Callable[[Published], None]:
    def change(data: Published) -> None:
        del data.catalogue[7][name]

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_group, ("there is no group /4.0", "/6.0")),
        (_swapped, ("/4.0/Spectrogram has the shape (24, 101, 88)", "(N, 88, 101)")),
        (_short_trace, ("/4.0/Trace has the shape (24, 100)", "(N, 199)")),
        (_integers, ("/4.0/Trace is of type int32", "float32")),
        (_fewer_traces, ("/4.0/Spectrogram 24, /4.0/Trace 22, /4.0/Catalogue 24",)),
        (_fewer_entries, ("/4.0/Spectrogram 24, /4.0/Trace 24, /4.0/Catalogue 23",)),
        (_frequency, ("row 13: the frequencies (column 0)", "number 3 is 3.91094 Hz instead of 3.71094")),
        (_other_axes, ("row 0: the times (last row)", "number 1 is 0.08 s instead of 0.04", "from 0 to 3.96 s")),
        (_not_finite, ("row 11 holds a value that is not finite",)),
        (_decibels, ("holds a negative value", "not decibels")),
        (_zero, ("row 4 is zero everywhere",)),
        (_twice, ("rows 8 and 9 are one event", "station BB")),
        (_set("dt_peak", "yesterday"), ("row 7: dt_peak is 'yesterday'", "2014-12-04 00:40:52.360")),
        (_set("dt_on", "2015-01-03 23:59:59"), ("row 7: dt_on 2015-01-03 23:59:59", "must come in this order")),
        (_set("fs", float("nan")), ("row 7: fs is nan", "a number greater than 0")),
        (_set("station", 5), ("row 7: station is 5", "a text is needed")),
        (_set("STA", 40.0), ("STA 40.0 and LTA 30.0 s are not a short and a long average",)),
        (_set("station", "ZZ"), ("the settings do not cover it", "stations lack 1 of the file's", "{code: ZZ}")),
        (_set("network", "YY"), ("network.code is XX, the file's: XX, YY",)),
        (_set("fs", 100.0), ("conditioning.sampling_rate is 50 Hz, the file's fs: 50, 100",)),
        (_without("spec_start"), ("row 7: there is no spec_start",)),
    ],
)
def test_a_malformed_file_is_refused_with_file_dataset_and_value_before_anything_is_written(
    change: Callable[[Published], None], said: tuple[str, ...], tmp_path: Path
) -> None:
    data = published()
    change(data)
    path = data.write(tmp_path / "events.h5", table=False)
    network = published_network(tmp_path / "root")
    before = products(network.layout)
    with pytest.raises(PublishedFileError) as error:
        prepare(network, path, block=5)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    for part in said:
        assert part in message
    assert products(network.layout) == before


def _break_text(file: h5py.File) -> None:
    file["4.0/Catalogue"][6] = '{"Index": 6, "network": "XX"'


def _list_text(file: h5py.File) -> None:
    file["4.0/Catalogue"][6] = "[1, 2]"


def _drop_catalogue(file: h5py.File) -> None:
    del file["4.0/Catalogue"]


def _numbers(file: h5py.File) -> None:
    del file["4.0/Catalogue"]
    file["4.0/Catalogue"] = np.arange(24.0)


def _group_for_dataset(file: h5py.File) -> None:
    del file["4.0/Trace"]
    file.create_group("4.0/Trace")


def _no_events(file: h5py.File) -> None:
    for name in ("Spectrogram", "Trace", "Catalogue"):
        file["4.0"][name].resize(0, axis=0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_break_text, ("/4.0/Catalogue, row 6: not valid JSON", '{"Index": 6, "network": "XX"')),
        (_list_text, ("/4.0/Catalogue, row 6: a JSON object is needed, found [1, 2]",)),
        (_drop_catalogue, ("there is no dataset /4.0/Catalogue", "/4.0/Spectrogram")),
        (_numbers, ("/4.0/Catalogue is of type float64",)),
        (_group_for_dataset, ("there is no dataset /4.0/Trace",)),
        (_no_events, ("/4.0/Spectrogram holds no events",)),
    ],
)
def test_datasets_that_are_not_what_they_should_be_are_refused(
    change: Callable[[h5py.File], None], said: tuple[str, ...], tmp_path: Path
) -> None:
    path = published().write(tmp_path / "events.h5")
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(PublishedFileError) as error:
        prepare(published_network(tmp_path / "root"), path)
    assert all(part in str(error.value) for part in (str(path), *said))


def test_a_file_that_is_no_hdf5_cut_short_or_absent_is_refused(tmp_path: Path) -> None:
    network = published_network(tmp_path / "root")
    whole = published().write(tmp_path / "events.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.h5").write_text("this is no HDF5")
    for name in ("cut.h5", "text.h5"):
        with pytest.raises(PublishedFileError, match=f"{name}: cannot be read as HDF5"):
            prepare(network, tmp_path / name)
    with pytest.raises(PublishedFileError, match=r"absent\.h5: there is no such file"):
        prepare(network, tmp_path / "absent.h5")


def _changed_cell(lines: list[str]) -> None:
    lines[6] = lines[6].replace(",AA,", ",BB,")


def _slipped(lines: list[str]) -> None:
    del lines[3]


def _one_more(lines: list[str]) -> None:
    lines.append(lines[-1])


def _other_columns(lines: list[str]) -> None:
    lines[0] = lines[0].replace("dt_peak", "peak_time")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_changed_cell, "row 5: station is 'BB', but 'AA' in /4.0/Catalogue"),
        (_slipped, "row 2: Index is '3', but 2 in /4.0/Catalogue"),
        (_one_more, "it has 25 rows, but /4.0/Catalogue 24"),
        (list.pop, "it ends after 23 rows; /4.0/Catalogue has more"),
        (_other_columns, "there is no column dt_peak"),
        (list.clear, "there is no column station, dt_peak"),
    ],
)
def test_a_table_whose_rows_are_not_those_of_the_file_is_refused(
    change: Callable[[list[str]], object], said: str, tmp_path: Path
) -> None:
    path = published().write(tmp_path / "events.h5")
    table = tmp_path / "events.h5.csv"
    lines = table.read_text().splitlines()
    change(lines)
    table.write_text("\n".join(lines) + "\n")
    with pytest.raises(PublishedFileError) as error:
        prepare(published_network(tmp_path / "root"), path, table=table, block=6)
    assert str(error.value).startswith(f"{table}: ")
    assert said in str(error.value)


def test_all_that_the_settings_lack_is_said_at_once_and_can_be_written(tmp_path: Path) -> None:
    path = published(["AA", "BB", "CC"]).write(tmp_path / "events.h5")
    values = published_values(["AA"], DAYS[:1]) | {"source": {"kind": "sds", "root": "/archive"}, "channel": "EHZ"}
    network = StationDays.open(Settings.model_validate(values), tmp_path / "root")
    with pytest.raises(PublishedFileError) as error:
        prepare(network, path)
    for part in (
        "source.kind is 'sds'",
        "channel is EHZ, the file's: HHZ",
        "stations lack 2 of the file's; append  {code: BB}, {code: CC}",
        "2015-01-03 ... 2015-01-03; the file has events from 2015-01-03 to 2015-01-04",
        "--write-config",
    ):
        assert part in str(error.value)
    config = tmp_path / "new.yaml"
    with open_published(path, (87, 100), 199) as file:
        catalogue = read_catalogue(file)
    write_settings(catalogue, config)
    assert import_into(StationDays.open(load_settings(config), tmp_path / "covered"), path)
    with pytest.raises(PublishedFileError, match=r"new\.yaml: it exists already"):
        write_settings(catalogue, config)


def test_the_example_settings_are_those_of_the_paper_but_for_the_source() -> None:
    example, paper = (load_settings(PROJECT_ROOT / "config" / f"{n}.yaml") for n in ("ris_published", "ross_ice_shelf"))
    assert example.imported and not paper.imported
    for section in ("stations", "channel", "first_day", "last_day", "normalisation", "training_set", "aec", "dec"):
        assert getattr(example, section) == getattr(paper, section)


def test_events_made_here_are_exported_in_the_published_layout_and_come_in_again(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:1])
    own = StationDays.open(
        Settings.model_validate(sds_values(archive, stations=["AA"], days=DAYS[:1])), tmp_path / "own"
    )
    for stage in ("acquire", "process"):
        assert (
            run_station_day(StageTask(stage, own.settings.model_dump_json(), str(own.layout.root)), FIRST).error == ""
        )
    made = spectrogram_file.read_spectrograms(own.layout.spectrograms(FIRST))
    path = tmp_path / "own.h5"
    assert export(own, path).events == len(made.event_id) > 5
    entry = json.loads(arrays(path)[2][0])
    assert (entry["unit"], entry["STA"], entry["on"], entry["fs"]) == ("counts", 0.5, 15.0, 50.0)

    network = published_network(tmp_path / "again", stations=[{"code": "AA"}])
    import_into(network, path, table=path.with_name("own.h5.csv"))
    found = spectrogram_file.read_spectrograms(network.layout.spectrograms(FIRST))
    assert found.event_id == made.event_id
    np.testing.assert_array_equal(found.spectrogram, made.spectrogram)
    np.testing.assert_array_equal(found.waveform, made.waveform[:, 10:209])
    np.testing.assert_array_equal(found.window_start, made.window_start + 200_000_000)
    before, after = read_detections(own), read_detections(network)
    for column in ("time_on", "time_off", "time_peak", "peak_counts"):
        np.testing.assert_array_equal(after[column], before[before["outcome"] == "event"][column])


def test_an_imported_file_of_another_size_says_its_band_and_window(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:1])
    other = {
        "profile": "recommended",
        "spectrogram": {"duration": 2, "hop": 0.04, "frequency_low": 4, "frequency_high": 16},
    }
    values = sds_values(archive, stations=["AA"], days=DAYS[:1]) | other
    own = StationDays.open(Settings.model_validate(values), tmp_path / "own")
    for stage in (own.acquire, own.process):
        stage.run(FIRST)
    assert export(own, tmp_path / "own.h5").events > 5
    network = published_network(tmp_path / "again", stations=[{"code": "AA"}], **other)
    import_into(network, tmp_path / "own.h5")
    found = spectrogram_file.input_spec_of(network.layout.spectrograms(FIRST))
    assert found == network.settings.input_spec() == own.settings.input_spec()
    assert (found.band, found.window) == ((4, 16), 2)


def test_events_of_another_detector_are_exported_without_averages(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:1])
    values = sds_values(archive, stations=["AA"], days=DAYS[:1]) | {"detector": {"method": "amplitude", "level": 2000}}
    with added(DETECTORS, AmplitudeDetector):
        own = StationDays.open(Settings.model_validate(values), tmp_path / "own")
        for stage in (own.acquire, own.process):
            stage.run(FIRST)
        assert export(own, tmp_path / "own.h5").events > 5
    entry = json.loads(arrays(tmp_path / "own.h5")[2][0])
    assert all(np.isnan(entry[name]) for name in ("STA", "LTA", "on", "off"))
    with pytest.raises(PublishedFileError, match="STA is nan; a number greater than 0 is needed"):
        import_into(published_network(tmp_path / "again", stations=[{"code": "AA"}]), tmp_path / "own.h5")


def test_of_several_components_that_of_the_detections_is_exported(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:1])
    values = sds_values(archive, stations=["AA"], days=DAYS[:1])
    own = StationDays.open(Settings.model_validate(values), tmp_path / "own")
    for stage in (own.acquire, own.process):
        stage.run(FIRST)
    done = export(own, tmp_path / "one.h5")
    assert (done.channel, done.other_channels) == ("HHZ", ())

    three = Settings.model_validate(values | {"channels": ["HHN", "HHZ", "HHE"]})
    network = StationDays.open(three, tmp_path / "own")
    file = own.layout.spectrograms(FIRST)
    one, stamp = spectrogram_file.read_spectrograms(file), spectrogram_file.read_info(file).stamp
    assert stamp is not None
    several: dict[str, Any] = {
        name: np.stack([2 * getattr(one, name), getattr(one, name), 4 * getattr(one, name)], axis=1)
        for name in ("spectrogram", "waveform")
    }
    several |= {name: np.repeat(getattr(one, name), 3, axis=1) for name in SURROUNDINGS if name != "recorded"}
    spectrogram_file.write_spectrograms(file, replace(one, components=("N", "Z", "E"), **several), stamp, "{}")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ProcessStage, "is_current", lambda *_: True)
        done = export(network, tmp_path / "three.h5")
    assert (done.channel, done.other_channels) == ("HHZ", ("HHN", "HHE"))
    for before, after in zip(arrays(tmp_path / "one.h5"), arrays(tmp_path / "three.h5"), strict=True):
        np.testing.assert_array_equal(before, after)


def test_an_export_refuses_to_overwrite_and_to_be_empty(tmp_path: Path) -> None:
    network = published_network(tmp_path / "root")
    with pytest.raises(PublishedFileError, match="there are no events to export"):
        export(network, tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()
    import_into(network, published().write(tmp_path / "events.h5"))
    with pytest.raises(PublishedFileError, match=r"events\.h5: it exists already"):
        export(network, tmp_path / "events.h5")


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the published code's own file is absent: {SHARED}")
def test_the_file_that_the_published_code_wrote_comes_in_and_goes_out_again(tmp_path: Path) -> None:
    path = SHARED / "RISData_60.h5"
    values = load_settings(PROJECT_ROOT / "config" / "ris_published.yaml")
    network = StationDays.open(values, tmp_path / "root")
    done = import_into(network, path, table=SHARED / "RISData_60.h5.csv")
    assert done == {StationDay(station, date(2014, 12, 4)): True for station in ("DR01", "DR02")}
    table = read_detections(network)
    said = {entry["dt_peak"]: entry["peak"] for entry in map(json.loads, arrays(path)[2])}
    peaks = table["time_peak"].dt.tz_localize(None).dt.strftime("%Y-%m-%d %H:%M:%S.%f").str[:-3]
    np.testing.assert_allclose(table["peak_counts"], [said[peak] for peak in peaks], rtol=1e-6)
    export(network, tmp_path / "again.h5")
    assert_same_file(path, tmp_path / "again.h5")
