"""Detections: triggers of the recursive STA/LTA on conditioned segments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ris_core.config import Conditioning, Detector
from ris_core.processing.condition import Conditioned


@dataclass(frozen=True)
class Trigger:
    """One STA/LTA trigger; places are sample indices of its segment.

    Attributes
    ----------
    segment
        Index of the conditioned segment.
    on, off, peak
        First and last sample of the trigger, sample of greatest absolute amplitude between them.
    time_on_ns
        Time of ``on``, ns since 1970 UTC.
    characteristic_max
        Greatest STA/LTA ratio of the trigger.
    snr
        Signal-to-noise ratio, dB: greatest mean square over one STA in the trigger against the mean square over one LTA
        that ends one STA before it; NaN where there is no such stretch.
    """

    segment: int
    on: int
    off: int
    peak: int
    time_on_ns: int
    characteristic_max: float
    snr: float


def characteristic(conditioned: Conditioned, detector: Detector) -> NDArray[np.float64]:
    """Return the recursive STA/LTA ratio, shape (n,), as ObsPy's ``recursive_sta_lta``.

    After a gap the LTA starts from zero and grows as 1 − exp(−t/LTA); the ratio is multiplied by that, so that the
    warming up triggers nothing. At the outer end of the padding the published ratio is left as it is.
    """
    from obspy.signal.trigger import recursive_sta_lta

    rate = conditioned.sampling_rate
    short, long = round(detector.sta * rate), round(detector.lta * rate)
    if conditioned.samples.size <= long:
        return np.zeros(conditioned.samples.size)
    ratio: NDArray[np.float64] = recursive_sta_lta(np.ascontiguousarray(conditioned.samples), short, long)
    if not conditioned.opens_window:
        ratio *= -np.expm1(-np.arange(ratio.size) / long)
    return ratio


def triggers_of(conditioned: Conditioned, index: int, detector: Detector, conditioning: Conditioning) -> list[Trigger]:
    """Return the triggers of one segment in the order of time; none starts within the guards beside a gap."""
    from obspy.signal.trigger import trigger_onset

    rate = conditioned.sampling_rate
    ratio = characteristic(conditioned, detector)
    first = 0 if conditioned.opens_window else round(conditioning.guard_after_gap * rate)
    stop = ratio.size - (0 if conditioned.closes_window else round(conditioning.guard_before_gap * rate))
    found = []
    for on, off in trigger_onset(ratio, detector.threshold_on, detector.threshold_off):
        # A trigger that is on already when the guard ends did not start there.
        if not first <= on < stop:
            continue
        stretch = conditioned.samples[on : off + 1]
        found.append(
            Trigger(
                segment=index,
                on=int(on),
                off=int(off),
                peak=int(on + np.argmax(np.abs(stretch))),
                time_on_ns=conditioned.time_ns(int(on)),
                characteristic_max=float(ratio[on : off + 1].max()),
                snr=_snr(conditioned.samples, int(on), int(off), detector, rate),
            )
        )
    return found


def _snr(samples: NDArray[np.float64], on: int, off: int, detector: Detector, rate: float) -> float:
    short, long = round(detector.sta * rate), round(detector.lta * rate)
    noise = samples[max(0, on - short - long) : max(0, on - short)]
    signal = samples[on : max(off, on + short) + 1]
    if noise.size < short or signal.size < short or not noise.any():
        return float("nan")
    power = np.cumsum(np.concatenate(([0.0], signal**2)))
    strongest = float((power[short:] - power[:-short]).max()) / short
    return float(10 * np.log10(strongest / np.mean(noise**2))) if strongest > 0 else float("nan")


def clean(triggers: list[Trigger], window: float) -> list[int | None]:
    """For each trigger in the order of time, return none to keep it, or the index of the kept trigger it follows.

    A trigger is left out when its onset lies less than ``window`` seconds after the onset of the last kept one, as in
    the published catalogue.
    """
    kept: int | None = None
    result: list[int | None] = []
    for i, trigger in enumerate(triggers):
        if kept is not None and trigger.time_on_ns < triggers[kept].time_on_ns + round(window * 1e9):
            result.append(kept)
        else:
            kept = i
            result.append(None)
    return result
