"""What every reader of environmental series promises, and what the readers of files have in common."""

from __future__ import annotations

import glob
import hashlib
import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ris_core.catalogue.station_positions import positions
from ris_core.config import Settings
from ris_core.config.environment import READERS, FileSeriesSettings, SeriesSettings
from ris_core.storage.damage import check_regular, damage_named
from ris_core.storage.layout import Layout

HOUR_NS = 3_600_000_000_000
AGAIN = "fetch it again, or take it out of the path of the series"
DOCS = "docs/environment.md says where to get it and where to put it"

S = TypeVar("S", bound=SeriesSettings)
F = TypeVar("F", bound=FileSeriesSettings)


class FaultySeriesError(ValueError):
    """The values of a series cannot be used; the message names series and file, and says what to do."""


class NoSourceError(FileNotFoundError):
    """The files of a series are not there; the message says where they are looked for."""


class MissingExtraError(ImportError):
    """A library that only some readers need is not installed; the message has the command."""


@dataclass(frozen=True, eq=False)
class Part:
    """The values of one file, or of one generator, in the order in which they stand there.

    Attributes
    ----------
    where
        Path or words for messages.
    time : int array of shape (N,)
        ns since 1970, UTC.
    value : array of shape (N,)
        NaN where a value is missing.
    lines : int array of shape (N,), optional
        Line of each value, from 1.
    """

    where: str
    time: NDArray[np.int64] = field(repr=False)
    value: NDArray[np.float64] = field(repr=False)
    lines: NDArray[np.int64] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Found:
    """All that a reader has found.

    Attributes
    ----------
    parts
        At least one.
    unit
        Unit of all values, as the file says it.
    source
        Reader and files in words, as the table keeps them.
    sha256
        SHA-256 of all bytes that were read, file after file by name; empty if there is no file.
    notes
        What a user should know about the way to these values.
    """

    parts: tuple[Part, ...]
    unit: str
    source: str
    sha256: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """The network of a series: places of its stations, its days, and the folder of files."""

    layout: Layout
    settings: Settings

    def place(self, series: SeriesSettings) -> tuple[float, float]:
        """Return latitude and longitude of a series, degrees; raises `FaultySeriesError` if they are not known."""
        if series.latitude is not None and series.longitude is not None:
            return series.latitude, series.longitude
        if series.station is None:
            raise FaultySeriesError(f"series {series.name}: give its station, or latitude and longitude")
        known = positions(self.settings, self.layout)
        if series.station not in known:
            raise FaultySeriesError(
                f"series {series.name}: the place of {series.station} is neither in the settings nor in "
                f"{self.layout.inventory(series.station)}, which acquisition makes; acquire a day, or give latitude "
                "and longitude"
            )
        return known[series.station]

    def span(self) -> tuple[int, int]:
        """Return begin and end of the network's days that are over, at least of the first, ns since 1970 UTC."""
        first = self.settings.first_day
        last = max([first, *self.settings.days()[-1:]]) + timedelta(days=1)
        return _midnight(first), _midnight(last)

    def path(self, path: Path) -> Path:
        """Return where a path of the settings lies: a relative one begins in the folder of fetched files."""
        return self.layout.environment_files / path


class SeriesReader(ABC, Generic[S]):
    """Reads one series. A subclass says what it reads, and reads it."""

    def __init__(self, settings: S, around: Surroundings) -> None:
        """Keep the section of the series and the network around it."""
        self.settings, self.around = settings, around

    @abstractmethod
    def inputs(self) -> Any:
        """Return, as JSON values, what decides about the series beside its settings; raises `NoSourceError`.

        It is asked often, so that it looks at files without reading them.
        """

    @abstractmethod
    def read(self) -> Found:
        """Return all values.

        Raises
        ------
        NoSourceError
            There is no file.
        FaultySeriesError
            A file does not hold what the settings say.
        DamagedFileError
            A file cannot be read.
        MissingExtraError
            A library is not installed.
        """

    def fault(self, where: object, why: str, remedy: str) -> FaultySeriesError:
        """Return the error that names series and file."""
        return FaultySeriesError(f"series {self.settings.name}: {where}: {why}; {remedy}")


class FileReader(SeriesReader[F]):
    """Reads a series from one file or several; a subclass reads one of them."""

    def paths(self) -> list[Path]:
        """Return the files of the series by name; raises `NoSourceError` if there are none."""
        pattern = self.around.path(self.settings.path)
        found = sorted(Path(name) for name in glob.glob(str(pattern)))  # noqa: PTH207  # the pattern is an absolute path
        if not found:
            raise NoSourceError(f"series {self.settings.name}: {pattern}: there is no such file; {DOCS}")
        return found

    def inputs(self) -> Any:
        """Return names, sizes and times of the files, and the place."""
        place = self.around.place(self.settings) if self.settings.has_place else None
        return [place, states(self.paths())]

    def read(self) -> Found:
        """Return the values of all files."""
        paths = self.paths()
        parts, units, notes = [], [], []
        for path in paths:
            with damage_named(path, AGAIN):
                check_regular(path, AGAIN)
            part, unit, said = self.read_file(path)
            parts.append(part)
            units.append(unit)
            notes += said
        if len(set(units)) > 1:
            other = next(i for i, unit in enumerate(units) if unit != units[0])
            raise self.fault(
                paths[other],
                f"its unit is {units[other]!r}, that of {paths[0]} {units[0]!r}",
                "give each its own series",
            )
        shown = str(self.settings.path) if len(paths) > 1 else paths[0].name
        source = f"{READERS.kind_of(self.settings)}: {shown}"
        return Found(tuple(parts), units[0], source, sha256_of(paths), tuple(dict.fromkeys(notes)))

    @abstractmethod
    def read_file(self, path: Path) -> tuple[Part, str, list[str]]:
        """Return the values of one file, their unit, and notes."""


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9


def states(paths: Sequence[Path]) -> list[list[object]]:
    """Return name, size and time of change of each file."""
    return [[path.name, (state := path.stat()).st_size, state.st_mtime_ns] for path in paths]


def sha256_of(paths: Sequence[Path]) -> str:
    """Return the SHA-256 of the bytes of files, one after another."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def extra(module: str) -> Any:
    """Return a module of the extra `environment`; raises `MissingExtraError` with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module.partition('.')[0]} is not installed, which this reader needs ({error}): "
            "pip install 'ris-dagster[environment]'"
        ) from error
