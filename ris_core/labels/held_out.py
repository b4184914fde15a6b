"""What models say of the stations that are held out of the training, beside what they say of the validation split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.labels.labelling import LabelArrays, label_spectrograms
from ris_core.models.inference import reconstruction_error
from ris_core.models.networks import Aec
from ris_core.storage import spectrogram_file
from ris_core.storage.store import Store
from ris_core.training.normalise import normalise
from ris_core.training.training_set import validation_split

if TYPE_CHECKING:
    from ris_core.labels.appointment import Appointment

SAMPLE = 2000
"""Events of held-out stations that are looked at, at most."""


def held_out_events(store: Store, sample: int = SAMPLE) -> NDArray[np.float32] | None:
    """Return spectrograms (n, F, T), PSD, of the held-out stations; none where there are no such events.

    They are drawn uniformly over the station-days whose spectrograms are current, with the seed of the training set.
    """
    settings = store.settings.training_set
    counts = {
        key: spectrogram_file.read_info(store.spectrograms(key)).events
        for key in store.station_days()
        if key.station in settings.held_out_stations and store.days.process.is_current(key)
    }
    total = sum(counts.values())
    if total == 0:
        return None
    chosen = np.sort(np.random.default_rng(settings.seed).choice(total, min(sample, total), replace=False))
    parts, start = [], 0
    for key, events in counts.items():
        rows = chosen[slice(*np.searchsorted(chosen, (start, start + events)))] - start
        start += events
        if rows.size:
            parts.append(spectrogram_file.read_rows(store.spectrograms(key), rows))
    return np.concatenate(parts)


def held_out_mse(store: Store, model: Aec, normalisation: config.NormalisationSettings) -> dict[str, float]:
    """Return the autoencoder's mean squared error on held-out stations; empty where there are no such events."""
    x = held_out_events(store)
    if x is None:
        return {}
    errors = reconstruction_error(model, normalise(x, normalisation))
    return {"held_out_mse": float(errors.mean()), "held_out_events": float(len(x))}


def held_out_assignment(store: Store, found: Appointment) -> dict[str, float]:
    """Return what a champion says of held-out stations and of the validation split; empty without held-out events.

    Share of assigned events and median novelty: `held_out_assigned`, `held_out_novelty`, `val_assigned`,
    `val_novelty`; and `held_out_events`.
    """
    x = held_out_events(store)
    if x is None:
        return {}
    settings = store.settings.labelling
    labels = label_spectrograms(
        found.model,
        [x],
        config.NormalisationSettings.model_validate(found.champion.normalisation),
        batch_size=settings.batch_size,
        device=settings.device,
        reconstruction=settings.reconstruction_error,
    )
    validation = validation_split(store)
    everything = np.ones(len(labels), dtype=bool)
    return {
        **_judged("held_out", found, labels, everything),
        **_judged("val", found, found.labels, validation),
        "held_out_events": float(len(x)),
    }


def _judged(name: str, found: Appointment, labels: LabelArrays, rows: NDArray[np.bool_]) -> dict[str, float]:
    errors = labels.reconstruction_error
    novelty = found.novelty.novelty(
        labels.latent[rows], labels.probabilities[rows], None if errors is None else errors[rows]
    )
    return {
        f"{name}_assigned": float(found.novelty.assigned(novelty).mean()),
        f"{name}_novelty": float(np.median(novelty)),
    }
