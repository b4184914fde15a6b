"""Trials of the autoencoder: train one, keep it with its verdict, and find it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ris_core import config, versions
from ris_core.models.device import use_cores
from ris_core.models.inference import encode
from ris_core.models.model_file import JSON_FILE, ModelDescription, read_description, require_sound
from ris_core.models.networks import Aec
from ris_core.models.weights import load_network, save_model
from ris_core.section import digest_of
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import Acceptance, accept_aec
from ris_core.training.aec import train_aec
from ris_core.training.checkpoint import Checkpoint
from ris_core.training.floors import live_latents, mean_spectrogram_mse, pca_mse
from ris_core.training.loop import OnStep
from ris_core.training.results import AecResult
from ris_core.training.training_set import NoTrainingSetError, TrainingSet, digest_on_disk

_TRAIN_AGAIN = "train this trial again, or let `ris run` do it"


@dataclass(frozen=True)
class Trial:
    """A trial that has just been trained: result of the training, metrics beside their floors, verdict."""

    key: str
    result: AecResult
    metrics: dict[str, float]
    acceptance: Acceptance


@dataclass(frozen=True)
class TrialRecord:
    """What is on disk of a trained trial, besides its network.

    Attributes
    ----------
    key
        Of the trial.
    digest
        Of its weights.
    training_set, configuration
        Digests of the training set, and of everything that decided about the weights.
    metrics
        See `train_trial`; none for a value that is not defined.
    mlflow_run_id
        The run that logged the training; empty if there was none.
    """

    key: str
    digest: str
    training_set: str
    configuration: str
    metrics: Mapping[str, float | None]
    mlflow_run_id: str


def train_trial(
    data: TrainingSet,
    key: str,
    batch_size: int,
    learning_rate: float,
    settings: config.AecSettings,
    on_epoch: OnStep | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trial:
    """Train one trial and judge it against the mean spectrogram and nine principal components.

    Returns
    -------
    Trial
        Metrics are val_mse, train_mse (of the best epoch), mean_spectrogram_mse, pca9_mse, live_latents, best_epoch,
        epochs, restarts, seconds.
    """
    use_cores()
    train, val = data.train, data.val
    result = train_aec(train, val, batch_size, learning_rate, settings, on_epoch=on_epoch, checkpoint=checkpoint)
    metrics = {
        "val_mse": result.val_mse,
        "train_mse": result.history[result.best_epoch - 1]["train_mse"],
        "mean_spectrogram_mse": mean_spectrogram_mse(train, val),
        "pca9_mse": pca_mse(train, val),
        "live_latents": float(live_latents(encode(result.model, val))),
        "best_epoch": float(result.best_epoch),
        "epochs": float(len(result.history)),
        "restarts": float(len(result.seeds_tried) - 1),
        "seconds": result.seconds,
    }
    return Trial(key, result, metrics, accept_aec(metrics, settings))


def configuration_digest(data_digest: str, batch_size: int, learning_rate: float, settings: config.AecSettings) -> str:
    """Return the digest of what decides about a trial's weights."""
    return digest_of([versions.AEC, data_digest, batch_size, learning_rate, settings.training_values()])


def save_trial(layout: Layout, trial: Trial, data: TrainingSet, configuration: str, links: Mapping[str, str]) -> str:
    """Write the model of a trial with its metrics, and return the digest of the weights.

    Parameters
    ----------
    layout, trial, data
        Where, what, and the training set that it was trained on.
    configuration
        See `configuration_digest`.
    links
        Identifiers of the runs that trained it (`ris_core.contracts.run_log.RunLog`).
    """
    metadata = {
        "trial": trial.key,
        "training_set": data.digest,
        "configuration": configuration,
        "normalisation": data.normalisation.model_dump(mode="json"),
        "seed": trial.result.seed,
        "seeds_tried": list(trial.result.seeds_tried),
        "metrics": trial.metrics,
        "history": trial.result.history,
        **links,
    }
    return save_model(layout.aec(trial.key), trial.result.model, metadata, data.input)


def read_trial(layout: Layout, key: str) -> TrialRecord | None:
    """Return what is on disk of a trial, none before it is trained.

    Raises
    ------
    DamagedFileError
        The record is damaged, or belongs to another trial.
    """
    folder = layout.aec(key)
    if not (folder / JSON_FILE).exists():
        return None
    description = read_description(folder, _TRAIN_AGAIN)
    said: Mapping[str, Any] = description.metadata
    # Earlier versions did not write the key.
    if (trial := said.get("trial", key)) != key:
        raise DamagedFileError(folder / JSON_FILE, f"it is of the trial {trial}", _TRAIN_AGAIN)
    return TrialRecord(
        key=key,
        digest=description.digest,
        training_set=said.get("training_set", ""),
        configuration=said.get("configuration", ""),
        metrics=said.get("metrics", {}),
        mlflow_run_id=said.get("mlflow_run_id", ""),
    )


def load_trial(layout: Layout, key: str) -> tuple[Aec, ModelDescription]:
    """Return the network of a trained trial and what is said of it; raises as `load_network` and `read_trial`."""
    read_trial(layout, key)
    return load_network(layout.aec(key), Aec, _TRAIN_AGAIN)


def require_sound_trial(layout: Layout, key: str) -> None:
    """Raise `DamagedFileError` where the files of a trained trial are not those that were written."""
    require_sound(layout.aec(key), _TRAIN_AGAIN)


def trained_trials(layout: Layout, aec: config.AecSettings) -> dict[str, TrialRecord]:
    """Return every trained trial of the grid by key; raises `DamagedFileError`."""
    found = {key: read_trial(layout, key) for key in aec.grid.trials()}
    return {key: record for key, record in found.items() if record is not None}


def verdict(metrics: Mapping[str, float | None], aec: config.AecSettings) -> Acceptance:
    """Judge a trained trial by its metrics and the current settings, which may differ from those of its training."""
    return accept_aec({name: float("nan") if v is None else float(v) for name, v in metrics.items()}, aec)


def trial_is_current(
    layout: Layout, key: str, aec: config.AecSettings, normalisation: config.NormalisationSettings
) -> bool:
    """Return whether a trial is undamaged and is what these settings and the training set on disk would give."""
    batch_size, learning_rate = aec.grid.trials()[key]
    try:
        data_digest = digest_on_disk(layout, normalisation)
        found = read_trial(layout, key)
        if found is None or found.configuration != configuration_digest(data_digest, batch_size, learning_rate, aec):
            return False
        require_sound_trial(layout, key)
    except (NoTrainingSetError, DamagedFileError):
        return False
    return True
