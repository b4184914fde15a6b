"""The queue of suggestions as a table on disk."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from ris_core import versions
from ris_core.clustering.features import inputs_of
from ris_core.clustering.latents import OutOfStepError
from ris_core.config import Settings
from ris_core.contracts.stamp import Stamp
from ris_core.review.log import ReviewLog
from ris_core.review.pool import ProcessedEvents
from ris_core.review.session import ReviewSession
from ris_core.section import digest_of
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.storage.table_description import TableDescription

QUEUE_SCHEMA = pa.schema(
    [
        pa.field("order", pa.int32(), False, {"description": "Place in the queue, from 0"}),
        pa.field("event_id", pa.string(), False, {"description": "As in the detection table"}),
        pa.field("reason", pa.string(), False, {"description": "medoid, uncertain, audit, rare or novel"}),
        pa.field("micro", pa.int32(), False, {"description": "Micro-cluster; -1 outside of the training set"}),
        pa.field("suggested_class", pa.string(), False, {"description": "By trees of all reviews; empty without them"}),
        pa.field(
            "class_probability", pa.float32(), False, {"description": "Share of the trees, not calibrated; or NaN"}
        ),
        pa.field("uncertainty", pa.float32(), False, {"description": "1 less the lead of the first class; or NaN"}),
        pa.field("unlike", pa.float32(), False, {"description": "Distance to the nearest reviewed event; or NaN"}),
        pa.field(
            "model", pa.string(), False, {"description": "queue-DIGEST of the reviews behind the trees, or empty"}
        ),
    ]
)
TABLES = (TableDescription("Suggestions for reviewers", "reviews/queue.parquet", "One row per event.", QUEUE_SCHEMA),)
"""The table, for the data dictionary."""


def make_queue(layout: Layout, settings: Settings, processed: ProcessedEvents) -> tuple[pd.DataFrame, str]:
    """Make the suggestions for the present reviews, write them, and return them with the digest of their content.

    Parameters
    ----------
    layout, settings
        The data root and its settings.
    processed
        All processed events.

    Raises
    ------
    FileNotFoundError
        There is no training set, or it has no features yet.
    OutOfStepError
        The features are not those of the present representation and training set.
    DamagedFileError
        A file is damaged.
    """
    stamp = _stamp(layout, settings, processed)
    session = ReviewSession(layout, settings, processed.event_ids, "queue")
    table = session.suggestions()
    table["model"] = session.model
    content = tables.write_table(
        layout.review_queue, table, QUEUE_SCHEMA, stamp, {"of": len(processed.event_ids), "pool": len(session.pool.z)}
    )
    return table, content


def queue_is_current(layout: Layout, settings: Settings, processed: ProcessedEvents) -> bool:
    """Return whether the table is undamaged and what reviews, events and settings would give now."""
    try:
        if tables.read_stamp(layout.review_queue)[0] != _stamp(layout, settings, processed):
            return False
        tables.verify(layout.review_queue)
    except (FileNotFoundError, OutOfStepError, DamagedFileError):
        return False
    return True


def _stamp(layout: Layout, settings: Settings, processed: ProcessedEvents) -> Stamp:
    inputs = [inputs_of(layout, name, settings.normalisation) for name in settings.class_representations]
    made_from = [[of.representation, of.training_set] for of in inputs]
    sections = [settings.review.queue_values(), settings.class_model.model_dump(mode="json")]
    sections.append(settings.clusterer_of("micro").model_dump(mode="json"))
    log = ReviewLog(layout.reviews).read().digest
    return Stamp(digest_of(sections), versions.REVIEW_QUEUE, digest_of([made_from, log, processed.digest]))
