"""The random order in which audits and second opinions are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ris_core.contracts.decision import is_simulated
from ris_core.review.state import ReviewState


def random_order(event_ids: Iterable[str], seed: int) -> list[str]:
    """Return events in their random order which depends on each identifier and the seed alone.

    The first n of the order are a uniform sample of all events, at any time: events that are processed later take their
    places among the others (bottom-k sampling).
    """
    return sorted(event_ids, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())


def second_opinions(state: ReviewState, reviewer: str, seed: int) -> list[str]:
    """Return the events on which other persons have a word and `reviewer` has none, in random order.

    From these Cohen's kappa is computed; the words of the others are not to be shown.
    """
    words, reviewer = state.all_words(), state.spelt(reviewer)
    others = words[(words["reviewer"] != reviewer) & ~words["reviewer"].map(is_simulated)]["event_id"]
    mine = words[words["reviewer"] == reviewer]["event_id"]
    return random_order(set(others) - set(mine), seed)
