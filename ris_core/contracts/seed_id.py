"""SEED identifiers, and the names that are built from them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import NamedTuple

from ris_core.contracts.station_day import NS


class SeedId(NamedTuple):
    """Network, station, location and channel code of one component of one instrument."""

    network: str
    station: str
    location: str
    channel: str

    def __str__(self) -> str:
        return f"{self.network}.{self.station}.{self.location}.{self.channel}"

    @property
    def component(self) -> str:
        """Letter of the component, like ``Z``."""
        return self.channel[-1:]

    def event_id(self, time_ns: int) -> str:
        """Return the identifier of an event with its peak at a time, ns since 1970 UTC."""
        return f"{self}.{compact_time(time_ns)}"

    def sds_path(self, day: date) -> PurePosixPath:
        """Return the path of a day's file in an SDS archive: YEAR/NET/STA/CHAN.D/NET.STA.LOC.CHAN.D.YEAR.DOY."""
        year, channel = f"{day.year:04d}", f"{self.channel}.D"
        name = f"{self.network}.{self.station}.{self.location}.{channel}.{year}.{day.timetuple().tm_yday:03d}"
        return PurePosixPath(year) / self.network / self.station / channel / name


def compact_time(time_ns: int) -> str:
    """Return a time, ns since 1970 UTC, in the form of event identifiers: YYYYMMDDTHHMMSS.ffffff."""
    seconds, rest = divmod(time_ns, NS)
    microseconds = round(rest / 1000)
    seconds, microseconds = seconds + microseconds // 1_000_000, microseconds % 1_000_000
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}.{microseconds:06d}"
