"""What the reviews amount to, in counts, and how many came after a class model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import pandas as pd

from ris_core.clustering.reviewed.class_model_reading import NoClassModelError, describe_class_model
from ris_core.config import Settings
from ris_core.contracts.reviewed_classes import ReviewedClasses, present_names
from ris_core.review.log import ReviewLog
from ris_core.review.state import ReviewState, read_state
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout


@dataclass(frozen=True)
class ReviewSummary:
    """Counts of the reviews.

    Attributes
    ----------
    state
        What the log says.
    since
        Events whose final word is not that of the class model: reviewed since, changed or withdrawn; all if there is
        no class model.
    """

    state: ReviewState
    since: int

    @property
    def reviewed(self) -> int:
        """Events with a final word."""
        return len(self.state.final)

    def by_class(self) -> pd.DataFrame:
        """Return for each class its name, and its events: reviewed, of them audits, and of them simulated."""
        words = self.state.reviewed()
        counted = words.groupby("class_name").agg(
            reviewed=("event_id", "size"), audits=("audit", "sum"), simulated=("simulated", "sum")
        )
        return counted.astype(int).reset_index()


def review_summary(layout: Layout, settings: Settings) -> ReviewSummary:
    """Return what the reviews of a data root amount to; raises `DamagedFileError` for a damaged log.

    A class model that cannot be read counts as none: it is to be trained again with all reviews.
    """
    state = read_state(layout, settings.review)
    return ReviewSummary(state, reviewed_since(layout, settings, state))


def reviewed_since(layout: Layout, settings: Settings, state: ReviewState) -> int:
    """Return `ReviewSummary.since` of a state of the reviews."""
    classes = None
    with suppress(NoClassModelError, DamagedFileError):
        classes = describe_class_model(layout, settings.class_model_name)[1]
    return _since(state, classes)


def is_reviewed(layout: Layout) -> bool:
    """Return whether anyone has decided anything; a damaged log counts, since it must not pass for an empty one."""
    try:
        return bool(ReviewLog(layout.reviews).read().decisions)
    except DamagedFileError:
        return True


def _since(state: ReviewState, classes: ReviewedClasses | None) -> int:
    now = state.final
    then: Mapping[str, str] = {}
    if classes is not None:
        names = present_names(classes.all_names, classes.renames, state.renames, state.classes)
        then = {event: names[name] for event, name in classes.reviewed.items()}
    return sum(now.get(event) != then.get(event) for event in {*now, *then})
