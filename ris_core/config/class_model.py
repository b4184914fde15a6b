"""Settings: the class model, which is trained on reviewed events."""

from __future__ import annotations

from pydantic import Field, field_validator

from ris_core.contracts.candidate_name import check_name
from ris_core.section import Seconds, Section


class ClassModelSettings(Section):
    """The classifier of reviewed events, and what it may say."""

    representations: tuple[str, ...] | None = Field(
        None,
        description="Representations whose features the classifier is given, side by side; the first one names the "
        "model. None: attributes if a candidate has them, else the representation of the first candidate (ours).",
    )
    trees: int = Field(300, ge=10, le=5000, description="Extremely randomised trees (Geurts et al. 2006; number ours).")
    spread_reviews: float = Field(
        10.0,
        ge=0,
        description="With so many reviewed events, half of the trees are grown on the events around them, whose "
        "classes spread from the reviewed ones over a graph of neighbours (Zhou et al. 2004); with n of them the share "
        "s / (s + n). 0: none (ours).",
    )
    spread_sample: int = Field(
        1000, ge=1, description="Events of this graph beside the reviewed ones at most, drawn by the seed (ours)."
    )
    folds: int = Field(
        10,
        ge=2,
        le=50,
        description="Parts of the reviewed events in the cross-validation; events of one group are in one part (ours).",
    )
    block: Seconds = Field(
        1800.0,
        gt=0,
        description="Events of one block of this length, over all stations, and of one source are one group of the "
        "cross-validation, s (ours).",
    )
    coverage: float = Field(
        0.95,
        gt=0.5,
        lt=1,
        description="Share of further events whose class is among those of their set, as promised by conformal "
        "prediction (Vovk et al. 2005; ours).",
    )
    false_alarms: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="Share of events of the reviewed classes that count as new by their distance to all reviewed "
        "events (ours).",
    )
    fewest: int = Field(
        5, ge=1, description="Reviewed events of a class below which its precision and recall are not stated (ours)."
    )
    fewest_reviews: int = Field(
        20,
        ge=2,
        description="Reviewed events, looked at one by one, below which a class model may not label, and its "
        "probabilities are not calibrated (ours).",
    )
    seed: int = Field(0, ge=0, description="Of the trees and of the parts of the cross-validation.")

    @field_validator("representations")
    @classmethod
    def _names(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and (not value or len(set(value)) != len(value)):
            raise ValueError("name a representation or more, each once, for example [attributes]")
        for name in value or ():
            check_name("representation", name)
        return value
