"""Stages of station-days in Dagster: each is bound once to its assets and its job."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from ris_core.config import Settings
from ris_core.station_days.station_days import STAGES, StageKind, StationDays
from ris_core.storage.layout import Layout
from ris_dagster.partitions import Partitions


@dataclass(frozen=True)
class Binding:
    """One stage with its assets. Its job has the name of the stage.

    Attributes
    ----------
    stage
        The stage.
    assets
        What it makes. A station-day counts as recorded when the last of them is.
    build
        Makes the assets from the settings and the partitions.
    after_training
        Whether `ris run` takes it after the training, because it needs a champion.
    kinds
        All stages that it builds on, and itself, in their order.
    """

    stage: StageKind
    assets: tuple[dg.AssetKey, ...]
    build: Callable[[Settings, Partitions], dg.AssetsDefinition]
    after_training: bool = False
    kinds: tuple[StageKind, ...] = STAGES

    @property
    def name(self) -> str:
        """Name of the stage, and of its job."""
        return self.stage.name

    def code_version(self, settings: Settings) -> str:
        """Return the code version of its assets."""
        return StationDays(settings, Layout.of(settings), self.kinds).stages[self.name].code_version


class Bindings:
    """All stages of station-days as Dagster sees them, in their order."""

    def __init__(self, bindings: Sequence[Binding]) -> None:
        self._bindings = tuple(bindings)
        self._by_name = {binding.name: binding for binding in self._bindings}

    def __iter__(self) -> Iterator[Binding]:
        return iter(self._bindings)

    def __getitem__(self, stage: str) -> Binding:
        return self._by_name[stage]

    def __add__(self, more: "Binding") -> "Bindings":
        return Bindings((*self._bindings, more))

    def wanted_by(self, settings: Settings) -> "Bindings":
        """Return the stages that a network with these settings has."""
        return Bindings([binding for binding in self._bindings if binding.stage.wanted(settings)])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the stages."""
        return tuple(self._by_name)

    @property
    def kinds(self) -> tuple[StageKind, ...]:
        """The stages."""
        return tuple(binding.stage for binding in self._bindings)

    def of_run(self, run: dg.DagsterRun) -> list[str]:
        """Return the stages whose assets a run makes."""
        if run.asset_selection:
            return [binding.name for binding in self._bindings if run.asset_selection & set(binding.assets)]
        return [binding.name for binding in self._bindings if binding.name == run.job_name]

    def meant_by(self) -> Mapping[str, str]:
        """Return the stage that each name of a stage or of an asset means."""
        stages = {name: name for name in self.names}
        return stages | {asset.to_user_string(): b.name for b in self._bindings for asset in b.assets}

    def station_days(self, settings: Settings, layout: Layout) -> StationDays:
        """Return the station-days of a network with these stages."""
        return StationDays(settings, layout, self.kinds)
