"""What a data centre sent is looked at before it is used: whole records, the right channel, the asked time."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from ris_core.waveforms.miniseed import Records, scan
from ris_core.waveforms.stationxml import NotStationXmlError, inventory_from

if TYPE_CHECKING:
    from obspy import Inventory, Stream


class DamagedError(ValueError):
    """What came is cut off or broken; asked for again, it may come whole."""


class WrongAnswerError(ValueError):
    """What came is whole, but was not asked for."""


def stream_of(body: bytes, identifier: str, start_ns: int, end_ns: int) -> Stream:
    """Return the samples of [start, end) that a miniSEED body holds.

    A Steim record ends with the value of its last sample. Where most records fail this check, the digitiser writes
    another value there: they are used, and the stream's attribute ``notes``, a list of str, says so.

    Parameters
    ----------
    body
        Whole records, in any order; they may begin before the window and end after it.
    identifier
        The channel, NET.STA.LOC.CHAN, that was asked for.
    start_ns, end_ns
        The window, ns since 1970 UTC.

    Raises
    ------
    DamagedError
        The body is empty or ends within a record, holds something else than records, or does not decode; or up to
        half of its records do not end with the sample that they state.
    WrongAnswerError
        It holds another channel, or samples that lie wholly outside the window.
    """
    from obspy import UTCDateTime

    stream, notes = _decoded(body, _whole_records(body))
    others = sorted({trace.id for trace in stream} - {identifier})
    if others:
        raise WrongAnswerError(f"asked for {identifier}, but {', '.join(others)} came")
    start, end = UTCDateTime(ns=start_ns), UTCDateTime(ns=end_ns)
    for trace in stream:
        if trace.stats.endtime + trace.stats.delta < start or trace.stats.starttime - trace.stats.delta > end:
            raise WrongAnswerError(
                f"asked for {start} ... {end}, but samples of {trace.stats.starttime} ... {trace.stats.endtime} came"
            )
    stream.trim(start, end)
    # ObsPy's end is inclusive and goes to the nearest sample; the window is half open.
    for trace in stream:
        while trace.stats.npts and trace.stats.endtime.ns >= end_ns:
            trace.data = trace.data[:-1]
    stream.traces = [trace for trace in stream if trace.stats.npts]
    stream.notes = notes
    return stream


def inventory_of(body: bytes, wanted: str) -> Inventory:
    """Return all epochs of a channel, NET.STA.LOC.CHAN, that a StationXML body holds.

    Raises
    ------
    DamagedError
        The body does not parse.
    WrongAnswerError
        It holds other channels only.
    """
    try:
        found = inventory_from(body)
    except NotStationXmlError as error:
        raise DamagedError(f"the {len(body)} bytes do not parse as StationXML: {error}") from error
    network, station, location, channel = wanted.split(".")
    epochs = found.select(network=network, station=station, location=location, channel=channel)
    if not epochs.networks:
        came = ", ".join(sorted(set(found.get_contents()["channels"]))) or "no channel"
        raise WrongAnswerError(f"asked for the metadata of {wanted}, but {came} came")
    return epochs


def _decoded(body: bytes, records: Records) -> tuple[Stream, list[str]]:
    """Return what a body's records hold, and what is to be noted of them; raises `DamagedError`."""
    from obspy import read
    from obspy.io.mseed import InternalMSEEDWarning

    broken = f"the {len(body)} bytes do not decode as miniSEED"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            stream = read(io.BytesIO(body), format="MSEED")
        except Exception as error:  # ObsPy raises bare Exception, struct.error, TypeError and its own errors
            raise DamagedError(f"{broken}: {error}") from error
    # libmseed only warns of bytes that it skips and of records whose last sample is not what they say it is.
    said = [str(warning.message) for warning in caught if issubclass(warning.category, InternalMSEEDWarning)]
    failures, count = sum("integrity check" in text for text in said), int((records.sampling_rate > 0).sum())
    # The rule of `miniseed.decode`, so that a station is taken alike from an archive and from a data centre.
    if said and (failures < len(said) or failures <= count / 2):
        raise DamagedError(f"{broken}: {said[0]}")
    return stream, [f"{failures} of {count} records fail their check, as most do; they are used"] if failures else []


def _whole_records(body: bytes) -> Records:
    """Return the records of a body; raises `DamagedError` unless it is whole records and nothing else.

    ObsPy reads what it can and leaves out a last record that is not whole without a word.
    """
    if not body:
        raise DamagedError("the answer is empty")
    try:
        records = scan(body)
    except (OSError, ValueError) as error:
        raise DamagedError(f"the {len(body)} bytes are no miniSEED: {error}") from error
    if records.strange_bytes:
        raise DamagedError(f"{records.strange_bytes} of {len(body)} bytes belong to no whole miniSEED record")
    return records
