"""The champion in MLflow's model registry: its versions and the aliases that lead to it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.storage.layout import Layout
from ris_dagster.resources.registry import registered_name
from ris_dagster.resources.tracking import CHAMPION_ALIAS, FORMER_ALIAS, Tracking

if TYPE_CHECKING:
    from ris_core.clustering.champion import Champion
    from ris_core.labels.appointment import Appointment
    from ris_core.labels.champion_run import Registration


class MlflowChampions:
    """The `ris_core.labels.champion_run.ChampionRegistry` of MLflow.

    Parameters
    ----------
    tracking
        The MLflow store.
    settings, layout
        Of the network.
    warn
        Gets a line for each former champion that is no longer in MLflow, and for a champion that cannot be there.
    """

    def __init__(self, tracking: Tracking, settings: Settings, layout: Layout, warn: Callable[[str], None]) -> None:
        self._tracking, self._settings, self._layout, self._warn = tracking, settings, layout, warn

    def register(self, folder: Path, found: "Appointment") -> "Registration":
        """Register the packaged model in a folder, without an alias; warn if it cannot be packaged."""
        from ris_core.labels.champion_run import Registration
        from ris_core.serving.package import NoPackageError

        run_id = self._tracking.known_run(found.run_id)
        name = registered_name(self._settings, found.model.name)
        try:
            versions = self._tracking.register_packaged(
                self._settings, self._layout, folder, run_id, found.novelty, found.champion.classes
            )
        except NoPackageError as error:
            self._warn(f"{name}: the champion labels here, but is not registered in MLflow: {error}")
            versions = {}
        return Registration(run_id, name, versions)

    def add_metrics(self, run_id: str, values: Mapping[str, float]) -> None:
        """Add metrics to a run that has ended."""
        self._tracking.add_metrics(run_id, values)

    def publish(self, champion: "Champion") -> None:
        """Move the aliases: first that of the former champion, so that a version is never without one.

        Models of other candidates lose theirs: of all registered models of a network, those of one candidate alone have
        a champion, and those of one alone a former one.
        """
        tracking = self._tracking
        former = champion.former.mlflow_versions if champion.former is not None else {}
        for name, version in former.items():
            if version in {found.version for found in tracking.model_versions(name)}:
                tracking.set_alias(name, FORMER_ALIAS, version)
            else:
                self._warn(f"{name} version {version}, the former champion, is no longer in MLflow")
        for name, version in champion.mlflow_versions.items():
            tracking.set_alias(name, CHAMPION_ALIAS, version)
        for name in self._names() | former.keys():
            for alias, of in ((CHAMPION_ALIAS, champion.mlflow_versions), (FORMER_ALIAS, former)):
                if name not in of:
                    tracking.drop_alias(name, alias)

    def _names(self) -> set[str]:
        """Return the names of all registered models of candidates."""
        candidates = {*self._settings.candidate_names, AEC_DEC, self._settings.class_model_name}
        names = [registered_name(self._settings, found) for found in candidates]
        return {*names, *(f"{name}-waveforms" for name in names)}
