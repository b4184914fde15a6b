"""Spectrograms of windows that are already cut and conditioned."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.processing.spectrograms import Plan, column_power, densities


def window_spectrograms(windows: NDArray[Any], p: Plan) -> NDArray[np.float32]:
    """Return one spectrogram of each window, centred on its strongest column as those of detections are.

    The centre is the column of greatest power summed over all frequencies, among those whose middle lies from
    ``search`` samples before the window's middle to less than that after it, and around which all columns fit into the
    window. A window of exactly the samples of a spectrogram has one such column, and is used as it is.

    Parameters
    ----------
    windows
        Conditioned samples (N, n), at the rate of the plan; n of `Plan.samples` or more, 218 by default.
    p
        The constants.

    Returns
    -------
    ndarray
        Shape (N, F, T), float32: one-sided power spectral density, in the windows' unit squared per Hz.

    Raises
    ------
    ValueError
        The windows have another shape or are too short.
    """
    windows = np.asarray(windows)
    if windows.ndim != 2 or windows.shape[1] < p.samples:
        raise ValueError(
            f"windows must have the shape (N, n) with n of at least {p.samples} samples at {p.rate:g} Hz, "
            f"got {windows.shape}"
        )
    width, before, after = p.window.size, p.columns // 2, p.columns - p.columns // 2
    columns = (windows.shape[1] - width) // p.hop + 1
    # Columns whose middle (start + width / 2) lies in [middle − search, middle + search).
    middle = windows.shape[1] // 2 - width // 2
    first = max(-((p.search - middle) // p.hop), before)
    last = min(-((-p.search - middle) // p.hop) - 1, columns - after)
    result = np.empty((len(windows), p.frequency.size, p.columns), np.float32)
    for row, samples in enumerate(windows):
        power = column_power(samples[first * p.hop : last * p.hop + width], p)
        start = (first + int(np.argmax(power)) - before) * p.hop
        result[row] = densities(samples[start : start + p.samples], p)
    return result
