"""A trial as it travels to a worker: names and settings; the training set is read where it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ris_core import config
from ris_core.storage.store import Store
from ris_core.training import training_set as sampling
from ris_core.training.checkpoint import Checkpoint
from ris_core.training.loop import OnStep
from ris_core.training.training_set import TrainingSet
from ris_core.training.trials import Trial, configuration_digest, train_trial


@dataclass(frozen=True)
class TrialTask:
    """What a worker needs to know.

    Attributes
    ----------
    settings_json, root
        The settings as JSON, and the data root.
    key, batch_size, learning_rate
        Of the trial.
    aec
        The other hyper-parameters.
    configuration
        Digest of all that decides about the weights, the training set with it.
    """

    settings_json: str
    root: str
    key: str
    batch_size: int
    learning_rate: float
    aec: config.AecSettings
    configuration: str


def run_trial(task: TrialTask, on_step: OnStep | None = None, data: TrainingSet | None = None) -> Trial:
    """Train a trial from its checkpoint, if there is one; `data` spares reading the training set.

    Raises
    ------
    ValueError
        The training set is another than that of the task.
    """
    store = Store(config.Settings.model_validate_json(task.settings_json), Path(task.root))
    if data is None:
        data = sampling.load(store)
    configuration = configuration_digest(data.digest, task.batch_size, task.learning_rate, task.aec)
    if configuration != task.configuration:
        raise ValueError(
            f"{store.training_set}: drawn anew since trial {task.key} was asked for, or of another version of the code "
            "here than there; train it again"
        )
    return train_trial(
        data,
        task.key,
        task.batch_size,
        task.learning_rate,
        task.aec,
        on_epoch=on_step,
        checkpoint=Checkpoint(store.aec(task.key), configuration),
    )
