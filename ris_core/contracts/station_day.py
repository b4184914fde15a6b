"""The unit of work: one station on one UTC day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NamedTuple

NS = 1_000_000_000
DAY_NS = 86_400 * NS


class StationDay(NamedTuple):
    """One station on one UTC day."""

    station: str
    day: date

    def __str__(self) -> str:
        return f"{self.station} {self.day.isoformat()}"

    @property
    def start_ns(self) -> int:
        """00:00 UTC of the day in nanoseconds since 1970."""
        return int(datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC).timestamp()) * NS

    @property
    def end_ns(self) -> int:
        """00:00 UTC of the next day in nanoseconds since 1970."""
        return self.start_ns + DAY_NS
