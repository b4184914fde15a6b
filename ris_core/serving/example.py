"""Events that show what a packaged model takes in, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.cluster_model import ClusterModel
from ris_core.contracts.events import Events, MissingPartError
from ris_core.contracts.input_spec import InputMismatchError
from ris_core.processing.spectrograms import Plan
from ris_core.representations.file_events import FileEvents
from ris_core.representations.representation import Representation
from ris_core.serving.package import NoPackageError, Package, Takes
from ris_core.storage.spectrogram_file import read_spectrograms

_EVENTS = 2
_ABSENT = (AssertionError, AttributeError, IndexError, MissingPartError, TypeError)
"""What code raises that reads an array which is not there."""


def example_events(training_set: Path, model: ClusterModel | Representation) -> Events:
    """Return two events of a training set.

    Raises
    ------
    InputMismatchError
        The training set is not such as the model was trained on.
    MissingPartError
        It lacks an array that the model needs.
    """
    try:
        model.require(FileEvents(training_set))
    except InputMismatchError as error:
        raise error.named(str(training_set)) from None
    found = read_spectrograms(training_set, np.arange(_EVENTS))
    found.require(*model.needs, where=str(training_set))
    return found


def one_array(events: Events, takes: Takes, constants: Plan) -> NDArray[np.float32]:
    """Return events as a package of one array takes them.

    Parameters
    ----------
    events
        With spectrograms and waveforms.
    takes
        ``spectrograms`` or ``waveforms``.
    constants
        Constants of the spectrograms.

    Returns
    -------
    ndarray
        Linear power (n, F, T) or (n, C, F, T), or windows (n, samples). The samples of imported events are fewer than
        those of a window: zeros are added on both sides.
    """
    if takes == "spectrograms":
        return np.ascontiguousarray(events.spectrogram, dtype=np.float32)
    missing = max(0, constants.samples - events.waveform.shape[1])
    longer = np.pad(events.waveform, ((0, 0), (missing // 2, missing - missing // 2)))
    return np.ascontiguousarray(longer, dtype=np.float32)


def example_answer(
    package: Package, values: NDArray[Any] | Mapping[str, NDArray[Any]], events: Events
) -> dict[str, NDArray[Any]]:
    """Return the answer of a package for the example events, if it is that of its model for all that is known of them.

    Windows are not compared: their spectrograms are made again.

    Parameters
    ----------
    package
        The package.
    values
        The events as it takes them.
    events
        The same events.

    Raises
    ------
    NoPackageError
        The model reads something of the events that the package does not take in.
    """
    remedy = (
        "name in its `needs` the parts that it reads; identifiers and times of the events are not taken in by packages"
    )
    try:
        answer = package.answer(values)
    except _ABSENT as error:
        said = f"{type(error).__name__}: {error}"
        raise NoPackageError(f"the model fails without the rest of the events ({said}): {remedy}") from error
    if package.takes != "waveforms":
        whole = package.answer_for(events)
        different = [name for name in answer if not np.allclose(answer[name], whole[name], rtol=1e-4, atol=1e-6)]
        if different:
            raise NoPackageError(
                f"{', '.join(different)} of the model are others without the rest of the events: {remedy}"
            )
    return answer
