"""The reviews: what people have said of events, as an asset that others depend on."""

from typing import Any

import dagster as dg

from ris_core.config import Settings
from ris_dagster.metadata import owners, table, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore
from ris_dagster.review_record import REVIEWS

_LISTED = 40


def build_reviews_asset(settings: Settings) -> dg.AssetsDefinition:
    """Return the asset of the reviews."""

    # Without a code version: `report_reviews` records it as well, which knows none.
    @dg.asset(
        key=REVIEWS,
        group_name="review",
        kinds={"json"},
        owners=owners(settings),
        tags={"stage": "train"},
        description="What the review log says: events by class, audits, events on which reviewers differ, and their "
        "agreement. The log is written by `ris review`, not by this asset, which reads it. Another final word, "
        "withdrawal or rename is another data version, so that the class model is out of date.",
        check_specs=[
            dg.AssetCheckSpec(
                "no_conflicts",
                asset=REVIEWS,
                description="No event has different classes by different reviewers. It only warns: such events are "
                "left out of the class model until one is withdrawn or review.decider names who decides.",
            )
        ],
    )
    @noting_remedies
    def reviews(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.review.class_model_run import review_digest
        from ris_core.review.kappa import agreement
        from ris_core.review.summary import review_summary

        layout = store.layout()
        found = review_summary(layout, settings)
        state = found.state
        conflicts, agreed = state.conflicts(), agreement(state)
        apart = sorted(set(conflicts["event_id"]))
        yield dg.MaterializeResult(
            metadata={
                "reviewed": found.reviewed,
                "since_the_class_model": found.since,
                "audits": int(state.reviewed()["audit"].sum()),
                "unsure": len(state.unsure_events),
                "in_conflict": len(apart),
                "simulated": state.simulated,
                "classes": table(found.by_class()),
                **({"agreement": table(agreed)} if len(agreed) else {}),
                **({"conflicts": table(conflicts.head(_LISTED))} if len(conflicts) else {}),
                "path": dg.MetadataValue.path(layout.relative(layout.reviews)),
            },
            data_version=dg.DataVersion(review_digest(state)),
        )
        yield warning(REVIEWS, "no_conflicts", [f"{name}: reviewers differ" for name in apart[:_LISTED]])

    return reviews
