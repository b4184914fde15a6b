"""A simulated reviewer of a synthetic network, who knows the truth, for demos and tests."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ris_core.contracts.decision import UNSURE, Decision, is_simulated
from ris_core.review.session import ReviewSession

MIXED = "mixed"
"""True class of a window that holds several families: of this the simulated reviewer is unsure."""
_NOTE = "simulated from the truth"


@dataclass(frozen=True)
class Simulated:
    """What a simulated reviewer did.

    Attributes
    ----------
    decided, wrong, unsure
        Number of events decided now; of these wrong on purpose; of these unsure.
    before
        Events on which this reviewer had a word already.
    """

    decided: int
    wrong: int
    unsure: int
    before: int


def simulate(
    session: ReviewSession, truth: Mapping[str, str], count: int, error_rate: float = 0.0, seed: int = 0
) -> Simulated:
    """Let a simulated reviewer go through the queue until there is a word of theirs on `count` events.

    So a second call with the same count adds nothing. The queue follows each batch of decisions, as for a person.

    Parameters
    ----------
    session
        Of a reviewer `simulated` or `simulated-…`.
    truth
        True class of each processed event; wrong answers are other classes of these.
    count
        Events to be reviewed in all.
    error_rate
        Share of wrong answers, 0 to 1.
    seed
        With the event it decides whether and how an answer is wrong.
    """
    if not is_simulated(session.reviewer):
        raise ValueError(f"{session.reviewer} is the name of a person; simulated reviewers are called simulated-NAME")
    if not 0 <= error_rate <= 1:
        raise ValueError(f"the error rate is {error_rate}; it must be from 0 to 1")
    classes = set(truth.values())
    state = session.state
    before = sum(state.spelt(session.reviewer) in of_event for of_event in state.words.values())
    decided = wrong = unsure = 0
    while (left := count - before - decided) > 0:
        table = session.suggestions(min(left, session.settings.review.batch))
        if table.empty:
            break
        decisions = []
        for event, reason in zip(table["event_id"], table["reason"], strict=True):
            said = answer(event, truth[event], classes, error_rate, seed)
            wrong += said not in (truth[event], UNSURE)
            unsure += said == UNSURE
            decisions.append(
                Decision("label", session.reviewer, (event,), said, reason=reason, model=session.model, note=_NOTE)
            )
        session.log.append(decisions)
        decided += len(decisions)
    return Simulated(decided, wrong, unsure, before)


def answer(event: str, truth: str, classes: Collection[str], error_rate: float, seed: int) -> str:
    """Return what a simulated reviewer says of an event: the true class, or with the error rate another one."""
    if truth == MIXED:
        return UNSURE
    number = int.from_bytes(hashlib.sha256(f"{seed}:{event}".encode()).digest()[:8], "little")
    rng = np.random.default_rng(number)
    others = sorted(set(classes) - {truth, MIXED})
    if rng.random() < error_rate and others:
        return str(rng.choice(others))
    return truth
