"""Decisions of the page: what is meant, what it would change, and its entry in the review log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

import numpy as np

from ris_core.contracts.decision import Decision, class_name, same_reviewer
from ris_core.review.changes import (
    consequences,
    decision_words,
    is_new_class,
    last_own,
    near_twin,
    person_name,
    spelt_class,
    state_after,
)
from ris_core.review.log import ReviewLog
from ris_core.review.state import ReviewState
from ris_core.storage.damage import DamagedFileError
from ris_explorer.answers import RefusedError
from ris_explorer.explorer import Explorer
from ris_explorer.selection import Selection

MOST_EVENTS = 20_000
"""Events of one decision at most."""
FIELDS: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "kind": str,
    "reviewer": str,
    "event_ids": list,
    "filter": str,
    "class_name": str,
    "former": list,
    "withdrawn": list,
    "bulk": bool,
    "reason": str,
    "model": str,
    "note": str,
}
"""What the body of a decision may have."""
_LATER = "later"


@dataclass(frozen=True)
class Meant:
    """A decision before it is written.

    Attributes
    ----------
    decision
        The entry of the log.
    kept
        Events of the selection that it leaves out, because the reviewer has looked at them one by one before.
    elsewhere
        Events of the selection that are of another class than the one that is split.
    """

    decision: Decision
    kept: int = 0
    elsewhere: int = 0


class Deciding:
    """Takes the decisions of the page; one at a time, so that what is said of each is true when it is written.

    Parameters
    ----------
    explorer
        The network, its events and reviews.
    is_processed
        Whether an event that the catalogue does not have is there all the same: processed, but not labelled yet.
    """

    def __init__(self, explorer: Explorer, is_processed: Callable[[str], bool]) -> None:
        self._explorer, self._is_processed = explorer, is_processed
        self._lock = threading.Lock()

    @property
    def _log(self) -> ReviewLog:
        return ReviewLog(self._explorer.network.layout.reviews)

    def decide(self, asked: dict[str, Any], write: bool = True) -> dict[str, Any]:
        """Append a decision to the log and flush it to disk, or only say what it would change.

        A decision with the `id` of one that the log has already is that one: nothing is written again.

        Returns
        -------
        dict
            `decision` (as `as_record`), `changes` (`Consequences`), `kept`, `elsewhere` (as `Meant`), `new_class`,
            `like` (the known class that a new name resembles), `known` (whether the log had it already), `written`.

        Raises
        ------
        RefusedError
            It cannot be decided; the message says why. Nothing is written.
        DamagedFileError
            The log is damaged, or of a later version. Nothing is written.
        """
        decider = self._explorer.network.settings.review.decider
        with self._lock:
            decisions = self._log.read().decisions
            if (there := _same(decisions, asked)) is not None:
                return {"decision": as_record(there), "known": True, "written": True}
            before = ReviewState.of(decisions, decider)
            try:
                meant = self._meant(asked, before)
                after = state_after(decisions, meant.decision, decider)
                name = meant.decision.class_name
                new = bool(name) and is_new_class(name, before)
                said = {
                    "decision": as_record(meant.decision),
                    "changes": asdict(consequences(before, after)),
                    "kept": meant.kept,
                    "elsewhere": meant.elsewhere,
                    "new_class": new,
                    "like": near_twin(name, before) if new else "",
                    "known": False,
                    "written": write,
                }
                if write:
                    self._log.append([meant.decision])
            except (DamagedFileError, RefusedError):
                raise
            except ValueError as error:
                raise RefusedError(f"nothing was written: {error}") from error
            except OSError as error:
                raise RefusedError(f"nothing was written: {error}", 409) from error
        if write:
            self._show()
        return said

    def undo(self, reviewer: str) -> dict[str, Any] | None:
        """Withdraw a reviewer's last decision that counts, and return it (as `as_record`); None if there is none."""
        with self._lock:
            try:
                name = person_name(reviewer)
            except ValueError as error:
                raise RefusedError(str(error)) from error
            last = last_own(self._log.read().decisions, name)
            if last is not None:
                self._log.append([Decision("withdraw", name, withdrawn=(last.id,))])
        if last is None:
            return None
        self._show()
        return as_record(last)

    def _show(self) -> None:
        """Let all views know; the decision is on disk, so trouble with other files must not look like its failure."""
        try:
            self._explorer.reviewed_now()
        except (OSError, ValueError):
            return

    def _meant(self, asked: dict[str, Any], state: ReviewState) -> Meant:
        kind = asked.get("kind", "label")
        text = asked.get("class_name", "")
        spelt = spelt_class(text, state) if kind == "label" else class_name(text) if text else ""
        decision = Decision(
            kind,
            person_name(asked.get("reviewer", "")),
            class_name=spelt,
            former=tuple(class_name(name) for name in _texts("former", asked)),
            withdrawn=tuple(_texts("withdrawn", asked)),
            event_ids=(_LATER,) if kind in ("label", "split") else (),
            **{name: asked[name] for name in ("id", "reason", "model", "note") if asked.get(name)},
        )
        if kind not in ("label", "split"):
            return Meant(decision)
        if "filter" in asked:
            return self._of_selection(decision, asked["filter"], state)
        names = tuple(dict.fromkeys(_texts("event_ids", asked)))
        self._require(names)
        return Meant(_of_events(decision, names, asked.get("bulk", len(names) > 1)))

    def _of_selection(self, decision: Decision, query: str, state: ReviewState) -> Meant:
        """Return a decision about the events that pass a filter."""
        table = self._explorer.table
        rows = Selection.of(parse_qsl(query, keep_blank_values=True)).rows(table)
        names = [table.name(int(row)) for row in rows[: MOST_EVENTS + 1]]
        if not names:
            raise RefusedError("nothing was written: no event is selected")
        if len(rows) > MOST_EVENTS:
            raise RefusedError(
                f"nothing was written: {len(rows):,} events are selected, and one decision is about {MOST_EVENTS:,} at "
                "most; narrow the filter"
            )
        if decision.kind == "split":
            former = decision.former[0].casefold()
            kept = [n for n in names if any(w.class_name.casefold() == former for w in state.words.get(n, {}).values())]
            if not kept:
                raise RefusedError(
                    f"nothing was written: none of the {len(names):,} selected events was reviewed as "
                    f"{decision.former[0]}; only reviewed events can be split off"
                )
            return Meant(_of_events(decision, tuple(kept), True), elsewhere=len(names) - len(kept))
        who = state.spelt(decision.reviewer)
        kept = [n for n in names if (word := state.words.get(n, {}).get(who)) is None or word.bulk]
        if not kept:
            raise RefusedError(
                f"nothing was written: {decision.reviewer} has looked at all {len(names):,} selected events one by one"
            )
        return Meant(_of_events(decision, tuple(kept), True), kept=len(names) - len(kept))

    def _require(self, names: Sequence[str]) -> None:
        """Raise `RefusedError` unless all are events of this network."""
        if not names:
            raise RefusedError("nothing was written: no event is named")
        if len(names) > MOST_EVENTS:
            raise RefusedError(f"nothing was written: one decision is about {MOST_EVENTS:,} events at most")
        try:
            rows = self._explorer.table.rows_of(list(names))
        except FileNotFoundError:  # no catalogue yet
            rows = np.full(len(names), -1)
        unknown = [name for name, row in zip(names, rows, strict=True) if row < 0 and not self._is_processed(name)]
        if unknown:
            raise RefusedError(f"nothing was written: there is no event {unknown[0][:100]!r}", 404)


def as_record(decision: Decision) -> dict[str, Any]:
    """Return a decision for the page: `words` says it; of more than 20 events only their number is there."""
    few = len(decision.event_ids) <= 20
    return {
        "id": decision.id,
        "time": decision.time.timestamp(),
        "reviewer": decision.reviewer,
        "kind": decision.kind,
        "class_name": decision.class_name,
        "former": decision.former,
        "event_ids": decision.event_ids if few else (),
        "events": len(decision.event_ids),
        "bulk": decision.bulk,
        "reason": decision.reason,
        "note": decision.note,
        "words": decision_words(decision),
    }


def _of_events(decision: Decision, names: tuple[str, ...], bulk: bool) -> Decision:
    if decision.reason != "free" and (bulk or len(names) > 1):
        raise RefusedError(f"nothing was written: events of the reason {decision.reason} are decided one by one")
    return replace(decision, event_ids=names, bulk=bulk)


def _same(decisions: Sequence[Decision], asked: dict[str, Any]) -> Decision | None:
    """Return the decision that the log has under the id of another request; raises if it is another decision."""
    there = next((decision for decision in reversed(decisions) if decision.id == asked.get("id")), None)
    if there is None:
        return None
    same = there.kind == asked.get("kind", "label") and same_reviewer(there.reviewer, asked.get("reviewer", ""))
    if not same or there.class_name.casefold() != " ".join(asked.get("class_name", "").split()).casefold():
        raise RefusedError("nothing was written: the log has another decision with this id", 409)
    return there


def _texts(name: str, asked: dict[str, Any]) -> list[str]:
    values = asked.get(name, [])
    if not all(isinstance(value, str) for value in values):
        raise RefusedError(f"{name} is not a list of texts")
    return list(values)
