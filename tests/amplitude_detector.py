"""A small detector, complete: its settings, and how it finds triggers. `register` makes it known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import Field

from ris_core.detectors.detector import Detector, Samples, Trigger, crossings
from ris_core.detectors.registry import DETECTORS
from ris_core.section import Seconds


class AmplitudeDetector(Detector):
    """Triggers where the trace exceeds a level, in its own unit."""

    method: Literal["amplitude"] = Field("amplitude", description="A threshold of the absolute amplitude.")
    level: float = Field(1000.0, gt=0, description="Trigger on at this absolute amplitude, in units of the trace.")
    hold: Seconds = Field(1.0, gt=0, description="A trigger ends when the trace was below the level for this time, s.")

    @property
    def warm_up(self) -> float:
        """Nothing has to be known of the trace before."""
        return 0.0

    def triggers(self, samples: Samples, rate: float, after_gap: bool) -> Iterator[Trigger]:
        """Yield each part of the trace in which no two samples above the level are more than ``hold`` apart."""
        hold = max(1, round(self.hold * rate))
        held = np.zeros(samples.size)
        for start in np.flatnonzero(np.abs(samples) >= self.level):
            held[start : start + hold] = 1.0
        for on, off in crossings(held, 0.5, 0.5).tolist():
            yield Trigger(
                on=on,
                off=off,
                value=float(np.abs(samples[on : off + 1]).max()),
                found_by=f"amplitude {self.level:g}",
                signal=(on, off + 1),
                noise=(on - 10 * hold, on),
                average=min(hold, off + 1 - on),
            )


def register() -> None:
    """Add the detector; the entry point of a plug-in names this function."""
    DETECTORS.add(AmplitudeDetector)
