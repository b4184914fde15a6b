"""The training set: a sample of events over all processed station-days, split for validation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ris_core.config import NormalisationSettings, TrainingSetSettings
from ris_core.contracts.input_spec import InputSpec
from ris_core.memory import memory_named
from ris_core.section import digest_of
from ris_core.storage import spectrogram_file
from ris_core.storage.layout import Layout
from ris_core.training.samples import Samples, of_file

_BYTES_PER_GB = 1e9


class NoTrainingSetError(FileNotFoundError):
    """No training set has been drawn yet."""


@dataclass(frozen=True)
class TrainingSet:
    """The training set, normalised: in memory where it fits, else read when needed.

    Attributes
    ----------
    samples
        N normalised spectrograms (F, T) or (C, F, T), each of unit L2 norm.
    event_id
        N identifiers.
    validation
        (N,) bool: held out from the training of the autoencoder.
    frequency, time
        (F,) Hz, (T,) s.
    digest
        Digest of content, draw, split and normalisation.
    normalisation
        How the spectrograms were normalised.
    input
        What they are to a network.
    """

    samples: Samples
    event_id: tuple[str, ...]
    validation: NDArray[np.bool_]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    digest: str
    normalisation: NormalisationSettings
    input: InputSpec

    def __len__(self) -> int:
        return len(self.event_id)

    @property
    def train(self) -> Samples:
        """The training split."""
        return self.samples.subset(~self.validation)

    @property
    def val(self) -> Samples:
        """The validation split."""
        return self.samples.subset(self.validation)


def load(layout: Layout, sampling: TrainingSetSettings, normalisation: NormalisationSettings) -> TrainingSet:
    """Open the training set, in memory if it is small enough for that.

    Parameters
    ----------
    layout
        Where it is.
    sampling
        Section `training_set`: `in_memory`.
    normalisation
        Section `normalisation`.

    Raises
    ------
    NoTrainingSetError
        There is no training set yet.
    SpectrogramError
        A spectrogram cannot be normalised.
    """
    path, digest = layout.training_set, digest_on_disk(layout, normalisation)
    size = gigabytes(spectrogram_file.read_info(path).events, spectrogram_file.shape_of_one(path))
    with memory_named(f"{path} ({size:.2g} GB of spectrograms)", sampling.in_memory):
        event_id = tuple(str(name) for name in spectrogram_file.read_column(path, "event_id"))
        found = TrainingSet(
            samples=of_file(path, normalisation, size <= sampling.in_memory, event_id),
            event_id=event_id,
            validation=validation_split(layout),
            frequency=spectrogram_file.read_column(path, "frequency"),
            time=spectrogram_file.read_column(path, "time"),
            digest=digest,
            normalisation=normalisation,
            input=spectrogram_file.input_spec_of(path),
        )
    # If another training set was drawn meanwhile, the two may be mixed.
    return found if digest_on_disk(layout, normalisation) == digest else load(layout, sampling, normalisation)


def validation_split(layout: Layout) -> NDArray[np.bool_]:
    """Return which events (N,) of the training set on disk are held out from the training of the autoencoder."""
    return spectrogram_file.read_column(layout.training_set, "validation").astype(bool)


def digest_on_disk(layout: Layout, normalisation: NormalisationSettings) -> str:
    """Return the digest of the training set without reading its spectrograms.

    Raises
    ------
    NoTrainingSetError
        There is no training set yet.
    """
    path = layout.training_set
    if not path.exists():
        raise NoTrainingSetError(f"{path}: no training set has been drawn yet")
    info = spectrogram_file.read_info(path)
    # The training split comes first: where its size is known, there is no need to read all bytes for the column.
    train = info.summary.get("train")
    validation = validation_split(layout) if train is None else np.arange(info.events) >= train
    return digest_of_parts(info.content, validation, normalisation)


def digest_of_parts(content: str, validation: NDArray[np.bool_], normalisation: NormalisationSettings) -> str:
    """Return the digest of a training set.

    Parameters
    ----------
    content
        Digest of its events.
    validation
        (N,) bool: which events are held out for validation.
    normalisation
        How the spectrograms are normalised.
    """
    return digest_of([content, validation.astype(int).tolist(), normalisation.model_dump(mode="json")])


def gigabytes(events: int, shape: tuple[int, ...]) -> float:
    """Return the size in memory of so many float32 spectrograms of a shape (F, T) or (C, F, T), GB."""
    return events * math.prod(shape) * 4 / _BYTES_PER_GB
