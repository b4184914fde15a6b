"""Records of a channel that are from another day: their number, and the probable cause."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import NS, StationDay

_WEEK_NS = 7 * 86_400 * NS
_ROLLOVER_WEEKS = 1024


class WrongTimesError(ValueError):
    """A day's file has samples of the channel, but none from the day; the message names the file and the times."""


def times_of(start_ns: NDArray[Any], end_ns: NDArray[Any], key: StationDay) -> str:
    """Return in words the times of some records, and whether a GPS week number may have rolled over.

    Parameters
    ----------
    start_ns, end_ns
        Times of each record, ns since 1970 UTC; at least one record.
    key
        The station-day to which they should belong.
    """
    from obspy import UTCDateTime

    first, last = (str(UTCDateTime(ns=int(time)))[:19] for time in (start_ns.min(), end_ns.max()))
    return f"{first} ... {last}{_rollover(start_ns, key)}"


def _rollover(start_ns: NDArray[Any], key: StationDay) -> str:
    weeks = (np.asarray(start_ns) - (key.start_ns + key.end_ns) // 2) / _WEEK_NS
    times = np.rint(weeks / _ROLLOVER_WEEKS)
    # Within the day, plus an hour for records that continue past midnight.
    like = (times != 0) & (np.abs(weeks - times * _ROLLOVER_WEEKS) <= 13 / (7 * 24))
    if not like.any():
        return ""
    number = int(np.abs(times[like]).max()) * _ROLLOVER_WEEKS
    side = "early" if times[like][0] < 0 else "late"
    return (
        f"; {int(like.sum())} of them {number} weeks {side}: probably the GPS receiver's week number has rolled over; "
        "correct their time stamps"
    )
