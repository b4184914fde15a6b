"""Storage: files whole or not at all, the same bytes for the same data, and digests that notice a change."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stage_steps import acquisition_of
from store import Store
from waveform_builders import KEY, by_channel, make_settings, record

from ris_core.contracts.events import Events
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.processing.chain import Products, process
from ris_core.storage import spectrogram_file, table_schemas, tables
from ris_core.storage.array_digest import digest_of_arrays
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.disk_usage import Usage, usage_by_folder
from ris_core.storage.finite import NotFiniteError
from ris_core.storage.json_records import read_json
from ris_core.storage.layout import WrongNetworkError
from ris_core.storage.rounding import LARGEST_RELATIVE_ERROR, round_mantissa
from ris_core.storage.spectrogram_file import spectrogram_writing
from ris_core.verification import damaged_files

STAMP = Stamp("settings12345", "1", "inputs123456")
SETTINGS = make_settings()


@pytest.fixture(scope="module")
def products() -> Products:
    return process(by_channel(KEY, record(KEY, 0, 400, [100, 103, 200, 300])), KEY, SETTINGS, None)


@pytest.fixture(scope="module")
def nothing() -> Products:
    return process(by_channel(KEY), KEY, SETTINGS, None)


def files_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def flip_byte_of_data(path: Path, data: bytes) -> None:
    """Flip one bit in the middle of ``data`` in a file."""
    content = bytearray(path.read_bytes())
    place = content.find(data)
    assert place >= 0
    content[place + len(data) // 2] ^= 1
    path.write_bytes(content)


def test_a_file_appears_whole_with_the_folders_it_needs(tmp_path):
    path = tmp_path / "a" / "b" / "file.txt"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == path.parent
        assert not path.exists()
    assert path.read_text() == "new"
    assert files_in(tmp_path) == ["file.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert files_in(tmp_path) == ["file.txt"]


def test_a_write_that_writes_nothing_is_an_error_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"


def test_a_failing_write_of_spectrograms_leaves_the_old_file(tmp_path, products):
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, products.spectrograms, STAMP, "{}")
    before = path.read_bytes()
    with pytest.raises((TypeError, ValueError)):
        spectrogram_file.write_spectrograms(path, products.spectrograms, STAMP, "{}", {"figure": object()})
    assert path.read_bytes() == before
    assert files_in(tmp_path) == ["day.h5"]


def test_a_failing_write_of_a_table_leaves_the_old_file(tmp_path, products):
    path = tmp_path / "day.parquet"
    tables.write_table(path, products.detections, table_schemas.DETECTION_SCHEMA, STAMP)
    before = path.read_bytes()
    with pytest.raises((KeyError, ValueError)):
        tables.write_table(path, products.detections.drop(columns="snr"), table_schemas.DETECTION_SCHEMA, STAMP)
    assert path.read_bytes() == before
    assert files_in(tmp_path) == ["day.parquet"]


def test_spectrograms_come_back_as_they_were(tmp_path, products):
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, products.spectrograms, STAMP, "{}", {"live_seconds": 12.5})
    found, wanted = spectrogram_file.read_spectrograms(path), products.spectrograms
    assert found.event_id == wanted.event_id
    assert found.sampling_rate == 50.0
    for name in ("waveform", "frequency", "time", "time_peak", "window_start"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
        assert getattr(found, name).dtype == getattr(wanted, name).dtype
    assert found.spectrogram.dtype == np.float32
    np.testing.assert_allclose(found.spectrogram, wanted.spectrogram, rtol=2**-18, atol=0)
    info = spectrogram_file.read_info(path)
    assert (info.events, info.stamp, info.summary) == (3, STAMP, {"live_seconds": 12.5})


def test_rows_and_blocks_of_spectrograms_are_those_asked_for(tmp_path, products):
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, products.spectrograms, STAMP, "{}")
    part = spectrogram_file.read_spectrograms(path, np.array([0, 2]))
    assert part.event_id == (products.spectrograms.event_id[0], products.spectrograms.event_id[2])
    np.testing.assert_array_equal(part.waveform, products.spectrograms.waveform[[0, 2]])
    blocks = list(spectrogram_file.iterate_spectrograms(path, 2))
    assert [len(b) for b in blocks] == [2, 1]
    wanted = round_mantissa(products.spectrograms.spectrogram)
    np.testing.assert_array_equal(np.concatenate(blocks), wanted)
    assert list(spectrogram_file.read_column(path, "event_id")) == list(products.spectrograms.event_id)
    np.testing.assert_array_equal(spectrogram_file.read_column(path, "time_peak"), products.spectrograms.time_peak)


def many(n: int) -> Events:
    """Return n events of arbitrary values over forty decades."""
    rng = np.random.default_rng(n)
    return Events(
        spectrogram=(10 ** rng.uniform(-20, 20, (n, 87, 100))).astype(np.float32),
        waveform=rng.normal(0, 1e3, (n, 218)).astype(np.float32),
        frequency=np.linspace(3, 20, 87),
        time=np.arange(100) / 25,
        event_id=tuple(f"XX.S01..HHZ.{i}é" for i in range(n)),
        time_peak=np.arange(n) * 10**9,
        window_start=np.arange(n) * 10**9 - 10**8,
        sampling_rate=50.0,
    )


def test_blocks_of_any_size_give_all_events_in_order(tmp_path):
    path, data = tmp_path / "day.h5", many(53)
    spectrogram_file.write_spectrograms(path, data, STAMP, "{}")
    wanted = round_mantissa(data.spectrogram)
    for block in (1, 7, 16, 20, 32, 53, 1000):
        blocks = list(spectrogram_file.iterate_spectrograms(path, block))
        assert max(len(b) for b in blocks) <= block
        np.testing.assert_array_equal(np.concatenate(blocks), wanted)


@pytest.mark.parametrize("rows", [[], [0], [52], [15, 16], [0, 1, 2, 17, 30, 47, 48, 52], [5, 5, 40, 3], range(53)])
def test_scattered_rows_are_those_asked_for(tmp_path, rows):
    path, data = tmp_path / "day.h5", many(53)
    spectrogram_file.write_spectrograms(path, data, STAMP, "{}")
    chosen = np.array(list(rows), dtype=np.int64)
    found = spectrogram_file.read_spectrograms(path, chosen)
    np.testing.assert_array_equal(found.spectrogram, round_mantissa(data.spectrogram)[chosen])
    np.testing.assert_array_equal(found.waveform, data.waveform[chosen])
    np.testing.assert_array_equal(found.time_peak, data.time_peak[chosen])
    assert found.event_id == tuple(data.event_id[i] for i in chosen)
    with pytest.raises(IndexError):
        spectrogram_file.read_spectrograms(path, np.array([3, 53]))


def test_rounding_stays_within_its_bound_and_is_done_once():
    values = many(2).spectrogram
    signed = np.concatenate([values, -values])
    before = signed.copy()
    rounded = round_mantissa(signed)
    error = np.abs(rounded.astype(np.float64) / signed - 1)
    assert 0.9 * 2**-18 < error.max() <= 2**-18 == LARGEST_RELATIVE_ERROR
    np.testing.assert_array_equal(round_mantissa(rounded), rounded)
    np.testing.assert_array_equal(signed, before)
    assert not (rounded.view(np.uint32) & 0b111111).any()
    for bits in (1, 10, 22):
        error = np.abs(round_mantissa(values, bits).astype(np.float64) / values - 1)
        assert error.max() <= 2.0 ** -(bits + 1)
    for bits in (0, 23):
        with pytest.raises(ValueError, match=f"bits={bits}"):
            round_mantissa(values, bits)


def test_rounding_leaves_values_at_the_ends_of_the_range_alone():
    largest = np.finfo(np.float32).max
    nan = np.array([0x7FFFFFFF, 0xFFFFFFFF], np.uint32).view(np.float32)
    values = np.array([0.0, 1.0, largest, -largest, np.inf, -np.inf, np.nan, *nan], np.float32)
    np.testing.assert_array_equal(round_mantissa(values), values)
    assert round_mantissa(values[:0]).shape == (0,)


@pytest.mark.parametrize("n", [1, 5, 16, 17, 40])
def test_files_of_few_events_are_small_and_no_chunk_exceeds_them(tmp_path, n):
    path, again, data = tmp_path / "day.h5", tmp_path / "again.h5", many(n)
    for each in (path, again):
        spectrogram_file.write_spectrograms(each, data, STAMP, "{}")
    assert path.read_bytes() == again.read_bytes()
    with h5py.File(path) as file:
        assert file["spectrogram"].chunks == (min(n, 16), 87, 100)
    # A last chunk that is not full is stored whole, but its part beyond the events is compressed to almost nothing.
    assert path.stat().st_size < data.spectrogram.nbytes + data.waveform.nbytes + 30_000
    assert spectrogram_file.verify(path)


@pytest.mark.parametrize("layout", [{}, {"chunks": (16, 87, 100), "compression": "gzip"}, "blosc"])
def test_files_of_other_chunks_codecs_and_kinds_of_text_are_read_the_same(tmp_path, layout):
    path, other, data = tmp_path / "day.h5", tmp_path / "other.h5", many(37)
    spectrogram_file.write_spectrograms(path, data, STAMP, "{}")
    if layout == "blosc":
        layout = {"chunks": (16, 87, 100), **hdf5plugin.Blosc("zstd", clevel=1)}
    with h5py.File(path) as file, h5py.File(other, "w") as copy:
        for name in file:
            if name not in {"spectrogram", "event_id"}:
                file.copy(file[name], copy)
        copy.create_dataset("spectrogram", data=file["spectrogram"][:], **layout)
        names = np.array(data.event_id, dtype=object)
        copy.create_dataset("event_id", data=names, dtype=h5py.string_dtype())
        copy.attrs.update(file.attrs)
    assert spectrogram_file.verify(other)
    assert spectrogram_file.read_info(other) == spectrogram_file.read_info(path)
    for rows in (None, slice(3, 20), np.array([1, 16, 36])):
        one, two = (spectrogram_file.read_spectrograms(p, rows) for p in (path, other))
        assert one.event_id == two.event_id
        np.testing.assert_array_equal(one.spectrogram, two.spectrogram)
    one, two = (np.concatenate(list(spectrogram_file.iterate_spectrograms(p, 20))) for p in (path, other))
    np.testing.assert_array_equal(one, two)


def test_the_spectrogram_file_explains_itself(tmp_path, products):
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, products.spectrograms, STAMP, '{"detector": 1}')
    with h5py.File(path) as file:
        assert file["spectrogram"].attrs["unit"] == "counts^2/Hz"
        assert file["spectrogram"].attrs["largest_relative_error"] == 2**-18
        assert file["waveform"].attrs["unit"] == "counts"
        assert file["frequency"].attrs["unit"] == "Hz"
        assert file["time_peak"].attrs["unit"] == "ns since 1970-01-01 UTC"
        np.testing.assert_array_equal(file["spectrogram"].dims[1][0], products.spectrograms.frequency)
        np.testing.assert_array_equal(file["spectrogram"].dims[2][0], products.spectrograms.time)
        assert json.loads(file.attrs["settings_json"]) == {"detector": 1}


def test_rewriting_the_same_spectrograms_gives_the_same_bytes(tmp_path, products):
    first, second = tmp_path / "first.h5", tmp_path / "second.h5"
    for path in (first, second):
        spectrogram_file.write_spectrograms(path, products.spectrograms, STAMP, "{}", {"a": 1})
    assert first.read_bytes() == second.read_bytes()


def test_rewriting_the_same_table_gives_the_same_bytes(tmp_path, products):
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    for path in (first, second):
        tables.write_table(path, products.detections.copy(), table_schemas.DETECTION_SCHEMA, STAMP)
    assert first.read_bytes() == second.read_bytes()


def test_a_detection_table_comes_back_as_it_was(tmp_path, products):
    path = tmp_path / "station=S01" / "day=2015-01-10.parquet"
    tables.write_table(path, products.detections, table_schemas.DETECTION_SCHEMA, STAMP)
    found = tables.read_table(path)
    assert list(found.columns) == [field.name for field in table_schemas.DETECTION_SCHEMA]
    for name in ("event_id", "station", "outcome", "snr", "peak_counts"):
        assert list(found[name]) == list(products.detections[name])
    for name in ("time_on", "time_off", "time_peak"):
        assert found[name].dt.tz is not None
        assert list(found[name].astype("int64")) == list(products.detections[name])
    stamp, _, rows = tables.read_stamp(path)
    assert (stamp, rows) == (STAMP, 4)


def test_not_a_number_stays_so_and_does_not_become_null(tmp_path, products):
    path = tmp_path / "day.parquet"
    frame = products.detections.copy()
    frame["snr"] = [1.0, float("nan"), 2.0, 3.0]
    tables.write_table(path, frame, table_schemas.DETECTION_SCHEMA, STAMP)
    column = pq.read_table(path)["snr"]
    assert column.null_count == 0
    np.testing.assert_array_equal(column.to_numpy(), [1.0, np.nan, 2.0, 3.0])
    acceleration = pq.read_table(path)["peak_acceleration"]
    assert acceleration.null_count == 0
    assert np.isnan(acceleration.to_numpy()).all()


def test_a_missing_value_where_one_is_required_is_refused(tmp_path, products):
    frame = products.detections.copy()
    frame["outcome"] = None
    with pytest.raises(ValueError, match="outcome"):
        tables.write_table(tmp_path / "day.parquet", frame, table_schemas.DETECTION_SCHEMA, STAMP)
    assert files_in(tmp_path) == []


def label_frame(k: int) -> pd.DataFrame:
    memberships = np.full((2, k), 1 / k, np.float32)
    return pd.DataFrame(
        {
            "event_id": ["a", "b"],
            "station": ["S01", "S01"],
            "time_peak": [1, 2],
            "label": [0, k - 1],
            "probability": [0.5, 0.25],
            "probabilities": list(memberships),
            "latent": list(np.arange(18, dtype=np.float32).reshape(2, 9)),
            "reconstruction_error": [1e-5, 2e-5],
            "novelty": [None, None],
            "assigned": [None, True],
            "model_version": ["v", "v"],
        }
    )


def test_a_label_table_keeps_vectors_and_unknown_values(tmp_path):
    path = tmp_path / "labels.parquet"
    tables.write_table(path, label_frame(6), table_schemas.label_schema(6), STAMP)
    found = tables.read_table(path)
    assert np.stack(found["probabilities"]).shape == (2, 6)
    np.testing.assert_array_equal(np.stack(found["latent"]).ravel(), np.arange(18))
    raw = pq.read_table(path)
    assert raw["novelty"].null_count == 2
    assert raw["assigned"].to_pylist() == [None, True]
    tables.verify(path)


def test_the_digest_of_a_table_tells_a_null_from_a_zero(tmp_path):
    path, frame = tmp_path / "labels.parquet", label_frame(3)
    digests = set()
    for novelty in ([None, 1.0], [0.0, 1.0], [None, None], [1.0, None]):
        frame["novelty"] = pd.Series(novelty, dtype=object)
        digests.add(tables.write_table(path, frame, table_schemas.label_schema(3), STAMP))
        tables.verify(path)
    assert len(digests) == 4


def test_digests_of_untouched_files_verify(tmp_path, products):
    table, file = tmp_path / "day.parquet", tmp_path / "day.h5"
    content = tables.write_table(table, products.detections, table_schemas.DETECTION_SCHEMA, STAMP)
    tables.verify(table)
    assert tables.read_stamp(table)[1] == content
    content = spectrogram_file.write_spectrograms(file, products.spectrograms, STAMP, "{}")
    assert spectrogram_file.verify(file)
    assert spectrogram_file.read_info(file).content == content


def test_a_flipped_bit_in_any_column_of_a_spectrogram_file_is_noticed(tmp_path, products):
    path = tmp_path / "day.h5"
    events = products.spectrograms
    columns = events.window_start.tobytes(), events.time_peak.tobytes(), events.event_id[1].encode()
    for column in columns:
        spectrogram_file.write_spectrograms(path, events, STAMP, "{}")
        flip_byte_of_data(path, column)
        assert not spectrogram_file.verify(path)


@pytest.mark.parametrize("dataset", ["spectrogram", "waveform"])
@pytest.mark.parametrize("place", [0.3, 0.5, 0.9])
def test_a_flipped_bit_in_compressed_samples_is_noticed(tmp_path, products, dataset, place):
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, products.spectrograms, STAMP, "{}")
    with h5py.File(path) as file:
        chunk = file[dataset].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + int(place * chunk.size)] ^= 4
    path.write_bytes(content)
    assert not spectrogram_file.verify(path)


@pytest.mark.parametrize("at", range(12))
def test_a_damaged_head_of_a_chunk_is_an_error_that_names_the_file(tmp_path, products, at):
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, products.spectrograms, STAMP, "{}")
    with h5py.File(path) as file:
        chunk = file["spectrogram"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + at] ^= 0xFF
    path.write_bytes(content)
    for read in (spectrogram_file.read_spectrograms, lambda p: list(spectrogram_file.iterate_spectrograms(p, 64))):
        with pytest.raises(OSError, match=r"day\.h5: damaged .*; remove it, and it will be made again"):
            read(path)


@pytest.mark.parametrize("name", [field.name for field in table_schemas.DETECTION_SCHEMA])
def test_a_flipped_bit_in_any_column_of_a_table_is_noticed(tmp_path, products, name):
    path = tmp_path / "day.parquet"
    tables.write_table(path, products.detections, table_schemas.DETECTION_SCHEMA, STAMP)
    whole = path.read_bytes()
    group = pq.ParquetFile(path).metadata.row_group(0)
    (column,) = (c for i in range(group.num_columns) if (c := group.column(i)).path_in_schema == name)
    start = column.dictionary_page_offset or column.data_page_offset
    for at in np.linspace(start, start + column.total_compressed_size - 1, 8).astype(int):
        content = bytearray(whole)
        content[at] ^= 4
        path.write_bytes(content)
        for read in (tables.verify, tables.read_table):
            with pytest.raises(
                DamagedFileError, match=r"day\.parquet: damaged .*do not match their digest.*made again"
            ):
                read(path)


def test_a_file_that_is_absent_or_cut_short_does_not_verify(tmp_path, products):
    table, file = tmp_path / "day.parquet", tmp_path / "day.h5"
    with pytest.raises(FileNotFoundError):
        tables.verify(table)
    assert not spectrogram_file.verify(file)
    tables.write_table(table, products.detections, table_schemas.DETECTION_SCHEMA, STAMP)
    spectrogram_file.write_spectrograms(file, products.spectrograms, STAMP, "{}")
    for path in (table, file):
        path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DamagedFileError, match="its end is missing"):
        tables.verify(table)
    assert not spectrogram_file.verify(file)


def test_another_value_gives_another_digest(products):
    one = products.spectrograms.spectrogram
    other = one.copy()
    other[0, 0, 0] = np.nextafter(other[0, 0, 0], np.float32(np.inf))
    assert digest_of_arrays(one) != digest_of_arrays(other)
    assert digest_of_arrays(one) != digest_of_arrays(one.astype(np.float64))
    assert digest_of_arrays(one) != digest_of_arrays(one.reshape(-1, 100))


def test_a_station_day_without_events_has_valid_files_of_no_events(tmp_path, nothing):
    table, file = tmp_path / "day.parquet", tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(file, nothing.spectrograms, STAMP, "{}", {"live_seconds": 0.0})
    tables.write_table(table, nothing.detections, table_schemas.DETECTION_SCHEMA, STAMP)
    info = spectrogram_file.read_info(file)
    assert (info.events, info.stamp) == (0, STAMP)
    found = spectrogram_file.read_spectrograms(file)
    assert (found.spectrogram.shape, found.waveform.shape) == ((0, 87, 100), (0, 218))
    assert found.event_id == ()
    assert list(spectrogram_file.iterate_spectrograms(file, 8)) == []
    assert spectrogram_file.verify(file)
    frame = tables.read_table(table)
    assert len(frame) == 0
    assert str(frame["time_on"].dtype) == "datetime64[ns, UTC]"
    tables.verify(table)


@pytest.mark.parametrize("content", [b"", b"not a file of this kind", b"\x89HDF\r\n\x1a\n", b"PAR1"])
def test_files_that_cannot_be_read_are_named(tmp_path, content):
    path = tmp_path / "day.file"
    path.write_bytes(content)
    for read in (spectrogram_file.read_info, spectrogram_file.read_spectrograms):
        with pytest.raises(OSError, match=r"day\.file: (cannot be read as a|damaged)"):
            read(path)
    for read in (tables.read_table, tables.read_stamp, tables.read_summary):
        with pytest.raises(DamagedFileError, match=r"day\.file: damaged \(not a Parquet file"):
            read(path)


def test_another_hdf5_file_is_not_taken_for_spectrograms(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["something"] = [1]
    with pytest.raises(OSError, match=r"other\.h5: damaged \(not a spectrogram file: it has no dataset /spectrogram"):
        spectrogram_file.read_info(path)


def test_a_data_root_is_marked_and_taken_again_by_its_network(tmp_path):
    Store(SETTINGS, tmp_path / "root")
    assert read_json(tmp_path / "root" / "network.json") == {"name": "test", "code": "XX"}
    Store(make_settings(detector={"sta": 1}), tmp_path / "root")


@pytest.mark.parametrize("network", [{"name": "other", "code": "XX"}, {"name": "test", "code": "YY"}])
def test_a_data_root_of_another_network_is_refused_with_both_names(tmp_path, network):
    Store(make_settings(network=network), tmp_path)
    with pytest.raises(WrongNetworkError) as refused:
        Store(SETTINGS, tmp_path)
    for word in (str(tmp_path), network["name"], network["code"], "test", "RIS_DATA"):
        assert word in str(refused.value)


def test_products_lie_where_the_documentation_says(tmp_path):
    store = Store(SETTINGS, tmp_path)
    key = StationDay("S01", date(2015, 2, 3))
    assert store.relative(store.waveform(key)) == "waveforms/2015/XX/S01/HHZ.D/XX.S01..HHZ.D.2015.034"
    assert store.relative(store.detections(key)) == "detections/station=S01/day=2015-02-03.parquet"
    assert store.relative(store.spectrograms(key)) == "spectrograms/S01/2015-02-03.h5"
    assert store.relative(store.labels(key)) == "labels/station=S01/day=2015-02-03.parquet"
    assert store.relative(store.inventory("S01")) == "inventory/XX.S01.xml"
    assert store.relative(Path(os.sep) / "elsewhere" / "file") == str(Path(os.sep) / "elsewhere" / "file")


def test_station_days_come_station_by_station_and_only_when_they_are_over(tmp_path):
    store = Store(SETTINGS, tmp_path)
    found = [str(key) for key in store.station_days(until=date(2015, 1, 11))]
    assert found == ["S01 2015-01-09", "S01 2015-01-10", "S02 2015-01-09", "S02 2015-01-10"]


def test_failed_attempts_are_counted_until_a_success(tmp_path):
    store = Store(SETTINGS, tmp_path)
    assert store.journal.find("process", KEY) is None
    store.journal.note("process", KEY, "first")
    store.journal.note("process", KEY, "second")
    record_ = store.journal.find("process", KEY)
    assert (record_.error, record_.attempts, record_.station, record_.day) == ("second", 2, "S01", "2015-01-10")
    assert store.journal.find("acquire", KEY) is None
    store.journal.clear("process", KEY)
    store.journal.clear("process", KEY)
    assert store.journal.find("process", KEY) is None


def test_an_absent_acquisition_is_none(tmp_path):
    assert acquisition_of(Store(SETTINGS, tmp_path), KEY) is None


def test_the_size_on_disk_is_told_by_folder(tmp_path, products):
    store = Store(SETTINGS, tmp_path)
    tables.write_table(store.detections(KEY), products.detections, table_schemas.DETECTION_SCHEMA, STAMP)
    size = store.detections(KEY).stat().st_size
    (store.detections(KEY).parent / ".day.tmp").write_bytes(b"being written")
    (store.detections(KEY).parent / "link").symlink_to(tmp_path / "nothing")
    (tmp_path / "labels").mkdir()
    found = usage_by_folder(tmp_path)
    assert found == {"detections": Usage(size + 13, 1), "labels": Usage(0, 0)}
    assert found["labels"].mean_size == 0


def test_a_stamp_without_one_of_its_parts_is_none():
    assert Stamp.from_mapping(STAMP.as_dict()) == STAMP
    assert Stamp.from_mapping({"settings": "a", "version": "1"}) is None
    assert replace(STAMP, inputs="other") != STAMP


@pytest.mark.parametrize("name", ["spectrogram", "waveform"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_not_stored_and_what_stood_stays(tmp_path, products, name, value):
    path = tmp_path / "file.h5"
    data = products.spectrograms
    spectrogram_file.write_spectrograms(path, data, STAMP, "{}")
    before = path.read_bytes()
    values = getattr(data, name).copy()
    values[1].flat[3] = value
    with pytest.raises(NotFiniteError, match=f"the {name} of {re.escape(data.event_id[1])} is not finite"):
        spectrogram_file.write_spectrograms(path, replace(data, **{name: values}), STAMP, "{}")
    assert path.read_bytes() == before
    # The greatest numbers there are do not count as infinite.
    values[1].flat[3] = np.finfo(np.float32).max
    values[0].flat[0] = np.finfo(np.float32).min
    spectrogram_file.write_spectrograms(path, replace(data, **{name: values}), STAMP, "{}")


def test_what_earlier_versions_stored_as_nan_is_found(tmp_path, products, monkeypatch):
    path = tmp_path / "file.h5"
    spoilt = products.spectrograms.spectrogram.copy()
    spoilt[2, 3, 4] = np.nan
    data = replace(products.spectrograms, spectrogram=spoilt)
    monkeypatch.setattr(spectrogram_writing, "check_finite", lambda *_: None)
    spectrogram_file.write_spectrograms(path, data, STAMP, "{}")
    assert spectrogram_file.verify(path)
    assert spectrogram_file.not_finite(path) == "its spectrogram 3 is not finite"
    store = Store(SETTINGS, tmp_path / "root")
    store.spectrograms(KEY).parent.mkdir(parents=True)
    path.rename(store.spectrograms(KEY))
    (error,) = damaged_files(store.days, [KEY])
    assert str(error).startswith(f"{store.spectrograms(KEY)}: damaged (its spectrogram 3 is not finite); remove it")


def test_a_table_takes_nan_only_where_a_value_may_be_unknown(tmp_path, products):
    path = tmp_path / "table.parquet"
    frame = products.detections
    for column, value in (("peak_acceleration", np.nan), ("snr", np.nan)):
        tables.write_table(path, frame.assign(**{column: value}), table_schemas.DETECTION_SCHEMA, STAMP)
    before = path.read_bytes()
    for column, value in (("peak_acceleration", np.inf), ("peak_counts", np.nan), ("sampling_rate", -np.inf)):
        with pytest.raises(NotFiniteError, match=f"{column}: .* values are not finite; nothing was written"):
            tables.write_table(path, frame.assign(**{column: value}), table_schemas.DETECTION_SCHEMA, STAMP)
    assert path.read_bytes() == before


def test_a_table_of_scores_may_say_that_one_is_not_defined(tmp_path):
    schema = pa.schema([pa.field("k", pa.int32(), False), pa.field("silhouette", pa.float64(), False)])
    path = tmp_path / "criteria.parquet"
    tables.write_table(path, pd.DataFrame({"k": [1, 2], "silhouette": [np.nan, 0.5]}), schema, STAMP)
    assert np.isnan(tables.read_table(path)["silhouette"][0])
