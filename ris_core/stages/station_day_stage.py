"""One stage of a station-day: what it needs, what it makes, and whether its products are current."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from ris_core.config import Settings
from ris_core.contracts.outcome import Made
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.contracts.waveform_source import WaveformSource
from ris_core.storage.files import Files
from ris_core.storage.layout import Layout

R = TypeVar("R")
S = TypeVar("S", bound="StationDayStage[Any]")
T = TypeVar("T")


class MissingInputError(FileNotFoundError):
    """An input of a stage is missing, out of date or damaged. Each stage has its own kind of this error."""


@dataclass(frozen=True)
class StageContext:
    """The context of the stages of one network.

    Attributes
    ----------
    settings
        The network's settings. A stage passes on the sections that each step needs.
    layout
        Paths of the products.
    files
        How the disk is read: each time, or once in a pass.
    sources
        Opens the source of each channel's waveforms, by code, when they are first needed.
    pictures
        Whether pictures of each station-day are drawn.
    """

    settings: Settings
    layout: Layout
    files: Files
    sources: Callable[[], Mapping[str, WaveformSource]]
    pictures: bool = True


class StationDayStage(ABC, Generic[R]):
    """A stage: one object for one network.

    Subclasses name the stage and its inputs, and define how it runs, which files it makes, and which stamp these should
    have. Everything else follows from this.

    Parameters
    ----------
    context
        The context of the stages.
    inputs
        The stages that `inputs` names, by name.
    """

    name: ClassVar[str]
    """Name of the stage, as in ``ris run --only`` and in the journal of failed attempts."""
    about: ClassVar[str]
    """What it does, in the imperative: "Detect events and make their spectrograms."."""
    done: ClassVar[str]
    """The state of a station-day after this stage, like ``processed``."""
    inputs: ClassVar[tuple[str, ...]] = ()
    """Names of the stages that make its inputs."""
    reads_waveforms: ClassVar[bool] = False
    """Whether it needs waveforms: then it does nothing for a network whose events were imported."""

    def __init__(self, context: StageContext, inputs: Mapping[str, StationDayStage[Any]]) -> None:
        self.context = context
        self.settings, self.layout, self.files = context.settings, context.layout, context.files
        self._before = inputs

    def before(self, kind: type[S]) -> S:
        """Return the stage of a kind among those that make its inputs."""
        return next(stage for stage in self._before.values() if isinstance(stage, kind))

    @classmethod
    def wanted(cls, settings: Settings) -> bool:
        """Return whether a network with these settings has the stage; without it nothing of it is made or counted."""
        return True

    @abstractmethod
    def run(self, key: StationDay, again: bool = False) -> Made[R]:
        """Make the products of a station-day unless they are current, and return the result.

        Parameters
        ----------
        key
            The station-day.
        again
            Whether an input from outside is requested again although the product is current.

        Raises
        ------
        MissingInputError
            An earlier stage has not been run.
        """

    @property
    @abstractmethod
    def code_version(self) -> str:
        """Step version and digest of the settings: products of another one are out of date."""

    @abstractmethod
    def products(self, key: StationDay) -> tuple[Path, ...]:
        """Return the paths of the files that it makes."""

    @abstractmethod
    def expected_stamp(self, key: StationDay) -> Stamp:
        """Return the stamp of products that are made with the present input, settings and step version.

        Raises
        ------
        MissingInputError
            The input is missing or out of date.
        DamagedFileError
            A file of the input is damaged.
        """

    def stamps(self, key: StationDay) -> tuple[Stamp | None, ...]:
        """Return the stamp of each product; raises `OSError` if one is absent or damaged."""
        return tuple(self.stamp_of(path) for path in self.products(key))

    def stamp_of(self, path: Path) -> Stamp | None:
        """Return the stamp of a Parquet table or a spectrogram file; raises `OSError` as `stamps`."""
        if path.suffix == ".parquet":
            return self.files.stamp_of_table(path)[0]
        return self.files.info_of_spectrograms(path).stamp

    def exists(self, key: StationDay) -> bool:
        """Return whether all products exist, current or not."""
        return all(self.files.exists(path) for path in self.products(key))

    def is_current(self, key: StationDay) -> bool:
        """Return whether the products exist and were made with the present input, settings and step version.

        Damaged products, and products of damaged inputs, are not current.
        """
        if not self.exists(key):
            return False
        with suppress(OSError):
            expected = self.expected_stamp(key)
            return all(stamp == expected for stamp in self.stamps(key))
        return False

    def why_outdated(self, key: StationDay) -> str:
        """Return in words why existing products are not current; empty if they are, or do not exist."""
        if not self.exists(key) or self.is_current(key):
            return ""
        reasons: list[str] = []
        try:
            expected, found = self.expected_stamp(key), self.stamps(key)
            changed = "; ".join(self.changed_settings(key))
        except OSError as error:
            return str(error)
        for stamp in found:
            if stamp is None:
                reasons.append("they do not say how they were made")
                continue
            if stamp.version != expected.version:
                reasons.append(f"made by step version {stamp.version}, which is {expected.version} now")
            if stamp.settings != expected.settings:
                reasons.append(f"made with other settings{f' ({changed})' if changed else ''}")
            if stamp.inputs != expected.inputs:
                reasons.append("their input is another one now")
        return ", and ".join(dict.fromkeys(reasons)) or "some of them are missing"

    def changed_settings(self, key: StationDay) -> tuple[str, ...]:
        """Return in words which settings have changed since the products were made, as far as these know them."""
        return ()

    def follows_its_input(self, key: StationDay) -> bool:
        """Return whether the products were made from the present input, with any settings and step version."""
        with suppress(OSError):
            wanted = self.expected_stamp(key).inputs
            return all(stamp is not None and stamp.inputs == wanted for stamp in self.stamps(key))
        return False

    def why_not(self) -> str:
        """Return why it cannot work for any station-day at present, in words; empty if it can."""
        if self.reads_waveforms and self.settings.imported:
            return "its station-days are imported by `ris import-h5`"
        return ""

    def is_ready(self, key: StationDay) -> bool:
        """Return whether it can be run: the products of the earlier stages exist."""
        return all(stage.exists(key) for stage in self._before.values())

    def has_nothing_to_do(self, key: StationDay) -> bool:
        """Return whether a station-day has nothing to make, so that nothing is missing."""
        return False

    def input_changed_at(self, key: StationDay) -> datetime:
        """Return when its input was last written; the year 1970 if there is none."""
        return self.changed_at(*(path for stage in self._before.values() for path in stage.products(key)))

    def changed_at(self, *paths: Path) -> datetime:
        """Return when the youngest of some files was written; the year 1970 if there is none."""
        changed = 0.0
        for path in paths:
            with suppress(FileNotFoundError):
                changed = max(changed, self.files.modified(path))
        return datetime.fromtimestamp(changed, UTC)

    def most_at_once(self, keys: Iterable[StationDay]) -> int | None:
        """Return the number of station-days that may be worked on at once; none if there is no limit."""
        return None

    def unreadable(self, key: StationDay) -> list[OSError]:
        """Return why existing products cannot be read, for example damage in their heads or footers.

        All bytes are read by `ris_core.verification`.
        """
        return [error for path in self.products(key) if (error := trouble_of(self.stamp_of, path)) is not None]


def trouble_of(read: Callable[[T], object], what: T) -> OSError | None:
    """Return the error of a reader; none if it succeeds, or if the file does not exist."""
    try:
        read(what)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error
    return None
