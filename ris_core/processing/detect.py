"""Detections: triggers of a characteristic function on conditioned segments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ris_core.config import Conditioning, Detector, StaLta
from ris_core.processing.blocks import LARGEST_BLOCK
from ris_core.processing.characteristic import characteristic, pair_name
from ris_core.processing.condition import Conditioned
from ris_core.processing.instrument import Kind

# Single precision leaves less than this of the greatest sample of a block.
_ROUNDING = 5e-7


@dataclass(frozen=True)
class Trigger:
    """One trigger; places are sample indices of its segment.

    Attributes
    ----------
    segment
        Index of the conditioned segment.
    on, off, peak
        First and last sample of the trigger, sample of greatest absolute amplitude between them.
    time_on_ns
        Time of ``on``, ns since 1970 UTC.
    characteristic_max
        Greatest value of the characteristic function in the trigger.
    snr
        Signal-to-noise ratio, dB: greatest mean square over one STA in the trigger against the mean square over one LTA
        that ends one STA before it; NaN where there is no such stretch.
    found_by
        Method and pair of averages, like ``recursive 0.5/30 s``.
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
    conditioned: Conditioned, index: int, detector: Detector, conditioning: Conditioning, kind: Kind = "counts"
) -> list[Trigger]:
    """Return the triggers of one segment in the order of time; none starts within the guards beside a gap.

    With several pairs of averages a stretch of the trace may trigger once for each.
    """
    samples = conditioned.trace(kind)
    if samples is None:
        raise ValueError(f"the conditioned segment has no trace of {kind}")
    found = [t for pair in detector.pairs for t in _of_pair(conditioned, samples, index, pair, detector, conditioning)]
    return sorted(found, key=lambda t: t.on)


def _of_pair(
    conditioned: Conditioned,
    samples: NDArray[np.float64],
    index: int,
    pair: StaLta,
    detector: Detector,
    conditioning: Conditioning,
) -> list[Trigger]:
    from obspy.signal.trigger import trigger_onset

    rate = conditioned.sampling_rate
    short, long = round(pair.sta * rate), round(pair.lta * rate)
    values = characteristic(samples, short, long, detector, not conditioned.opens_window)
    first = 0 if conditioned.opens_window else round(conditioning.guard_after_gap * rate)
    stop = values.size - (0 if conditioned.closes_window else round(conditioning.guard_before_gap * rate))
    found = []
    for on, end in trigger_onset(values, pair.threshold_on, pair.threshold_off):
        # A trigger that is on already when the guard ends did not start there.
        if not first <= on < stop:
            continue
        off = min(int(end), values.size - 1)
        stretch = samples[on : off + 1]
        if _is_rounding(samples, int(on), off):
            continue
        found.append(
            Trigger(
                segment=index,
                on=int(on),
                off=off,
                peak=int(on + np.argmax(np.abs(stretch))),
                time_on_ns=conditioned.time_ns(int(on)),
                characteristic_max=float(values[on : off + 1].max()),
                snr=_snr(samples, int(on), off, short, long),
                found_by=pair_name(detector.method, pair),
            )
        )
    return found


def _is_rounding(samples: NDArray[np.float64], on: int, off: int) -> bool:
    """Whether a trigger of a dead trace is the rounding of what is strong in the same block of the transform."""
    around = np.abs(samples[max(0, on - LARGEST_BLOCK) : off + LARGEST_BLOCK + 1])
    return bool(np.abs(samples[on : off + 1]).max() < _ROUNDING * around.max())


def _snr(samples: NDArray[np.float64], on: int, off: int, short: int, long: int) -> float:
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
