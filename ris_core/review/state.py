"""What the reviews say: a pure function of the log's decisions, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import pandas as pd

from ris_core.config import ReviewSettings
from ris_core.contracts.decision import UNSURE, Decision, Reason, is_simulated, same_reviewer
from ris_core.contracts.reviewed_classes import Renamed
from ris_core.review.log import ReviewLog
from ris_core.section import digest_of
from ris_core.storage.layout import Layout

_REVIEWED = ("event_id", "class_name", "audit", "time", "reviewer", "bulk", "simulated", "decision")
_WORDS = ("event_id", "reviewer", "class_name", "time", "bulk", "reason", "audit", "decision", "moved")


@dataclass(frozen=True)
class Word:
    """The present word of one reviewer on one event.

    Attributes
    ----------
    class_name
        The class by its present name, or `unsure`.
    time, bulk, reason, decision
        Of the decision that said it (`decision` is its id).
    moved
        Whether another reviewer's split has moved it to its class, so that it is no word of this reviewer alone.
    """

    class_name: str
    time: datetime
    bulk: bool
    reason: Reason
    decision: str
    moved: bool = False


@dataclass(frozen=True)
class _Standing:
    """Where each event with a word stands; `final` has reviewer, word, and whether all agreeing words are bulk."""

    final: dict[str, tuple[str, Word, bool]]
    conflicting: frozenset[str]
    unsure: frozenset[str]


@dataclass(frozen=True)
class ReviewState:
    """What the decisions of a log amount to.

    A decision counts unless it is withdrawn. The word of a reviewer on an event is the last one in the log, under the
    present name of its class. Names that differ in upper and lower case alone are one class, spelt as it was first,
    or as a rename spells it; likewise one reviewer. Words of simulated reviewers count only on events on which no
    person has a word. The final word on an event is the decider's, if there is one, else the class that all reviewers
    with a class agree on; else the event is in conflict and has none.

    Attributes
    ----------
    words
        Present words by event and reviewer (`spelt` gives the spelling of a reviewer).
    audits
        Events that a decision which counts calls an audit.
    withdrawn
        Identifiers of withdrawn decisions.
    without_effect
        Decisions that change nothing, with the reason, by id: for example a rename of a class that no event has.
    decider
        Reviewer whose word stands where reviewers differ; None if there is none.
    renames
        What was renamed or merged, in the order of the log.
    reviewers
        Spelling of each reviewer, by the name in lower case.
    """

    words: dict[str, dict[str, Word]]
    audits: frozenset[str]
    withdrawn: frozenset[str]
    without_effect: dict[str, str]
    decider: str | None
    renames: tuple[Renamed, ...]
    reviewers: dict[str, str]

    @classmethod
    def of(cls, decisions: Sequence[Decision], decider: str | None = None) -> ReviewState:
        """Return the state after some decisions, in the order of the log."""
        withdrawn = _withdrawn(decisions)
        told = _Telling()
        for decision in decisions:
            if decision.id not in withdrawn:
                told.take(decision)
        before: set[str] = set()
        for decision in decisions:
            if absent := [name for name in decision.withdrawn if name not in before]:
                told.without_effect[decision.id] = f"no decision {', '.join(absent)} stands before it in the log"
            before.add(decision.id)
        return cls(
            told.words,
            frozenset(told.audits),
            frozenset(withdrawn),
            told.without_effect,
            None if decider is None else told.reviewers.get(decider.casefold(), decider),
            tuple(told.renames),
            dict(told.reviewers),
        )

    def reviewed(self) -> pd.DataFrame:
        """Return the final word on each event that has one, sorted by event.

        Returns
        -------
        DataFrame
            `event_id`, `class_name`, `audit` (drawn uniformly at random), `time` (UTC), `reviewer`, `bulk` (decided
            for a group without looking at it alone), `simulated`, `decision` (id). Events in conflict, withdrawn, or of
            which all reviewers are unsure are not in it.
        """
        return self._reviewed.copy()

    @cached_property
    def _reviewed(self) -> pd.DataFrame:
        rows = [
            (event, word.class_name, event in self.audits, word.time, who, bulk, is_simulated(who), word.decision)
            for event, (who, word, bulk) in sorted(self._standing.final.items())
        ]
        return _table(rows, _REVIEWED)

    @property
    def final(self) -> dict[str, str]:
        """The class of each event that `reviewed` has, by its present name; quicker than the table."""
        return {event: word.class_name for event, (_, word, _) in self._standing.final.items()}

    @property
    def conflicting(self) -> frozenset[str]:
        """Events in conflict."""
        return self._standing.conflicting

    @property
    def unsure_events(self) -> frozenset[str]:
        """Events of which all reviewers are unsure."""
        return self._standing.unsure

    def conflicts(self) -> pd.DataFrame:
        """Return the differing words on events in conflict, one row per event and reviewer (columns of `all_words`)."""
        table = self._words_on(self.conflicting)
        return table[table["class_name"] != UNSURE].reset_index(drop=True)

    def unsure(self) -> pd.DataFrame:
        """Return the words on events of which all reviewers are unsure (columns of `all_words`)."""
        return self._words_on(self.unsure_events)

    def all_words(self) -> pd.DataFrame:
        """Return the present word of each reviewer on each event, sorted by event and reviewer.

        Returns
        -------
        DataFrame
            `event_id`, `reviewer`, `class_name` (or `unsure`), `time`, `bulk`, `reason`, `audit`, `decision`, `moved`.
        """
        return self._words_on(self.words)

    def _words_on(self, events: Iterable[str]) -> pd.DataFrame:
        rows = [
            (event, reviewer, w.class_name, w.time, w.bulk, w.reason, event in self.audits, w.decision, w.moved)
            for event in sorted(events)
            for reviewer, w in sorted(self.words[event].items())
        ]
        return _table(rows, _WORDS)

    @property
    def seen(self) -> frozenset[str]:
        """Events on which anyone has a word, also an unsure or a conflicting one."""
        return frozenset(self.words)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that have a reviewed event, in alphabetical order."""
        return tuple(sorted({word.class_name for _, word, _ in self._standing.final.values()}))

    @property
    def simulated(self) -> bool:
        """Whether any final word is that of a simulated reviewer."""
        return any(is_simulated(who) for who in {who for who, _, _ in self._standing.final.values()})

    def spelt(self, reviewer: str) -> str:
        """Return a reviewer's name as the log spelt it first, in which their words are found."""
        return self.reviewers.get(reviewer.casefold(), reviewer)

    @property
    def names(self) -> dict[str, str]:
        """Present name of each name that was renamed or merged."""
        found: dict[str, str] = {}
        for one in self.renames:
            found |= {name: one.called for name, present in found.items() if present in one.former}
            found |= dict.fromkeys(one.former, one.called)
            found.pop(one.called, None)
        return found

    @cached_property
    def digest(self) -> str:
        """Digest of the final words: event, class, audit, bulk. Notes, times and unsure words do not change it."""
        final = sorted(self._standing.final.items())
        return digest_of([[event, word.class_name, event in self.audits, bulk] for event, (_, word, bulk) in final])

    @cached_property
    def _standing(self) -> _Standing:
        persons = frozenset(name for name in self.reviewers.values() if not is_simulated(name))
        final: dict[str, tuple[str, Word, bool]] = {}
        conflicting, unsure = set(), set()
        for event, of_event in self.words.items():
            agreeing = self._agreeing(of_event, persons)
            if not agreeing:
                unsure.add(event)
            elif len({word.class_name for word in agreeing.values()}) > 1:
                conflicting.add(event)
            else:
                reviewer, word = next(reversed(agreeing.items()))
                final[event] = reviewer, word, all(each.bulk for each in agreeing.values())
        return _Standing(final, frozenset(conflicting), frozenset(unsure))

    def _agreeing(self, of_event: dict[str, Word], persons: frozenset[str]) -> dict[str, Word]:
        """Return the words with a class that count for an event, by reviewer, in the order of the log."""
        words = {who: word for who, word in of_event.items() if word.class_name != UNSURE}
        # A person who is unsure has looked, too: a simulated word does not stand above this.
        if not persons.isdisjoint(of_event):
            words = {who: word for who, word in words.items() if who in persons}
        return {self.decider: words[self.decider]} if self.decider in words else words


def read_state(layout: Layout, settings: ReviewSettings) -> ReviewState:
    """Return the state of a data root's reviews; raises the errors of `ReviewLog.read`."""
    return ReviewState.of(ReviewLog(layout.reviews).read().decisions, settings.decider)


class _Telling:
    """Takes one decision after another."""

    def __init__(self) -> None:
        self.words: dict[str, dict[str, Word]] = {}
        self.audits: set[str] = set()
        self.without_effect: dict[str, str] = {}
        self.renames: list[Renamed] = []
        self.reviewers: dict[str, str] = {}
        self._spelling: dict[str, str] = {}

    def take(self, decision: Decision) -> None:
        if decision.kind == "label":
            self._label(decision)
        elif decision.kind in ("rename", "merge"):
            self._call(decision)
        elif decision.kind == "split":
            self._split(decision)

    def _label(self, decision: Decision) -> None:
        word = Word(self._spelt(decision.class_name), decision.time, decision.bulk, decision.reason, decision.id)
        reviewer = self.reviewers.setdefault(decision.reviewer.casefold(), decision.reviewer)
        for event in decision.event_ids:
            of_event = self.words.setdefault(event, {})
            of_event.pop(reviewer, None)  # the latest word is the last of the mapping
            of_event[reviewer] = word
        if decision.reason == "audit":
            self.audits.update(decision.event_ids)

    def _call(self, decision: Decision) -> None:
        """Give classes another name, in the words of all reviewers."""
        before = {self._spelt(name) for name in decision.former}
        for name in before:
            del self._spelling[name.casefold()]
        called = self._spelt(decision.class_name)
        former = before - {called}
        is_there = any(word.class_name == called for of_event in self.words.values() for word in of_event.values())
        found: set[str] = set()
        for of_event in self.words.values():
            for reviewer, word in of_event.items():
                if word.class_name in former:
                    found.add(word.class_name)
                    of_event[reviewer] = replace(word, class_name=called)
        if former:
            self.renames.append(Renamed(decision.id, tuple(sorted(former | ({called} if is_there else set()))), called))
        if absent := sorted(former - found):
            self.without_effect[decision.id] = f"no event was of the class {', '.join(absent)}"

    def _split(self, decision: Decision) -> None:
        left, former, called = 0, self._spelt(decision.former[0]), self._spelt(decision.class_name)
        for event in decision.event_ids:
            of_event = self.words.get(event, {})
            mine = [who for who, word in of_event.items() if word.class_name == former]
            left += not mine
            for who in mine:
                moved = of_event[who].moved or not same_reviewer(who, decision.reviewer)
                of_event[who] = replace(of_event[who], class_name=called, moved=moved)
        if left:
            self.without_effect[decision.id] = (
                f"{left} of {len(decision.event_ids)} events were not of the class {former}"
            )

    def _spelt(self, name: str) -> str:
        """Return the spelling of a class, which is that of its first name unless it is called otherwise."""
        return self._spelling.setdefault(name.casefold(), name)


def _withdrawn(decisions: Sequence[Decision]) -> set[str]:
    """Return the decisions that do not count; a withdrawal reaches back only, and can be withdrawn itself."""
    place = {decision.id: position for position, decision in enumerate(decisions)}
    found: set[str] = set()
    for position, decision in reversed(list(enumerate(decisions))):
        if decision.id not in found:
            found |= {name for name in decision.withdrawn if place.get(name, position) < position}
    return found


def _table(rows: Iterable[tuple[object, ...]], columns: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows), columns=list(columns))
    flags = {name: bool for name in ("audit", "bulk", "simulated", "moved") if name in table}
    table["time"] = pd.to_datetime(table["time"], utc=True).dt.as_unit("ns")
    return table.astype(flags)
