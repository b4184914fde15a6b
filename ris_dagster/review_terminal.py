"""Reviewing in the terminal: one event after another, with its picture, and an answer by key or by name."""

import tempfile
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core.contracts.decision import NOISE, NOT_AN_EVENT, UNSURE, Reason
from ris_core.review.changes import BLIND, REASON_WORDS, is_new_class, near_twin, numbered_classes, spelt_class

if TYPE_CHECKING:
    from ris_core.review.session import ReviewSession
    from ris_core.station_days.station_days import StationDays

KEYS = {"n": NOISE, "x": NOT_AN_EVENT, "u": UNSURE}
HELP = (
    "number: that class; another text: a class by its name (text after # is a note); n: noise; x: not an event; "
    "u: unsure; s: skip; b: take back the last one; q: quit"
)


@dataclass(frozen=True)
class Shown:
    """An event to be reviewed.

    Attributes
    ----------
    event_id, reason
        The event, and why it is shown.
    suggestion
        What a model says of it, in words; empty if nothing.
    """

    event_id: str
    reason: Reason
    suggestion: str = ""


def review(
    session: "ReviewSession",
    network: "StationDays",
    count: int,
    say: Callable[[str], None],
    ask: Callable[[str], str],
    second: bool = False,
    opens: bool = False,
) -> int:
    """Show events and take decisions until there are none, `count` are decided, or the reviewer quits.

    Parameters
    ----------
    session, network
        The reviewer at work, and the network.
    count
        Decisions at most.
    say, ask
        Show a line; show a question and return the answer (`EOFError` quits).
    second
        Show events that others have reviewed, without their words.
    opens
        Open each picture with the system's viewer.

    Returns
    -------
    int
        Number of events decided.
    """
    done = 0
    say(HELP)
    with tempfile.TemporaryDirectory(prefix="ris-review-") as folder:
        events: Iterator[Shown] = _second(session) if second else _suggested(session)
        shown = next(events, None)
        while shown is not None and done < count:
            say("")
            _show(session, network, shown, Path(folder), f"{done + 1} of {count}", say, opens)
            try:
                answer = ask(f"{_choices(session)} > ").strip()
            except EOFError:
                break
            if answer == "q":
                break
            if answer == "b":
                taken = session.undo()
                say("nothing to take back" if taken is None else f"taken back: {taken.kind} {taken.class_name}")
                if taken is not None and taken.kind == "label":
                    done = max(done - 1, 0)
                    events = chain([Shown(taken.event_ids[0], taken.reason), shown], events)
                    shown = next(events)
                continue
            if answer in ("", "?"):
                say(HELP)
                continue
            if answer == "s" or _decided(session, shown, answer, say, ask):
                done += answer != "s"
                shown = next(events, None)
        if shown is None:
            say("there is nothing more to show")
    return done


def _suggested(session: "ReviewSession") -> Iterator[Shown]:
    """Iterate over suggestions; after each batch they follow the decisions until then."""
    skipped: set[str] = set()
    while True:
        batch = session.settings.review.batch
        table = session.suggestions(batch + len(skipped))
        table = table[~table["event_id"].isin(skipped)].head(batch)
        if table.empty:
            return
        for row in table.to_dict("records"):
            # Who decides about an audit should not know what a model says of it.
            said = row["suggested_class"] if row["reason"] != "audit" else ""
            words = f"{said} ({row['class_probability']:.0%})" if said else ""
            skipped.add(row["event_id"])
            yield Shown(row["event_id"], row["reason"], words)


def _second(session: "ReviewSession") -> Iterator[Shown]:
    from ris_core.review.random_order import second_opinions

    for event in second_opinions(session.state, session.reviewer, session.settings.review.seed):
        yield Shown(event, "second")


def _show(
    session: "ReviewSession",
    network: "StationDays",
    shown: Shown,
    folder: Path,
    place: str,
    say: Callable[[str], None],
    opens: bool,
) -> None:
    """Say what an event is, and draw it; audits and second opinions without what others or a model say."""
    from ris_core.storage.damage import DamagedFileError

    suggestion = f" · model: {shown.suggestion}" if shown.suggestion else ""
    blind = shown.reason in BLIND
    say(f"{place}: {shown.event_id} · {REASON_WORDS[shown.reason]}{suggestion}")
    near = [] if blind else list(session.nearest(shown.event_id).itertuples(index=False, name=None))
    if near:
        say("resembles " + ", ".join(f"{name} ({event}, {distance:.2f})" for event, name, distance in near))
    try:
        path = folder / f"{shown.event_id}.png"
        path.write_bytes(draw(network, shown.event_id, [(event, name) for event, name, _ in near]))
        say(f"picture: {path}")
        if opens:
            webbrowser.open(path.as_uri())
    except (KeyError, FileNotFoundError, DamagedFileError) as error:
        say(f"no picture: {error}")


def draw(network: "StationDays", event_id: str, near: Sequence[tuple[str, str]]) -> bytes:
    """Return the PNG of an event, beside reviewed events with their classes.

    Raises
    ------
    UnknownEventError, DamagedFileError
        The event cannot be read; neighbours that cannot be are left out.
    """
    import numpy as np

    from ris_core.access import UnknownEventError, read_event
    from ris_core.contracts.station_day import NS
    from ris_core.figures.image import to_png
    from ris_core.figures.review_picture import review_picture
    from ris_core.storage.damage import DamagedFileError

    event = read_event(network, event_id)
    spectrograms, titles = [event.spectrogram], ["this event"]
    for other, name in near:
        try:
            spectrograms.append(read_event(network, other).spectrogram)
            titles.append(name)
        except (UnknownEventError, DamagedFileError):
            continue
    samples, start = event.waveform, event.window_start
    if event.context is not None:
        samples, start = event.context, event.context_start
    samples = np.atleast_2d(samples)[0]
    seconds = (start - event.window_start) / NS + np.arange(len(samples)) / event.sampling_rate
    return to_png(
        review_picture(
            spectrograms,
            titles,
            event.frequency,
            event.time,
            samples,
            seconds,
            title=f"{event_id} ({event.unit})",
            components=event.components,
        )
    )


def _choices(session: "ReviewSession") -> str:
    counts = session.state.reviewed()["class_name"].value_counts()
    names = enumerate(numbered_classes(session.state), start=1)
    numbered = [f"{number} {name} ({counts[name]})" for number, name in names]
    return "  ".join([*numbered, "n noise", "x not an event", "u unsure", "s b q ?"])


def _decided(
    session: "ReviewSession", shown: Shown, answer: str, say: Callable[[str], None], ask: Callable[[str], str]
) -> bool:
    """Take an answer; return whether it is a decision."""
    text, _, note = (part.strip() for part in answer.partition("#"))
    state = session.state
    numbered = numbered_classes(state)
    try:
        if text in KEYS:
            name = KEYS[text]
        elif text.isdecimal() and int(text) <= len(numbered):
            if int(text) == 0:
                raise ValueError("classes are numbered from 1")
            name = numbered[int(text) - 1]
        else:
            name = spelt_class(text, state)
            if is_new_class(name, state):
                like = near_twin(name, state)
                hint = f" (there is {like!r})" if like else ""
                if ask(f"{name!r} is a new class{hint}. Make it? y/n > ").strip().casefold() not in ("y", "yes"):
                    return False
        decision = session.decide([shown.event_id], name, shown.reason, note)
    except ValueError as error:
        say(str(error))
        return False
    say(f"{decision.class_name}: written")
    return True
