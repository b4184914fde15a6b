"""Commands that change the review log as a whole, or exchange it as CSV."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ris_core.contracts.decision import Decision
from ris_core.storage.damage import DamagedFileError
from ris_dagster.commands.review_shared import (
    ReviewerOption,
    all_events,
    days_of_review,
    record_state,
    reviewer_of,
    reviews,
    say_state,
    warn_of_log,
)
from ris_dagster.commands.shared import ConfigOption, console, open_network, refuse


@reviews.command()
def export(
    file: Annotated[Path, typer.Argument(help="CSV file to be written: all decisions, in the order of the log.")],
    config: ConfigOption = None,
) -> None:
    """Write all decisions as CSV."""
    from ris_core.review.exchange import write_csv
    from ris_core.review.log import ReviewLog

    _, layout = open_network(config)
    warn_of_log(layout)
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
    warn_of_log(layout)
    log = ReviewLog(layout.reviews)
    try:
        found = read_csv(
            file, all_events(days_of_review(settings, layout)), log.read().decisions, reviewer_of(reviewer)
        )
        done = log.append(found.decisions)
    except (ReviewTableError, OSError) as error:
        refuse(error)
    record_state(settings, layout)
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
        list[str],
        typer.Argument(help="Identifiers of decisions, or how they begin, as `ris review status` shows them."),
    ],
    config: ConfigOption = None,
    reviewer: ReviewerOption = None,
) -> None:
    """Take decisions back; they stay in the log, and a withdrawal can be withdrawn."""
    _change("withdraw", [], "", decisions, config, reviewer)


def _whole(beginning: str, identifiers: Sequence[str]) -> str:
    """Return the identifier that begins in a certain way; raises `ValueError` unless there is one."""
    found = [each for each in identifiers if each.startswith(beginning)]
    if len(found) != 1:
        many = f"{len(found)} decisions of the log begin" if found else "no decision of the log begins"
        raise ValueError(f"nothing was written: {many} with {beginning!r}; `ris review status` shows identifiers")
    return found[0]


def _change(
    kind: str, former: Sequence[str], new: str, others: Sequence[str], config: Path | None, reviewer: str | None
) -> None:
    """Add a decision about classes or decisions, unless it would have no effect."""
    from ris_core.contracts.decision import class_name
    from ris_core.review.changes import AnotherClassError, NothingToWriteError, decision_words, state_after
    from ris_core.review.log import ReviewLog

    settings, layout = open_network(config, writes=True)
    log, name = ReviewLog(layout.reviews), reviewer_of(reviewer)
    try:
        names = tuple(class_name(each) for each in former)
        if kind == "withdraw":
            written = [made.id for made in log.read().decisions]
            decision = Decision("withdraw", name, withdrawn=tuple(_whole(each, written) for each in others))
        elif kind == "split":
            decision = Decision("split", name, tuple(others), class_name(new), names)
        else:
            decision = Decision("rename" if kind == "rename" else "merge", name, (), class_name(new), names)
        state = state_after(log.read().decisions, decision, settings.review.decider)
        log.append([decision])
    except AnotherClassError as error:
        refuse(
            f"nothing was written: there is a class {error.met} already; `ris review merge {shlex.quote(error.met)} "
            f"{shlex.quote(names[0])}` makes both one"
        )
    except NothingToWriteError as error:
        refuse(f"nothing was written: {error}")
    except (ValueError, DamagedFileError) as error:
        refuse(error)
    console.print(f"{decision.id}: {name}: {decision_words(decision)}", soft_wrap=True)
    say_state(state)
    record_state(settings, layout)


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
    record_state(settings, layout)
