"""Parquet tables of a station-day: detections, live intervals and labels."""

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

from ris_core.config import PAPER_INPUT
from ris_core.contracts.labelled import DEC_WORDS
from ris_core.contracts.stamp import Stamp
from ris_core.storage import parquet_file
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.finite import NotFiniteError

_TIME = pa.timestamp("ns", tz="UTC")
_AT_ONCE = 64  # files that a thread reads before it takes others
_MOST_THREADS = 8


def _acceleration_words(band: tuple[float, float]) -> str:
    return f"Signed peak ground acceleration, {band[0]:g}-{band[1]:g} Hz; NaN without a response"


DETECTION_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), False, {"description": "NET.STA.LOC.CHAN.time of the peak (UTC)"}),
        pa.field("network", pa.string(), False, {"description": "FDSN network code"}),
        pa.field("station", pa.string(), False, {"description": "FDSN station code"}),
        pa.field("location", pa.string(), False, {"description": "SEED location code"}),
        pa.field("channel", pa.string(), False, {"description": "SEED channel code"}),
        pa.field("time_on", _TIME, False, {"description": "Trigger on (UTC)"}),
        pa.field("time_off", _TIME, False, {"description": "Trigger off (UTC)"}),
        pa.field("time_peak", _TIME, False, {"description": "Greatest absolute amplitude of the trigger (UTC)"}),
        pa.field(
            "peak_counts",
            pa.float64(),
            False,
            {"description": "Signed amplitude of the conditioned counts at the peak", "unit": "counts"},
        ),
        pa.field(
            "peak_acceleration",
            pa.float64(),
            False,
            {"description": _acceleration_words(PAPER_INPUT.band), "unit": "m/s^2"},
        ),
        pa.field("acceleration_note", pa.string(), False, {"description": "Why there is no peak_acceleration"}),
        pa.field(
            "characteristic_max",
            pa.float64(),
            False,
            {"description": "Greatest value of the characteristic function, for STA/LTA the ratio"},
        ),
        pa.field("snr", pa.float64(), False, {"description": "Signal-to-noise ratio", "unit": "dB"}),
        pa.field("found_by", pa.string(), False, {"description": "Detector and its averages, STA/LTA"}),
        pa.field("sampling_rate", pa.float64(), False, {"description": "Rate after decimation", "unit": "Hz"}),
        pa.field("outcome", pa.string(), False, {"description": "'event', or why there is no spectrogram"}),
    ]
)


def detection_schema(channels: Sequence[str], band: tuple[float, float] = PAPER_INPUT.band) -> pa.Schema:
    """Return the schema of the detection tables of a network.

    Parameters
    ----------
    channels
        The network's channels. With several, three columns follow for each: ``peak_counts_HHN``,
        ``peak_acceleration_HHN`` and ``acceleration_note_HHN``.
    band
        Lowest and highest frequency of ``peak_acceleration``, Hz (section `response`).
    """
    of_band = {"description": _acceleration_words(band), "unit": "m/s^2"}
    fields = [f.with_metadata(of_band) if f.name == "peak_acceleration" else f for f in DETECTION_SCHEMA]
    for code in channels if len(channels) > 1 else ():
        fields += [
            pa.field(
                f"peak_counts_{code}",
                pa.float64(),
                False,
                {
                    "description": f"Signed peak of the counts of {code}; NaN if not recorded",
                    "unit": "counts",
                },
            ),
            pa.field(
                f"peak_acceleration_{code}",
                pa.float64(),
                False,
                {"description": f"Greatest ground acceleration of {code}, signed; NaN if unknown", "unit": "m/s^2"},
            ),
            pa.field(
                f"acceleration_note_{code}",
                pa.string(),
                False,
                {"description": f"Why there is no peak_acceleration_{code}"},
            ),
        ]
    return pa.schema(fields)


LIVE_SCHEMA = pa.schema(
    [
        pa.field("station", pa.string(), False, {"description": "FDSN station code"}),
        pa.field("start", _TIME, False, {"description": "First instant at which a detection could start (UTC)"}),
        pa.field("end", _TIME, False, {"description": "End of the interval, the first instant after it (UTC)"}),
    ]
)

# Columns of station-days that may be unknown: without a response, without noise before the trigger, or in imported
# events. Tables of scores have columns of other names, in which undefined values are NaN.
_FINITE_OR_NAN = {"peak_acceleration", "snr", "characteristic_max"}
_OF_CHANNELS = ("peak_counts_", "peak_acceleration_")
_FINITE = {"peak_counts", "sampling_rate", "probability", "probabilities", "latent", "reconstruction_error", "novelty"}


def label_schema(k: int, latent_size: int = 9, said: Mapping[str, str] | None = None) -> pa.Schema:
    """Return the schema of a label table by a model of K clusters.

    Parameters
    ----------
    k, latent_size
        Numbers of clusters, and of features of the model's representation.
    said
        Descriptions of columns whose meaning depends on the model; by default those of DEC.

    Notes
    -----
    Probabilities are in the order of the model's clusters; ``classes`` of the file's summary (`read_summary`) has the
    class number of each cluster.
    """
    words = DEC_WORDS | dict(said or {})
    return pa.schema(
        [
            pa.field("event_id", pa.string(), False, {"description": "As in the detection table"}),
            pa.field("station", pa.string(), False, {"description": "FDSN station code"}),
            pa.field("time_peak", _TIME, False, {"description": "Peak of the detection (UTC)"}),
            pa.field(
                "label",
                pa.int32(),
                False,
                {"description": "Class number of the cluster of greatest membership; a new champion keeps it"},
            ),
            pa.field("probability", pa.float32(), False, {"description": words["probability"]}),
            pa.field(
                "probabilities",
                pa.list_(pa.float32(), k),
                False,
                {"description": "Memberships q of all K, in the order of the model's clusters (classes: see the file)"},
            ),
            pa.field("latent", pa.list_(pa.float32(), latent_size), False, {"description": "Latent vector"}),
            pa.field(
                "reconstruction_error",
                pa.float32(),
                True,
                {"description": words["reconstruction_error"]},
            ),
            pa.field(
                "novelty",
                pa.float32(),
                True,
                {"description": "By the champion's score; greater is more novel"},
            ),
            pa.field("assigned", pa.bool_(), True, {"description": "Whether the novelty is not above its threshold"}),
            pa.field("model_version", pa.string(), False, {"description": "Model that gave the label"}),
        ]
    )


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
        return pa.array(values.to_numpy(dtype="int64"), pa.int64()).cast(field.type)
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
