"""The training of the DEC of a K from its initial clusters, with its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from ris_core import config
from ris_core.clustering.dec_doubts import StrongestStation, strongest_stations
from ris_core.clustering.dec_models import dec_configuration
from ris_core.clustering.initial_clusters import InitialClusters, read_clusters
from ris_core.clustering.label_scores import score_labels
from ris_core.clustering.latents import Latents, read_latents
from ris_core.clustering.model_record import ModelRecord
from ris_core.clustering.scores import label_change_table, silhouette
from ris_core.contracts.input_spec import InputSpec
from ris_core.models.device import use_cores
from ris_core.models.inference import reconstruction_error
from ris_core.models.networks import Aec
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import Acceptance, accept_clusters, coinciding
from ris_core.training.aec_choice import chosen_aec
from ris_core.training.checkpoint import Checkpoint
from ris_core.training.dec import train_dec
from ris_core.training.loop import OnStep
from ris_core.training.results import DecResult
from ris_core.training.training_set import TrainingSet


@dataclass(frozen=True, eq=False)
class DecStart:
    """What the training of a DEC starts from. It is read at once: others may take its place during the training.

    Attributes
    ----------
    aec, input
        The chosen autoencoder, and what it takes in.
    latents
        Its latents of the training set.
    clusters
        The initial clusters of the K.
    """

    aec: Aec = field(repr=False)
    input: InputSpec
    latents: Latents
    clusters: InitialClusters

    @property
    def k(self) -> int:
        """Number of clusters."""
        return self.clusters.k


def read_start(layout: Layout, k: int, normalisation: config.NormalisationSettings) -> DecStart:
    """Return what the training of the DEC of K starts from.

    Raises
    ------
    FileNotFoundError
        No autoencoder has been chosen, or there are no latents or no initial clusters.
    OutOfStepError
        The latents or the initial clusters are of another autoencoder or another training set.
    DamagedFileError
        A file is damaged.
    """
    aec = chosen_aec(layout)
    return DecStart(
        aec.network, aec.input, read_latents(layout, normalisation), read_clusters(layout, k, normalisation)
    )


@dataclass(frozen=True)
class TrainedDec:
    """A trained DEC.

    Attributes
    ----------
    start
        What it was trained from.
    configuration
        Digest of all that decides about its weights.
    result
        The network, its latents and labels of the training set, and the course of the training.
    metrics
        Scores by name.
    classes
        The table of its classes (`scores.class_table`).
    coinciding
        Pairs of clusters whose centroids have merged.
    acceptance
        Whether it may label.
    change
        (K, K) events by label before and after (`scores.label_change_table`).
    stations
        The strongest station of each class.
    """

    start: DecStart
    configuration: str
    result: DecResult
    metrics: dict[str, float]
    classes: pd.DataFrame
    coinciding: tuple[tuple[int, int], ...]
    acceptance: Acceptance
    change: pd.DataFrame
    stations: tuple[StrongestStation, ...]

    @property
    def k(self) -> int:
        """Number of clusters."""
        return self.start.k

    def record(self, normalisation: config.NormalisationSettings, links: Mapping[str, str]) -> ModelRecord:
        """Return what is kept beside the weights; `links` are identifiers of the run that trained it."""
        return ModelRecord(
            inputs=self.start.clusters.inputs,
            configuration=self.configuration,
            metrics=self.metrics,
            sizes=self.result.sizes,
            coinciding=self.coinciding,
            stations=self.stations,
            stopped=self.result.stopped,
            updates=tuple(self.result.updates),
            normalisation=normalisation,
            links=links,
        )


def train_k(
    data: TrainingSet,
    start: DecStart,
    dec: config.DecSettings,
    sample: int,
    on_update: OnStep | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainedDec:
    """Train the DEC of a K and score it.

    Parameters
    ----------
    data
        The training set of N events.
    start
        Autoencoder, latents and initial clusters.
    dec
        Section `dec`.
    sample
        Events that silhouettes in latents are computed from, at most (`cluster_count.sample`).
    on_update
        Called after each update of the target distribution with its number and its row.
    checkpoint
        Where the training is kept, so that it continues after an interruption.

    Returns
    -------
    TrainedDec
        Beside the scores of `score_labels`, its metrics have ``silhouette_dec`` in DEC's own latents, which rises by
        construction (it is shown, not chosen by), and ``train_mse`` and ``val_mse``, the reconstruction errors over
        the autoencoder's training and validation events (DEC trains on both).

    Raises
    ------
    DivergedError
        The loss is not finite.
    """
    use_cores()
    z, initial = start.latents.z, start.clusters.start
    result = train_dec(
        start.aec, data.samples, initial.centroids, initial.labels, dec, on_update=on_update, checkpoint=checkpoint
    )
    last = result.updates[-1]
    errors = reconstruction_error(result.model, data.samples)
    scores = score_labels(data, z, result.labels, start.k, sample)
    metrics = {
        "train_mse": float(errors[~data.validation].mean()),
        "val_mse": float(errors[data.validation].mean()),
        "kl": result.history[-1]["kl"],
        "loss": result.history[-1]["loss"],
        "label_change": last["label_change"],
        "updates": float(len(result.updates) - 1),
        "epochs": result.epochs,
        "entropy": last["entropy"],
        "cluster_entropy": last["cluster_entropy"],
        "gamma": result.gamma,
        **scores.metrics,
        "silhouette_dec": silhouette(result.latent, result.labels, sample),
        "seconds": result.seconds,
    }
    same = coinciding(result.model.clustering.centroids.detach().numpy(), result.latent)
    return TrainedDec(
        start=start,
        configuration=dec_configuration(start.clusters, dec),
        result=result,
        metrics=metrics,
        classes=scores.classes,
        coinciding=same,
        acceptance=accept_clusters(result.sizes, dec, same),
        change=label_change_table(initial.labels, result.labels, start.k),
        stations=strongest_stations(data.event_id, result.labels, start.k),
    )
