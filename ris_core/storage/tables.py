"""Parquet tables of a station-day, written and read; their columns are those of `table_schemas`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ris_core.contracts.stamp import Stamp
from ris_core.storage import parquet_file
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.finite import NotFiniteError

_AT_ONCE = 64  # files that a thread reads before it takes others
_MOST_THREADS = 8

# Columns of station-days that may be unknown: without a response, without noise before the trigger, or in imported
# events. Tables of scores have columns of other names, in which undefined values are NaN.
_FINITE_OR_NAN = {"peak_acceleration", "snr", "characteristic_max"}
_OF_CHANNELS = ("peak_counts_", "peak_acceleration_")
_FINITE = {"peak_counts", "sampling_rate", "probability", "probabilities", "latent", "reconstruction_error", "novelty"}


def write_table(
    path: Path, frame: pd.DataFrame, schema: pa.Schema, stamp: Stamp, summary: Mapping[str, Any] | None = None
) -> str:
    """Write a table atomically and return the digest of its content; times are ns since 1970 UTC.

    The stamp, the digest and the summary (figures from the computation) are in the file's key-value metadata, and the
    digests of the file's bytes include them (`ris_core.storage.parquet_file`).

    Raises
    ------
    NotFiniteError
        A number of a station-day is infinite, or NaN in a column without unknown values; an existing table is kept.
    """
    table = pa.Table.from_arrays([_column(frame[field.name], field) for field in schema], schema=schema)
    _check_finite(table)
    content = _content_digest(table)
    said = stamp.as_dict() | {"content": content, "summary_json": json.dumps(dict(summary or {}), sort_keys=True)}
    values = {key.encode(): value.encode() for key, value in said.items()}
    table = table.replace_schema_metadata(values)
    with replacing(path) as temporary:
        temporary.write_bytes(parquet_file.to_bytes(table))
    return content


def _column(values: pd.Series[Any], field: pa.Field) -> pa.Array:
    # Value by value, so that NaN stays NaN: pandas would make it null.
    if pa.types.is_timestamp(field.type):
        missing = values.isna().to_numpy()
        number = pa.array(values.to_numpy(dtype="int64"), pa.int64(), mask=missing if missing.any() else None)
        return number.cast(field.type)
    return pa.array(values.tolist(), field.type, from_pandas=False)


def _check_finite(table: pa.Table) -> None:
    for field in table.schema:
        or_nan = field.name in _FINITE_OR_NAN or field.name.startswith(_OF_CHANNELS)
        if not or_nan and field.name not in _FINITE:
            continue
        column = table.column(field.name).combine_chunks()
        if pa.types.is_fixed_size_list(field.type):
            column = column.flatten()
        values = column.drop_null().to_numpy(zero_copy_only=False)
        bad = np.isinf(values) if or_nan else ~np.isfinite(values)
        if bad.any():
            raise NotFiniteError(
                f"{field.name}: {bad.sum()} of {values.size} values are not finite; nothing was written"
            )


def _content_digest(table: pa.Table) -> str:
    plain = table.replace_schema_metadata(None).combine_chunks()
    for place, field in enumerate(plain.schema):
        column = plain.column(place)
        if pa.types.is_fixed_size_list(field.type):
            # Parquet and Arrow have different names for the elements of lists.
            named = pa.list_(pa.field("element", field.type.value_type), field.type.list_size)
            plain = plain.set_column(place, field.with_type(named), column.cast(named))
        elif column.null_count:
            # The memory under a null is undefined and differs after reading.
            plain = plain.set_column(place, field, column.fill_null(pa.scalar(0).cast(field.type)))
            plain = plain.append_column(f"{field.name} is null", column.is_null())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, plain.schema) as writer:
        writer.write_table(plain)
    return hashlib.sha256(sink.getvalue()).hexdigest()[:12]


def read_table(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Return a table, or some of its columns, after a check of the whole file's digest.

    Raises
    ------
    FileNotFoundError
        There is no such table.
    DamagedFileError
        The file does not match its digest.
    """
    with damage_named(path):
        frame: pd.DataFrame = _read(path, columns).to_pandas()
    return frame


def read_arrow(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Return a table, or some of its columns, as Arrow has it; raises as `read_table`."""
    return _read(path, columns)


def read_tables(
    paths: Sequence[Path], columns: list[str] | None = None, may_lack: Collection[str] = ()
) -> pd.DataFrame:
    """Return the rows of tables one after another, as one frame; of each, all bytes are compared with its digest.

    Only the requested columns are unpacked, by several threads, and pandas sees them once. (`pyarrow.dataset`
    takes twice the time for thousands of small files, and reads files without a look at their digests.)

    Parameters
    ----------
    paths
        At least one.
    columns
        Names; by default all.
    may_lack
        Columns that a table may be without; its rows have no values of them.

    Raises
    ------
    FileNotFoundError, DamagedFileError
        As `read_table`, of the first file that is so.
    """
    pool = ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1))
    try:
        parts = [paths[start : start + _AT_ONCE] for start in range(0, len(paths), _AT_ONCE)]
        found = [
            table
            for part in pool.map(lambda part: [_plain(path, columns, may_lack) for path in part], parts)
            for table in part
        ]
    finally:
        pool.shutdown(cancel_futures=True)
    # Tables by models of other numbers of clusters have other schemas, which pandas alone can put together.
    filled = [table for table in found if table.num_rows] or found[:1]
    frames = [pa.concat_tables(same).to_pandas() for _, same in groupby(filled, key=lambda table: table.schema)]
    frame: pd.DataFrame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    return frame if columns is None else frame.reindex(columns=columns)


def _plain(path: Path, columns: list[str] | None, may_lack: Collection[str]) -> pa.Table:
    if columns is not None and not set(may_lack).isdisjoint(columns):
        there = read_schema(path).names
        lacking = set(may_lack).difference(there)
        # With no column at all, a table would lose the number of its rows.
        columns = [name for name in columns if name not in lacking] or there[:1]
    return _read(path, columns).replace_schema_metadata(None)


def _read(path: Path, columns: list[str] | None = None) -> pa.Table:
    table, has_digest = parquet_file.read_rows(path, columns)
    if has_digest:
        return table
    # A file of an earlier version: only all rows together have a digest.
    with damage_named(path):
        table, _ = parquet_file.read_rows(path)
        if _content_digest(table) != read_stamp(path)[1]:
            raise DamagedFileError(path, "its rows do not match their digest")
        return table if columns is None else table.select(columns)


def read_summary(path: Path) -> dict[str, Any]:
    """Return the summary in the file, such as ``live_seconds`` of a detection table."""
    with damage_named(path):
        found: dict[str, Any] = dict(json.loads(_key_values(path)[0].get("summary_json", "{}")))
    return found


def read_stamp(path: Path) -> tuple[Stamp | None, str, int]:
    """Return provenance, content digest and number of rows; reads only the footer, and raises as `read_table`."""
    raw, rows = _key_values(path)
    return Stamp.from_mapping(raw), raw.get("content", ""), rows


def read_schema(path: Path) -> pa.Schema:
    """Return the columns of a table with their descriptions; reads only the footer, and raises as `read_table`."""
    with damage_named(path):
        metadata, _ = parquet_file.read_metadata(path)
        return metadata.schema.to_arrow_schema()


def _key_values(path: Path) -> tuple[dict[str, str], int]:
    with damage_named(path):
        metadata, _ = parquet_file.read_metadata(path)
        raw = {k.decode(): v.decode() for k, v in (metadata.metadata or {}).items() if k != b"ARROW:schema"}
        return raw, int(metadata.num_rows)


def verify(path: Path) -> None:
    """Read all of a table; raises as `read_table` if rows or their summary do not match their digests."""
    if _content_digest(_read(path)) != read_stamp(path)[1]:
        raise DamagedFileError(path, "its rows do not match their digest")
    read_summary(path)
