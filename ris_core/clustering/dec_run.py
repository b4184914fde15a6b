"""The DEC of a K from its initial clusters to its files: trained, logged, drawn and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ris_core import config
from ris_core.clustering.dec_figures import dec_figures
from ris_core.clustering.dec_models import dec_configuration, save_dec
from ris_core.clustering.model_record import KeptModel
from ris_core.clustering.trained_dec import DecStart, TrainedDec, train_k
from ris_core.contracts.run_log import RunLog
from ris_core.storage.layout import Layout
from ris_core.training.checkpoint import Checkpoint
from ris_core.training.logged_data import log_training_set
from ris_core.training.loop import Metrics
from ris_core.training.training_set import TrainingSet

_CURVES = ("kl", "loss", "label_change", "entropy", "cluster_entropy")
"""Metrics that have a point for each update already."""


@dataclass(frozen=True)
class FinishedDec:
    """A DEC that was trained and written.

    Attributes
    ----------
    trained
        The training and its scores.
    kept
        Digest and record of its file.
    """

    trained: TrainedDec
    kept: KeptModel


def run_dec(
    layout: Layout,
    data: TrainingSet,
    start: DecStart,
    dec: config.DecSettings,
    cluster_count: config.ClusterCountSettings,
    about: Mapping[str, Any],
    log: RunLog,
) -> FinishedDec:
    """Train the DEC of a K, log its course, draw its figures, write its model, and remove its checkpoint.

    Parameters
    ----------
    layout
        The data root.
    data
        The training set.
    start
        Autoencoder, latents and initial clusters.
    dec
        Section `dec`.
    cluster_count
        Section `cluster_count`: `sample`.
    about
        Parameters that describe the training set (`data_parameters`).
    log
        Gets the parameters, the data set, one point of every curve after each update, the metrics, the tables
        ``updates.csv``, ``label_change.csv`` and ``classes.csv``, and the figures of `dec_figures`.

    Raises
    ------
    InputMismatchError
        The autoencoder takes in other spectrograms than those of the training set.
    DivergedError
        The loss is not finite.
    """
    start.input.require(data.input)
    clusters = start.clusters
    log.parameters(
        {
            "k": start.k,
            "initialisation": clusters.start.method,
            "aec": clusters.inputs.representation,
            **dec.training_values(),
            **about,
        }
    )
    log_training_set(log, layout.training_set, data)
    checkpoint = Checkpoint(layout.dec(start.k), dec_configuration(clusters, dec))

    def on_update(update: int, row: Metrics) -> None:
        # The error of a step is the training error by another name; runs are compared by name.
        named = {"step_mse" if name == "mse" else name: value for name, value in row.items() if name != "update"}
        log.metrics(named, step=update)

    trained = train_k(data, start, dec, cluster_count.sample, on_update, checkpoint)
    last = len(trained.result.updates)
    log.metrics({name: value for name, value in trained.metrics.items() if name not in _CURVES}, step=last)
    log.tags({"accepted": str(trained.acceptance.passed).lower()})
    log.text(pd.DataFrame(trained.result.updates).to_csv(index=False), "updates.csv")
    log.text(trained.change.to_csv(), "label_change.csv")
    log.text(trained.classes.to_csv(), "classes.csv")
    for name, drawn in dec_figures(data, trained, dec.tolerance):
        log.figure(drawn, name)
    record = trained.record(data.normalisation, log.links)
    digest = save_dec(layout, trained.result.model, record, data.input)
    checkpoint.clear()
    return FinishedDec(trained, KeptModel(digest, record))
