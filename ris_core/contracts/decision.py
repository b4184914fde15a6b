"""A decision of a reviewer: one entry of the review log."""

from __future__ import annotations

import re
import unicodedata
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

Kind = Literal["label", "rename", "merge", "split", "withdraw"]
"""What a decision does; see `Decision`."""
Reason = Literal["medoid", "uncertain", "audit", "rare", "novel", "second", "free"]
"""Why an event was shown: medoid of a micro-cluster, uncertain for the class model, drawn uniformly at random, of a
rare micro-cluster, unlike all reviewed classes, shown to a second reviewer, or chosen by the reviewer."""

NOISE = "noise"
NOT_AN_EVENT = "not an event"
UNSURE = "unsure"
"""No class: the reviewer looked and cannot say."""
SPECIAL = (NOISE, NOT_AN_EVENT, UNSURE)
"""Names with a fixed spelling; `noise` and `not an event` are classes like others."""
SIMULATED = "simulated"
"""Reviewer of simulated decisions; other simulated reviewers are `simulated-…`."""

KINDS: tuple[Kind, ...] = get_args(Kind)
REASONS: tuple[Reason, ...] = get_args(Reason)
_PARTS: dict[Kind, tuple[str, ...]] = {
    "label": ("event_ids", "class_name"),
    "rename": ("class_name", "former"),
    "merge": ("class_name", "former"),
    "split": ("event_ids", "class_name", "former"),
    "withdraw": ("withdrawn",),
}
_NAME = re.compile(r"[^\W_][\w .,:+/()'&-]{0,79}")
_EVENT_ID = re.compile(r"[!-~]{1,200}")
_NOTE = 2000
_YEARS = range(1970, 2200)


def class_name(text: str) -> str:
    """Return the name of a class with single blanks; raises `ValueError` if it cannot be one.

    A name has 1 to 80 characters and begins with a letter or digit, so that a spreadsheet takes it for text.
    """
    name = _name("class", text)
    return name.casefold() if name.casefold() in SPECIAL else name


def reviewer_name(text: str) -> str:
    """Return the name of a reviewer with single blanks; raises `ValueError` as `class_name` does."""
    return _name("reviewer", text)


def _name(of: str, text: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{text[:100]!r} cannot be the name of a {of}: give 1 to 80 letters, digits, blanks or signs of "
            ".,:+/()'&-_, beginning with a letter or digit"
        )
    return name


def same_reviewer(first: str, second: str) -> bool:
    """Return whether two names are of one reviewer: upper and lower case make no other person."""
    return first.casefold() == second.casefold()


def is_simulated(reviewer: str) -> bool:
    """Return whether a reviewer is a simulated one: `simulated`, or `simulated-…`, in any case."""
    name = reviewer.casefold()
    return name == SIMULATED or name.startswith(f"{SIMULATED}-")


@dataclass(frozen=True)
class Decision:
    """What a reviewer decided; an entry of the log, never changed afterwards.

    - ``label``: `event_ids` belong to `class_name` (which may be `unsure`).
    - ``rename``: the class `former[0]` is called `class_name` from here on.
    - ``merge``: the classes `former` are the class `class_name`.
    - ``split``: those of `event_ids` that are of the class `former[0]` are of the class `class_name`.
    - ``withdraw``: the decisions `withdrawn` do not count. A withdrawal can be withdrawn.

    Attributes
    ----------
    kind
        What it does.
    reviewer
        Who decided.
    event_ids
        Events of ``label`` and ``split``.
    class_name
        The class of the events, or the name after ``rename``, ``merge`` or ``split``.
    former
        Names before ``rename``, ``merge`` or ``split``.
    withdrawn
        Identifiers of the decisions that ``withdraw`` takes back.
    bulk
        Whether the reviewer decided for a whole group without looking at every event.
    reason
        Why the events were shown; `audit` marks events that were drawn uniformly at random.
    model
        Version of the model whose suggestion was shown; empty if there was none.
    note
        Free text of at most 2,000 characters.
    id
        UUID (version 4).
    time
        UTC. The order of decisions is that of the log, not of the clocks.
    """

    kind: Kind
    reviewer: str
    event_ids: tuple[str, ...] = ()
    class_name: str = ""
    former: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    bulk: bool = False
    reason: Reason = "free"
    model: str = ""
    note: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a decision cannot be of the kind {self.kind!r}; known: {', '.join(KINDS)}")
        if self.reason not in REASONS:
            raise ValueError(f"reason cannot be {self.reason!r}; known: {', '.join(REASONS)}")
        if self.reviewer != reviewer_name(self.reviewer):
            raise ValueError(f"the reviewer's name {self.reviewer!r} has superfluous blanks")
        if str(uuid.UUID(self.id)) != self.id or uuid.UUID(self.id).version != 4:
            raise ValueError(f"id is {self.id!r}; it must be a UUID of version 4")
        if self.time.utcoffset() is None or self.time.utcoffset() != UTC.utcoffset(None):
            raise ValueError(f"time is {self.time.isoformat()}; it must be in UTC")
        if self.time.year not in _YEARS:
            raise ValueError(f"time is {self.time.isoformat()}; nobody can have decided anything then")
        if len(self.note) > _NOTE or not all(sign.isprintable() or sign in "\n\t" for sign in self.note):
            raise ValueError(f"a note has at most {_NOTE} characters and no control characters")
        if len(self.model) > 200 or not self.model.isprintable():
            raise ValueError("model is not a version of a model: at most 200 printable characters")
        self._check_parts()

    def _check_parts(self) -> None:
        for part in ("event_ids", "class_name", "former", "withdrawn"):
            if bool(getattr(self, part)) != (needed := part in _PARTS[self.kind]):
                raise ValueError(f"a decision of the kind {self.kind} {'needs' if needed else 'has no'} {part}")
        for part in ("event_ids", "former", "withdrawn"):
            values = getattr(self, part)
            if len(set(values)) < len(values):
                raise ValueError(f"{part} has an entry twice")
        for event_id in self.event_ids:
            if not _EVENT_ID.fullmatch(event_id):
                raise ValueError(f"{event_id[:100]!r} is not the identifier of an event")
        for identifier in self.withdrawn:
            uuid.UUID(identifier)
        self._check_classes()

    def _check_classes(self) -> None:
        names = (*self.former, *([self.class_name] if self.class_name else []))
        for name in names:
            if name != class_name(name):
                raise ValueError(f"the class {name!r} is to be spelt {class_name(name)!r}")
        if self.kind != "label" and UNSURE in names:
            raise ValueError(f"{UNSURE!r} is not a class, so it cannot be part of a {self.kind}")
        if self.kind in ("rename", "split") and len(self.former) != 1:
            raise ValueError(f"a {self.kind} has one former class, got {len(self.former)}")
        if self.former == (self.class_name,):
            raise ValueError(f"a {self.kind} of {self.class_name!r} to the same name changes nothing")

    @property
    def simulated(self) -> bool:
        """Whether it was decided by a simulated reviewer."""
        return is_simulated(self.reviewer)
