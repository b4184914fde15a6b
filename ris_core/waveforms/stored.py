"""Raw station-days in the data root: written as they came, and checked against their acquisition when they are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ris_core.contracts.acquisition import Acquisition
from ris_core.contracts.station_day import NS, StationDay
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.waveforms.content import content_of
from ris_core.waveforms.miniseed import scan
from ris_core.waveforms.pieces import Piece, stream_of
from ris_core.waveforms.record_reading import cut, has_samples, words_on
from ris_core.waveforms.segments import Segment, digest_of_segments, to_segments
from ris_core.waveforms.unpacking import unpack

if TYPE_CHECKING:
    from obspy import Stream

ACQUIRE_AGAIN = "remove it, and the next `ris backfill` or `ris run` acquires it again"


def write_stored(stream: Stream, path: Path) -> bool:
    """Write a station-day into the data root; return whether the file holds the records as they were received.

    Records as received (the stream's attribute ``records``) keep their times; they may reach beyond the padded day.
    Samples that came without records are written as such.
    """
    records: bytes | None = getattr(stream, "records", None)
    with replacing(path) as temporary:
        if records is not None:
            temporary.write_bytes(records)
        else:
            _write_samples(stream, temporary)
    return records is not None


def _write_samples(stream: Stream, path: Path) -> None:
    from obspy.io.mseed import InternalMSEEDError

    stream = stream.copy()
    for trace in stream:
        trace.data = np.ascontiguousarray(trace.data)
    if not all(np.issubdtype(trace.data.dtype, np.integer) for trace in stream):
        stream.write(str(path), format="MSEED")
        return
    try:
        stream.write(str(path), format="MSEED", encoding="STEIM2")
    except InternalMSEEDError:
        # Steim-2 has no room for a step of 2^29 counts or more from one sample to the next.
        stream.write(str(path), format="MSEED", encoding="INT32")


def read_stored(path: Path, key: StationDay, padding: float, whole_records: bool) -> tuple[list[Segment], str]:
    """Return the segments of a station-day in the data root, and what is wrong with its records, in words.

    Parameters
    ----------
    path, key
        The file, and which station-day it holds.
    padding : float
        Length of the padding on each side of the day, s.
    whole_records
        Whether it holds records as they were received, which may reach beyond the padded day.

    Raises
    ------
    DamagedFileError
        It holds no record.
    """
    with damage_named(path, ACQUIRE_AGAIN):
        records = scan(content_of(path))
    chosen = has_samples(records)
    pieces, (faults,) = unpack([(records, chosen)])
    said = words_on(records, faults)
    if records.strange_bytes:
        said.insert(0, f"{records.strange_bytes} of {len(records.content)} bytes belong to no whole record")
    if whole_records:
        first, last = key.start_ns - round(padding * NS), key.end_ns + round(padding * NS)
        pieces = cut(pieces, first, last)
    return to_segments(_stream(pieces), key, padding), "; ".join(said)


def read_checked(path: Path, key: StationDay, padding: float, found: Acquisition) -> list[Segment]:
    """Return the segments of a station-day in the data root, which are those that were acquired.

    Raises
    ------
    DamagedFileError
        The file does not hold the samples that were acquired.
    """
    segments, said = read_stored(path, key, padding, found.whole_records)
    if digest_of_segments(segments) != found.content:
        why = "it does not have the samples that were acquired"
        raise DamagedFileError(path, f"{why}: {said}" if said else why, ACQUIRE_AGAIN)
    return segments


def _stream(pieces: list[Piece]) -> Stream:
    # Codes do not matter to segments.
    return stream_of(pieces, "...")
