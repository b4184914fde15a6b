"""Import: a published file becomes the station-days that its events belong to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import StationDay
from ris_core.processing.spectrograms import Plan, plan
from ris_core.progress import bar
from ris_core.published.covering import check_covered, day_of
from ris_core.published.import_checks import check_events
from ris_core.published.published_catalogue import Catalogue, check_unique, read_catalogue, repeated
from ris_core.published.writing import StationDayEvents, write_station_day
from ris_core.storage.array_digest import digest_of_arrays
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.published_file import (
    BLOCK,
    PublishedEvents,
    PublishedFile,
    PublishedFileError,
    open_published,
)
from ris_core.storage.store import Store

_NAMED = 5


@dataclass(frozen=True)
class Import:
    """A published file that was found good, and what of it goes where; made by `prepare`."""

    store: Store
    path: Path
    catalogue: Catalogue
    station_days: tuple[StationDayEvents, ...]
    scalograms: int
    left_out: int
    block: int

    def write(self) -> Iterator[tuple[StationDay, bool]]:
        """Write the station-days that do not stand yet; yields each with whether it was written.

        Whenever this ends, every station-day that was begun is whole or has no record.
        """
        waiting: list[StationDayEvents] = []
        events = 0
        total = sum(len(some.rows) for some in self.station_days)
        with _opened(self.store, self.path) as file, bar(total, "import", unit="event") as progress:
            for some in self.station_days:
                if _stands(self.store, some):
                    progress.update(len(some.rows))
                    yield some.key, False
                    continue
                if waiting and events + len(some.rows) > self.block:
                    yield from self._written(file, waiting, progress)
                    waiting, events = [], 0
                waiting.append(some)
                events += len(some.rows)
            yield from self._written(file, waiting, progress)

    def _written(
        self, file: PublishedFile, waiting: list[StationDayEvents], progress: Any
    ) -> Iterator[tuple[StationDay, bool]]:
        """Read the events of some station-days together, and write them."""
        if not waiting:
            return
        constants = _expected(self.store)[0]
        rows = np.concatenate([some.rows for some in waiting])
        order = np.argsort(rows, kind="stable")
        events = file.read(rows[order])
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        done = 0
        for some in waiting:
            of_day = _taken(events, place[done : done + len(some.rows)])
            write_station_day(self.store, self.path, self.catalogue, some, of_day, constants)
            done += len(some.rows)
            progress.update(len(some.rows))
            yield some.key, True


def prepare(
    store: Store,
    path: Path,
    table: Path | None = None,
    replace_other: bool = False,
    leave_out: bool = False,
    block: int = BLOCK,
) -> Import:
    """Read a published file once, check all of it, and say what goes where; nothing is written.

    Parameters
    ----------
    store
        Of settings whose source is `published` and that cover the file.
    path, table
        The file, and the CSV beside it.
    replace_other
        Whether station-days of other content, from another file, are replaced.
    leave_out
        Whether events that repeat an earlier one, or whose spectrogram is not finite or zero everywhere, are left out;
        else the file is refused for them.
    block
        Events that are held together at most, or those of one station-day where they are more.

    Raises
    ------
    PublishedFileError
        Something is wrong with the file or the table, the settings do not cover it, or station-days of other content
        stand already.
    """
    constants, _, _ = _expected(store)
    with _opened(store, path) as file:
        catalogue = read_catalogue(file, table, block)
        check_covered(store.settings, catalogue, path)
        if not leave_out:
            check_unique(catalogue, path)
        digests, unusable = check_events(file, constants, block, leave_out)
        scalograms = file.scalograms
    left_out = repeated(catalogue) | unusable
    station_days = tuple(_grouped(catalogue, digests, np.flatnonzero(~left_out)))
    others = [] if replace_other else [some.key for some in station_days if _is_other(store, some)]
    if others:
        named = ", ".join(map(str, others[:_NAMED])) + (", …" if len(others) > _NAMED else "")
        raise PublishedFileError(
            f"{path}: {len(others)} of its {len(station_days)} station-days stand already with other events ({named}); "
            "give --replace to put these in their place"
        )
    return Import(store, path, catalogue, station_days, scalograms, int(left_out.sum()), block)


def _expected(store: Store) -> tuple[Plan, tuple[int, int], int]:
    """Return the constants of spectrograms, their shape, and the samples between the middles of the outer columns."""
    constants = plan(store.settings.spectrogram, store.settings.conditioning)
    shape = len(constants.frequency), constants.columns
    return constants, shape, (constants.columns - 1) * constants.hop + 1


def _opened(store: Store, path: Path) -> AbstractContextManager[PublishedFile]:
    _, shape, samples = _expected(store)
    return open_published(path, shape, samples)


def _grouped(catalogue: Catalogue, digests: NDArray[np.uint64], rows: NDArray[np.int64]) -> Iterator[StationDayEvents]:
    """Group the events of rows by station-day, in the order of the station-days' first rows."""
    day = catalogue.day
    order = rows[np.lexsort((rows, catalogue.time_on[rows], day[rows], catalogue.station[rows]))]
    cuts = np.flatnonzero((np.diff(catalogue.station[order]) != 0) | (np.diff(day[order]) != 0)) + 1
    groups = [group for group in np.split(order, cuts) if len(group)]
    for group in sorted(groups, key=lambda group: int(group.min())):
        key = StationDay(catalogue.stations[catalogue.station[group[0]]], day_of(int(day[group[0]])))
        yield StationDayEvents(key, group, digest_of_arrays(digests[group]))


def _stands(store: Store, some: StationDayEvents) -> bool:
    return (
        _inputs(store, some) == some.inputs
        and store.days.acquire.is_current(some.key)
        and store.days.process.is_current(some.key)
    )


def _is_other(store: Store, some: StationDayEvents) -> bool:
    return _inputs(store, some) not in (None, some.inputs)


def _inputs(store: Store, some: StationDayEvents) -> str | None:
    """Return the digest of the events that stand; none if there are none, or their record is damaged."""
    try:
        found = store.days.acquire.read(some.key)
    except DamagedFileError:
        return None
    return None if found is None else found.content


def _taken(events: PublishedEvents, rows: NDArray[np.int64]) -> PublishedEvents:
    return PublishedEvents(events.spectrogram[rows], events.trace[rows], tuple(events.catalogue[i] for i in rows))
