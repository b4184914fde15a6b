"""Settings: figures with environmental series above the counts of each class."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import Field, field_validator, model_validator

from ris_core.config.environment import SeriesSettings
from ris_core.config.sources import StationSettings
from ris_core.section import Hours, Section


class PanelsSettings(Section):
    """One figure for each of its stations: a panel for each series, and below one of counts for each class."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name of the figure, which is part of its file.")
    stations: tuple[str, ...] = Field(min_length=1, description="Stations whose events are counted, one figure each.")
    series: tuple[str, ...] = Field(min_length=1, description="Names of the series, from the top.")
    classes: tuple[str, ...] | None = Field(
        None, min_length=1, description="Names of the classes, from the top; none: all that the catalogue has."
    )
    first: datetime | None = Field(None, description="Begin of the figure, UTC; none: that of the network.")
    last: datetime | None = Field(None, description="End of the figure, UTC; none: that of the network.")
    bin: Hours = Field(1.0, gt=0, description="Length of the bins of the counts, h (code: 1).")
    cap: int | None = Field(
        None, ge=1, description="Greatest count on the axis; none: the greatest there is (code: 20 or 30)."
    )
    axes: dict[str, tuple[float, float]] = Field(
        default_factory=dict,
        description="Ends of the axes by name of the series, in its unit; others follow their values.",
    )

    @field_validator("first", "last")
    @classmethod
    def _utc(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    @model_validator(mode="after")
    def _consistent(self) -> PanelsSettings:
        if self.first is not None and self.last is not None and self.first >= self.last:
            raise ValueError(f"figure {self.name}: first ({self.first}) must lie before last ({self.last})")
        if other := [name for name in self.axes if name not in self.series]:
            raise ValueError(f"figure {self.name}: axes of {', '.join(other)}, which it does not show")
        return self


def check_panels(
    figures: Sequence[PanelsSettings], series: Sequence[SeriesSettings], stations: Sequence[StationSettings]
) -> None:
    """Raise `ValueError` for figures with one name, or of stations or series that there are not."""
    names = [one.name for one in figures]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"environment_figures: {', '.join(twice)} is the name of several figures; give each its own")
    known, codes = [one.name for one in series], [one.code for one in stations]
    for one in figures:
        if unknown := [name for name in one.series if name not in known]:
            raise ValueError(
                f"environment_figures: {one.name}: {', '.join(unknown)} is not among the series of `environment` "
                f"({', '.join(known) or 'there are none'})"
            )
        if unknown := [code for code in one.stations if code not in codes]:
            raise ValueError(f"environment_figures: {one.name}: {', '.join(unknown)} is not among the stations")
