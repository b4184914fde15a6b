"""Import: a published file becomes the station-days that its events belong to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import StationDay
from ris_core.processing.process import ProcessStage
from ris_core.processing.spectrograms import Plan, plan
from ris_core.progress import bar
from ris_core.published.covering import check_covered, day_of
from ris_core.published.import_checks import check_events
from ris_core.published.published_catalogue import Catalogue, check_unique, read_catalogue, repeated
from ris_core.published.writing import StationDayEvents, write_station_day
from ris_core.station_days.station_days import StationDays
from ris_core.storage.array_digest import digest_of_arrays
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.published_file import (
    BLOCK,
    PublishedEvents,
    PublishedFile,
    PublishedFileError,
    open_published,
)
from ris_core.waveforms.acquire import AcquireStage

_NAMED = 5


@dataclass(frozen=True)
class Import:
    """A published file that was found good, and what of it goes where; made by `prepare`.

    Attributes
    ----------
    network
        Where the events go.
    path, catalogue
        The file, and what it says of all its events.
    station_days
        The station-days in the order of their first rows.
    scalograms
        Number of scalograms in the file, which are not kept.
    left_out
        Number of events that are left out.
    block
        Most events that are held together, or those of one station-day where they are more.
    """

    network: StationDays
    path: Path
    catalogue: Catalogue
    station_days: tuple[StationDayEvents, ...]
    scalograms: int
    left_out: int
    block: int

    def write(self) -> Iterator[tuple[StationDay, bool]]:
        """Write the station-days that are not imported yet; yields each with whether it was written.

        Whenever this ends, every station-day that was begun is whole or has no record.
        """
        settings, layout, journal = self.network.settings, self.network.layout, self.network.journal
        waiting: list[StationDayEvents] = []
        events = 0
        total = sum(len(some.rows) for some in self.station_days)
        constants = plan(settings.spectrogram, settings.conditioning)
        with open_events(self.path, constants) as file, bar(total, "import", unit="event") as progress:

            def write_waiting() -> Iterator[tuple[StationDay, bool]]:
                for some, found in zip(waiting, _read_together(file, waiting), strict=True):
                    write_station_day(settings, layout, self.path, self.catalogue, some, found, constants)
                    for stage in (AcquireStage.name, ProcessStage.name):
                        journal.clear(stage, some.key)
                    progress.update(len(some.rows))
                    yield some.key, True

            for some in self.station_days:
                if _is_imported(self.network, some):
                    progress.update(len(some.rows))
                    yield some.key, False
                    continue
                if waiting and events + len(some.rows) > self.block:
                    yield from write_waiting()
                    waiting, events = [], 0
                waiting.append(some)
                events += len(some.rows)
            yield from write_waiting()


def prepare(
    network: StationDays,
    path: Path,
    table: Path | None = None,
    replace_other: bool = False,
    leave_out: bool = False,
    block: int = BLOCK,
) -> Import:
    """Read a published file once, check all of it, and say what goes where; nothing is written.

    Parameters
    ----------
    network
        The network. Its source must be `published`, and its settings must cover the file.
    path, table
        The file, and the CSV beside it.
    replace_other
        Whether station-days that were imported with other events, from another file, are replaced.
    leave_out
        Whether events that repeat an earlier one, or whose spectrogram is not finite or zero everywhere, are left out;
        else the file is refused for them.
    block
        Most events that are held together, or those of one station-day where they are more.

    Raises
    ------
    PublishedFileError
        Something is wrong with the file or the table, the settings do not cover it, or its station-days were imported
        before with other events.
    """
    settings = network.settings
    constants = plan(settings.spectrogram, settings.conditioning)
    with open_events(path, constants) as file:
        catalogue = read_catalogue(file, table, block)
        check_covered(settings, catalogue, path)
        if not leave_out:
            check_unique(catalogue, path)
        digests, unusable = check_events(file, constants, block, leave_out)
        scalograms = file.scalograms
    left_out = repeated(catalogue) | unusable
    station_days = tuple(_grouped(catalogue, digests, np.flatnonzero(~left_out)))
    others = [] if replace_other else [some.key for some in station_days if _has_other_events(network, some)]
    if others:
        named = ", ".join(map(str, others[:_NAMED])) + (", …" if len(others) > _NAMED else "")
        raise PublishedFileError(
            f"{path}: {len(others)} of its {len(station_days)} station-days are there already with other events "
            f"({named}); --replace replaces them"
        )
    return Import(network, path, catalogue, station_days, scalograms, int(left_out.sum()), block)


def open_events(path: Path, constants: Plan) -> AbstractContextManager[PublishedFile]:
    """Open a published file whose spectrograms have the axes of given constants; raises `PublishedFileError`."""
    shape = len(constants.frequency), constants.columns
    return open_published(path, shape, constants.samples_between_columns)


def _read_together(file: PublishedFile, some: Sequence[StationDayEvents]) -> Iterator[PublishedEvents]:
    """Read the events of some station-days at once, and yield those of each, in the order of its rows."""
    if not some:
        return
    rows = np.concatenate([each.rows for each in some])
    order = np.argsort(rows, kind="stable")
    events = file.read(rows[order])
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    for part in np.split(place, np.cumsum([len(each.rows) for each in some])[:-1]):
        yield _taken(events, part)


def _grouped(catalogue: Catalogue, digests: NDArray[np.uint64], rows: NDArray[np.int64]) -> Iterator[StationDayEvents]:
    """Group the events of rows by station-day, in the order of the station-days' first rows."""
    day = catalogue.day
    order = rows[np.lexsort((rows, catalogue.time_on[rows], day[rows], catalogue.station[rows]))]
    cuts = np.flatnonzero((np.diff(catalogue.station[order]) != 0) | (np.diff(day[order]) != 0)) + 1
    groups = [group for group in np.split(order, cuts) if len(group)]
    for group in sorted(groups, key=lambda group: int(group.min())):
        key = StationDay(catalogue.stations[catalogue.station[group[0]]], day_of(int(day[group[0]])))
        yield StationDayEvents(key, group, digest_of_arrays(digests[group]))


def _is_imported(network: StationDays, some: StationDayEvents) -> bool:
    return (
        _inputs(network, some) == some.inputs
        and network.acquire.is_current(some.key)
        and network.process.is_current(some.key)
    )


def _has_other_events(network: StationDays, some: StationDayEvents) -> bool:
    return _inputs(network, some) not in (None, some.inputs)


def _inputs(network: StationDays, some: StationDayEvents) -> str | None:
    """Return the digest of the events that were imported; none if there are none, or their record is damaged."""
    try:
        found = network.acquire.read(some.key)
    except DamagedFileError:
        return None
    return None if found is None else found.content


def _taken(events: PublishedEvents, rows: NDArray[np.int64]) -> PublishedEvents:
    return PublishedEvents(events.spectrogram[rows], events.trace[rows], tuple(events.catalogue[i] for i in rows))
