"""Normalisation of spectrograms before the networks see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core import config

# As float64 these spectrograms fit the second-level cache of a core, and twice as many are normalised in a second.
_BLOCK = 8
_NAMED = 5
_LINEAR = config.NormalisationSettings()


class SpectrogramError(ValueError):
    """A spectrogram cannot be normalised; the message names its event."""


def normalise(
    x: NDArray[Any],
    settings: config.NormalisationSettings = _LINEAR,
    event_ids: Sequence[str] | None = None,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Give every spectrogram unit L2 norm, on a linear scale (the published normalisation) or in decibels.

    In decibels a value is 10 log10(PSD / floor), or 0 where the PSD lies below the floor; the floor is a quantile of
    the spectrogram's own values. Of several components each has a floor of its own, and all together have unit norm, so
    that the ratios between components are kept. A component of zeros, one that was not recorded, stays zero.

    Parameters
    ----------
    x
        Spectrograms (N, F, T) or (N, C, F, T), linear PSD.
    settings
        Section `normalisation`.
    event_ids
        Identifiers of the N events, for errors.
    out
        Where to put the result, float32, shaped as `x`; it may be `x` itself. A new array by default.

    Raises
    ------
    SpectrogramError
        A spectrogram is zero everywhere (in decibels: nowhere above its floor) or holds a value that is not finite.
    """
    if event_ids is not None and len(event_ids) != len(x):
        raise ValueError(f"{len(event_ids)} event ids for {len(x)} spectrograms; one for each is needed")
    result = np.empty(x.shape, np.float32) if out is None else out
    bad: list[int] = []
    # In float64: the squares of very small or very great PSD do not fit float32.
    wide = np.empty((min(_BLOCK, len(x)), *x.shape[1:]))
    for start in range(0, len(x), _BLOCK):
        block = wide[: len(x) - start]
        np.copyto(block, x[start : start + _BLOCK])
        if settings.scale == "decibel":
            _to_decibels(block, settings.floor_quantile)
        flat = block.reshape(len(block), -1, block.shape[-1])
        norm = np.sqrt(np.einsum("nft,nft->n", flat, flat))
        usable = np.isfinite(norm) & (norm > 0)
        bad += (start + np.flatnonzero(~usable)).tolist()
        flat /= np.where(usable, norm, 1.0)[:, None, None]
        result[start : start + _BLOCK] = block
    if bad:
        names = [event_ids[i] if event_ids is not None else f"row {i}" for i in bad[:_NAMED]]
        more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        below = "" if settings.scale == "linear" else " or nowhere above their noise floor"
        raise SpectrogramError(
            f"{len(bad)} of {len(x)} spectrograms are zero everywhere{below} or not finite and have no L2 norm: "
            f"{', '.join(names)}{more}; leave these events out"
        )
    return result


def _to_decibels(block: NDArray[np.float64], quantile: float) -> None:
    # One row for each component of each event; a view, so that the block itself is changed.
    rows = block.reshape(-1, block.shape[-2] * block.shape[-1])
    rank = int(quantile * rows.shape[1])
    floor = np.partition(rows, rank, axis=1)[:, rank][:, None]
    # A floor of zero (samples that were all zero for a while) would put everything else infinitely far above it.
    smallest = np.where(rows > 0, rows, np.inf).min(axis=1, keepdims=True)
    floor = np.where(floor <= 0, np.where(np.isfinite(smallest), smallest, 1.0), floor)
    with np.errstate(divide="ignore", invalid="ignore"):
        np.divide(rows, floor, out=rows)
        np.maximum(rows, 1.0, out=rows)  # NaN stays NaN
        np.log10(rows, out=rows)
    rows *= 10.0
