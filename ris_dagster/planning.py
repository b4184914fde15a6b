"""Plans of blocks: wanted station-days become runs, each with consecutive stations and consecutive days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_dagster.partitions import range_tags

BLOCK_TAG = "ris/block"
"""Tag of a run over several station-days: stations and days in words."""

Span = tuple[int, int]
"""First and last index, both inclusive."""


@dataclass(frozen=True)
class Block:
    """Station-days of one run: every station on every day.

    Attributes
    ----------
    stations
        Codes, consecutive in the order of the settings.
    first, last
        First and last day.
    """

    stations: tuple[str, ...]
    first: date
    last: date

    def __len__(self) -> int:
        return len(self.stations) * ((self.last - self.first).days + 1)

    def __str__(self) -> str:
        stations = self.stations[0] if len(self.stations) == 1 else f"{self.stations[0]}-{self.stations[-1]}"
        days = f"{self.first}" if self.first == self.last else f"{self.first} ... {self.last}"
        return f"{stations}, {days}"

    def keys(self) -> list[StationDay]:
        """Return the station-days, day by day."""
        days = (self.last - self.first).days + 1
        return [StationDay(s, self.first + timedelta(days=n)) for n in range(days) for s in self.stations]

    def tags(self) -> dict[str, str]:
        """Return the tags that tell Dagster the station-days of the run, and people in words."""
        return {**range_tags(self.stations, self.first, self.last), BLOCK_TAG: str(self)}


def plan(wanted: Iterable[StationDay], stations: Sequence[str], at_most: int) -> list[Block]:
    """Cover wanted station-days with blocks, each station-day once and no other one, oldest first.

    Parameters
    ----------
    wanted
        Station-days in any order.
    stations
        All codes in the order of the settings.
    at_most
        Most station-days of a block.
    """
    place = {code: number for number, code in enumerate(stations)}
    cells = {(key.day.toordinal(), place[key.station]) for key in wanted}
    # Either days with the same stations are joined, or stations with the same days, whichever needs fewer runs. The
    # first suits outages of single stations, the second outages of the network.
    by_days = [(days, codes) for days, codes in _rectangles(cells)]
    by_stations = [(days, codes) for codes, days in _rectangles((station, day) for day, station in cells)]
    plans = [[part for found in way for part in _cut(*found, at_most)] for way in (by_days, by_stations)]
    fewest = plans[0] if len(plans[0]) <= len(plans[1]) else plans[1]
    return [
        Block(tuple(stations[low : high + 1]), date.fromordinal(first), date.fromordinal(last))
        for (first, last), (low, high) in sorted(fewest)
    ]


def _rectangles(cells: Iterable[tuple[int, int]]) -> Iterator[tuple[Span, Span]]:
    """Cover cells with rectangles: rows with the same adjacent columns are joined."""
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for row, column in cells:
        rows[row].append(column)
    growing: dict[Span, int] = {}  # the columns of a rectangle, and the row it begins with
    before = None
    for row in sorted(rows):
        spans = set(_consecutive(sorted(rows[row])))
        for span in [s for s in growing if s not in spans or before != row - 1]:
            yield (growing.pop(span), before or 0), span
        growing = {span: growing.get(span, row) for span in spans}
        before = row
    for span, first in growing.items():
        yield (first, before or 0), span


def _consecutive(numbers: Sequence[int]) -> Iterator[Span]:
    """Yield the spans of consecutive numbers in ascending numbers."""
    first = before = numbers[0]
    for number in numbers[1:]:
        if number != before + 1:
            yield first, before
            first = number
        before = number
    yield first, before


def _cut(days: Span, codes: Span, at_most: int) -> Iterator[tuple[Span, Span]]:
    """Divide a rectangle into parts with a limited number of station-days and as many stations as possible."""
    width = min(codes[1] - codes[0] + 1, at_most)
    height = at_most // width
    for low in range(codes[0], codes[1] + 1, width):
        for first in range(days[0], days[1] + 1, height):
            yield (first, min(first + height - 1, days[1])), (low, min(low + width - 1, codes[1]))


def plan_by_size(wanted: Mapping[StationDay, int], stations: Sequence[str], at_most: int) -> list[Block]:
    """Plan station-days that have failed before in smaller blocks, a quarter with each attempt, oldest first.

    So a station-day that kills its run's process is soon alone, and the others are finished.

    Parameters
    ----------
    wanted
        Station-days and their failed attempts.
    stations, at_most
        As in `plan`.
    """
    groups: defaultdict[int, list[StationDay]] = defaultdict(list)
    for key, attempts in wanted.items():
        groups[max(1, at_most // 4**attempts)].append(key)
    blocks = [block for size, keys in groups.items() for block in plan(keys, stations, size)]
    return sorted(blocks, key=lambda block: (block.first, stations.index(block.stations[0])))


def newest_complete_day(settings: Settings, now: datetime) -> date:
    """Return the newest day with complete data: its padding and the latency of the data have passed.

    It may lie before the first or after the last day of the network.
    """
    behind = timedelta(seconds=settings.conditioning.padding, hours=settings.operations.latency)
    return (now - behind).date() - timedelta(days=1)


def complete_days(settings: Settings, now: datetime) -> list[date]:
    """Return the days of the network up to the newest complete one."""
    return settings.days(newest_complete_day(settings, now) + timedelta(days=1))
