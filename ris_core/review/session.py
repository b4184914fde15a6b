"""A reviewer at work: what to look at next, decisions, and what lies near an event."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.contracts.decision import Decision, Reason
from ris_core.representations.representation import Representation
from ris_core.review.changes import BLIND, last_own, spelt_class
from ris_core.review.log import ReviewLog
from ris_core.review.pool import judge, read_pool
from ris_core.review.queue import Pool, suggest
from ris_core.review.reviewed_features import reviewed_features
from ris_core.review.state import ReviewState, read_state
from ris_core.storage.layout import Layout


class ReviewSession:
    """A reviewer at work on the events of a data root.

    The log is read each time, so that decisions of others count at once.

    Parameters
    ----------
    layout, settings
        The data root and its settings.
    everything
        Identifiers of all processed events, for audits (`pool.processed_events`).
    reviewer
        Who decides.

    Attributes
    ----------
    model
        Version of the trees behind the last suggestions, `queue-DIGEST` of the reviews; empty if there were none.
    """

    def __init__(self, layout: Layout, settings: Settings, everything: Sequence[str], reviewer: str) -> None:
        self.layout, self.settings, self.reviewer = layout, settings, reviewer
        self.log = ReviewLog(layout.reviews)
        self._everything = tuple(everything)
        self.model = ""
        self._outside: dict[str, NDArray[np.float32]] = {}

    @cached_property
    def pool(self) -> Pool:
        """The events of the training set; raises the errors of `read_pool`."""
        return read_pool(self.layout, self.settings)

    @cached_property
    def _representations(self) -> list[Representation]:
        from ris_core.clustering.features import load_representation  # brings torch

        names = self.settings.class_representations
        return [load_representation(self.layout, name, self.settings.normalisation) for name in names]

    @property
    def state(self) -> ReviewState:
        """What the reviews say now."""
        return read_state(self.layout, self.settings.review)

    def suggestions(self, length: int | None = None) -> pd.DataFrame:
        """Return the next events to look at (`queue.suggest`), with the trees of all reviews until now.

        Parameters
        ----------
        length
            How many; by default `review.length`.
        """
        state = self.state
        self._need_features(sorted(state.seen))
        judgement = judge(self.pool, state, self.settings.class_model, self._outside)
        self.model = "" if judgement is None else f"queue-{state.digest}"
        review = self.settings.review
        if length is not None:
            review = review.model_copy(update={"length": length})
        return suggest(self.pool, self._everything, state, review, judgement)

    def decide(
        self, event_ids: Sequence[str], name: str, reason: Reason = "free", note: str = "", bulk: bool = False
    ) -> Decision:
        """Add a decision about events to the log, and return it; raises the errors of `ReviewLog.append`.

        A name that differs from that of an existing class in upper and lower case alone is taken for that class.
        """
        decision = Decision(
            "label",
            self.reviewer,
            tuple(event_ids),
            spelt_class(name, self.state),
            bulk=bulk,
            reason=reason,
            model="" if reason in BLIND else self.model,
            note=note,
        )
        self.log.append([decision])
        return decision

    def undo(self) -> Decision | None:
        """Withdraw the reviewer's last decision that counts, and return it; None if there is none."""
        decision = last_own(self.log.read().decisions, self.reviewer)
        if decision is not None:
            self.log.append([Decision("withdraw", self.reviewer, withdrawn=(decision.id,))])
        return decision

    def nearest(self, event_id: str, count: int = 3) -> pd.DataFrame:
        """Return the reviewed events that resemble an event most.

        Returns
        -------
        DataFrame
            `event_id`, `class_name`, `distance` in the space of the features, nearest first; empty if the event has no
            features.
        """
        words = self.state.reviewed().set_index("event_id")["class_name"]
        self._need_features([event_id, *words.index])
        mine = self._features_of(event_id)
        rows = [
            (name, words[name], float(np.linalg.norm(found - mine)))
            for name in words.index
            if name != event_id and mine is not None and (found := self._features_of(name)) is not None
        ]
        table = pd.DataFrame(rows, columns=["event_id", "class_name", "distance"])
        return table.sort_values("distance", kind="stable", ignore_index=True).head(count)

    @cached_property
    def _row(self) -> dict[str, int]:
        return {str(name): row for row, name in enumerate(self.pool.event_id)}

    def _features_of(self, event_id: str) -> NDArray[np.float32] | None:
        row = self._row.get(event_id)
        return self._outside.get(event_id) if row is None else self.pool.z[row]

    def _need_features(self, event_ids: Sequence[str]) -> None:
        """Compute the features of events outside of the training set, of those that have any."""
        wanted = [name for name in event_ids if name not in self._row and name not in self._outside]
        if wanted:
            found = reviewed_features(self.layout, wanted, self._representations, {})
            self._outside |= dict(zip(found.event_id, found.z, strict=True))
