"""The Z-detector: the energy of a short window, standardised by its mean and deviation over the segment."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ris_core.detectors.averages import AveragesDetector
from ris_core.detectors.detector import Samples, trailing_sum


class ZDetector(AveragesDetector):
    """The Z-detector of Swindell & Snell (1977), as ObsPy's ``z_detect``.

    It has one window, ``sta``. ``lta`` is the stretch of noise before the window for the signal-to-noise ratio, and the
    time after the start of a segment that is not live.
    """

    method: Literal["z_detect"] = Field("z_detect", description="Z-detector: thresholds are in standard deviations.")

    def characteristic(self, samples: Samples, sta: int, lta: int, after_gap: bool) -> Samples:
        """Return how many standard deviations the energy of the last ``sta`` samples lies above its mean."""
        average = trailing_sum(samples**2, sta)
        # As in ObsPy: the window ends one sample earlier, and the start is 0.
        shifted = np.zeros_like(average)
        shifted[sta + 1 :] = average[sta:-1]
        shifted[sta] = average[sta - 1]
        deviation = shifted.std()
        return (shifted - shifted.mean()) / deviation if deviation > 0 else np.zeros_like(shifted)
