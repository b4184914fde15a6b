"""A representation from the training set to its files: fitted, its features computed, scored, drawn and logged."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.features import make_features, write_features
from ris_core.clustering.latents import Latents
from ris_core.config import REPRESENTATIONS
from ris_core.contracts.run_log import RunLog
from ris_core.figures import embedding, latent_space
from ris_core.representations.file_events import FileEvents
from ris_core.representations.fitted import FittedRecord, fitted_configuration, save_fitted
from ris_core.representations.representation import representation_class
from ris_core.storage.layout import Layout
from ris_core.training.logged_data import log_training_set
from ris_core.training.training_set import TrainingSet


@dataclass(frozen=True)
class FinishedFit:
    """A representation that was fitted and written.

    Attributes
    ----------
    record
        What is known about it.
    latents
        Its features of the training set.
    """

    record: FittedRecord
    latents: Latents = field(repr=False)


def fit_representation(
    layout: Layout,
    data: TrainingSet,
    name: str,
    candidates: config.CandidatesSettings,
    about: Mapping[str, Any],
    log: RunLog,
) -> FinishedFit:
    """Fit a representation to the training split, compute the features of the training set, and write both.

    Parameters
    ----------
    layout, data
        The data root and the training set.
    name, candidates
        Name of the representation, and what it means.
    about
        Parameters that describe the training set (`data_parameters`).
    log
        Gets the parameters, the data set, the metrics, and the figures ``latent_space`` and ``t_sne``.

    Raises
    ------
    MissingPartError
        The training set lacks arrays that the representation needs.
    ValueError
        It cannot be fitted to these events, or its features are not finite.
    """
    section = candidates.representation_of(name)
    log.parameters({"representation": name, **section.model_dump(mode="json"), **about})
    log_training_set(log, layout.training_set, data)
    started = time.perf_counter()
    kind = representation_class(REPRESENTATIONS.kind_of(section))
    fitted = kind.fit(FileEvents(layout.training_set, ~data.validation), section)
    z, errors = make_features(layout, data, name, fitted)
    metrics = {
        "dimensions": float(fitted.dimensions),
        **_errors(errors, data.validation),
        "seconds": time.perf_counter() - started,
    }
    plugin = REPRESENTATIONS.plugin(fitted.kind)
    said: dict[str, Any] = {
        "training_set": data.digest,
        "configuration": fitted_configuration(layout, name, candidates, data.digest),
        "metrics": metrics,
        **({} if plugin is None else {"plugins": [str(plugin)]}),
        **log.links,
    }
    digest = save_fitted(layout, name, fitted, said)
    latents = write_features(layout, data, name, digest, z)
    log.metrics(metrics)
    if fitted.dimensions > 1:
        log.figure(latent_space.latent_space(latents.z), "latent_space")
        log.figure(embedding.tsne_space(latents.z), "t_sne")
    return FinishedFit(FittedRecord(digest, data.digest, said["configuration"], metrics), latents)


def _errors(errors: NDArray[np.float32] | None, validation: NDArray[np.bool_]) -> dict[str, float]:
    """Return the mean reconstruction errors of the training and of the validation split, in its own units."""
    if errors is None:
        return {}
    return {"train_error": float(errors[~validation].mean()), "val_error": float(errors[validation].mean())}
