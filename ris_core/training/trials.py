"""Trials of the autoencoder: train one, keep it with its verdict, and choose the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ris_core import config, versions
from ris_core.config import digest_of
from ris_core.models.inference import encode
from ris_core.models.networks import Aec
from ris_core.models.weights import load_model, read_description, save_model, weights_digest
from ris_core.storage.atomic import read_json, write_json
from ris_core.storage.store import Store
from ris_core.training.acceptance import Acceptance, accept_aec
from ris_core.training.aec import AecResult, train_aec
from ris_core.training.floors import live_latents, mean_spectrogram_mse, pca_mse
from ris_core.training.loop import OnStep
from ris_core.training.training_set import TrainingSet


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
    settings: config.Aec,
    on_epoch: OnStep | None = None,
) -> Trial:
    """Train one trial and judge it against the mean spectrogram and nine principal components.

    Returns
    -------
    Trial
        Metrics are val_mse, train_mse (of the best epoch), mean_spectrogram_mse, pca9_mse, live_latents, best_epoch,
        epochs, restarts, seconds.
    """
    x_train, x_val = data.x_train, data.x_val
    result = train_aec(x_train, x_val, batch_size, learning_rate, settings, on_epoch=on_epoch)
    metrics = {
        "val_mse": result.val_mse,
        "train_mse": result.history[result.best_epoch - 1]["train_mse"],
        "mean_spectrogram_mse": mean_spectrogram_mse(x_train, x_val),
        "pca9_mse": pca_mse(x_train, x_val),
        "live_latents": float(live_latents(encode(result.model, x_val))),
        "best_epoch": float(result.best_epoch),
        "epochs": float(len(result.history)),
        "restarts": float(len(result.seeds_tried) - 1),
        "seconds": result.seconds,
    }
    return Trial(key, result, metrics, accept_aec(metrics, settings))


def configuration_digest(data_digest: str, batch_size: int, learning_rate: float, settings: config.Aec) -> str:
    """Return the digest of what decides about a trial's weights."""
    values = settings.model_dump(mode="json", exclude={"grid", "device", "least_live_latents"})
    return digest_of([versions.AEC, data_digest, batch_size, learning_rate, values])


def save_trial(store: Store, trial: Trial, data: TrainingSet, configuration: str, links: Mapping[str, str]) -> str:
    """Write a trial's model with its metrics and verdict; returns the digest of the weights."""
    return save_model(
        store.aec(trial.key),
        trial.result.model,
        {
            "trial": trial.key,
            "training_set": data.digest,
            "configuration": configuration,
            "seed": trial.result.seed,
            "seeds_tried": list(trial.result.seeds_tried),
            "metrics": trial.metrics,
            "acceptance": asdict(trial.acceptance),
            "history": trial.result.history,
            **links,
        },
    )


def trained_trials(store: Store) -> dict[str, dict[str, Any]]:
    """Return what is known of every trained trial of the grid, by key."""
    keys = store.settings.aec.grid.trials()
    return {
        key: read_description(store.aec(key))["metadata"] for key in keys if (store.aec(key) / "model.json").exists()
    }


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
    """
    found = trained_trials(store)
    current = {key: m for key, m in found.items() if m["training_set"] == data_digest}
    if not current:
        raise NoAcceptedModelError(
            f"none of the {len(found)} trained trials was trained on the training set of now ({data_digest}); "
            "materialize aec_trials"
        )
    accepted = {key: m for key, m in current.items() if m["acceptance"]["passed"]}
    if not accepted:
        reasons = "\n".join(f"{key}: {'; '.join(m['acceptance']['reasons'])}" for key, m in current.items())
        raise NoAcceptedModelError(f"none of the {len(current)} trials may be used\n{reasons}")
    best = min(accepted, key=lambda key: float(accepted[key]["metrics"]["val_mse"]))
    choice = {
        "trial": best,
        "digest": read_description(store.aec(best))["digest"],
        "val_mse": accepted[best]["metrics"]["val_mse"],
        "training_set": data_digest,
        "mlflow_run_id": accepted[best].get("mlflow_run_id", ""),
    }
    write_json(store.aec_choice, choice)
    return choice | {"compared": current}


def chosen_aec(store: Store) -> tuple[Aec, dict[str, Any]]:
    """Load the chosen autoencoder; raises `FileNotFoundError` before one was chosen."""
    if not store.aec_choice.exists():
        raise FileNotFoundError(f"{store.aec_choice}: no trial was chosen yet; materialize aec_weights first")
    choice: dict[str, Any] = read_json(store.aec_choice)
    model, _ = load_model(store.aec(choice["trial"]))
    if not isinstance(model, Aec) or weights_digest(model) != choice["digest"]:
        raise ValueError(
            f"{store.aec(choice['trial'])}: these are not the weights that were chosen ({choice['digest']}); "
            "materialize aec_weights again"
        )
    return model, choice
