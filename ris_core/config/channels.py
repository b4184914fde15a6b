"""Settings: the channels of one instrument, and what is done with several of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from ris_core.section import Section


def _several(value: object) -> object:
    """Return a value that is no list, as of `channel: HHZ`, as a list of it."""
    return value if isinstance(value, list | tuple) else (value,)


def _of_one_instrument(codes: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} given more than once; every code may be given only once")
    if len({code[:2] for code in codes}) > 1:
        raise ValueError(
            f"{', '.join(codes)} are not of one instrument; all letters but the last must be the same, as in HHZ, HHN, "
            "HHE; give another instrument's channels in settings of their own"
        )
    return codes


Channels = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3}$")], ...],
    Field(min_length=1),
    BeforeValidator(_several),
    AfterValidator(_of_one_instrument),
]

SYNTHETIC_COMPONENTS = {"Z": "Z", "N": "N", "E": "E", "1": "N", "2": "E"}
"""The component that the synthetic network records for the last letter of a channel; 1 and 2 point north and east."""


class ComponentsSettings(Section):
    """What a network of several channels does with them."""

    detect_on: str = Field(
        "vertical",
        pattern=r"^(vertical|vector_sum|[A-Z0-9]{3})$",
        description="Trace of detections: vertical (the channel that ends in Z, else the first), vector_sum (the root "
        "of the sum of all channels' squares), or a channel's code.",
    )
    missing: Literal["drop", "zeros"] = Field(
        "drop",
        description="An event that one of the channels did not record: drop it, naming the channel, or keep it with "
        "zeros in place of that channel and a mask.",
    )

    def detection_channel(self, channels: Sequence[str]) -> str:
        """Return the channel that names events and files; that of the vertical if detection uses all of them."""
        if self.detect_on in channels:
            return self.detect_on
        return next((code for code in channels if code.endswith("Z")), channels[0])

    def check(self, channels: Sequence[str]) -> None:
        """Raise `ValueError` if the channels do not allow this detection."""
        if self.detect_on == "vector_sum" and len(channels) < 2:
            raise ValueError(
                f"components.detect_on is vector_sum, which needs 2 channels or more; channels has {channels[0]} alone"
            )
        if self.detect_on not in ("vertical", "vector_sum", *channels):
            raise ValueError(f"components.detect_on ({self.detect_on}) is not among channels {list(channels)}")
