"""What Dagster is told of the reviews: their digest is the data version of the asset `reviews`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ris_core.config import Settings
from ris_core.storage.layout import Layout
from ris_dagster.adapter.materializations import data_version_of, version_tags

if TYPE_CHECKING:
    from ris_core.review.summary import ReviewSummary

REVIEWS = dg.AssetKey("reviews")


def recorded_reviews(instance: dg.DagsterInstance) -> str:
    """Return the digest of the reviews that Dagster has recorded last; empty if it has recorded none."""
    found = instance.fetch_materializations(REVIEWS, limit=1).records
    made = found[0].asset_materialization if found else None
    return "" if made is None else data_version_of(made)


def report_reviews(instance: dg.DagsterInstance, layout: Layout, settings: Settings) -> "ReviewSummary":
    """Record the reviews of a data root, without a run, if they are others than those that were recorded last.

    The class model is then out of date in Dagster.

    Returns
    -------
    ReviewSummary
        What the reviews amount to.

    Raises
    ------
    DamagedFileError
        The log, or the class model, is damaged.
    """
    from ris_core.review.class_model_run import review_digest
    from ris_core.review.summary import review_summary

    found = review_summary(layout, settings)
    digest = review_digest(found.state)
    if digest != recorded_reviews(instance) and (found.state.words or recorded_reviews(instance)):
        metadata = {"reviewed": found.reviewed, "since_the_class_model": found.since}
        instance.report_runless_asset_event(
            dg.AssetMaterialization(REVIEWS, metadata=metadata, tags=version_tags(digest, {}))
        )
    return found


def record_reviews(layout: Layout, settings: Settings) -> str:
    """Record the reviews in the Dagster home of a data root, if it has one; return why that failed, else nothing.

    Reviews do not depend on Dagster: what is not recorded now, the next training of the class model records.
    """
    from ris_dagster.instance import open_instance

    home = Path(os.environ.get("DAGSTER_HOME") or layout.dagster_home)
    if not (home / "dagster.yaml").exists():
        return ""
    try:
        with open_instance(layout) as instance:
            report_reviews(instance, layout, settings)
    except Exception as error:  # noqa: BLE001 - whatever a database says: the decisions themselves are written
        return f"{type(error).__name__}: {error}"
    return ""
