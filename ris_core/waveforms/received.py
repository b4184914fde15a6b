"""Checks of a data centre's answer before it is used: whole records, the requested channel and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import NS
from ris_core.waveforms.miniseed import Records, scan
from ris_core.waveforms.pieces import stream_of as pieces_to_stream
from ris_core.waveforms.record_reading import cut, drift_words, has_samples, reaching_into, words_on
from ris_core.waveforms.stationxml import NotStationXmlError, inventory_from
from ris_core.waveforms.unpacking import unpack

if TYPE_CHECKING:
    from obspy import Inventory, Stream


class DamagedError(ValueError):
    """An answer is cut off or broken; a repeated request may give the whole answer."""


class WrongAnswerError(ValueError):
    """An answer is whole, but is not what was requested."""


def stream_of(body: bytes, identifier: str, start_ns: int, end_ns: int) -> Stream:
    """Return the samples of [start, end) in a miniSEED body.

    A Steim record ends with the value of its last sample. If most records fail this check, the digitiser writes another
    value there, and they are used. The stream's attribute ``notes``, a list of str, has remarks; ``records``, bytes,
    has the records that reach into the window.

    Parameters
    ----------
    body
        Whole records, in any order; they may begin before the window and end after it.
    identifier
        The requested channel, NET.STA.LOC.CHAN.
    start_ns, end_ns
        The window, ns since 1970 UTC.

    Raises
    ------
    DamagedError
        The body is empty, ends within a record, has other content than records, or does not decode; or up to half of
        its records do not end with the sample that they state.
    WrongAnswerError
        The body has another channel, or all samples lie outside the window.
    """
    from obspy import UTCDateTime

    records = _whole_records(body)
    others = sorted(set(records.identifier.tolist()) - {identifier})
    if others:
        raise WrongAnswerError(f"requested {identifier}, but received {', '.join(others)}")
    pieces, (faults,) = unpack([(records, has_samples(records))])
    said = words_on(records, faults)
    if faults.damaged or (faults.lost and not pieces):
        raise DamagedError(f"the {len(body)} bytes do not decode as miniSEED: {'; '.join(said)}")
    for piece in pieces:
        step = NS / piece.sampling_rate
        if piece.end_ns < start_ns or piece.start_ns - step > end_ns:
            first, last, since, until = (
                UTCDateTime(ns=int(t)) for t in (piece.start_ns, piece.end_ns - step, start_ns, end_ns)
            )
            raise WrongAnswerError(f"requested {since} ... {until}, but received samples of {first} ... {last}")
    stream = pieces_to_stream(cut(pieces, start_ns, end_ns), identifier)
    stream.notes = said + drift_words(pieces)
    stream.records = _bytes_of(records, reaching_into(records, start_ns, end_ns))
    return stream


def inventory_of(body: bytes, wanted: Sequence[str]) -> Inventory:
    """Return all epochs of a station's channels, each NET.STA.LOC.CHAN, that are in a StationXML body.

    Raises
    ------
    DamagedError
        The body does not parse.
    WrongAnswerError
        The body has only other channels.
    """
    try:
        found = inventory_from(body)
    except NotStationXmlError as error:
        raise DamagedError(f"the {len(body)} bytes do not parse as StationXML: {error}") from error
    network, station, location, _ = wanted[0].split(".")
    # The channels differ in their last letter alone; a set of letters is one of ObsPy's patterns.
    letters = "".join(identifier[-1] for identifier in wanted)
    channel = wanted[0].split(".")[3][:-1] + (letters if len(wanted) == 1 else f"[{letters}]")
    epochs = found.select(network=network, station=station, location=location, channel=channel)
    if not epochs.networks:
        came = ", ".join(sorted(set(found.get_contents()["channels"]))) or "no channel"
        raise WrongAnswerError(f"requested the metadata of {', '.join(wanted)}, but received {came}")
    return epochs


def _bytes_of(records: Records, chosen: NDArray[np.bool_]) -> bytes:
    places = zip(records.offset[chosen].tolist(), records.length[chosen].tolist(), strict=True)
    return b"".join(records.content[at : at + length] for at, length in places)


def _whole_records(body: bytes) -> Records:
    """Return the records of a body; raises `DamagedError` unless it consists of whole records and nothing else."""
    if not body:
        raise DamagedError("the answer is empty")
    try:
        records = scan(body)
    except (OSError, ValueError) as error:
        raise DamagedError(f"the {len(body)} bytes are no miniSEED: {error}") from error
    if records.strange_bytes:
        raise DamagedError(f"{records.strange_bytes} of {len(body)} bytes belong to no whole miniSEED record")
    return records
