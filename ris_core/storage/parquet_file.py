"""Parquet files that carry digests of their own bytes, so that damage is noticed before any byte is interpreted.

One entry of the footer's key-value metadata has two digests. One is over the footer, so that provenance and summaries
of thousands of files are read only from their ends. The other is over the whole file and is checked when rows are
read. Both are computed with zeros in their own places. Files of earlier versions have no digests.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from ris_core.storage.damage import DamagedFileError, check_regular, damage_named

_KEY = b"file_digest"
_ZEROS = b"footer 0000000000000000 file 0000000000000000"
_DIGESTS = re.compile(rb"footer ([0-9a-f]{16}) file ([0-9a-f]{16})")
_MAGIC = b"PAR1"
_END = 8  # the footer's length, and the magic
_TAIL = 2**16


def to_bytes(table: pa.Table) -> bytes:
    """Return a table as a Parquet file with its digests; the same table gives the same bytes."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression="zstd") as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({_KEY: _ZEROS})
    data: bytes = sink.getvalue().to_pybytes()
    place = data.rindex(_ZEROS)
    footer, whole = _digest(data[-_footer_size(data) :]), _digest(data)
    return data[:place] + b"footer " + footer + b" file " + whole + data[place + len(_ZEROS) :]


def read_metadata(path: Path) -> tuple[pq.FileMetaData, bool]:
    """Return the content of the footer, and whether it has a digest that matches; only the end of the file is read.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file is not a Parquet file, or its footer does not match its digest.
    """
    with damage_named(path):
        check_regular(path)
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL)
            if len(tail) < (wanted := _footer_size(tail)) <= size:  # otherwise it is not a length
                file.seek(max(0, size - wanted))
                tail = file.read(wanted)
        return _parsed(path, tail)


def read_rows(path: Path, columns: list[str] | None = None) -> tuple[pa.Table, bool]:
    """Return the rows, and whether they have a digest that matches; raises as `read_metadata`, for all bytes."""
    with damage_named(path):
        check_regular(path)
        data = path.read_bytes()
        footer = data[-_footer_size(data) :]
        has_digest = True
        if _kept(footer) != (_digest(footer), _digest(data)):
            _, has_digest = _parsed(path, data)  # says what is wrong with the footer
            if has_digest:
                raise DamagedFileError(path, "its bytes do not match their digest")
        # Statistics are not read: pyarrow ends the process if they are damaged.
        table = pq.ParquetFile(pa.BufferReader(data)).read(columns, use_threads=False)
        if missing := set(columns or ()) - set(table.column_names):
            raise DamagedFileError(path, f"it has no column {', '.join(sorted(missing))}")
        return table, has_digest


def _parsed(path: Path, tail: bytes) -> tuple[pq.FileMetaData, bool]:
    size = _footer_size(tail)
    if size > len(tail) or not tail.endswith(_MAGIC):
        raise DamagedFileError(path, "not a Parquet file, or its end is missing")
    footer = tail[-size:]
    # Each of the two signs is enough: so a file with one changed bit does not pass for one of an earlier version.
    has_digest = _KEY in tail[-_TAIL:] or _DIGESTS.search(tail[-_TAIL:]) is not None
    if has_digest and (_KEY not in footer or _kept(footer)[0] != _digest(footer)):
        raise DamagedFileError(path, "its footer does not match its digest")
    return pq.read_metadata(pa.BufferReader(_MAGIC + footer)), has_digest


def _footer_size(data: bytes) -> int:
    """Return the bytes from the start of the footer, as the file states it, to the end of the file."""
    return int.from_bytes(data[-_END:-4], "little") + _END


def _kept(data: bytes) -> tuple[bytes, bytes]:
    found = _DIGESTS.findall(data)
    return found[-1] if found else (b"", b"")


def _digest(data: bytes) -> bytes:
    """Return 16 hexadecimal digits of the XXH3-64 of bytes with zeros in place of digests."""
    return xxhash.xxh3_64(_DIGESTS.sub(_ZEROS, data)).hexdigest().encode()
