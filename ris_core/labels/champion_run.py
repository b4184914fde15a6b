"""A model becomes champion: registered, measured on held-out stations, recorded and published, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ris_core import config
from ris_core.clustering.candidates import Candidate
from ris_core.clustering.champion import Champion, appoint
from ris_core.clustering.model_states import champion_doubts
from ris_core.contracts.run_log import RunLog
from ris_core.labels.appointment import Appointment, prepare
from ris_core.labels.held_out import held_out_assignment
from ris_core.processing.process import ProcessStage
from ris_core.storage.layout import Layout


@dataclass(frozen=True)
class Registration:
    """The entry of a champion in a model registry.

    Attributes
    ----------
    run_id
        The run that trained it; empty if the registry does not know one.
    model
        Name of the registered model whose versions can be chosen.
    versions
        Version of each registered model that contains it, by name; empty if it cannot be packaged.
    """

    run_id: str
    model: str
    versions: Mapping[str, str]


class ChampionRegistry(Protocol):
    """A model registry, which others load the champion from."""

    def register(self, folder: Path, found: Appointment) -> Registration:
        """Register the model in a folder, without making it the champion of the registry."""

    def add_metrics(self, run_id: str, values: Mapping[str, float]) -> None:
        """Add metrics to the run that trained the model."""

    def publish(self, champion: Champion) -> None:
        """Make a registered model the champion of the registry."""


@dataclass(frozen=True)
class InstalledChampion:
    """A champion that labels from now on.

    Attributes
    ----------
    champion
        Its record.
    held_out
        Its results on held-out stations (`held_out.held_out_assignment`).
    doubts
        What speaks against it, and names in the settings that belong to no class.
    """

    champion: Champion
    held_out: Mapping[str, float]
    doubts: tuple[str, ...]


def prepare_imported(
    layout: Layout, name: str, candidate: Candidate, settings: config.Settings, log: RunLog
) -> Appointment:
    """Prepare an imported model as `appointment.prepare` does, and log it beside the models that were trained here.

    Parameters
    ----------
    layout, name, candidate
        The data root, the name of the imported model, and the model.
    settings
        As for `appointment.prepare`.
    log
        Gets the parameters, the sizes of the clusters and the mean reconstruction error.
    """
    log.parameters({"imported": name, "file": candidate.file, "k": candidate.k})
    found = prepare(layout, candidate.of_run(log.links.get("mlflow_run_id", "")), settings)
    log.metrics({f"size_{cluster}": float(size) for cluster, size in enumerate(found.matching.sizes)})
    errors = found.labels.reconstruction_error
    if errors is not None:
        log.metrics({"mse": float(errors.mean())})
    return found


def install(
    processing: ProcessStage, found: Appointment, settings: config.Settings, registry: ChampionRegistry
) -> InstalledChampion:
    """Make a prepared model the champion.

    The model is registered first. Its record is written before `registry.publish` is called, and becomes valid right
    after it: see `ris_core.clustering.champion.appoint`.

    Parameters
    ----------
    processing, found
        The stage that processes station-days, and the prepared model.
    settings
        Sections `labelling`, `dec`, `champion` and `training_set`.
    registry
        The registry in which the champion is registered and published.
    """
    layout = processing.layout
    registered = registry.register(layout.champion_model(found.champion.model_version), found)
    champion = replace(
        found.champion,
        mlflow_run_id=registered.run_id,
        mlflow_model=registered.model,
        mlflow_model_version=registered.versions.get(registered.model, ""),
        mlflow_versions=registered.versions,
    )
    held_out = held_out_assignment(processing, settings.training_set, found, settings.labelling)
    if held_out and champion.mlflow_run_id:
        registry.add_metrics(champion.mlflow_run_id, held_out)
    appoint(layout, champion, lambda: registry.publish(champion))
    return InstalledChampion(champion, held_out, champion_doubts(layout, settings.dec, settings.champion))
