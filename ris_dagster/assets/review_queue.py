"""What reviewers look at next."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.section import digest_of
from ris_dagster.assets.candidates import representation_key
from ris_dagster.assets.clustering import LATENT_FEATURES
from ris_dagster.assets.station_day_events import SPECTROGRAMS
from ris_dagster.assets.training import TRAINING_SET
from ris_dagster.metadata import code_version, column_schema, owners, picture, presented, table, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore
from ris_dagster.review_record import REVIEWS

REVIEW_QUEUE = dg.AssetKey("review_queue")
_SHOWN = 8


def build_review_queue(settings: Settings) -> dg.AssetsDefinition:
    """Return the asset of the suggestions for reviewers."""
    used = [
        LATENT_FEATURES if name == AEC_DEC.representation else representation_key(name)
        for name in settings.class_representations
    ]

    @dg.asset(
        key=REVIEW_QUEUE,
        group_name="review",
        kinds={"parquet", "scikitlearn"},
        owners=owners(settings),
        tags={"stage": "review"},
        description="The events that reviewers should look at next: typical ones of micro-clusters first, then those "
        "that are uncertain, rare or unlike all reviewed ones, and audits drawn at random from all processed events. "
        "`ris review` shows them.",
        deps=[REVIEWS, *used, TRAINING_SET, SPECTROGRAMS],
        code_version=code_version(versions.REVIEW_QUEUE, digest_of(settings.review.queue_values())),
        check_specs=[
            dg.AssetCheckSpec(
                "no_conflicts",
                asset=REVIEW_QUEUE,
                description="Reviewers agree on every event, or review.decider names who decides: no model is trained "
                "on other events. It only warns.",
            ),
            dg.AssetCheckSpec(
                "log_complete",
                asset=REVIEW_QUEUE,
                description="No decision is missing at the end of the review log, and each of them has an effect. It "
                "only warns.",
            ),
        ],
    )
    @presented("next")
    @noting_remedies
    def review_queue(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.review.log import ReviewLog
        from ris_core.review.pool import processed_events
        from ris_core.review.queue_file import QUEUE_SCHEMA, make_queue
        from ris_core.review.state import ReviewState

        layout, days = store.layout(), store.station_days()
        with days.look() as seen:
            processed = processed_events(seen.process, seen.all())
        for damaged in processed.damaged:
            context.log.warning(f"left out: {damaged}")
        found, content = make_queue(layout, settings, processed)
        log = ReviewLog(layout.reviews).read()
        state = ReviewState.of(log.decisions, settings.review.decider)
        reviewed, conflicts = state.reviewed(), state.conflicts()
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(content),
            metadata={
                "dagster/row_count": len(found),
                "dagster/column_schema": column_schema(QUEUE_SCHEMA),
                "path": dg.MetadataValue.path(layout.relative(layout.review_queue)),
                "reasons": {str(name): int(count) for name, count in found["reason"].value_counts().items()},
                "processed_events": len(processed.event_ids),
                "reviewed": len(reviewed),
                "simulated": int(reviewed["simulated"].sum()),
                "audits": int(reviewed["audit"].sum()),
                "unsure": len(state.unsure_events),
                "classes": {str(name): int(n) for name, n in reviewed["class_name"].value_counts().items()},
                "queue": table(found.head(_SHOWN)),
                "next": picture(_gallery(days, found.head(_SHOWN)), "The next events to review"),
            },
        )
        differing = [f"{event}: {', '.join(of['class_name'])}" for event, of in conflicts.groupby("event_id")]
        yield warning(REVIEW_QUEUE, "no_conflicts", differing)
        idle = [f"{name}: {why}" for name, why in state.without_effect.items()]
        yield warning(REVIEW_QUEUE, "log_complete", [*filter(None, (log.torn, log.missing)), *idle])

    return review_queue


def _gallery(days: Any, suggestions: Any) -> bytes:
    """Return a picture of suggested events."""
    import numpy as np

    from ris_core.access import read_event
    from ris_core.figures.sample_spectrograms import sample_spectrograms

    events = [read_event(days, name) for name in suggestions["event_id"]]
    if not events:
        return sample_spectrograms(np.zeros((0, 2, 2)), np.arange(2.0), np.arange(2.0), [], title="nothing to review")
    first = events[0]
    titles = [f"{row['reason']}, {row['event_id'].split('.')[1]}" for row in suggestions.to_dict("records")]
    return sample_spectrograms(
        np.stack([event.spectrogram for event in events]),
        first.frequency,
        first.time,
        titles,
        title="The next events to review",
        components=first.components if len(first.components) > 1 else (),
    )
