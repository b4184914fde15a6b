"""Parquet tables that were damaged after they were written: any changed byte is noticed."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ris_core.contracts.stamp import Stamp
from ris_core.storage import table_schemas, tables
from ris_core.storage.damage import DamagedFileError

STAMP = Stamp("settings", "1", "inputs")
SUMMARY = {"classes": [3, 1], "novelty_threshold": "0.5"}
N = 40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A label table."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "event_id": [f"XX.S01..HHZ.{number}" for number in range(N)],
            "station": "S01",
            "time_peak": np.arange(N),
            "label": rng.integers(0, 2, N),
            "probability": rng.random(N),
            "probabilities": list(rng.random((N, 2)).astype(np.float32)),
            "latent": list(rng.random((N, 9)).astype(np.float32)),
            "reconstruction_error": rng.random(N),
            "novelty": rng.random(N),
            "assigned": [None, *[True] * (N - 1)],
            "model_version": "v",
        }
    )
    path = tmp_path / "day=2015-01-10.parquet"
    tables.write_table(path, frame, table_schemas.label_schema(2), STAMP, SUMMARY)
    return path


@pytest.fixture
def earlier(path: Path) -> Path:
    """The same table as versions before wrote it: its rows alone have a digest."""
    pq.write_table(pq.read_table(path, partitioning=None), path, compression="zstd")
    return path


def flipped(data: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1 << bit
    return bytes(changed)


def readings(path: Path) -> list[object]:
    """Return what each way to read gives: the text of a value, or the error that names the file."""
    found: list[object] = []
    for read in (tables.read_table, lambda p: tables.read_table(p, ["label"]), tables.read_stamp, tables.read_summary):
        try:
            value = read(path)
            found.append(value.to_json() if isinstance(value, pd.DataFrame) else value)
        except DamagedFileError as error:
            assert error.path == path and str(path) in str(error) and "it will be made again" in str(error)
            found.append(DamagedFileError)
    return found


def test_the_same_table_gives_the_same_bytes_and_other_programs_read_it(path: Path) -> None:
    first, frame = path.read_bytes(), tables.read_table(path)
    tables.write_table(path, frame, table_schemas.label_schema(2), STAMP, SUMMARY)
    assert path.read_bytes() == first
    pd.testing.assert_frame_equal(pd.read_parquet(path, partitioning=None), frame)
    assert tables.read_stamp(path)[0] == STAMP and tables.read_stamp(path)[2] == N
    assert tables.read_summary(path) == SUMMARY
    assert pq.read_metadata(path).metadata[b"file_digest"].startswith(b"footer ")


def test_every_flipped_bit_of_the_footer_is_noticed_by_every_reader(path: Path) -> None:
    data, rng = path.read_bytes(), np.random.default_rng(1)
    footer = int.from_bytes(data[-8:-4], "little") + 8
    for place in [*rng.integers(len(data) - footer, len(data), 60), *range(len(data) - 8, len(data))]:
        path.write_bytes(flipped(data, int(place), int(rng.integers(8))))
        assert readings(path) == [DamagedFileError] * 4, place


def test_every_flipped_bit_before_the_footer_is_noticed_where_rows_are_read(path: Path) -> None:
    data, rng = path.read_bytes(), np.random.default_rng(2)
    said = readings(path)[2:]
    footer = int.from_bytes(data[-8:-4], "little") + 8
    for place in [*range(4), *rng.integers(4, len(data) - footer, 60)]:
        path.write_bytes(flipped(data, int(place), int(rng.integers(8))))
        assert readings(path) == [DamagedFileError, DamagedFileError, *said], place
        with pytest.raises(DamagedFileError, match="do not match their digest"):
            tables.verify(path)


def test_a_table_of_an_earlier_version_is_read_as_before(path: Path) -> None:
    said = readings(path)
    pq.write_table(pq.read_table(path, partitioning=None), path, compression="zstd")
    assert b"file_digest" not in path.read_bytes()
    assert readings(path) == said
    tables.verify(path)


def test_a_flipped_bit_of_an_earlier_versions_table_is_an_error_or_of_no_consequence_to_its_rows(earlier: Path) -> None:
    data, rng = earlier.read_bytes(), np.random.default_rng(3)
    good = readings(earlier)
    noticed = 0
    for place in rng.integers(0, len(data), 120):
        earlier.write_bytes(flipped(data, int(place), int(rng.integers(8))))
        whole, column, *_ = readings(earlier)
        assert whole in (good[0], DamagedFileError) and column in (good[1], DamagedFileError), place
        noticed += whole is DamagedFileError
    assert noticed > 90


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_cut_table_is_named_with_the_reason(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))
    assert readings(path) == [DamagedFileError] * 4
    with pytest.raises(DamagedFileError, match="not a Parquet file, or its end is missing"):
        tables.verify(path)


def test_something_else_in_the_place_of_a_table_is_named(path: Path) -> None:
    path.unlink()
    path.mkdir()
    assert readings(path) == [DamagedFileError] * 4
    with pytest.raises(DamagedFileError, match="not a file, but a folder or something else"):
        tables.read_table(path)
    path.rmdir()
    os.mkfifo(path)
    assert readings(path) == [DamagedFileError] * 4
    path.unlink()
    path.write_bytes(b"\xff\xfe no table of any kind" * 500)
    assert readings(path) == [DamagedFileError] * 4
    # A Parquet file that someone else has written.
    pq.write_table(pa.table({"label": [1, 2]}), path)
    with pytest.raises(DamagedFileError, match="its rows do not match their digest"):
        tables.read_table(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        tables.read_stamp(path)


def test_a_column_that_a_table_does_not_have_is_damage(path: Path) -> None:
    with pytest.raises(DamagedFileError, match="it has no column outcome"):
        tables.read_table(path, ["outcome"])


def test_a_length_that_the_file_does_not_have_is_not_made_room_for(tmp_path: Path) -> None:
    path = tmp_path / "day=2015-01-10.parquet"
    path.write_bytes(b"PAR1" + bytes(300) + (2**31 - 1).to_bytes(4, "little") + b"PAR1")
    tracemalloc.start()
    with pytest.raises(DamagedFileError, match="not a Parquet file, or its end is missing"):
        tables.read_stamp(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
