"""An imported autoencoder as the chosen one, with an MLflow run of its own to be compared with the trials."""

from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from ris_core.config import AecSettings
from ris_core.storage.layout import Layout
from ris_dagster.resources.tracking import Tracking
from ris_dagster.tracked_asset import tracked_asset

if TYPE_CHECKING:
    from ris_core.training.aec_choice import AecChoice
    from ris_core.training.training_set import TrainingSet


GRID = "aec_trials"
"""Kind of the parent run of all autoencoders that are compared on a training set."""


class WeightsChoice(dg.Config):
    """The autoencoder that is used in the next steps."""

    imported: str | None = Field(
        None, description="Name of an imported autoencoder to be the chosen one; none: the best accepted trial."
    )


def choose_imported_aec(
    context: dg.AssetExecutionContext,
    layout: Layout,
    tracking: Tracking,
    data: "TrainingSet",
    name: str,
    aec: AecSettings,
) -> "AecChoice":
    """Measure an imported autoencoder on the training set, log it to MLflow, and record it as the chosen one.

    Returns and raises what `ris_core.published.choice.choose_imported` does.
    """
    from ris_core.models.weights import weights_digest
    from ris_core.published.choice import choose_imported, log_measured, measure
    from ris_core.section import digest_of

    found = measure(layout, name, data, aec)
    made = tracked_asset(
        context,
        tracking,
        lambda log: log_measured(layout, found, data, log),
        name=f"aec imported {name}",
        configuration=digest_of(["imported", weights_digest(found.model), data.digest]),
        compared=(GRID, data.digest),
    )
    return choose_imported(layout, found, data, made.run.links)
