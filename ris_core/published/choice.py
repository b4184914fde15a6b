"""An imported autoencoder as the chosen one: measured on the training set of now, and judged like a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ris_core.config import AecSettings, NormalisationSettings
from ris_core.models.imported_models import load_imported
from ris_core.models.inference import encode, reconstruction_error
from ris_core.models.networks import Aec
from ris_core.models.weights import WeightsError, weights_digest
from ris_core.storage.json_records import write_json
from ris_core.storage.store import Store
from ris_core.training.acceptance import Acceptance, accept_aec
from ris_core.training.floors import live_latents, mean_spectrogram_mse, pca_mse
from ris_core.training.training_set import TrainingSet
from ris_core.training.trials import NoAcceptedModelError


@dataclass(frozen=True)
class MeasuredAec:
    """An imported autoencoder with its errors on the training set of now, and the verdict."""

    name: str
    model: Aec
    metadata: dict[str, Any]
    metrics: dict[str, float]
    acceptance: Acceptance


def measure(store: Store, name: str, data: TrainingSet, settings: AecSettings) -> MeasuredAec:
    """Measure an imported autoencoder on the training set, as a trial is.

    Metrics are val_mse, train_mse, mean_spectrogram_mse, pca9_mse, live_latents. The splits are those of now: the
    network may have been trained on events of either.

    Raises
    ------
    UnknownModelError
        There is no such model.
    WeightsError
        It is no autoencoder, or was trained on spectrograms of another normalisation.
    """
    model, metadata = load_imported(store, name)
    if not isinstance(model, Aec):
        raise WeightsError(
            f"imported = {name!r}: this is a DEC (K = {model.n_clusters}), which champion_model takes; aec_weights "
            "needs an autoencoder"
        )
    trained_on = NormalisationSettings.model_validate(metadata["normalisation"])
    if trained_on.scale != data.normalisation.scale:
        raise WeightsError(
            f"imported = {name!r}: trained on spectrograms of scale {trained_on.scale!r}, but the training set is of "
            f"scale {data.normalisation.scale!r}; set normalisation.scale to {trained_on.scale!r}"
        )
    metrics = {
        "val_mse": float(reconstruction_error(model, data.val).mean()),
        "train_mse": float(reconstruction_error(model, data.train).mean()),
        "mean_spectrogram_mse": mean_spectrogram_mse(data.train, data.val),
        "pca9_mse": pca_mse(data.train, data.val),
        "live_latents": float(live_latents(encode(model, data.val))),
    }
    return MeasuredAec(name, model, metadata, metrics, accept_aec(metrics, settings))


def choose_imported(store: Store, found: MeasuredAec, data: TrainingSet, links: Mapping[str, str]) -> dict[str, Any]:
    """Record an imported autoencoder as the chosen one.

    Returns
    -------
    dict
        As `ris_core.training.trials.choose_trial`, with `imported`, the model's name, and its `metrics`.

    Raises
    ------
    NoAcceptedModelError
        The verdict is against it; gives the reasons.
    """
    if not found.acceptance.passed:
        raise NoAcceptedModelError(f"imported = {found.name!r} may not be used: {'; '.join(found.acceptance.reasons)}")
    choice = {
        "trial": found.name,
        "imported": found.name,
        "digest": weights_digest(found.model),
        "val_mse": found.metrics["val_mse"],
        "training_set": data.digest,
        "mlflow_run_id": "",
        "metrics": found.metrics,
        **links,
    }
    write_json(store.aec_choice, choice)
    return choice | {"compared": {found.name: {"metrics": found.metrics | {"best_epoch": float("nan")}}}}
