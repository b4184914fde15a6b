"""Events that show what a packaged model takes in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ris_core.processing.spectrograms import Plan
from ris_core.serving.package import Takes
from ris_core.storage.spectrogram_file import read_spectrograms

_EVENTS = 2


def example_events(training_set: Path, takes: Takes, constants: Plan) -> NDArray[np.float32]:
    """Return two events of a training set as a package takes them.

    Parameters
    ----------
    training_set
        Path of the training set.
    takes
        What the package takes: ``spectrograms`` or ``waveforms``.
    constants
        Constants of the spectrograms.

    Returns
    -------
    array of shape (2, F, T), linear power, or (2, samples), counts
        The samples of imported events are fewer than those of a window: zeros are added on both sides.
    """
    read = read_spectrograms(training_set, np.arange(_EVENTS))
    if takes == "spectrograms":
        return np.ascontiguousarray(read.spectrogram, dtype=np.float32)
    missing = max(0, constants.samples - read.waveform.shape[1])
    longer = np.pad(read.waveform, ((0, 0), (missing // 2, missing - missing // 2)))
    return np.ascontiguousarray(longer, dtype=np.float32)
