"""One trial from its training to its files: trained, logged, drawn and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ris_core.contracts.run_log import RunLog
from ris_core.figures.training_curves import loss_curves, reconstructions
from ris_core.models.inference import encode, reconstruct
from ris_core.training.logged_data import data_parameters, log_training_set
from ris_core.training.loop import OnStep
from ris_core.training.training_set import TrainingSet
from ris_core.training.trial_task import TrialTask, run_trial
from ris_core.training.trials import Trial, save_trial

RunTrial = Callable[[TrialTask, OnStep, TrainingSet], Trial]
_CURVES = ("train_mse", "val_mse", "live_latents", "learning_rate")
_SHOWN = 6


@dataclass(frozen=True)
class KeptTrial:
    """A trial that was trained and written.

    Attributes
    ----------
    trial
        Result, metrics and verdict.
    digest
        Of its weights.
    """

    trial: Trial
    digest: str


def make_trial(task: TrialTask, data: TrainingSet, profile: str, log: RunLog, train: RunTrial = run_trial) -> KeptTrial:
    """Train a trial, log its course, draw its figures, and write its model; the checkpoint is removed at the end.

    Parameters
    ----------
    task
        The trial.
    data
        The training set that the task was made for.
    profile
        Name of the profile of the settings.
    log
        Gets the parameters, the data set, one point of every curve after each epoch, the metrics, the history as
        ``history.csv``, and the figures ``loss`` and ``reconstructions``.
    train
        Trains; another function than `run_trial` may do so elsewhere.

    Raises
    ------
    DivergedError
        With every seed the loss is not finite.
    """
    log.parameters(
        {
            "trial": task.key,
            "batch_size": task.batch_size,
            "learning_rate": task.learning_rate,
            **task.aec.training_values(),
            **data_parameters(profile, task.sampling, data),
        }
    )
    log_training_set(log, task.layout.training_set, data)
    trial = train(task, lambda epoch, row: log.metrics({name: row[name] for name in _CURVES}, step=epoch), data)
    log.metrics({name: value for name, value in trial.metrics.items() if name not in _CURVES})
    # The last points of these curves are those of the last epoch; the model is that of the best one.
    log.metrics({f"best_{name}": value for name, value in trial.metrics.items() if name in _CURVES})
    log.tags({"accepted": str(trial.acceptance.passed).lower(), "trained_seed": str(trial.result.seed)})
    history = pd.DataFrame(trial.result.history)
    log.text(history.to_csv(index=False), "history.csv")
    floors = {
        "mean spectrogram": trial.metrics["mean_spectrogram_mse"],
        "PCA, 9 components": trial.metrics["pca9_mse"],
    }
    log.figure(loss_curves(history, floors), "loss")
    model, x = trial.result.model, data.val.take(np.arange(min(_SHOWN, len(data.val))))
    shown = reconstructions(
        x, encode(model, x), reconstruct(model, x), data.frequency, data.time, components=data.input.components
    )
    log.figure(shown, "reconstructions")
    digest = save_trial(task.layout, trial, data, task.configuration, log.links)
    task.checkpoint.clear()
    return KeptTrial(trial, digest)
