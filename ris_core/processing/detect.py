"""The triggers of a detector on one conditioned segment: outside of the guards, with amplitude and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ris_core.config import ConditioningSettings
from ris_core.detectors.detector import Detector, Trigger
from ris_core.processing.condition import Conditioned
from ris_core.processing.instrument import Kind

# Rounding of single precision is smaller than this share of the greatest sample of a block.
_ROUNDING = 5e-7


@dataclass(frozen=True)
class SegmentTrigger:
    """One trigger in its segment; positions are sample indices of the segment.

    Attributes
    ----------
    segment
        Index of the conditioned segment.
    on, off, peak
        First and last sample of the trigger, sample of greatest absolute amplitude between them.
    time_on_ns
        Time of ``on``, ns since 1970 UTC.
    characteristic_max
        Greatest value that the detector compared with its threshold.
    snr
        Signal-to-noise ratio, dB, by the stretches that the detector names; NaN if they do not exist.
    found_by
        The detector and what distinguishes its triggers, like ``recursive 0.5/30 s``.
    """

    segment: int
    on: int
    off: int
    peak: int
    time_on_ns: int
    characteristic_max: float
    snr: float
    found_by: str


def triggers_of(
    conditioned: Conditioned,
    index: int,
    detector: Detector,
    conditioning: ConditioningSettings,
    kind: Kind = "counts",
) -> list[SegmentTrigger]:
    """Return the triggers of one segment in the order of time; none starts within the guards beside a gap.

    Raises
    ------
    ValueError
        A trigger of the detector, which may be a plug-in's, does not lie in the segment.
    """
    samples, rate = conditioned.of_kind(kind), conditioned.sampling_rate
    first = 0 if conditioned.opens_window else round(conditioning.guard_after_gap * rate)
    stop = samples.size - (0 if conditioned.closes_window else round(conditioning.guard_before_gap * rate))
    found = []
    for trigger in detector.triggers(samples, rate, not conditioned.opens_window):
        if not 0 <= trigger.on <= trigger.off < samples.size or trigger.average < 1:
            raise ValueError(
                f"detector.method {detector.method} gave a trigger of the samples {trigger.on} to {trigger.off} with "
                f"an average of {trigger.average}; its segment has the samples 0 to {samples.size - 1}, and an average "
                "needs one sample; correct this detector or take another"
            )
        # A trigger that is already on when the guard ends did not start there.
        if not first <= trigger.on < stop:
            continue
        magnitude = np.abs(samples[trigger.on : trigger.off + 1])
        peak = int(magnitude.argmax())
        if _is_rounding(samples, trigger.on, trigger.off, float(magnitude[peak]), conditioned.block):
            continue
        found.append(
            SegmentTrigger(
                segment=index,
                on=trigger.on,
                off=trigger.off,
                peak=trigger.on + peak,
                time_on_ns=conditioned.time_ns(trigger.on),
                characteristic_max=trigger.value,
                snr=_snr(samples, trigger),
                found_by=trigger.found_by,
            )
        )
    return sorted(found, key=lambda t: t.on)


def _is_rounding(samples: NDArray[np.float64], on: int, off: int, peak: float, block: int) -> bool:
    """Whether a trigger of a dead trace is the rounding of a strong signal in the same block of the transform."""
    around = samples[max(0, on - block) : off + block + 1]
    return bool(peak < _ROUNDING * max(around.max(), -around.min()))


def _snr(samples: NDArray[np.float64], trigger: Trigger) -> float:
    """Return the greatest average power of the signal over that of the noise, dB."""
    (first, last), (before, stop) = trigger.signal, trigger.noise
    noise, signal = samples[max(0, before) : max(0, stop)], samples[max(0, first) : last]
    width = trigger.average
    if noise.size < width or signal.size < width:
        return math.nan
    level = float(np.dot(noise, noise)) / noise.size
    total = np.cumsum(signal * signal)
    total[width:] -= total[:-width].copy()
    strongest = float(total[width - 1 :].max()) / width
    return 10 * math.log10(strongest / level) if strongest > 0 and level > 0 else math.nan
