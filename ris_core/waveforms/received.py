"""What a data centre sent is looked at before it is used: whole records, the right channel, the asked time."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from ris_core.waveforms.miniseed import scan

if TYPE_CHECKING:
    from obspy import Stream


class DamagedError(ValueError):
    """What came is cut off or broken; asked for again, it may come whole."""


class WrongAnswerError(ValueError):
    """What came is whole, but was not asked for."""


def stream_of(body: bytes, identifier: str, start_ns: int, end_ns: int) -> Stream:
    """Return the samples of [start, end) that a miniSEED body holds.

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
        The body is empty or ends within a record, holds something else than records, or does not decode.
    WrongAnswerError
        It holds another channel, or samples that lie wholly outside the window.
    """
    from obspy import UTCDateTime, read
    from obspy.io.mseed import InternalMSEEDWarning, ObsPyMSEEDError

    _check_records(body)
    with warnings.catch_warnings():
        # libmseed only warns of bytes that it skips and of records whose last sample is not what they say it is.
        warnings.simplefilter("error", InternalMSEEDWarning)
        try:
            stream = read(io.BytesIO(body), format="MSEED")
        except (ObsPyMSEEDError, InternalMSEEDWarning, ValueError, TypeError) as error:
            raise DamagedError(f"the {len(body)} bytes do not decode as miniSEED: {error}") from error
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
    return stream


def _check_records(body: bytes) -> None:
    """Raise `DamagedError` unless the body is whole records and nothing else.

    ObsPy reads what it can and leaves out a last record that is not whole without a word.
    """
    if not body:
        raise DamagedError("the answer is empty")
    try:
        strange = scan(body).strange_bytes
    except (OSError, ValueError) as error:
        raise DamagedError(f"the {len(body)} bytes are no miniSEED: {error}") from error
    if strange:
        raise DamagedError(f"{strange} of {len(body)} bytes belong to no whole miniSEED record")
