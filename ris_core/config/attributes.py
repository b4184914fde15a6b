"""Settings: attributes of events, numbers with a meaning that are measured above the noise."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from ris_core.section import Seconds, Section


class AttributeTablesSettings(Section):
    """Tables of attributes of every station-day, beside its spectrograms."""

    table: bool | None = Field(
        None,
        description="Whether the attributes of every event are kept as a table of its station-day (stage `describe`); "
        "none: if a candidate has attributes as its representation, whose windows are then those of the table (ours).",
    )


class AttributesSettings(Section):
    """Attributes of each event in windows around its strongest moment, standardised."""

    kind: Literal["attributes"] = "attributes"
    reconstructs: ClassVar[bool] = False
    windows: tuple[Seconds, ...] = Field(
        (4.0, 10.0),
        description="Lengths of the windows around the middle of the spectrogram, s; each has all attributes (ours: a "
        "short one for the event, a longer one for what comes before and after). The context must hold them.",
    )
    above_noise: float = Field(
        1.5,
        ge=0,
        description="Power counts where it is above this multiple of the mean noise spectrum, and by how much (ours).",
    )
    clip: float = Field(
        4.0, gt=0, description="Standardised values are limited to this many standard deviations (ours)."
    )

    @field_validator("windows")
    @classmethod
    def _ordered(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or any(seconds <= 0 for seconds in value):
            raise ValueError("name one length or more, all above 0 s, for example [4 s, 10 s]")
        if list(value) != sorted(set(value)):
            raise ValueError("lengths must be different, the shortest first, for example [4 s, 10 s]")
        return value

    def check(self, name: str, window: float, half_length: float) -> None:
        """Raise `ValueError` unless a context holds the windows, with a short-time spectrum at each end.

        Parameters
        ----------
        name
            Of the representation.
        window, half_length
            `spectrogram.window` and `context.half_length`, s.
        """
        longest, held = self.windows[-1], 2 * half_length - 2 * window
        if longest > held:
            raise ValueError(
                f"representations.{name}.windows: {longest:g} s is longer than what the context holds with a short-time"
                f" spectrum at each end ({held:g} s); name windows of at most {held:g} s, or raise context.half_length "
                f"to {longest / 2 + window:g} s"
            )
