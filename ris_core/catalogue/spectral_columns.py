"""Peak frequency, centroid and duration of events, from their spectrograms in blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.attributes.short_time import mean_noise
from ris_core.catalogue.catalogue_schema import DURATION_SHARE
from ris_core.contracts.events import Events
from ris_core.storage.spectrogram_file import iterate_events

SPECTRAL = ("peak_frequency", "centroid_frequency", "duration")
_BLOCK = 256


def spectral_columns(path: Path, noise_quantile: float) -> pd.DataFrame:
    """Return event_id and the columns `SPECTRAL` of all events of a spectrogram file, in its order.

    Parameters
    ----------
    path
        The file.
    noise_quantile
        The quantile that its noise spectra hold (`context.noise_quantile` of the settings).

    Raises
    ------
    DamagedFileError
        The file is damaged.
    """
    names: list[str] = []
    blocks = [np.empty((0, len(SPECTRAL)), np.float32)]
    for events in iterate_events(path, _BLOCK, ("spectrogram", "noise_psd")):
        names += events.event_id
        blocks.append(of_events(events, noise_quantile))
    frame = pd.DataFrame(np.concatenate(blocks), columns=list(SPECTRAL))
    frame.insert(0, "event_id", np.array(names, dtype=object))
    return frame


def of_events(events: Events, noise_quantile: float) -> NDArray[np.float32]:
    """Return peak frequency (Hz), centroid (Hz) and duration (s) of N events, shape (N, 3).

    The peak frequency is that of the published code: the bin of the greatest value of the mean over time. For the other
    two, the mean noise is subtracted first where there are noise spectra. NaN of a spectrogram without power.
    """
    power = events.spectrogram
    if power.ndim == 4:
        power = power.sum(axis=1)
    spectrum, envelope = power.mean(axis=2, dtype=np.float64), power.sum(axis=1, dtype=np.float64)
    noise = np.zeros_like(spectrum)
    if events.noise_psd is not None:
        noise = mean_noise(events, noise_quantile).sum(axis=1)
    clear, course = (
        _above(spectrum, noise),
        _above(envelope, np.repeat(noise.sum(axis=1, keepdims=True), envelope.shape[1], axis=1)),
    )
    dead = ~(spectrum.max(axis=1) > 0)
    with np.errstate(invalid="ignore"):
        centroid = clear @ events.frequency / clear.sum(axis=1)
    interval = float(events.time[1] - events.time[0])
    lasting = (course >= DURATION_SHARE * course.max(axis=1, keepdims=True)).sum(axis=1) * interval
    found = np.column_stack([events.frequency[spectrum.argmax(axis=1)], centroid, lasting]).astype(np.float32)
    found[dead] = np.nan
    return found


def _above(power: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return power above noise, both (N, D); the power itself of events that are nowhere above it."""
    found = np.maximum(power - noise, 0.0)
    buried = found.max(axis=1) <= 0
    found[buried] = power[buried]
    return found
