"""What the reviews say, for the page: classes, counts, the words on one event, and the last decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from ris_core.contracts.decision import NOISE, NOT_AN_EVENT, UNSURE, Decision, same_reviewer
from ris_core.review.changes import decision_words, numbered_classes
from ris_core.review.log import LogContent
from ris_core.review.state import ReviewState
from ris_explorer.reviewing.deciding import as_record

KEYS = {NOISE: "x", NOT_AN_EVENT: "X", UNSURE: "u"}
"""Keys of the names with a meaning of their own."""
_MOST_KEYS = 9
_COUNTED = {"audits": "audit", "bulk": "bulk", "simulated": "simulated"}


def summary(content: LogContent, state: ReviewState, reviewer: str) -> dict[str, Any]:
    """Return what the reviews amount to, and what one reviewer did (an empty name: nobody).

    Returns
    -------
    dict
        `classes` (of each its name, key, and numbers of reviewed events, audits, bulk and simulated ones), numbers of
        `reviewed`, `audits`, `bulk`, `unsure`, `conflicts`, `simulated` events, the `reviewers`, `mine` and `today`
        (events on which this reviewer has a word, and those decided since midnight UTC), `trouble` (what is lost of
        the log, in words), `without_effect`, `version` of the log.
    """
    words = state.reviewed()
    who = state.spelt(reviewer)
    mine = [of[who] for of in state.words.values() if who in of]
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "classes": _classes(state, words),
        "reviewed": len(words),
        "audits": int(words["audit"].sum()),
        "bulk": int(words["bulk"].sum()),
        "simulated": int(words["simulated"].sum()),
        "unsure": len(state.unsure_events),
        "conflicts": len(state.conflicting),
        "reviewers": sorted(state.reviewers.values(), key=str.casefold),
        "mine": len(mine),
        "today": sum(word.time >= midnight and not word.moved for word in mine),
        "decisions": len(content.decisions),
        "trouble": [lost for lost in (content.torn, content.missing) if lost],
        "without_effect": [{"id": name, "why": why} for name, why in state.without_effect.items()],
        "version": content.digest,
    }


def _classes(state: ReviewState, words: pd.DataFrame) -> list[dict[str, Any]]:
    numbered = numbered_classes(state)
    names = [*numbered, NOISE, NOT_AN_EVENT, UNSURE]
    found: list[dict[str, Any]] = []
    for place, name in enumerate(names, start=1):
        of = words[words["class_name"] == name]
        sums = {called: int(of[flag].sum()) for called, flag in _COUNTED.items()}
        key = KEYS.get(name, str(place) if place <= _MOST_KEYS else "")
        found.append({"name": name, "key": key, "special": name in KEYS, "reviewed": len(of), **sums})
    return found


def words_on(event_id: str, decisions: Sequence[Decision], state: ReviewState) -> dict[str, Any]:
    """Return what reviewers say of one event: each present word with its note, and the final word if there is one."""
    notes = {decision.id: decision.note for decision in decisions}
    found = [
        {
            "reviewer": who,
            "class_name": word.class_name,
            "time": word.time.timestamp(),
            "bulk": word.bulk,
            "reason": word.reason,
            "decision": word.decision,
            "moved": word.moved,
            "note": notes.get(word.decision, ""),
        }
        for who, word in state.words.get(event_id, {}).items()
    ]
    return {"words": found, "final": state.final.get(event_id)}


def last_decisions(
    content: LogContent, state: ReviewState, count: int, reviewer: str = "", notes: bool = False, classes: bool = False
) -> dict[str, Any]:
    """Return the last decisions, the latest first.

    Parameters
    ----------
    content, state
        The log and what it amounts to.
    count
        How many at most.
    reviewer
        Of whom; of all if empty.
    notes
        Only those with a note.
    classes
        Only those that change classes: renames, merges, splits, and decisions about whole groups.
    """
    chosen = [
        decision
        for decision in reversed(content.decisions)
        if (not reviewer or same_reviewer(decision.reviewer, reviewer))
        and (decision.note or not notes)
        and (not classes or decision.bulk or decision.kind in ("rename", "merge", "split"))
    ]
    known = {decision.id: decision for decision in content.decisions}
    rows = []
    for decision in chosen[:count]:
        record = as_record(decision)
        if decision.withdrawn:
            taken = [decision_words(known[name]) if name in known else name for name in decision.withdrawn]
            record["words"] = f"withdrawn: {'; '.join(taken)}"
        record["withdrawn"] = decision.id in state.withdrawn
        record["without_effect"] = state.without_effect.get(decision.id, "")
        rows.append(record)
    return {"decisions": rows, "of": len(chosen)}
