"""What to look at next, worked out in the background: the page never waits for it, and it follows the reviews."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.review.random_order import second_opinions
from ris_core.review.state import ReviewState
from ris_core.storage.damage import DamagedFileError
from ris_explorer.answers import RefusedError
from ris_explorer.explorer import Explorer
from ris_explorer.reviewing.queue_process import QueueProcess, Worked
from ris_explorer.reviewing.queue_worker import Suggested, queue_item

_AHEAD = 3
"""Batches that are worked out at once, so that there is something to show while the next ones are."""
_APART_S = 600.0
_AT_ONCE = 2
_AGAIN_S = 30.0
logger = logging.getLogger(__name__)


class QueueAhead:
    """Keeps the queue of a network; requests come from several threads, and one thread works.

    Parameters
    ----------
    explorer
        The network and its reviews.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._lock = threading.Lock()
        self._found: Suggested | None = None
        self._trouble: tuple[float, Exception] | None = None
        self._working = False
        self._process = QueueProcess(explorer.network)
        self._events: NDArray[np.bytes_] = np.empty(0, "S1")
        self._at_work: dict[str, tuple[float, list[str]]] = {}

    def is_processed(self, event_id: str) -> bool:
        """Return whether there is such an event, as far as the queue has been worked out."""
        name, events = event_id.encode(), self._events
        place = int(np.searchsorted(events, name))
        return place < len(events) and bool(events[place] == name)

    def next(self, reviewer: str, count: int, skipped: int) -> dict[str, Any]:
        """Return the next events for a reviewer.

        Events on which anyone has a word are not among them. Those that another reviewer is at work on come last.

        Parameters
        ----------
        reviewer
            The name as the log spells it.
        count
            How many at most.
        skipped
            How many the reviewer has skipped: so many more are worked out.

        Returns
        -------
        dict
            `items` (`event_id`, `reason`, `words`, `blind`; unless blind also `suggested`, `probability`, `model` and
            `nearest` reviewed events), whether it is `working`, whether they are of the `present` reviews; `pool`,
            `of`, `damaged` as `Suggested`.

        Raises
        ------
        FileNotFoundError, ValueError
            What the queue is made of is not there, or out of step; the message says what to do.
        DamagedFileError
            A file is damaged.
        """
        state, review = self._explorer.state, self._explorer.network.settings.review
        with self._lock:
            found = self._found
            left = [] if found is None else [item for item in found.items if item["event_id"] not in state.seen]
            length = skipped + _AHEAD * review.batch
            stale = found is None or self._is_stale(found, state)
            short = found is not None and len(left) < skipped + review.batch and len(found.items) < length
            if (stale or short) and not self._working and self._may_try():
                self._start(length)
            if found is None and self._trouble is not None and not self._working:
                raise self._trouble[1]
            left = self._apart(left, reviewer)[:count]
            return {
                "items": left,
                "working": self._working,
                "present": found is not None and found.digest == state.digest,
                "pool": None if found is None else found.pool,
                "of": None if found is None else found.of,
                "damaged": () if found is None else found.damaged,
                "trouble": "" if self._trouble is None else str(self._trouble[1]),
            }

    def second(self, reviewer: str, count: int) -> dict[str, Any]:
        """Return events that others have reviewed and this reviewer has not, without their words."""
        seed = self._explorer.network.settings.review.seed
        names = second_opinions(self._explorer.state, reviewer, seed)
        items = [queue_item(name, "second") for name in names[:count]]
        return {"items": items, "working": False, "present": True, "of": len(names), "damaged": (), "trouble": ""}

    def _is_stale(self, found: Suggested, state: ReviewState) -> bool:
        """Return whether a batch was decided since, or classes got other names."""
        batch = self._explorer.network.settings.review.batch
        return abs(len(state.seen) - found.reviewed) >= batch or state.names != found.names

    def _may_try(self) -> bool:
        return self._trouble is None or time.monotonic() - self._trouble[0] > _AGAIN_S

    def _start(self, length: int) -> None:
        self._working = True
        threading.Thread(target=self._work, args=(length,), name="review-queue", daemon=True).start()

    def _apart(self, items: list[dict[str, Any]], reviewer: str) -> list[dict[str, Any]]:
        """Put events last that others were just given, so that two reviewers do not look at the same ones."""
        now, who = time.monotonic(), reviewer.casefold()
        others = {
            name
            for other, (at, names) in self._at_work.items()
            if other != who and now - at < _APART_S
            for name in names
        }
        ordered = [item for item in items if item["event_id"] not in others]
        ordered += [item for item in items if item["event_id"] in others]
        if who:
            self._at_work[who] = now, [item["event_id"] for item in ordered[:_AT_ONCE]]
            self._at_work = dict(list(self._at_work.items())[-100:])
        return ordered

    def _work(self, length: int) -> None:
        """Work out the suggestions, in a thread of its own."""
        found: Worked | None = None
        trouble: Exception | None = None
        try:
            found = self._process.worked(self._version(), length, _AHEAD * self._explorer.network.settings.review.batch)
        except (FileNotFoundError, RefusedError) as error:
            trouble = error
        except Exception as error:
            logger.exception("the queue cannot be worked out")
            trouble = ValueError(f"the queue cannot be worked out: {type(error).__name__}; see the log")
        with self._lock:
            self._working = False
            self._trouble = None if trouble is None else (time.monotonic(), trouble)
            if found is not None:
                self._found = found.suggested
                if found.event_ids is not None:
                    self._events = found.event_ids

    def _version(self) -> str:
        """Return what changes when the catalogue does; empty without one."""
        try:
            return self._explorer.table.version
        except (OSError, ValueError, DamagedFileError):
            return ""
