"""Events that show what a packaged model takes in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.events import Part
from ris_core.processing.spectrograms import Plan
from ris_core.serving.package import Takes
from ris_core.storage.spectrogram_file import read_spectrograms

_EVENTS = 2


def example_events(
    training_set: Path, takes: Takes, needs: Sequence[Part], constants: Plan
) -> NDArray[np.float32] | dict[str, NDArray[np.float32]]:
    """Return two events of a training set as a package takes them.

    Parameters
    ----------
    training_set
        Path of the training set.
    takes
        What the package takes: ``spectrograms``, ``waveforms`` or ``events``.
    needs
        The arrays that the model needs.
    constants
        Constants of the spectrograms.

    Returns
    -------
    array of shape (2, F, T), linear power, or (2, samples), counts, or arrays by name
        The samples of imported events are fewer than those of a window: zeros are added on both sides.
    """
    read = read_spectrograms(training_set, np.arange(_EVENTS))
    if takes == "events":
        read.require(*needs)
        return {name: np.ascontiguousarray(getattr(read, name), dtype=np.float32) for name in needs}
    if takes == "spectrograms":
        return np.ascontiguousarray(read.spectrogram, dtype=np.float32)
    missing = max(0, constants.samples - read.waveform.shape[1])
    longer = np.pad(read.waveform, ((0, 0), (missing // 2, missing - missing // 2)))
    return np.ascontiguousarray(longer, dtype=np.float32)
