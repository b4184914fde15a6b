"""An imported autoencoder as the chosen one: measured on the training set, and judged like a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ris_core.config import AecSettings, NormalisationSettings
from ris_core.contracts.run_log import RunLog
from ris_core.models.imported_models import IMPORT_AGAIN, load_imported_aec
from ris_core.models.inference import encode, reconstruction_error
from ris_core.models.model_file import OtherNetworkError, WeightsError, read_description
from ris_core.models.networks import Aec
from ris_core.models.weights import weights_digest
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import Acceptance, NoAcceptedModelError, accept_aec
from ris_core.training.aec_choice import AecChoice, write_choice
from ris_core.training.floors import live_latents, mean_spectrogram_mse, pca_mse
from ris_core.training.logged_data import log_training_set
from ris_core.training.training_set import TrainingSet


@dataclass(frozen=True)
class MeasuredAec:
    """An imported autoencoder with its errors on the training set, and the verdict.

    Attributes
    ----------
    name, model
        Its name, and the network.
    file, sha256
        Name and digest of the weight file that it came from.
    metrics, acceptance
        See `measure`.
    """

    name: str
    model: Aec
    file: str
    sha256: str
    metrics: dict[str, float]
    acceptance: Acceptance


def measure(layout: Layout, name: str, data: TrainingSet, settings: AecSettings) -> MeasuredAec:
    """Measure an imported autoencoder on the training set, as a trial is.

    Metrics are val_mse, train_mse, mean_spectrogram_mse, pca9_mse, live_latents. The network may have been trained on
    events of either split.

    Raises
    ------
    UnknownModelError
        There is no such model.
    WeightsError
        It is no autoencoder, or was trained on spectrograms of another normalisation.
    InputMismatchError
        It was trained on other spectrograms than those of the training set.
    """
    try:
        model, description = load_imported_aec(layout, name)
    except OtherNetworkError as error:
        k = read_description(layout.imported(name), IMPORT_AGAIN).n_clusters
        raise WeightsError(
            f"imported = {name!r}: this is a DEC (K = {k}), which can be the champion; an autoencoder is needed here"
        ) from error
    trained_on = NormalisationSettings.model_validate(description.metadata["normalisation"])
    if trained_on.scale != data.normalisation.scale:
        raise WeightsError(
            f"imported = {name!r}: trained on spectrograms of scale {trained_on.scale!r}, but the training set is of "
            f"scale {data.normalisation.scale!r}; set normalisation.scale to {trained_on.scale!r}"
        )
    description.input.require(data.input)
    metrics = {
        "val_mse": float(reconstruction_error(model, data.val).mean()),
        "train_mse": float(reconstruction_error(model, data.train).mean()),
        "mean_spectrogram_mse": mean_spectrogram_mse(data.train, data.val),
        "pca9_mse": pca_mse(data.train, data.val),
        "live_latents": float(live_latents(encode(model, data.val))),
    }
    file, sha256 = description.metadata["file"], description.metadata["sha256"]
    return MeasuredAec(name, model, file, sha256, metrics, accept_aec(metrics, settings))


def choose_imported(layout: Layout, found: MeasuredAec, data: TrainingSet, links: Mapping[str, str]) -> AecChoice:
    """Record an imported autoencoder as the chosen one, and return the choice.

    Parameters
    ----------
    layout, found, data
        Where, which model, and the training set that it was measured on.
    links
        Identifiers of the runs that measured it (`ris_core.contracts.run_log.RunLog`).

    Raises
    ------
    NoAcceptedModelError
        The verdict is against it; gives the reasons.
    """
    if not found.acceptance.passed:
        raise NoAcceptedModelError(f"imported = {found.name!r} may not be used: {'; '.join(found.acceptance.reasons)}")
    choice = AecChoice(
        trial=found.name,
        digest=weights_digest(found.model),
        training_set=data.digest,
        val_mse=found.metrics["val_mse"],
        is_imported=True,
        metrics=found.metrics,
        links=links,
    )
    write_choice(layout, choice)
    return choice


def log_measured(layout: Layout, found: MeasuredAec, data: TrainingSet, log: RunLog) -> None:
    """Log what was measured of an imported autoencoder: its name and file, the data set, the metrics, the verdict."""
    log.parameters({"imported": found.name, "file": found.file, "sha256": found.sha256})
    log_training_set(log, layout.training_set, data)
    log.metrics(found.metrics)
    log.tags({"accepted": str(found.acceptance.passed).lower()})
