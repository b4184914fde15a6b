"""Decisions before they are written: who may decide, how a class is spelt, and what a decision would change."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from ris_core.contracts.decision import (
    NOISE,
    NOT_AN_EVENT,
    SPECIAL,
    Decision,
    class_name,
    is_simulated,
    reviewer_name,
    same_reviewer,
)
from ris_core.review.state import ReviewState

REASON_WORDS = {
    "medoid": "typical of a micro-cluster",
    "uncertain": "uncertain for the class model",
    "audit": "audit, drawn at random",
    "rare": "of a rare micro-cluster",
    "novel": "unlike all reviewed events",
    "second": "second opinion",
    "free": "chosen",
}
"""Why an event is shown, in words."""
BLIND = ("audit", "second")
"""Reasons for which a reviewer is to decide without knowing what a model or others say."""


class NothingToWriteError(ValueError):
    """A decision would change nothing; the message says why."""


class AnotherClassError(NothingToWriteError):
    """A rename leads to the name of another class.

    Parameters
    ----------
    met
        The class that has this name already.
    """

    def __init__(self, met: str) -> None:
        super().__init__(f"there is a class {met} already; a merge makes both one")
        self.met = met


@dataclass(frozen=True)
class Consequences:
    """What decisions change, in numbers of events.

    Attributes
    ----------
    first
        Get a first final word.
    changed
        Get another final word than before.
    lost
        Have no final word any more: withdrawn, unsure, or in conflict.
    conflicts
        Come in conflict.
    words
        Words of reviewers that are new, different or gone.
    """

    first: int
    changed: int
    lost: int
    conflicts: int
    words: int


def person_name(text: str) -> str:
    """Return the name of a person who reviews; raises `ValueError` for one that cannot be, or is a simulated one's."""
    name = reviewer_name(text)
    if is_simulated(name):
        raise ValueError(f"{name} is kept for simulated reviews; give another name")
    return name


def spelt_class(text: str, state: ReviewState) -> str:
    """Return a class as it is to be written: one that differs from a known one in its case alone is the known one.

    Raises `ValueError` as `class_name`.
    """
    name = class_name(text)
    return {known.casefold(): known for known in state.classes}.get(name.casefold(), name)


def is_new_class(name: str, state: ReviewState) -> bool:
    """Return whether no event has been given this class, and it is none of the special names."""
    return name.casefold() not in {known.casefold() for known in (*state.classes, *SPECIAL)}


def near_twin(name: str, state: ReviewState) -> str:
    """Return the known class whose name is most like another one, which may be a typing error of it; or nothing."""
    return next(iter(difflib.get_close_matches(name, [*state.classes, *SPECIAL], 1)), "")


def numbered_classes(state: ReviewState) -> list[str]:
    """Return the classes that have a number in the choice of a reviewer, the first one is number 1."""
    return [name for name in state.classes if name not in (NOISE, NOT_AN_EVENT)]


def state_after(decisions: Sequence[Decision], decision: Decision, decider: str | None) -> ReviewState:
    """Return what the reviews say after one more decision.

    Raises
    ------
    AnotherClassError
        It is a rename to the name of another class.
    NothingToWriteError
        It, or a part of it, would have no effect.
    """
    if decision.kind == "rename":
        called, former = decision.class_name.casefold(), decision.former[0].casefold()
        for name in ReviewState.of(decisions).classes:
            if name.casefold() == called != former:
                raise AnotherClassError(name)
    state = ReviewState.of([*decisions, decision], decider)
    if why := state.without_effect.get(decision.id):
        raise NothingToWriteError(why)
    return state


def consequences(before: ReviewState, after: ReviewState) -> Consequences:
    """Return what changes between two states of the reviews."""
    had, has = before.final, after.final
    then, now = _spoken(before), _spoken(after)
    return Consequences(
        first=len(has.keys() - had.keys()),
        changed=sum(had[event] != has[event] for event in had.keys() & has.keys()),
        lost=len(had.keys() - has.keys()),
        conflicts=len(after.conflicting - before.conflicting),
        words=sum(then.get(key) != now.get(key) for key in then.keys() | now.keys()),
    )


def last_own(decisions: Sequence[Decision], reviewer: str) -> Decision | None:
    """Return the last decision of a reviewer that counts and is no withdrawal; None if there is none."""
    withdrawn = ReviewState.of(decisions).withdrawn
    for decision in reversed(decisions):
        mine = same_reviewer(decision.reviewer, reviewer) and decision.id not in withdrawn
        if mine and decision.kind != "withdraw":
            return decision
    return None


def decision_words(decision: Decision) -> str:
    """Return what was decided in words, without who decided."""
    events = f"{len(decision.event_ids)} events" if len(decision.event_ids) > 1 else "".join(decision.event_ids)
    return {
        "label": f"{events}: {decision.class_name}",
        "rename": f"{', '.join(decision.former)} is called {decision.class_name}",
        "merge": f"{', '.join(decision.former)} are {decision.class_name}",
        "split": f"{events} of {', '.join(decision.former)}: {decision.class_name}",
        "withdraw": f"withdrawn: {', '.join(decision.withdrawn)}",
    }[decision.kind]


def _spoken(state: ReviewState) -> dict[tuple[str, str], str]:
    return {(event, who): word.class_name for event, of in state.words.items() for who, word in of.items()}
