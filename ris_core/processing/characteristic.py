"""Characteristic functions of a conditioned trace, which a detector compares with its thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ris_core.config import DetectorSettings, StaLtaSettings

Samples = NDArray[np.float64]


def characteristic(samples: Samples, sta: int, lta: int, detector: DetectorSettings, after_gap: bool) -> Samples:
    """Return the characteristic function of the detector's method, shape (n,).

    Parameters
    ----------
    samples
        Conditioned trace, shape (n,).
    sta, lta
        Lengths of the averages in samples; the Z-detector has one window, ``sta``.
    detector
        Method and the parameters of Carl.
    after_gap
        Whether the trace begins after a gap. The recursive LTA then starts from zero and grows as 1 − exp(−t/LTA); the
        ratio is multiplied by that factor, so that this start triggers nothing. The other methods average only over
        full windows.

    Notes
    -----
    ``recursive``, ``classic``: Withers et al. (1998), ObsPy's C routines. ``delayed``: Withers et al. (1998), p. 98:
    one sample lies between its LTA and its STA; ObsPy's ``delayed_sta_lta`` adds the samples that leave the windows
    instead of subtracting them and is not used. ``z_detect``: Swindell & Snell (1977), as ObsPy's ``z_detect``.
    ``carl``: the trigger of Earthworm's Carl Johnson, as ObsPy's ``carl_sta_trig``. A trace that is not
    longer than the averages need gives 0 everywhere.
    """
    from obspy.signal import trigger

    samples = np.ascontiguousarray(samples, dtype=np.float64)
    if samples.size <= lta + sta + 1:
        return np.zeros(samples.size)
    if detector.method == "recursive":
        ratio: Samples = trigger.recursive_sta_lta(samples, sta, lta)
        if after_gap:
            # After 40 LTA the factor is 1 in double precision.
            warming = ratio[: 40 * lta]
            warming *= -np.expm1(-np.arange(warming.size) / lta)
        return ratio
    if detector.method == "classic":
        return np.asarray(trigger.classic_sta_lta(samples, sta, lta))
    if detector.method == "delayed":
        return _delayed(samples, sta, lta)
    if detector.method == "z_detect":
        return _z(samples, sta)
    return _carl(samples, sta, lta, detector.carl_ratio, detector.carl_quiet)


def _trailing_sum(values: Samples, width: int) -> Samples:
    """Return the sums over each sample and the ``width`` − 1 before it; fewer at the start."""
    total = np.cumsum(values)
    total[width:] -= total[:-width].copy()
    return total


def _delayed(samples: Samples, sta: int, lta: int) -> Samples:
    energy = samples**2
    short = _trailing_sum(energy, sta) / sta
    long = np.zeros_like(short)
    # One sample lies between the long window and the short one.
    long[sta + 1 :] = _trailing_sum(energy, lta)[: -sta - 1] / lta
    ratio = np.zeros_like(short)
    full = slice(sta + lta, None)
    # The rounding left after samples of a loud trace were added and subtracted is not a level to compare with.
    rounding = 16 * np.finfo(np.float64).eps * energy.sum() / lta
    np.divide(short[full], long[full], out=ratio[full], where=long[full] > rounding)
    return ratio


def _z(samples: Samples, width: int) -> Samples:
    average = _trailing_sum(samples**2, width)
    # As in ObsPy: the window ends one sample earlier, and the start is 0.
    shifted = np.zeros_like(average)
    shifted[width + 1 :] = average[width:-1]
    shifted[width] = average[width - 1]
    deviation = shifted.std()
    return (shifted - shifted.mean()) / deviation if deviation > 0 else np.zeros_like(shifted)


def _carl(samples: Samples, sta: int, lta: int, ratio: float, quiet: float) -> Samples:
    def before(values: Samples, width: int) -> Samples:
        """Average of the ``width`` samples before each one; 0 at the start."""
        average = np.zeros_like(values)
        average[width:] = _trailing_sum(values, width)[width - 1 : -1] / width
        return average

    short = before(samples, sta)
    long = np.concatenate(([0.0], before(short, lta)))[: samples.size]
    short_of_deviations = before(np.abs(samples - long), sta)
    long_of_deviations = before(short_of_deviations, lta)
    eta = short_of_deviations - ratio * long_of_deviations - np.abs(short - long) - quiet
    eta[:lta] = -1.0
    return eta


def pair_name(method: str, pair: StaLtaSettings) -> str:
    """Return the name of a detector's pair of averages, like ``recursive 0.5/30 s``."""
    return f"{method} {pair.sta:g}/{pair.lta:g} s"
