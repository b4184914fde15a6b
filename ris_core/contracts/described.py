"""The result of describing the events of a station-day by their attributes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DescribedDay:
    """The table of attributes of one station-day.

    Attributes
    ----------
    rows, events
        Rows of the table, and events of the station-day.
    columns
        Number of attributes.
    path
        Path relative to the data root.
    content
        Digest of the table's content.
    """

    rows: int
    events: int
    columns: int
    path: str
    content: str
