"""The STA/LTA detectors: the ratio of a short average of the squared trace to a long one."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from ris_core.detectors.averages import AveragesDetector
from ris_core.detectors.detector import Samples, trailing_sum


class _Ratio(AveragesDetector):
    @model_validator(mode="after")
    def _positive(self) -> _Ratio:
        lowest = min(pair.threshold_off for pair in self.pairs)
        if lowest <= 0:
            raise ValueError(f"threshold_off ({lowest:g}) must be greater than 0 for a ratio of averages")
        return self


class RecursiveStaLta(_Ratio):
    """Recursive STA/LTA (Withers et al. 1998), by ObsPy's C routine: the published detector."""

    method: Literal["recursive"] = Field(
        "recursive", description="Recursive STA/LTA: older samples count exponentially less (J21)."
    )

    def characteristic(self, samples: Samples, sta: int, lta: int, after_gap: bool) -> Samples:
        """Return the ratio.

        After a gap the LTA starts from zero and grows as 1 − exp(−t/LTA); the ratio is multiplied by that factor, so
        that this start triggers nothing.
        """
        from obspy.signal import trigger

        ratio: Samples = trigger.recursive_sta_lta(samples, sta, lta)
        if after_gap:
            # After 40 LTA the factor is 1 in double precision.
            warming = ratio[: 40 * lta]
            warming *= -np.expm1(-np.arange(warming.size) / lta)
        return ratio


class ClassicStaLta(_Ratio):
    """Classic STA/LTA (Withers et al. 1998), by ObsPy's C routine."""

    method: Literal["classic"] = Field("classic", description="STA/LTA over the last samples, which count equally.")

    def characteristic(self, samples: Samples, sta: int, lta: int, after_gap: bool) -> Samples:
        """Return the ratio; both averages end at the same sample. 0 while the detector warms up, one LTA."""
        from obspy.signal import trigger

        ratio: Samples = np.asarray(trigger.classic_sta_lta(samples, sta, lta))
        # ObsPy gives one value more, for the last sample of the first LTA.
        ratio[:lta] = 0.0
        return ratio


class DelayedStaLta(_Ratio):
    """Delayed STA/LTA (Withers et al. 1998, p. 98): one sample lies between its LTA and its STA.

    ObsPy's ``delayed_sta_lta`` adds the samples that leave the windows instead of subtracting them and is not used.
    """

    method: Literal["delayed"] = Field(
        "delayed", description="STA/LTA whose long average ends one sample before the short one begins."
    )

    def characteristic(self, samples: Samples, sta: int, lta: int, after_gap: bool) -> Samples:
        """Return the ratio; 0 until both windows are full."""
        energy = samples**2
        short = trailing_sum(energy, sta) / sta
        long = np.zeros_like(short)
        # One sample lies between the long window and the short one.
        long[sta + 1 :] = trailing_sum(energy, lta)[: -sta - 1] / lta
        ratio = np.zeros_like(short)
        full = slice(sta + lta, None)
        # The rounding left after samples of a loud trace were added and subtracted is not a level to compare with.
        rounding = 16 * np.finfo(np.float64).eps * energy.sum() / lta
        np.divide(short[full], long[full], out=ratio[full], where=long[full] > rounding)
        return ratio
