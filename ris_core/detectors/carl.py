"""The trigger of Earthworm's Carl Johnson."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ris_core.detectors.averages import AveragesDetector
from ris_core.detectors.detector import Samples, trailing_sum


class CarlTrigger(AveragesDetector):
    """The trigger of Earthworm's Carl Johnson, as ObsPy's ``carl_sta_trig``; its thresholds have the trace's unit."""

    method: Literal["carl"] = Field("carl", description="Carl Johnson's trigger: thresholds are in units of the trace.")
    carl_ratio: float = Field(
        1.0, gt=0, description="Weight of the long-term average; a smaller value is more sensitive."
    )
    carl_quiet: float = Field(0.0, ge=0, description="Offset in units of the trace; a smaller value is more sensitive.")

    def characteristic(self, samples: Samples, sta: int, lta: int, after_gap: bool) -> Samples:
        """Return Carl Johnson's eta; −1 during the first long average."""
        short = _before(samples, sta)
        long = np.concatenate(([0.0], _before(short, lta)))[: samples.size]
        short_of_deviations = _before(np.abs(samples - long), sta)
        long_of_deviations = _before(short_of_deviations, lta)
        eta = short_of_deviations - self.carl_ratio * long_of_deviations - np.abs(short - long) - self.carl_quiet
        eta[:lta] = -1.0
        return eta


def _before(values: Samples, width: int) -> Samples:
    """Return the average of the ``width`` samples before each one, shape (n,); 0 at the start."""
    average = np.zeros_like(values)
    average[width:] = trailing_sum(values, width)[width - 1 : -1] / width
    return average
