"""Powers as decibels below the greatest one: the scale of all pictures of spectrograms, drawn by matplotlib or not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DYNAMIC_RANGE_DB = 30.0
"""Lower end of the scale below its upper end, dB."""


def decibels_below_max(power: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Return 10 log10 of power relative to its greatest value, not below -30 dB; all zero gives -30 dB.

    Parameters
    ----------
    power : array of any shape
        Linear power, at least 0: of one component, or of all components of one event.
    """
    floor = 10 ** (-DYNAMIC_RANGE_DB / 10)
    return np.asarray(10 * np.log10(np.maximum(share_of_max(power), floor)))


def share_of_max(power: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Return power divided by its greatest value; all zero stays zero."""
    greatest = float(np.max(power, initial=0.0))
    return np.asarray(power, float) / (greatest if greatest > 0 else 1.0)
