"""The registry of stages, and the station-days of one network with all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from ris_core.attributes.describe import DescribeStage
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.contracts.waveform_source import WaveformSource
from ris_core.labels.label import LabelStage
from ris_core.processing.process import ProcessStage
from ris_core.stages.attempts import given_up
from ris_core.stages.station_day_stage import StageContext, StationDayStage
from ris_core.station_days.open_source import open_sources
from ris_core.storage.files import Files, FilesOnDisk
from ris_core.storage.journal import FailedAttempt, Journal
from ris_core.storage.layout import Layout, open_layout
from ris_core.storage.scanned_files import ScannedFiles
from ris_core.waveforms.acquire import AcquireStage

StageKind = type[StationDayStage[Any]]
S = TypeVar("S", bound=StationDayStage[Any])

STAGES: tuple[StageKind, ...] = (AcquireStage, ProcessStage, DescribeStage, LabelStage)
"""The stages of a station-day in their order. Another one is added here, and bound in `ris_dagster`."""


class StationDays:
    """The station-days of one network: settings, layout, journal, and one object for each stage.

    Parameters
    ----------
    settings, layout
        The network.
    kinds
        Stages in their order; those that the settings do not want are left out.
    files
        How the disk is read; by default each time.
    sources
        The source of waveforms of each channel; by default those of the settings, opened when they are first needed.
    pictures
        Whether pictures of each station-day are drawn.

    Attributes
    ----------
    stages
        The stages by name, in their order.
    journal
        Failed attempts.
    """

    def __init__(
        self,
        settings: Settings,
        layout: Layout,
        kinds: Sequence[StageKind] = STAGES,
        files: Files | None = None,
        sources: Mapping[str, WaveformSource] | None = None,
        pictures: bool = True,
    ) -> None:
        self.settings, self.layout = settings, layout
        self.kinds = tuple(kind for kind in kinds if kind.wanted(settings))
        self.journal = Journal(layout, [s.code for s in settings.stations])
        self.files: Files = files or FilesOnDisk()
        self._sources, self._pictures = sources, pictures
        context = StageContext(settings, layout, self.files, lambda: self.sources, pictures)
        self.stages: dict[str, StationDayStage[Any]] = {}
        for kind in self.kinds:
            missing = [name for name in kind.inputs if name not in self.stages]
            if missing:
                raise ValueError(f"stage {kind.name} needs {', '.join(missing)}, which must come before it")
            self.stages[kind.name] = kind(context, {name: self.stages[name] for name in kind.inputs})

    def __repr__(self) -> str:
        return f"StationDays({self.layout.name}, {self.layout.root})"

    @classmethod
    def open(cls, settings: Settings, root: Path | None = None, kinds: Sequence[StageKind] = STAGES) -> StationDays:
        """Return the station-days of a network in its data root; raises `WrongNetworkError`."""
        return cls(settings, open_layout(settings, root), kinds)

    @cached_property
    def sources(self) -> Mapping[str, WaveformSource]:
        """The source of waveforms of each channel, by its code."""
        return self._sources or open_sources(self.settings)

    def stage(self, kind: type[S]) -> S:
        """Return the stage of a kind; raises `KeyError` if the network has none."""
        for stage in self.stages.values():
            if isinstance(stage, kind):
                return stage
        raise KeyError(f"no stage {kind.name} among {', '.join(self.stages)}")

    def inputs_of(self, name: str) -> set[str]:
        """Return the names of the stages on whose products a stage depends, directly or through other stages."""
        direct = self.stages[name].inputs
        return set(direct).union(*map(self.inputs_of, direct))

    @property
    def acquire(self) -> AcquireStage:
        """The stage that makes samples available."""
        return self.stage(AcquireStage)

    @property
    def process(self) -> ProcessStage:
        """The stage that makes detections and spectrograms."""
        return self.stage(ProcessStage)

    @property
    def label(self) -> LabelStage:
        """The stage that labels."""
        return self.stage(LabelStage)

    @property
    def stations(self) -> list[str]:
        """Codes of the stations in the order of the settings."""
        return [station.code for station in self.settings.stations]

    def all(self, until: date | None = None) -> Iterator[StationDay]:
        """Iterate over all station-days that are over, station by station; `until` is the first day not over."""
        return self.settings.station_days(until)

    @contextmanager
    def look(self) -> Iterator[StationDays]:
        """Yield the same station-days for one pass that only reads: each folder is listed once, each file read once."""
        with ScannedFiles(self.layout.root) as files:
            yield StationDays(self.settings, self.layout, self.kinds, files, self._sources, self._pictures)

    def given_up(self) -> dict[tuple[str, StationDay], FailedAttempt]:
        """Return the station-days that the sensors no longer request, by stage."""
        return given_up(self.journal, self.stages, self.settings.operations, self.files)
