"""What a reader must know before anything else: what the waveforms, reviews and tests really are."""

from __future__ import annotations

from ris_core.clustering.champion import champion_or_none
from ris_core.config import SyntheticSettings
from ris_core.labels.label_table import models_of
from ris_core.links.link_run import load_links
from ris_core.links.link_schema import VERDICTS
from ris_core.review.log import ReviewLog
from ris_core.review.state import ReviewState
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError

CATALOGUE_EVENTS = "the catalogue"
OF_A_PART = "The part "
"""How a sentence begins that is about one part of the page alone."""


def cautions(days: StationDays) -> list[str]:
    """Return sentences for the head of the page."""
    said = []
    if isinstance(days.settings.source, SyntheticSettings):
        said.append("The waveforms are synthetic. Nothing here is about real ice.")
    if events_of_links(days) not in ("", CATALOGUE_EVENTS):
        said.append(f"{OF_A_PART}'What is significant' tests {events_of_links(days)}.")
    try:
        reviewed, simulated = reviews(days)
        if simulated:
            said.append(
                f"{simulated:,} of {reviewed:,} reviewed events were reviewed by a simulated reviewer, who knows the "
                "truth of the synthetic network."
            )
        if taught_by_simulation(days):
            said.append("The model that labels was trained on these simulated reviews: its classes are theirs.")
    except DamagedFileError as error:
        said.append(f"It is not known whether reviews are simulated: {error.why}.")
    return said


def reviews(days: StationDays) -> tuple[int, int]:
    """Return the number of reviewed events, and how many of these have simulated reviews."""
    decisions = ReviewLog(days.layout.reviews).read().decisions
    found = ReviewState.of(decisions, days.settings.review.decider).reviewed()
    return len(found), int(found["simulated"].sum())


def taught_by_simulation(days: StationDays) -> bool:
    """Return whether the model that labels was trained on reviews some of which are simulated."""
    champion = champion_or_none(days.layout)
    if champion is None or not champion.reviewed:
        return False
    model, _ = models_of(days.layout, champion)
    return model.classes is not None and model.classes.simulated


def events_of_links(days: StationDays) -> str:
    """Return which events the links were tested with, in words; empty if they were not."""
    try:
        return str(load_links(days.layout, VERDICTS)[1]["events"])
    except OSError:
        return ""
