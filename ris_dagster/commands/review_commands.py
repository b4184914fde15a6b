"""Commands of the review: looking at events, and the state of the reviews."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from ris_core.config import Settings, SyntheticSettings
from ris_core.contracts.decision import SIMULATED, is_simulated
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
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
from ris_dagster.terminal_table import TerminalTable

if TYPE_CHECKING:
    pass


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
    warn_of_log(layout)
    if simulate is not None:
        _simulate(settings, layout, reviewer, count, error_rate)
    else:
        _by_hand(settings, layout, reviewer_of(reviewer), count, second, opens)


def _simulate(settings: Settings, layout: Layout, reviewer: str | None, count: int, error_rate: float) -> None:
    from ris_core.review.session import ReviewSession
    from ris_core.review.simulate import simulate
    from ris_core.truth.true_classes import true_classes

    name = reviewer or SIMULATED
    if not isinstance(settings.source, SyntheticSettings):
        refuse("--simulate truth needs a synthetic network: of this one nobody knows the truth", 2)
    if not is_simulated(name):
        refuse(f"--reviewer {name}: a simulated reviewer is called {SIMULATED} or {SIMULATED}-NAME", 2)
    days = days_of_review(settings, layout)
    session = ReviewSession(layout, settings, all_events(days), name)
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
    say_state(session.state)
    record_state(settings, layout)


def _by_hand(settings: Settings, layout: Layout, reviewer: str, count: int, second: bool, opens: bool) -> None:
    from ris_core.review.session import ReviewSession
    from ris_dagster.review_terminal import review as in_terminal

    days = days_of_review(settings, layout)
    session = ReviewSession(layout, settings, all_events(days), reviewer)
    try:
        done = in_terminal(
            session, days, count, lambda text: console.print(text, soft_wrap=True), console.input, second, opens
        )
    except (FileNotFoundError, ValueError, DamagedFileError) as error:
        refuse(error)
    except KeyboardInterrupt:
        console.print("\nInterrupted: all decisions that were shown as written are kept.")
        record_state(settings, layout)
        raise typer.Exit(130) from None
    console.print(f"{done} events decided by {reviewer}.", soft_wrap=True)
    say_state(session.state)
    record_state(settings, layout)
    console.print("Train the class model with `ris run --only train_class_model`.", soft_wrap=True)


@reviews.command()
def status(config: ConfigOption = None) -> None:
    """Show classes and their reviews, agreement of reviewers, conflicts, and the last decisions."""
    from ris_core.review.changes import decision_words
    from ris_core.review.kappa import agreement
    from ris_core.review.log import ReviewLog
    from ris_core.review.state import ReviewState

    settings, layout = open_network(config)
    warn_of_log(layout)
    decisions = ReviewLog(layout.reviews).read().decisions
    state = ReviewState.of(decisions, settings.review.decider)
    say_state(state)
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
        console.print(
            f"{decision.id}  {decision.time:%Y-%m-%d %H:%M}  {decision.reviewer}: {decision_words(decision)}{mark}",
            soft_wrap=True,
        )
