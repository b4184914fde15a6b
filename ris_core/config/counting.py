"""Settings: rates of the classes, and statistics of their events."""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field, field_validator

from ris_core.section import Section


class RatesSettings(Section):
    """Rates: intervals, and the correction for confused classes."""

    level: float = Field(0.95, gt=0, lt=1, description="Probability of the intervals of rates (ours).")
    least_audits: int = Field(
        20,
        ge=1,
        description="Audits of each class from which on they alone say which classes the model confuses; with fewer, "
        "all cross-validated reviews do (ours).",
    )
    least_tested: int = Field(
        10,
        ge=1,
        description="Tested events that each class needs before rates are corrected for confused classes (ours).",
    )
    most_condition: float = Field(
        20.0,
        gt=1,
        description="Greatest condition number of the confusion matrix with which rates are corrected: beyond, some "
        "classes can hardly be told apart (ours).",
    )
    draws: int = Field(
        500,
        ge=100,
        description="Draws of counts and of the confusion matrix, from which intervals of corrected rates are taken "
        "(ours).",
    )
    seed: int = Field(0, ge=0, description="Seed of these draws (ours).")


class StatisticsSettings(Section):
    """Statistics: tables of the classes' events."""

    peak_edges: tuple[float, ...] = Field(
        (),
        description="Ascending edges of |peak| in counts, between which events are counted, low <= |peak| < high; "
        "none: powers of ten (ours).",
        json_schema_extra={"unit": "counts"},
    )
    silhouette_sample: int = Field(
        2000, ge=10, description="Events of the training set, at most, from which silhouettes are computed (ours)."
    )

    @field_validator("peak_edges")
    @classmethod
    def _ascending(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(one >= other for one, other in pairwise(value)) or any(edge < 0 for edge in value):
            raise ValueError("give edges of 0 or more, each greater than the one before")
        if len(value) == 1:
            raise ValueError("give two edges or more, or none")
        return value
