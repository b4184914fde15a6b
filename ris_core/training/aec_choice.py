"""The chosen autoencoder: the best accepted trial, or an imported model, and the record of the choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ris_core.config import AecSettings, NormalisationSettings
from ris_core.contracts.input_spec import InputSpec
from ris_core.models.imported_models import load_imported_aec, read_imported
from ris_core.models.model_file import OtherNetworkError
from ris_core.models.networks import Aec
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import NoAcceptedModelError
from ris_core.training.training_set import NoTrainingSetError, digest_on_disk
from ris_core.training.trials import TrialRecord, load_trial, require_sound_trial, trained_trials, verdict

_FIELDS = dict.fromkeys(("trial", "digest", "training_set"), str)
_CHOOSE_AGAIN = "choose the autoencoder again, or let `ris run` do it"


class NoTrainedTrialError(NoAcceptedModelError):
    """No trial was trained on the current training set."""


class NoChosenAecError(FileNotFoundError):
    """No autoencoder has been chosen yet."""


class AnotherAecError(ValueError):
    """The weights on disk are not those that were chosen."""


@dataclass(frozen=True)
class AecChoice:
    """Which autoencoder was chosen.

    Attributes
    ----------
    trial
        Key of the trial, or name of the imported model.
    digest
        Of its weights.
    training_set
        Digest of the training set that it was chosen for.
    val_mse
        Mean squared error of the validation split; none where an earlier version did not write it.
    is_imported
        Whether it is an imported model.
    metrics
        Of an imported model, measured on the training set; a trial has its own on disk.
    links
        Identifiers of the runs that trained or measured it (`ris_core.contracts.run_log.RunLog`).
    """

    trial: str
    digest: str
    training_set: str
    val_mse: float | None = None
    is_imported: bool = False
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def mlflow_run_id(self) -> str:
        """The MLflow run; empty if there is none."""
        return self.links.get("mlflow_run_id", "")

    def as_record(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        record = {
            "trial": self.trial,
            "digest": self.digest,
            "val_mse": self.val_mse,
            "training_set": self.training_set,
            "mlflow_run_id": "",
            **self.links,
        }
        return record | ({"imported": self.trial, "metrics": dict(self.metrics)} if self.is_imported else {})

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> AecChoice:
        """Read what `as_record` gave."""
        return cls(
            trial=record["trial"],
            digest=record["digest"],
            training_set=record["training_set"],
            val_mse=record.get("val_mse"),
            is_imported="imported" in record,
            metrics=record.get("metrics", {}),
            links={name: record[name] for name in ("mlflow_run_id", "dagster_run_id") if record.get(name)},
        )


@dataclass(frozen=True)
class ChosenAec:
    """The chosen autoencoder, loaded.

    Attributes
    ----------
    network
        With its weights.
    choice
        The record of the choice.
    input
        What the network takes in.
    """

    network: Aec
    choice: AecChoice
    input: InputSpec


def choose_trial(layout: Layout, aec: AecSettings, data_digest: str) -> tuple[AecChoice, dict[str, TrialRecord]]:
    """Choose the accepted trial of least validation MSE on the training set with a digest, and record the choice.

    Returns
    -------
    tuple
        The choice, and all trials that were compared, by key.

    Raises
    ------
    NoTrainedTrialError
        No trial was trained on this training set.
    NoAcceptedModelError
        No trial was accepted; gives the reasons.
    DamagedFileError
        The files of a trial are damaged, so that it cannot be compared.
    """
    choice, compared = _best_trial(layout, aec, data_digest)
    write_choice(layout, choice)
    return choice, compared


def _best_trial(layout: Layout, aec: AecSettings, data_digest: str) -> tuple[AecChoice, dict[str, TrialRecord]]:
    found = trained_trials(layout, aec)
    current = {key: trial for key, trial in found.items() if trial.training_set == data_digest}
    if not current:
        raise NoTrainedTrialError(
            f"none of the {len(found)} trained trials was trained on the current training set ({data_digest})"
        )
    verdicts = {key: verdict(trial.metrics, aec) for key, trial in current.items()}
    # An accepted trial has a validation MSE: it lies below that of the mean spectrogram.
    errors = {key: float(current[key].metrics["val_mse"] or 0.0) for key, judged in verdicts.items() if judged.passed}
    if not errors:
        reasons = "\n".join(f"{key}: {'; '.join(judged.reasons)}" for key, judged in verdicts.items())
        raise NoAcceptedModelError(f"none of the {len(current)} trials may be used\n{reasons}")
    best = min(errors, key=errors.__getitem__)
    require_sound_trial(layout, best)
    trial = current[best]
    links = {"mlflow_run_id": trial.mlflow_run_id} if trial.mlflow_run_id else {}
    return AecChoice(best, trial.digest, data_digest, errors[best], links=links), current


def write_choice(layout: Layout, choice: AecChoice) -> None:
    """Record which autoencoder is chosen."""
    write_json(layout.aec_choice, choice.as_record())


def read_choice(layout: Layout) -> AecChoice:
    """Return which autoencoder is chosen.

    Raises
    ------
    NoChosenAecError
        No autoencoder has been chosen yet.
    DamagedFileError
        The record is damaged.
    """
    path = layout.aec_choice
    if not path.exists():
        raise NoChosenAecError(f"{path}: no autoencoder has been chosen yet")
    return AecChoice.from_record(read_record(path, _FIELDS, _CHOOSE_AGAIN))


def choice_is_current(layout: Layout, aec: AecSettings, normalisation: NormalisationSettings) -> bool:
    """Return whether the chosen trial is still the best one, or an imported model that is still there.

    Raises
    ------
    DamagedFileError
        The imported model is damaged. A person chose it by name, so no other one may replace it silently.
    """
    try:
        choice, data_digest = read_choice(layout), digest_on_disk(layout, normalisation)
        if not choice.is_imported:
            return _best_trial(layout, aec, data_digest)[0] == choice
    except (NoTrainingSetError, NoChosenAecError, NoAcceptedModelError, DamagedFileError):
        return False
    # It stays chosen until there is another training set, or a person chooses another model.
    kept = read_imported(layout, choice.trial)
    return kept is not None and (kept.digest, data_digest) == (choice.digest, choice.training_set)


def chosen_aec(layout: Layout) -> ChosenAec:
    """Load the chosen autoencoder.

    Raises
    ------
    NoChosenAecError
        No autoencoder has been chosen yet.
    DamagedFileError
        The record of the choice, or the model, is damaged.
    WeightsError
        The model is missing.
    AnotherAecError
        The weights on disk are not those that were chosen.
    """
    choice = read_choice(layout)
    load = load_imported_aec if choice.is_imported else load_trial
    folder = layout.imported(choice.trial) if choice.is_imported else layout.aec(choice.trial)
    another = AnotherAecError(f"{folder}: these are not the weights that were chosen ({choice.digest})")
    try:
        network, description = load(layout, choice.trial)
    except OtherNetworkError as error:
        raise another from error
    if description.digest != choice.digest:
        raise another
    return ChosenAec(network, choice, description.input)
