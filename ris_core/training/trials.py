"""Trials of the autoencoder: train one, keep it with its verdict, and choose the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ris_core import config, versions
from ris_core.models.device import use_cores
from ris_core.models.imported_models import load_imported, read_imported
from ris_core.models.inference import encode
from ris_core.models.networks import Aec, Dec
from ris_core.models.weights import JSON_FILE, load_model, read_description, require_sound, save_model, weights_digest
from ris_core.section import digest_of
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.layout import Layout
from ris_core.storage.store import Store
from ris_core.training.acceptance import Acceptance, accept_aec
from ris_core.training.aec import train_aec
from ris_core.training.checkpoint import Checkpoint
from ris_core.training.floors import live_latents, mean_spectrogram_mse, pca_mse
from ris_core.training.loop import OnStep
from ris_core.training.results import AecResult
from ris_core.training.training_set import TrainingSet, digest_on_disk

_TRIAL_AGAIN = "materialize aec_trials again for this trial, or let `ris run` do it"
_CHOOSE_AGAIN = "materialize aec_weights again, or let `ris run` do it"


class NoAcceptedModelError(ValueError):
    """No trained model may be used; the message gives the reasons for each."""


@dataclass(frozen=True)
class Trial:
    """A trained trial: result of the training, metrics beside their floors, verdict."""

    key: str
    result: AecResult
    metrics: dict[str, float]
    acceptance: Acceptance


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
    """Write a trial's model with its metrics and verdict; returns the digest of the weights."""
    return save_model(
        layout.aec(trial.key),
        trial.result.model,
        {
            "trial": trial.key,
            "training_set": data.digest,
            "configuration": configuration,
            "normalisation": data.normalisation.model_dump(mode="json"),
            "seed": trial.result.seed,
            "seeds_tried": list(trial.result.seeds_tried),
            "metrics": trial.metrics,
            "history": trial.result.history,
            **links,
        },
    )


def read_trial(store: Store, key: str) -> dict[str, Any] | None:
    """Return the description of a trained trial, none before it was trained; raises `DamagedFileError`."""
    folder = store.aec(key)
    if not (folder / JSON_FILE).exists():
        return None
    description = read_description(folder, _TRIAL_AGAIN)
    trial = description["metadata"].get("trial", key)
    if trial != key:
        raise DamagedFileError(folder / JSON_FILE, f"it is of the trial {trial}", _TRIAL_AGAIN)
    return description


def load_trial(store: Store, key: str) -> tuple[Aec | Dec, dict[str, Any]]:
    """Return a trained trial's network and metadata; raises as `load_model`."""
    read_trial(store, key)
    return load_model(store.aec(key), remedy=_TRIAL_AGAIN)


def require_sound_trial(store: Store, key: str) -> None:
    """Raise `DamagedFileError` where a trained trial's files are not those that were written."""
    require_sound(store.aec(key), _TRIAL_AGAIN)


def trained_trials(store: Store) -> dict[str, dict[str, Any]]:
    """Return what is known of every trained trial of the grid, by key; raises `DamagedFileError`."""
    found = {key: read_trial(store, key) for key in store.settings.aec.grid.trials()}
    return {key: description["metadata"] for key, description in found.items() if description is not None}


def verdict(metadata: Mapping[str, Any], settings: config.AecSettings) -> Acceptance:
    """Judge a trained trial by its metrics and the settings of now, which may have changed since it was trained."""
    metrics = {name: float("nan") if value is None else float(value) for name, value in metadata["metrics"].items()}
    return accept_aec(metrics, settings)


def choose_trial(store: Store, data_digest: str) -> dict[str, Any]:
    """Choose the accepted trial of least validation MSE on the training set of now, and record the choice.

    Returns
    -------
    dict
        trial, digest (of the weights), val_mse, and the metadata of all trials that were compared.

    Raises
    ------
    NoAcceptedModelError
        No trial was trained on this training set, or none was accepted; gives the reasons.
    DamagedFileError
        The files of a trial are damaged, so that it cannot be compared.
    """
    choice, compared = _best_trial(store, data_digest)
    write_json(store.aec_choice, choice)
    return choice | {"compared": compared}


def _best_trial(store: Store, data_digest: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    found = trained_trials(store)
    current = {key: m for key, m in found.items() if m["training_set"] == data_digest}
    if not current:
        raise NoAcceptedModelError(
            f"none of the {len(found)} trained trials was trained on the training set of now ({data_digest}); "
            "materialize aec_trials"
        )
    verdicts = {key: verdict(m, store.settings.aec) for key, m in current.items()}
    accepted = {key: m for key, m in current.items() if verdicts[key].passed}
    if not accepted:
        reasons = "\n".join(f"{key}: {'; '.join(found.reasons)}" for key, found in verdicts.items())
        raise NoAcceptedModelError(f"none of the {len(current)} trials may be used\n{reasons}")
    best = min(accepted, key=lambda key: float(accepted[key]["metrics"]["val_mse"]))
    require_sound_trial(store, best)
    choice = {
        "trial": best,
        "digest": read_description(store.aec(best), _TRIAL_AGAIN)["digest"],
        "val_mse": accepted[best]["metrics"]["val_mse"],
        "training_set": data_digest,
        "mlflow_run_id": accepted[best].get("mlflow_run_id", ""),
    }
    return choice, current


def read_choice(store: Store) -> dict[str, Any]:
    """Return the record of the chosen trial.

    Raises
    ------
    FileNotFoundError
        None was chosen yet.
    DamagedFileError
        The record is damaged.
    """
    if not store.aec_choice.exists():
        raise FileNotFoundError(f"{store.aec_choice}: no trial was chosen yet; materialize aec_weights first")
    return read_record(store.aec_choice, dict.fromkeys(("trial", "digest", "training_set"), str), _CHOOSE_AGAIN)


def trial_is_current(store: Store, key: str) -> bool:
    """Return whether a trial stands undamaged and is what the settings and the training set of now would give."""
    batch_size, learning_rate = store.settings.aec.grid.trials()[key]
    try:
        wanted = configuration_digest(
            digest_on_disk(store, store.settings.normalisation), batch_size, learning_rate, store.settings.aec
        )
        found = read_trial(store, key)
        if found is None or found["metadata"].get("configuration") != wanted:
            return False
        require_sound_trial(store, key)
    except (FileNotFoundError, DamagedFileError):
        return False
    return True


def choice_is_current(store: Store) -> bool:
    """Return whether the chosen trial is the one that would be chosen now, or an imported model that still stands.

    Raises
    ------
    DamagedFileError
        The imported model is damaged; it was asked for by name, so no other may take its place without a word.
    """
    try:
        choice, data = read_choice(store), digest_on_disk(store, store.settings.normalisation)
        if "imported" not in choice:
            return _best_trial(store, data)[0] == choice
    except (FileNotFoundError, NoAcceptedModelError, DamagedFileError):
        return False
    # It stays until the training set or another request takes its place.
    kept = read_imported(store, choice["imported"])
    return kept is not None and (kept["digest"], data) == (choice["digest"], choice["training_set"])


def chosen_aec(store: Store) -> tuple[Aec, dict[str, Any]]:
    """Load the chosen autoencoder and the record of the choice; raises as `read_choice` and `load_model`."""
    choice = read_choice(store)
    imported = choice.get("imported")
    model, _ = load_trial(store, choice["trial"]) if imported is None else load_imported(store, imported)
    if not isinstance(model, Aec) or weights_digest(model) != choice["digest"]:
        folder = store.aec(choice["trial"]) if imported is None else store.imported(imported)
        raise ValueError(
            f"{folder}: these are not the weights that were chosen ({choice['digest']}); materialize aec_weights again"
        )
    return model, choice
