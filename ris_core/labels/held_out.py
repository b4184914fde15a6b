"""Results of models on stations that are held out of the training, beside those on the validation split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.contracts.events import Events, Part
from ris_core.labels.appointment import Appointment
from ris_core.labels.label_table import require_input
from ris_core.labels.labelling import LabelArrays, label_events
from ris_core.models.inference import reconstruction_error
from ris_core.models.networks import Aec
from ris_core.processing.process import ProcessStage
from ris_core.storage import spectrogram_file
from ris_core.training.normalise import normalise
from ris_core.training.training_set import validation_split

SAMPLE = 2000
"""Largest number of events of held-out stations that are used."""


def held_out_events(
    processing: ProcessStage,
    sampling: config.TrainingSetSettings,
    parts: Sequence[Part] = ("spectrogram",),
    sample: int = SAMPLE,
) -> list[Events]:
    """Return events of the held-out stations, one block for each station-day; an empty list if there are none.

    They are drawn uniformly over the station-days whose spectrograms are current, with the seed of the training set.

    Parameters
    ----------
    processing
        The stage that processes station-days.
    sampling
        Section `training_set`: `held_out_stations` and `seed`.
    parts
        The great arrays to read.
    sample
        Largest number of events.
    """
    counts = _files_of(processing, sampling)
    total = sum(counts.values())
    if total == 0:
        return []
    chosen = np.sort(np.random.default_rng(sampling.seed).choice(total, min(sample, total), replace=False))
    found, start = [], 0
    for path, events in counts.items():
        rows = chosen[slice(*np.searchsorted(chosen, (start, start + events)))] - start
        start += events
        if rows.size:
            found.append(spectrogram_file.read_spectrograms(path, rows, parts))
    return found


def _files_of(processing: ProcessStage, sampling: config.TrainingSetSettings) -> dict[Path, int]:
    """Return the current spectrogram files of held-out stations that have events, with their number."""
    paths = [
        processing.layout.spectrograms(key)
        for key in processing.settings.station_days()
        if key.station in sampling.held_out_stations and processing.is_current(key)
    ]
    counts = {path: spectrogram_file.read_info(path).events for path in paths}
    return {path: events for path, events in counts.items() if events}


def held_out_mse(
    processing: ProcessStage,
    sampling: config.TrainingSetSettings,
    model: Aec,
    normalisation: config.NormalisationSettings,
) -> dict[str, float]:
    """Return the autoencoder's mean squared error on held-out stations; empty if there are no such events.

    Parameters
    ----------
    processing, sampling
        As for `held_out_events`.
    model, normalisation
        The autoencoder, and the normalisation that it was trained with.

    Returns
    -------
    dict
        `held_out_mse` and `held_out_events`, the number of events.
    """
    blocks = held_out_events(processing, sampling)
    if not blocks:
        return {}
    x = np.concatenate([block.spectrogram for block in blocks])
    errors = reconstruction_error(model, normalise(x, normalisation))
    return {"held_out_mse": float(errors.mean()), "held_out_events": float(len(x))}


def held_out_assignment(
    processing: ProcessStage,
    sampling: config.TrainingSetSettings,
    found: Appointment,
    settings: config.LabellingSettings,
) -> dict[str, float]:
    """Return a champion's results on held-out stations and on the validation split.

    Parameters
    ----------
    processing, sampling
        As for `held_out_events`.
    found
        The champion.
    settings
        Section `labelling`.

    Returns
    -------
    dict
        Share of assigned events and median novelty: `held_out_assigned`, `held_out_novelty`, `val_assigned` and
        `val_novelty`; and `held_out_events`, their number. Empty if there are no held-out events.

    Raises
    ------
    InputMismatchError
        The present settings make other events than those that the model was trained on.
    """
    for path in _files_of(processing, sampling):
        require_input(found.model, path)
    blocks = held_out_events(processing, sampling, found.model.needs)
    if not blocks:
        return {}
    labels = label_events(
        found.model,
        blocks,
        batch_size=settings.batch_size,
        device=settings.device,
        reconstruction=settings.reconstruction_error,
    )
    validation = validation_split(processing.layout)
    everything = np.ones(len(labels), dtype=bool)
    return {
        **_judged("held_out", found, labels, everything),
        **_judged("val", found, found.labels, validation),
        "held_out_events": float(len(labels)),
    }


def _judged(name: str, found: Appointment, labels: LabelArrays, rows: NDArray[np.bool_]) -> dict[str, float]:
    novelty, assigned = labels.judged(found.novelty)
    return {
        f"{name}_assigned": float(assigned[rows].mean()),
        f"{name}_novelty": float(np.median(novelty[rows])),
    }
