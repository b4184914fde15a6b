"""A trial as it travels to a worker: paths and settings; the training set is read where the trial is trained."""

from __future__ import annotations

from dataclasses import dataclass

from ris_core.config import AecSettings, NormalisationSettings, Settings, TrainingSetSettings
from ris_core.contracts.input_spec import InputSpec
from ris_core.storage.layout import Layout
from ris_core.training import training_set
from ris_core.training.checkpoint import Checkpoint
from ris_core.training.loop import OnStep
from ris_core.training.training_set import TrainingSet
from ris_core.training.trials import Trial, configuration_digest, train_trial


@dataclass(frozen=True)
class TrialTask:
    """What a worker needs to know.

    Attributes
    ----------
    layout
        Where the training set is, and where the checkpoint goes.
    sampling, normalisation
        Sections `training_set` and `normalisation`.
    input
        What the network takes in.
    key, batch_size, learning_rate
        The trial.
    aec
        Section `aec`: all other hyper-parameters.
    configuration
        Digest of everything that decides about the weights, including the training set.
    """

    layout: Layout
    sampling: TrainingSetSettings
    normalisation: NormalisationSettings
    input: InputSpec
    key: str
    batch_size: int
    learning_rate: float
    aec: AecSettings
    configuration: str

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint of this trial."""
        return Checkpoint(self.layout.aec(self.key), self.configuration)


def trial_task(layout: Layout, settings: Settings, key: str, data_digest: str) -> TrialTask:
    """Return the task of training one trial of the grid on the training set with a digest.

    Parameters
    ----------
    layout
        Where the training set is, and where the trial goes.
    settings
        Sections `training_set`, `normalisation` and `aec`, and what they make of an event.
    key, data_digest
        Key of the trial, and digest of the training set.

    Raises
    ------
    KeyError
        The grid has no trial with this key.
    """
    batch_size, learning_rate = settings.aec.grid.trials()[key]
    return TrialTask(
        layout=layout,
        sampling=settings.training_set,
        normalisation=settings.normalisation,
        input=settings.input_spec(),
        key=key,
        batch_size=batch_size,
        learning_rate=learning_rate,
        aec=settings.aec,
        configuration=configuration_digest(data_digest, batch_size, learning_rate, settings.aec),
    )


def run_trial(task: TrialTask, on_step: OnStep | None = None, data: TrainingSet | None = None) -> Trial:
    """Train a trial, from its checkpoint if there is one.

    Parameters
    ----------
    task
        The trial.
    on_step
        Called after each epoch; see `ris_core.training.aec.train_aec`.
    data
        The training set, where it is in memory already; otherwise it is read.

    Raises
    ------
    InputMismatchError
        The spectrograms of the training set are not what the settings make of an event.
    ValueError
        The training set is not the one that the task was made for.
    """
    if data is None:
        data = training_set.load(task.layout, task.sampling, task.normalisation)
    task.input.require(data.input)
    configuration = configuration_digest(data.digest, task.batch_size, task.learning_rate, task.aec)
    if configuration != task.configuration:
        raise ValueError(
            f"{task.layout.training_set}: it has changed since the training of trial {task.key} began, or this machine "
            "has another version of the code; train the trial again"
        )
    return train_trial(
        data, task.key, task.batch_size, task.learning_rate, task.aec, on_epoch=on_step, checkpoint=task.checkpoint
    )
