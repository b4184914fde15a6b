"""Commands of the review: looking at events, the state of the reviews, and their exchange as CSV."""

import getpass
import math
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_core.config import Settings, SyntheticSettings
from ris_core.contracts.decision import SIMULATED, Decision, is_simulated, reviewer_name
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_dagster.commands.shared import ConfigOption, app, console, open_network, refuse
from ris_dagster.terminal_table import TerminalTable

if TYPE_CHECKING:
    from ris_core.review.state import ReviewState
    from ris_core.station_days.station_days import StationDays

reviews = typer.Typer(
    help="Review events: give them classes, one after another; docs/review.md says how to review well.",
    invoke_without_command=True,
)
app.add_typer(reviews, name="review")

ReviewerOption = Annotated[
    str | None, typer.Option(help="Who decides; the default is RIS_REVIEWER, else the name of this user.")
]


@reviews.callback()
def review(
    context: typer.Context,
    config: ConfigOption = None,
    reviewer: ReviewerOption = None,
    count: Annotated[int, typer.Option(min=1, help="Events to decide; with --simulate those decided in all.")] = 50,
    second: Annotated[
        bool, typer.Option("--second", help="Show events that others have reviewed, without their words.")
    ] = False,
    opens: Annotated[bool, typer.Option("--open", help="Open each picture with this system's viewer.")] = False,
    simulate: Annotated[
        str | None, typer.Option(help="'truth': a simulated reviewer decides, of a synthetic network only.")
    ] = None,
    error_rate: Annotated[float, typer.Option(min=0, max=1, help="With --simulate: share of wrong answers.")] = 0.0,
) -> None:
    """Show the events that teach most, one after another, and write each decision to the review log."""
    if context.invoked_subcommand is not None:
        return
    if simulate not in (None, "truth"):
        refuse(f"--simulate {simulate}: there is only 'truth'", 2)
    settings, layout = open_network(config, writes=True)
    _warn(layout)
    if simulate is not None:
        _simulate(settings, layout, reviewer, count, error_rate)
    else:
        _by_hand(settings, layout, _reviewer(reviewer), count, second, opens)


def _reviewer(given: str | None) -> str:
    """Return the name of the person who decides."""
    try:
        name = reviewer_name(given or os.environ.get("RIS_REVIEWER") or getpass.getuser())
    except (KeyError, OSError):
        refuse("this user has no name; give --reviewer NAME", 2)
    except ValueError as error:
        refuse(error, 2)
    if is_simulated(name):
        refuse(f"{name} is kept for simulated reviews; give another --reviewer", 2)
    return name


def _days(settings: Settings, layout: Layout) -> "StationDays":
    from ris_dagster.assets.station_day_bindings import BINDINGS

    return BINDINGS.station_days(settings, layout)


def _events(days: "StationDays") -> tuple[str, ...]:
    """Return all processed events; says what is damaged."""
    from ris_core.review.pool import processed_events

    with days.look() as seen:
        found = processed_events(seen.process, seen.all())
    for damaged in found.damaged:
        console.print(f"left out: {damaged}", style="yellow", soft_wrap=True)
    return found.event_ids


def _warn(layout: Layout) -> None:
    """Say what a killed process left of a decision, and which are missing."""
    from ris_core.review.log import ReviewLog

    try:
        content = ReviewLog(layout.reviews).read()
    except DamagedFileError as error:
        refuse(error)
    for lost in filter(None, (content.torn, content.missing)):
        console.print(f"{layout.reviews}: {lost}", style="yellow", soft_wrap=True)


def _simulate(settings: Settings, layout: Layout, reviewer: str | None, count: int, error_rate: float) -> None:
    from ris_core.review.session import ReviewSession
    from ris_core.review.simulate import simulate
    from ris_core.truth.true_classes import true_classes

    name = reviewer or SIMULATED
    if not isinstance(settings.source, SyntheticSettings):
        refuse("--simulate truth needs a synthetic network: of this one nobody knows the truth", 2)
    if not is_simulated(name):
        refuse(f"--reviewer {name}: a simulated reviewer is called {SIMULATED} or {SIMULATED}-NAME", 2)
    days = _days(settings, layout)
    session = ReviewSession(layout, settings, _events(days), name)
    try:
        done = simulate(session, true_classes(days, list(days.all())), count, error_rate)
    except (FileNotFoundError, ValueError, DamagedFileError) as error:
        refuse(error)
    already = f" ({done.before} were decided before)" if done.before else ""
    console.print(
        f"Simulated: {done.decided} events decided by {name}{already}; {done.wrong} wrong on purpose, {done.unsure} "
        "unsure. All of them are marked as simulated.",
        soft_wrap=True,
    )
    _say_state(session.state)
    _record(settings, layout)


def _by_hand(settings: Settings, layout: Layout, reviewer: str, count: int, second: bool, opens: bool) -> None:
    from ris_core.review.session import ReviewSession
    from ris_dagster.review_terminal import review as in_terminal

    days = _days(settings, layout)
    session = ReviewSession(layout, settings, _events(days), reviewer)
    try:
        done = in_terminal(
            session, days, count, lambda text: console.print(text, soft_wrap=True), console.input, second, opens
        )
    except (FileNotFoundError, ValueError, DamagedFileError) as error:
        refuse(error)
    except KeyboardInterrupt:
        console.print("\nInterrupted: all decisions that were shown as written are kept.")
        _record(settings, layout)
        raise typer.Exit(130) from None
    console.print(f"{done} events decided by {reviewer}.", soft_wrap=True)
    _say_state(session.state)
    _record(settings, layout)
    console.print("Train the class model with `ris run --only train_class_model`.", soft_wrap=True)


@reviews.command()
def status(config: ConfigOption = None) -> None:
    """Show classes and their reviews, agreement of reviewers, conflicts, and the last decisions."""
    from ris_core.review.kappa import agreement
    from ris_core.review.log import ReviewLog
    from ris_core.review.state import ReviewState

    settings, layout = open_network(config)
    _warn(layout)
    decisions = ReviewLog(layout.reviews).read().decisions
    state = ReviewState.of(decisions, settings.review.decider)
    _say_state(state)
    words = state.reviewed()
    if len(words):
        table = TerminalTable("class", "reviewed", "audits", "bulk", "simulated", title="Classes")
        for name, of_class in words.groupby("class_name"):
            sums = [int(of_class[column].sum()) for column in ("audit", "bulk", "simulated")]
            table.add_row(str(name), str(len(of_class)), *map(str, sums))
        console.print(table)
    agreeing = agreement(state)
    if len(agreeing):
        table = TerminalTable(
            "reviewers", "class", "events", "kappa (95 %)", title="Agreement of reviewers (Cohen's kappa)"
        )
        for row in agreeing.to_dict("records"):
            value = f"{row['kappa']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
            shown = "not defined" if math.isnan(row["kappa"]) else value
            table.add_row(f"{row['first']}, {row['second']}", row["class_name"], str(row["events"]), shown)
        console.print(table)
    conflicts = state.conflicts()
    for event, of_event in conflicts.groupby("event_id"):
        said = ", ".join(map(": ".join, zip(of_event["reviewer"], of_event["class_name"], strict=True)))
        console.print(f"conflict: {event}: {said}", style="yellow", soft_wrap=True)
    for identifier, why in state.without_effect.items():
        console.print(f"without effect: {identifier}: {why}", style="yellow", soft_wrap=True)
    for decision in decisions[-5:]:
        mark = " (withdrawn)" if decision.id in state.withdrawn else ""
        console.print(f"{decision.id}  {decision.time:%Y-%m-%d %H:%M}  {_words(decision)}{mark}", soft_wrap=True)


def _words(decision: Decision) -> str:
    """Return a decision in words."""
    events = f"{len(decision.event_ids)} events" if len(decision.event_ids) > 1 else "".join(decision.event_ids)
    what = {
        "label": f"{events}: {decision.class_name}",
        "rename": f"{', '.join(decision.former)} is called {decision.class_name}",
        "merge": f"{', '.join(decision.former)} are {decision.class_name}",
        "split": f"{events} of {', '.join(decision.former)}: {decision.class_name}",
        "withdraw": f"withdrawn: {', '.join(decision.withdrawn)}",
    }[decision.kind]
    return f"{decision.reviewer}: {what}"


def _say_state(state: "ReviewState") -> None:
    words = state.reviewed()
    conflicts, unsure = state.conflicts()["event_id"].nunique(), state.unsure()["event_id"].nunique()
    simulated = f" ({int(words['simulated'].sum())} by a simulated reviewer)" if state.simulated else ""
    console.print(
        f"{len(words)} reviewed events{simulated} of {len(state.classes)} classes, {int(words['audit'].sum())} of them "
        f"audits; {unsure} unsure, {conflicts} in conflict",
        soft_wrap=True,
    )


def _record(settings: Settings, layout: Layout) -> None:
    """Let Dagster know of the reviews, so that it shows the class model as out of date."""
    from ris_dagster.review_record import record_reviews

    if trouble := record_reviews(layout, settings):
        console.print(f"Dagster does not know of these reviews yet: {trouble}", style="yellow", soft_wrap=True)


@reviews.command()
def export(
    file: Annotated[Path, typer.Argument(help="CSV file to be written: all decisions, in the order of the log.")],
    config: ConfigOption = None,
) -> None:
    """Write all decisions as CSV."""
    from ris_core.review.exchange import write_csv
    from ris_core.review.log import ReviewLog

    _, layout = open_network(config)
    _warn(layout)
    decisions = ReviewLog(layout.reviews).read().decisions
    write_csv(file, decisions)
    console.print(f"{file}: {len(decisions)} decisions", soft_wrap=True)


@reviews.command("import")
def import_csv(
    file: Annotated[Path, typer.Argument(help="CSV of `ris review export`, or a table of event_id and class_name.")],
    config: ConfigOption = None,
    reviewer: ReviewerOption = None,
) -> None:
    """Add the decisions of a CSV file to the log; those that it has already are not added again."""
    from ris_core.review.exchange import ReviewTableError, read_csv
    from ris_core.review.log import ReviewLog

    settings, layout = open_network(config, writes=True)
    _warn(layout)
    log = ReviewLog(layout.reviews)
    try:
        found = read_csv(file, _events(_days(settings, layout)), log.read().decisions, _reviewer(reviewer))
        done = log.append(found.decisions)
    except (ReviewTableError, OSError) as error:
        refuse(error)
    _record(settings, layout)
    for left in found.left_out:
        console.print(f"left out: {left}", style="yellow", soft_wrap=True)
    console.print(
        f"{file}: {done.added} decisions added, {done.known} were there already, {len(found.left_out)} rows left out",
        soft_wrap=True,
    )
    if found.left_out:
        raise typer.Exit(1)


@reviews.command()
def rename(old: str, new: str, config: ConfigOption = None, reviewer: ReviewerOption = None) -> None:
    """Give a class another name, for all reviewers."""
    _change("rename", [old], new, [], config, reviewer)


@reviews.command()
def merge(
    new: Annotated[str, typer.Argument(help="Name of the class that they become.")],
    old: Annotated[list[str], typer.Argument(help="Names of the classes.")],
    config: ConfigOption = None,
    reviewer: ReviewerOption = None,
) -> None:
    """Make several classes one."""
    _change("merge", old, new, [], config, reviewer)


@reviews.command()
def split(
    old: Annotated[str, typer.Argument(help="Name of the class.")],
    new: Annotated[str, typer.Argument(help="Name of the class that the events become.")],
    events: Annotated[list[str], typer.Argument(help="Events of the class OLD.")],
    config: ConfigOption = None,
    reviewer: ReviewerOption = None,
) -> None:
    """Make some reviewed events of a class another class."""
    _change("split", [old], new, events, config, reviewer)


@reviews.command()
def withdraw(
    decisions: Annotated[
        list[str], typer.Argument(help="Identifiers of decisions, as `ris review status` shows them.")
    ],
    config: ConfigOption = None,
    reviewer: ReviewerOption = None,
) -> None:
    """Take decisions back; they stay in the log, and a withdrawal can be withdrawn."""
    _change("withdraw", [], "", decisions, config, reviewer)


def _change(
    kind: str, former: Sequence[str], new: str, others: Sequence[str], config: Path | None, reviewer: str | None
) -> None:
    """Add a decision about classes or decisions, unless it would have no effect."""
    from ris_core.contracts.decision import class_name
    from ris_core.review.log import ReviewLog
    from ris_core.review.state import ReviewState

    settings, layout = open_network(config, writes=True)
    log, name = ReviewLog(layout.reviews), _reviewer(reviewer)
    try:
        names = tuple(class_name(each) for each in former)
        if kind == "withdraw":
            decision = Decision("withdraw", name, withdrawn=tuple(others))
        elif kind == "split":
            decision = Decision("split", name, tuple(others), class_name(new), names)
        else:
            decision = Decision("rename" if kind == "rename" else "merge", name, (), class_name(new), names)
        before = log.read().decisions
        if kind == "rename" and (met := _another_class(ReviewState.of(before), names[0], decision.class_name)):
            refuse(
                f"nothing was written: there is a class {met} already; `ris review merge {shlex.quote(met)} "
                f"{shlex.quote(names[0])}` makes both one"
            )
        state = ReviewState.of([*before, decision], settings.review.decider)
        if why := state.without_effect.get(decision.id):
            refuse(f"nothing was written: {why}")
        log.append([decision])
    except (ValueError, DamagedFileError) as error:
        refuse(error)
    console.print(f"{decision.id}: {_words(decision)}", soft_wrap=True)
    _say_state(state)
    _record(settings, layout)


def _another_class(state: "ReviewState", former: str, called: str) -> str:
    """Return the class that has a name already, unless it is the former one in another spelling; empty if none has."""
    return next((name for name in state.classes if name.casefold() == called.casefold() != former.casefold()), "")


@reviews.command()
def salvage(config: ConfigOption = None) -> None:
    """Replace a damaged log by its sound lines, name the others, and keep the damaged log beside it.

    Where the last lines of a log are missing, it takes note of the loss.
    """
    from ris_core.review.log import ReviewLog

    settings, layout = open_network(config, writes=True)
    try:
        done = ReviewLog(layout.reviews).salvage()
    except OSError as error:
        refuse(error)
    if done is None:
        console.print(f"{layout.reviews}: sound; nothing was changed", soft_wrap=True)
        return
    for line in done.lost:
        console.print(f"lost: {line}", style="red", soft_wrap=True)
    aside = "" if done.aside is None else f", {len(done.lost)} lines lost; the damaged log is kept as {done.aside}"
    console.print(f"{layout.reviews}: {done.kept} decisions kept{aside}", soft_wrap=True)
    _record(settings, layout)
