"""Polarisation of three components in the part of a window that rises above the noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ris_core.attributes.short_time import ShortTime

Floats = NDArray[np.float32]


def polarisation(samples: Floats, weights: Floats, half: int, p: ShortTime, vertical: int) -> Floats:
    """Return rectilinearity, planarity and incidence (B, 3) of B events.

    Their covariance is that of the samples, each weighted with the power above the noise of the column in whose middle
    it lies. Rectilinearity is 1 − (λ2 + λ3) / 2 λ1, planarity 1 − 2 λ3 / (λ1 + λ2), incidence the angle of the first
    axis with the vertical in degrees, from 0 to 90 (Jurkevics 1988, BSSA 78, 1725-1743; the axes' azimuth is not used).
    An event without samples has 0, 0 and 45 degrees.

    Parameters
    ----------
    samples
        (B, 3, 2 · `reach`) around the middle.
    weights
        (B, 2 · half + 1), of the columns.
    half, p
        Number of columns on each side of the middle one, and the constants.
    vertical
        Which component is the vertical one.
    """
    first = p.reach - half * p.step - p.step // 2
    length = (2 * half + 1) * p.step
    part = samples[:, :, first : first + length].astype(np.float64)
    share = np.repeat(weights.astype(np.float64), p.step, axis=1)
    total = share.sum(axis=1, keepdims=True)
    share /= np.where(total > 0, total, 1)
    part -= (part * share[:, None, :]).sum(axis=2, keepdims=True)
    weighted = part * share[:, None, :]
    covariance = np.matmul(weighted, part.transpose(0, 2, 1))
    strength, axis = np.linalg.eigh(covariance)
    third, second, largest = np.maximum(strength, 0).T
    some = largest > 0
    unit = np.where(some, largest, 1)
    rectilinearity = np.where(some, 1 - (second + third) / (2 * unit), 0)
    planarity = np.where(some, 1 - 2 * third / (unit + second), 0)
    cosine = np.clip(np.abs(axis[:, vertical, 2]), 0, 1)
    incidence = np.where(some, np.degrees(np.arccos(cosine)), 45)
    return np.stack([rectilinearity, planarity, incidence], axis=1).astype(np.float32)
