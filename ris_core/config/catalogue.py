"""Settings: the catalogue of events, and which detections of several stations one source can explain."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ris_core.section import Seconds, Section


class RepeaterSettings(Section):
    """Families of events of one station and class whose waveforms are nearly the same."""

    least_correlation: float = Field(
        0.8, gt=0, lt=1, description="Least correlation of the waveforms of two events of a family (ours)."
    )
    longest_lag: Seconds = Field(
        1.0, ge=0, description="Greatest shift between two waveforms, whose peaks are at the same place (ours)."
    )
    neighbours: int = Field(
        20,
        ge=1,
        description="Nearest events in the representation of the labels whose waveforms are compared with those of an "
        "event; work and memory grow with it (ours).",
    )


class CatalogueSettings(Section):
    """Catalogue: associations between stations."""

    least_velocity: float = Field(
        2.0,
        gt=0,
        description="Least apparent velocity between two stations, km/s: their distance over it is the longest "
        "difference in time that one source can explain (ours).",
        json_schema_extra={"unit": "km/s"},
    )
    picking_error: Seconds = Field(
        1.0, ge=0, description="Error of the difference of two peak times, added to the travel time (ours)."
    )
    same_class: bool = Field(
        False,
        description="Whether detections of one source must have the same label; true makes fewer chance "
        "associations, and loses sources that stations label differently (ours).",
    )
    source_classes: Literal["auto", "all"] | tuple[int, ...] = Field(
        "auto",
        description="Classes whose events may be of one source at several stations: class numbers; all; or auto, those "
        "that coincide at two stations clearly more often than by chance (ours).",
    )
    chance_p: float = Field(
        1e-3,
        gt=0,
        lt=1,
        description="With auto: greatest probability, by Poisson, of as many coincidences of a class by chance (ours).",
    )
    least_excess: float = Field(
        0.25,
        ge=0,
        lt=1,
        description="With auto: least share of the coincidences of a class that chance does not explain (ours).",
    )
    repeaters: RepeaterSettings | None = Field(
        None, description="Whether families of repeating events are sought, and how; none: they are not (ours)."
    )

    def catalogue_values(self) -> dict[str, Any]:
        """Return the settings that influence the catalogue and its sources."""
        return self.model_dump(mode="json", exclude={"repeaters"})
