"""What the commands of the review have in common: who reviews, which events there are, and what is said of the log."""

import getpass
import os
from typing import TYPE_CHECKING, Annotated

import typer

from ris_core.config import Settings
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_dagster.commands.shared import app, console, refuse

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


def reviewer_of(given: str | None) -> str:
    """Return the name of the person who decides."""
    from ris_core.review.changes import person_name

    try:
        return person_name(given or os.environ.get("RIS_REVIEWER") or getpass.getuser())
    except (KeyError, OSError):
        refuse("this user has no name; give --reviewer NAME", 2)
    except ValueError as error:
        refuse(error, 2)


def days_of_review(settings: Settings, layout: Layout) -> "StationDays":
    """Return the station-days with their stages."""
    from ris_dagster.assets.station_day_bindings import BINDINGS

    return BINDINGS.station_days(settings, layout)


def all_events(days: "StationDays") -> tuple[str, ...]:
    """Return all processed events; says what is damaged."""
    from ris_core.review.pool import processed_events

    with days.look() as seen:
        found = processed_events(seen.process, seen.all())
    for damaged in found.damaged:
        console.print(f"left out: {damaged}", style="yellow", soft_wrap=True)
    return found.event_ids


def warn_of_log(layout: Layout) -> None:
    """Say what a killed process left of a decision, and which are missing."""
    from ris_core.review.log import ReviewLog

    try:
        content = ReviewLog(layout.reviews).read()
    except DamagedFileError as error:
        refuse(error)
    for lost in filter(None, (content.torn, content.missing)):
        console.print(f"{layout.reviews}: {lost}", style="yellow", soft_wrap=True)


def say_state(state: "ReviewState") -> None:
    """Say how many events are reviewed, and of how many reviewers are unsure or differ."""
    words = state.reviewed()
    conflicts, unsure = len(state.conflicting), len(state.unsure_events)
    simulated = f" ({int(words['simulated'].sum())} by a simulated reviewer)" if state.simulated else ""
    console.print(
        f"{len(words)} reviewed events{simulated} of {len(state.classes)} classes, {int(words['audit'].sum())} of them "
        f"audits; {unsure} unsure, {conflicts} in conflict",
        soft_wrap=True,
    )


def record_state(settings: Settings, layout: Layout) -> None:
    """Let Dagster know of the reviews, so that it shows the class model as out of date."""
    from ris_dagster.review_record import record_reviews

    if trouble := record_reviews(layout, settings):
        console.print(f"Dagster does not know of these reviews yet: {trouble}", style="yellow", soft_wrap=True)
