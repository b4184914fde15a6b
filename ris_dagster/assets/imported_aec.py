"""An imported autoencoder as the chosen one, with an MLflow run of its own to be compared with the trials."""

from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from ris_core.storage.store import Store
from ris_dagster.resources.tracking import Tracking

if TYPE_CHECKING:
    from ris_core.training.training_set import TrainingSet


GRID = "aec_trials"
"""Kind of the parent run of all autoencoders that are compared on a training set."""


class WeightsChoice(dg.Config):
    """Which autoencoder goes on."""

    imported: str | None = Field(
        None, description="Name of an imported autoencoder to be the chosen one; none: the best accepted trial."
    )


def choose_imported_aec(
    context: dg.AssetExecutionContext, store: Store, tracking: Tracking, data: "TrainingSet", name: str
) -> dict[str, Any]:
    """Measure an imported autoencoder on the training set, log it to MLflow, and record it as the chosen one.

    Returns and raises what `ris_core.published.choice.choose_imported` does.
    """
    from ris_core.models.weights import weights_digest
    from ris_core.published.choice import choose_imported, measure
    from ris_core.section import digest_of
    from ris_core.training.logged_data import log_training_set

    found = measure(store, name, data, store.settings.aec)
    configuration = digest_of(["imported", weights_digest(found.model), data.digest])
    parameters = {"imported": name, "file": found.metadata["file"], "sha256": found.metadata["sha256"]}
    parent = tracking.parent(GRID, data.digest)
    with tracking.run(context, f"aec imported {name}", configuration, parent) as run:
        run.parameters(parameters)
        log_training_set(run, store.training_set, data)
        run.metrics(found.metrics)
        run.tags({"accepted": str(found.acceptance.passed).lower()})
    return choose_imported(store, found, data, run.links)
