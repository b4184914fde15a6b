"""The station-days that events can be drawn from, found in one look at all of them, and compared with the draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ris_core import versions
from ris_core.config import TrainingSetSettings
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.processing.process import ProcessStage
from ris_core.section import digest_of
from ris_core.storage import spectrogram_file
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.head import check_bytes
from ris_core.storage.layout import Layout
from ris_core.storage.spectrogram_file import SpectrogramInfo


@dataclass(frozen=True)
class EventSources:
    """The station-days that events can be drawn from.

    Attributes
    ----------
    current
        The head of the spectrogram file of each station-day with events and current spectrograms.
    outdated
        Number of station-days that have spectrograms which are not up to date.
    """

    current: Mapping[StationDay, SpectrogramInfo]
    outdated: int

    def contents(self) -> dict[str, str]:
        """Return the digest of the events of each station-day."""
        return {str(key): info.content for key, info in self.current.items()}

    def surroundings(self) -> str:
        """Return the digest of context and noise spectra of all station-days; empty if none has them."""
        found = {str(key): info.surroundings for key, info in self.current.items() if info.surroundings}
        return digest_of(found) if found else ""


@dataclass(frozen=True)
class ChangedSources:
    """Station-days that differ from those of the draw, in order.

    Attributes
    ----------
    new, gone, changed
        Keys of station-days that are new, that are gone, and whose events have changed.
    surroundings
        Whether the events are the same, but with another context and noise spectrum, or the draw was without these.
    """

    new: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[str, ...]
    surroundings: bool = False

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.changed or self.surroundings)


def sources_of(process: ProcessStage, keys: Iterable[StationDay], sampling: TrainingSetSettings) -> EventSources:
    """Look once at each station-day, and return those that events can be drawn from, in the order of the keys.

    Parameters
    ----------
    process
        The stage that makes spectrograms; it says which are up to date.
    keys
        The station-days to look at.
    sampling
        Section `training_set`: nothing is drawn from `held_out_stations`.
    """
    found, outdated = {}, 0
    for key in keys:
        info = process.current(key)
        if info is None:
            outdated += process.files.exists(process.layout.spectrograms(key))
        elif info.events and key.station not in sampling.held_out_stations:
            found[key] = info
    return EventSources(found, outdated)


def draw_stamp(sampling: TrainingSetSettings, sources: EventSources) -> Stamp:
    """Return the stamp of a training set that is drawn from these station-days."""
    contents, surroundings = sources.contents(), sources.surroundings()
    inputs = digest_of([contents, surroundings]) if surroundings else digest_of(contents)
    return Stamp(digest_of(sampling.drawing_values()), versions.TRAINING_SET, inputs)


def is_current(layout: Layout, sources: EventSources, sampling: TrainingSetSettings) -> bool:
    """Return whether the training set is sound, and was drawn with these settings from the present station-days.

    If stamp and settings agree, all bytes are read; files of earlier versions have no digest of them.
    """
    try:
        stamp = spectrogram_file.read_info(layout.training_set).stamp
        if stamp != draw_stamp(sampling, sources):
            return False
        check_bytes(layout.training_set)
    except (FileNotFoundError, DamagedFileError):
        return False
    return True


def changed_since(layout: Layout, sources: EventSources) -> ChangedSources:
    """Return how the present station-days differ from those that the training set on disk was drawn from."""
    drawn = spectrogram_file.read_info(layout.training_set).summary
    then: dict[str, str] = drawn["drawn_from"]
    now = sources.contents()
    return ChangedSources(
        new=tuple(sorted(now.keys() - then.keys())),
        gone=tuple(sorted(then.keys() - now.keys())),
        changed=tuple(sorted(key for key in now.keys() & then.keys() if now[key] != then[key])),
        surroundings=now == then and sources.surroundings() != drawn.get("surroundings", ""),
    )
