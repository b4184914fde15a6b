"""The frame of every training asset: one MLflow run around a body of `ris_core`, and Dagster's metadata of both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import dagster as dg

from ris_core.contracts.candidate_name import CandidateName
from ris_core.contracts.run_log import RunLog
from ris_core.storage.layout import Layout
from ris_dagster.metadata import picture
from ris_dagster.resources.tracked_run import TrackedRun
from ris_dagster.resources.tracking import Tracking

Result = TypeVar("Result")


@dataclass(frozen=True)
class Tracked(Generic[Result]):
    """The result of a body, and the MLflow run that it logged to.

    Attributes
    ----------
    result
        Result of the body.
    run
        The run, which has ended.
    """

    result: Result
    run: TrackedRun

    def picture(self, name: str, title: str) -> dg.MarkdownMetadataValue:
        """Return a figure that the body logged, as metadata."""
        return picture(self.run.pictures[name], title)

    def materialize_result(
        self, layout: Layout, path: Path, version: str, metadata: Mapping[str, Any]
    ) -> dg.MaterializeResult[None]:
        """Return Dagster's result: metadata with the path on disk and a link to the MLflow run.

        Parameters
        ----------
        layout, path
            The data root, and the path of the product.
        version
            Data version of the asset.
        metadata
            Further metadata.
        """
        links = {
            "path": dg.MetadataValue.path(layout.relative(path)),
            "mlflow": dg.MetadataValue.url(self.run.url),
        }
        return dg.MaterializeResult(metadata={**metadata, **links}, data_version=dg.DataVersion(version))


def candidate_tags(candidate: CandidateName, k: int) -> dict[str, str]:
    """Return the tags by which MLflow finds the runs of a candidate."""
    return {
        "ris.candidate": str(candidate),
        "ris.representation": candidate.representation,
        "ris.clusterer": candidate.clusterer,
        "ris.k": str(k),
    }


def tracked_asset(
    context: dg.AssetExecutionContext,
    tracking: Tracking,
    body: Callable[[RunLog], Result],
    *,
    name: str,
    configuration: str,
    compared: tuple[str, str] | None = None,
    device: str = "cpu",
    tags: Mapping[str, str] | None = None,
) -> Tracked[Result]:
    """Run the body of an asset inside its MLflow run, which ends in any case; see `Tracking.run`.

    Parameters
    ----------
    context, tracking
        Context and tracking of the asset.
    body
        Trains, logs and writes; an error ends the MLflow run as failed and is passed on to Dagster.
    name
        Name of the MLflow run.
    configuration
        Digest of the settings and the input: an unfinished run with the same one is continued.
    compared
        Kind and digest of the parent run that shows all runs to compare this one with (`Tracking.parent`).
    device
        Device of the computation, by the settings' name.
    tags
        Further tags of the MLflow run.
    """
    parent = None if compared is None else tracking.parent(*compared)
    with tracking.run(context, name, configuration, parent, device) as run:
        run.tags(tags or {})
        result = body(run)
    return Tracked(result, run)
