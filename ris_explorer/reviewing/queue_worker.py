"""Works out what to look at next; it keeps the events and their features for the next time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.review.changes import BLIND, REASON_WORDS
from ris_core.review.pool import processed_events
from ris_core.review.session import ReviewSession
from ris_core.station_days.station_days import StationDays

_NEIGHBOURS = 3


@dataclass(frozen=True)
class Suggested:
    """Suggestions that were worked out for one state of the reviews.

    Attributes
    ----------
    items
        As the page gets them, in order.
    reviewed
        Number of events on which anyone had a word.
    digest
        Of the final words then.
    names
        What was renamed until then (`ReviewState.names`).
    pool
        Events among which suggestions other than audits are chosen.
    of
        All processed events.
    damaged
        What is damaged of those that are left out.
    """

    items: tuple[dict[str, Any], ...] = field(repr=False)
    reviewed: int
    digest: str
    names: dict[str, str]
    pool: int
    of: int
    damaged: tuple[str, ...]


class QueueWorker:
    """Works out the queue of a network.

    Parameters
    ----------
    network
        As `ris_core.access.open_network` returns it.

    Attributes
    ----------
    event_ids
        (N,) identifiers of all processed events as the last suggestions knew them, ASCII, sorted.
    """

    def __init__(self, network: StationDays) -> None:
        self._network = network
        self._session: ReviewSession | None = None
        self._damaged: tuple[str, ...] = ()
        self._of = ""
        self.event_ids: NDArray[np.bytes_] = np.empty(0, "S1")

    def suggested(self, version: str, length: int, with_neighbours: int) -> Suggested:
        """Return the next events to look at.

        Parameters
        ----------
        version
            Changes when there may be other events; they are looked for again then.
        length
            How many.
        with_neighbours
            Of how many of them the nearest reviewed events are wanted.

        Raises
        ------
        FileNotFoundError, ValueError
            What the queue is made of is not there, or out of step; the message says what to do.
        DamagedFileError
            A file is damaged.
        """
        session = self._current_session(version)
        state = session.state
        table = session.suggestions(length)
        items = [self._told(session, row, place < with_neighbours) for place, row in enumerate(_rows(table))]
        return Suggested(
            tuple(items),
            len(state.seen),
            state.digest,
            state.names,
            len(session.pool.z),
            len(self.event_ids),
            self._damaged,
        )

    def _current_session(self, version: str) -> ReviewSession:
        network = self._network
        of = f"{version}:{self._features()}"
        if self._session is None or of != self._of:
            with network.look() as seen:
                found = processed_events(seen.process, seen.all())
            self.event_ids, self._damaged = np.sort(np.array(found.event_ids, "S")), found.damaged
            self._session = ReviewSession(network.layout, network.settings, found.event_ids, "queue")
            self._of = of
        return self._session

    def _features(self) -> list[int]:
        """Return what changes when the features do."""
        layout, settings = self._network.layout, self._network.settings
        paths = [layout.training_set, *(layout.features(name) for name in settings.class_representations)]
        return [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]

    def _told(self, session: ReviewSession, row: dict[str, Any], with_neighbours: bool) -> dict[str, Any]:
        """Return a suggestion for the page; of one that is to be decided blind nothing that a model or others say."""
        item = queue_item(row["event_id"], row["reason"])
        if item["blind"]:
            return item
        if row["suggested_class"]:
            item |= {"suggested": row["suggested_class"], "probability": float(row["class_probability"])}
        item |= {"model": session.model, "nearest": []}
        if with_neighbours:
            item["nearest"] = _rows(session.nearest(row["event_id"], _NEIGHBOURS))
        return item


def queue_item(event_id: str, reason: str) -> dict[str, Any]:
    """Return what the page gets of each event that is to be looked at."""
    return {"event_id": event_id, "reason": reason, "words": REASON_WORDS[reason], "blind": reason in BLIND}


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
