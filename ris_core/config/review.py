"""Settings: what is shown to reviewers, and whose word counts."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from ris_core.contracts.decision import reviewer_name
from ris_core.section import Seconds, Section


class ReviewSettings(Section):
    """Reviews: the queue of suggestions, and what follows from decisions."""

    length: int = Field(50, ge=1, description="Number of events that the queue suggests (ours).")
    first: int = Field(
        20, ge=1, description="Medoids of micro-clusters that are shown before anything else, greatest first (ours)."
    )
    batch: int = Field(10, ge=2, description="Events chosen together, after which a new class model is useful (ours).")
    pool: int = Field(
        60, ge=2, description="Most uncertain events, of which a batch takes diverse ones by k-means (ours)."
    )
    sample: int = Field(
        10_000,
        ge=20,
        description="Events of the training set at most, drawn by the seed, among which suggestions other than audits "
        "are chosen; more take longer after each batch (ours).",
    )
    audit_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Share of suggestions that are drawn uniformly at random from all events, for figures of accuracy "
        "that chosen events do not bias (ours).",
    )
    rare_share: float = Field(
        0.1, ge=0, le=1, description="Share of suggestions from micro-clusters without a reviewed event (ours)."
    )
    novel_share: float = Field(
        0.1, ge=0, le=1, description="Share of suggestions that are unlike all reviewed classes (ours)."
    )
    per_station: bool = Field(False, description="Whether chosen events are balanced over the stations (ours).")
    block: Seconds = Field(
        1800.0,
        ge=0,
        description="Two events of the same micro-cluster in the same block of this length are taken for copies of one "
        "source; one of them is suggested (ours).",
    )
    seed: int = Field(0, ge=0, description="Seed of the audits' order and of k-means (ours).")
    decider: str | None = Field(
        None, description="Reviewer who decides where reviewers differ; none: such events are left out (ours)."
    )
    retrain_after: int | None = Field(
        None,
        ge=1,
        description="Reviewed events since the class model's training after which it is trained again and may label; "
        "none: a person starts it (ours).",
    )

    def queue_values(self) -> dict[str, Any]:
        """Return the settings that influence what is suggested."""
        return self.model_dump(mode="json", exclude={"retrain_after"})

    @field_validator("decider")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        return None if value is None else reviewer_name(value)
