"""The events of a station-day or of a training set, the content of a spectrogram file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Events:
    """Events in the order of their detections.

    Attributes
    ----------
    spectrogram
        (N, 87, 100) float32, ``unit``²/Hz.
    waveform
        (N, 218) float32, conditioned samples behind each spectrogram, ``unit``.
    frequency, time
        (87,) Hz and (100,) s from the first column.
    event_id
        N identifiers.
    time_peak, window_start
        (N,) ns since 1970 UTC: the detection's peak; the first of the 218 samples.
    sampling_rate
        Of the waveforms, Hz.
    unit
        ``counts``, or that of the ground motion that the settings ask for.
    """

    spectrogram: NDArray[np.float32]
    waveform: NDArray[np.float32]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    event_id: tuple[str, ...]
    time_peak: NDArray[np.int64]
    window_start: NDArray[np.int64]
    sampling_rate: float
    unit: str = "counts"
