"""Detections: triggers of a characteristic function on conditioned segments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ris_core.config import ConditioningSettings, DetectorSettings, StaLtaSettings
from ris_core.processing.blocks import LARGEST_BLOCK
from ris_core.processing.characteristic import characteristic, pair_name
from ris_core.processing.condition import Conditioned
from ris_core.processing.instrument import Kind

# Rounding of single precision is smaller than this share of the greatest sample of a block.
_ROUNDING = 5e-7


@dataclass(frozen=True)
class Trigger:
    """One trigger; positions are sample indices of its segment.

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
        that ends one STA before it; NaN if that stretch does not exist.
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
    conditioned: Conditioned,
    index: int,
    detector: DetectorSettings,
    conditioning: ConditioningSettings,
    kind: Kind = "counts",
) -> list[Trigger]:
    """Return the triggers of one segment in the order of time; none starts within the guards beside a gap.

    With several pairs of averages a part of the trace may trigger once for each.
    """
    samples = conditioned.of_kind(kind)
    found = [t for pair in detector.pairs for t in _of_pair(conditioned, samples, index, pair, detector, conditioning)]
    return sorted(found, key=lambda t: t.on)


def _of_pair(
    conditioned: Conditioned,
    samples: NDArray[np.float64],
    index: int,
    pair: StaLtaSettings,
    detector: DetectorSettings,
    conditioning: ConditioningSettings,
) -> list[Trigger]:
    rate = conditioned.sampling_rate
    short, long = round(pair.sta * rate), round(pair.lta * rate)
    values = characteristic(samples, short, long, detector, not conditioned.opens_window)
    first = 0 if conditioned.opens_window else round(conditioning.guard_after_gap * rate)
    stop = values.size - (0 if conditioned.closes_window else round(conditioning.guard_before_gap * rate))
    found = []
    for on, end in _onsets(values, pair):
        # A trigger that is already on when the guard ends did not start there.
        if not first <= on < stop:
            continue
        off = int(end)
        magnitude = np.abs(samples[on : off + 1])
        peak = int(magnitude.argmax())
        if _is_rounding(samples, int(on), off, float(magnitude[peak])):
            continue
        found.append(
            Trigger(
                segment=index,
                on=int(on),
                off=off,
                peak=int(on) + peak,
                time_on_ns=conditioned.time_ns(int(on)),
                characteristic_max=float(values[on : off + 1].max()),
                snr=_snr(samples, int(on), off, short, long),
                found_by=pair_name(detector.method, pair),
            )
        )
    return found


def _onsets(values: NDArray[np.float64], pair: StaLtaSettings) -> NDArray[np.int64]:
    """Return first and last samples of the triggers, shape (triggers, 2), as ObsPy's ``trigger_onset``.

    ObsPy's function gets only samples above the lower threshold, which are few in a day.
    """
    from obspy.signal.trigger import trigger_onset

    above = np.flatnonzero(values >= pair.threshold_off)
    # A sample below the threshold separates parts that are not contiguous.
    apart = np.flatnonzero(np.diff(above) > 1) + 1
    places = np.insert(above, apart, above[apart] - 1)
    found = trigger_onset(values[places], pair.threshold_on, pair.threshold_off)
    return places[np.minimum(np.asarray(found, dtype=np.int64).reshape(-1, 2), places.size - 1)]


def _is_rounding(samples: NDArray[np.float64], on: int, off: int, peak: float) -> bool:
    """Whether a trigger of a dead trace is the rounding of a strong signal in the same block of the transform."""
    around = samples[max(0, on - LARGEST_BLOCK) : off + LARGEST_BLOCK + 1]
    return bool(peak < _ROUNDING * max(around.max(), -around.min()))


def _snr(samples: NDArray[np.float64], on: int, off: int, short: int, long: int) -> float:
    noise = samples[max(0, on - short - long) : max(0, on - short)]
    signal = samples[on : max(off, on + short) + 1]
    if noise.size < short or signal.size < short:
        return float("nan")
    level = float(np.dot(noise, noise)) / noise.size
    total = np.cumsum(signal * signal)
    total[short:] -= total[:-short].copy()
    strongest = float(total[short - 1 :].max()) / short
    return 10 * math.log10(strongest / level) if strongest > 0 and level > 0 else math.nan
