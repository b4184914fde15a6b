"""Ocean tide below the shelf, and the tilt that its change along the shelf causes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ris_core.synthetic.seeds import Stream, generator

# Speed in degrees per hour (Doodson) and amplitude in metres: a diurnal regime as under the Ross Ice Shelf.
CONSTITUENTS: dict[str, tuple[float, float]] = {
    "K1": (15.0410686, 0.36),
    "O1": (13.9430356, 0.30),
    "P1": (14.9589314, 0.11),
    "Q1": (13.3986609, 0.06),
    "M2": (28.9841042, 0.05),
    "S2": (30.0000000, 0.06),
    "N2": (28.4397295, 0.03),
}

# The tide at the grounding line is greater and later than at the front (our choice within the range of tide models of
# the Ross Ice Shelf); then the length of the shelf.
INLAND_GAIN = 1.35
INLAND_LAG_DEG = 25.0
SHELF_LENGTH_M = 600e3


def tide(seed: int, hours: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return tide height (m) and seaward tilt (µrad).

    Each constituent is A·cos(ωt − φ) with a phase φ drawn from the seed. The tilt is the difference in height between
    grounding line and front over the shelf's length, positive where the shelf slopes down to the front: spatial
    variability of the tide tilts the shelf (Olinger et al. 2019).

    Parameters
    ----------
    seed : int
        Generator seed.
    hours : array of shape (N,)
        Time, hours since any fixed instant.
    """
    phases = generator(seed, Stream.TIDE).uniform(0.0, 2.0 * np.pi, len(CONSTITUENTS))
    front = np.zeros_like(hours)
    inland = np.zeros_like(hours)
    for (speed, amplitude), phase in zip(CONSTITUENTS.values(), phases, strict=True):
        argument = np.deg2rad(speed) * hours - phase
        front += amplitude * np.cos(argument)
        inland += INLAND_GAIN * amplitude * np.cos(argument - np.deg2rad(INLAND_LAG_DEG))
    return front, (inland - front) / SHELF_LENGTH_M * 1e6
