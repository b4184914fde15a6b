"""A candidate of a K from features to its files: its clusters fitted, scored, drawn, logged and kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.candidate_models import candidate_configuration
from ris_core.clustering.cluster_model import decoded_spectra, decoded_spectrograms
from ris_core.clustering.clustered import Clustered
from ris_core.clustering.clusterer import clusterer_class
from ris_core.clustering.dec_doubts import strongest_stations
from ris_core.clustering.distances import near_to_far, own_distance
from ris_core.clustering.features import FeaturesOutOfStepError, inputs_of, load_representation
from ris_core.clustering.label_scores import score_labels
from ris_core.clustering.latents import Latents
from ris_core.clustering.model_record import KeptModel, ModelRecord, accepted
from ris_core.clustering.scores import class_means, silhouettes, subsample
from ris_core.clustering.shared_fit import shared_configuration, shared_fit
from ris_core.config import CLUSTERERS, REPRESENTATIONS
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.contracts.run_log import RunLog
from ris_core.figures import distance_curves, embedding, latent_space
from ris_core.figures.cluster_spectra import centroid_spectra
from ris_core.figures.gallery import cluster_gallery
from ris_core.figures.lifetimes import lifetime_curve
from ris_core.figures.silhouette import silhouette_profiles
from ris_core.representations.file_events import FileEvents
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import Acceptance, coinciding
from ris_core.training.logged_data import log_training_set
from ris_core.training.training_set import TrainingSet

_EXAMPLES = 4
_SILHOUETTES = 2_000


@dataclass(frozen=True)
class FinishedCandidate:
    """The model of a candidate and a K that was trained and written.

    Attributes
    ----------
    kept
        Digest and record of its file.
    classes
        The table of its classes (`scores.class_table`).
    acceptance
        Whether it may label.
    """

    kept: KeptModel
    classes: pd.DataFrame = field(repr=False)
    acceptance: Acceptance


def train_candidate(
    layout: Layout,
    data: TrainingSet,
    latents: Latents,
    name: CandidateName,
    k: int,
    candidates: config.CandidatesSettings,
    dec: config.DecSettings,
    cluster_count: config.ClusterCountSettings,
    about: Mapping[str, Any],
    log: RunLog,
) -> FinishedCandidate:
    """Fit K clusters to the features of the training split, score them on all events, and write the model.

    Parameters
    ----------
    layout, data
        The data root and the training set.
    latents
        Features of the training set by the candidate's representation (`features.read_features`).
    name, k, candidates
        The candidate, the number of clusters, and what the candidate's names mean.
    dec
        Section `dec`: `seed` and `smallest_cluster`.
    cluster_count
        Section `cluster_count`: `sample`.
    about
        Parameters that describe the training set (`data_parameters`).
    log
        Gets the parameters, the data set, the metrics, the table ``classes.csv`` and the figures ``clusters``,
        ``spectra`` if the representation is one of spectra, ``latent_space``, ``t_sne``, ``silhouettes``,
        ``distances``, and ``lifetimes`` of a consensus.

    Raises
    ------
    FileNotFoundError
        The representation has not been fitted, or no autoencoder is chosen.
    OutOfStepError
        The features are not of the present representation and training set.
    InputMismatchError
        The representation takes in other events than those of the training set.
    ValueError
        There are fewer different events than clusters.
    """
    representation = load_representation(layout, name.representation, data.normalisation)
    if inputs_of(layout, name.representation, data.normalisation) != latents.inputs:
        raise FeaturesOutOfStepError(
            f"{layout.candidate(name, k)}: the representation {name.representation} or the training set was made again "
            "meanwhile; train the candidate again"
        )
    representation.require(FileEvents(layout.training_set))
    section = candidates.clusterer_of(name.clusterer)
    log.parameters(
        {
            "k": k,
            "candidate": str(name),
            "representation": latents.inputs.representation,
            "seed": dec.seed,
            **section.model_dump(mode="json", exclude={"k"}),
            **about,
        }
    )
    log_training_set(log, layout.training_set, data)
    started = time.perf_counter()
    kind, z = clusterer_class(CLUSTERERS.kind_of(section)), latents.z[~data.validation]
    configurations = shared_configuration(latents.inputs, name, candidates, dec.seed)
    shared = shared_fit(layout.shared(name), kind, z, section, dec.seed, configurations)
    for left_out in () if shared is None else shared.notes:
        log.note(f"left out: {left_out}")
    clusterer = kind.fit_shared(shared, z, k, section, dec.seed)
    seconds = time.perf_counter() - started
    model = Clustered(name, representation, clusterer)
    memberships = model.memberships(latents.z)
    labels = memberships.argmax(axis=1).astype(np.int32)
    scores = score_labels(data, latents.z, labels, k, cluster_count.sample)
    sizes = tuple(int(size) for size in np.bincount(labels, minlength=k))
    together = () if model.centroids is None else coinciding(model.centroids, latents.z)
    metrics = {**_named(scores.metrics, name), **clusterer.metrics(), "seconds": seconds}
    acceptance = accepted(name, sizes, dec, together)
    log.metrics(metrics | {f"size_{label}": float(size) for label, size in enumerate(sizes)})
    log.tags({"accepted": str(acceptance.passed).lower()})
    log.text(scores.classes.to_csv(), "classes.csv")
    for called, drawn in _figures(data, model, latents.z, labels, memberships.max(axis=1), np.array(sizes)):
        log.figure(drawn, called)
    if shared is not None and shared.lifetimes:
        log.figure(lifetime_curve(shared.lifetimes, k), "lifetimes")
    record = ModelRecord(
        inputs=latents.inputs,
        configuration=candidate_configuration(latents.inputs, name, k, candidates, dec.seed),
        metrics=metrics,
        sizes=sizes,
        coinciding=together,
        stations=strongest_stations(data.event_id, labels, k),
        stopped="",
        updates=(),
        normalisation=data.normalisation,
        links=log.links,
        name=name,
    )
    model.save(layout.candidate(name, k), record.as_metadata(k) | _plugins(model))
    return FinishedCandidate(KeptModel(model.digest, record), scores.classes, acceptance)


def _named(metrics: Mapping[str, float], name: CandidateName) -> dict[str, float]:
    """Return metrics by the names of this representation: only the autoencoder's latents are called so."""
    if name.representation == AEC_DEC.representation:
        return dict(metrics)
    return {"silhouette_features" if key == "silhouette_aec" else key: value for key, value in metrics.items()}


def _plugins(model: Clustered) -> dict[str, list[str]]:
    """Return the plug-ins that made a model, for the metadata of its file; nothing if it was made by none."""
    found = (REPRESENTATIONS.plugin(model.representation.kind), CLUSTERERS.plugin(model.clusterer.kind))
    named = list(dict.fromkeys(str(plugin) for plugin in found if plugin is not None))
    return {"plugins": named} if named else {}


def _figures(
    data: TrainingSet,
    model: Clustered,
    z: NDArray[np.float32],
    labels: NDArray[np.int32],
    membership: NDArray[np.float32],
    sizes: NDArray[np.int64],
) -> Iterator[tuple[str, Figure]]:
    distance = own_distance(z, model.centroids, labels, membership)
    rows = near_to_far(distance, labels, model.n_clusters, _EXAMPLES)
    yield (
        "clusters",
        cluster_gallery(
            decoded_spectrograms(model),
            class_means(data.samples, labels, model.n_clusters),
            {label: data.samples.take(found) for label, found in rows.items() if len(found)},
            sizes,
            data.frequency,
            data.time,
            decibel=data.normalisation.scale == "decibel",
            components=data.input.components,
        ),
    )
    spectra = decoded_spectra(model)
    if spectra is not None:
        yield "spectra", centroid_spectra(spectra, data.frequency, sizes, components=data.input.components)
    if model.dimensions > 1:
        yield "latent_space", latent_space.latent_space(z, labels)
        yield "t_sne", embedding.tsne_space(z, labels)
    drawn = subsample(len(data), _SILHOUETTES, 0)
    spaces = {"spectrograms": data.samples.take(drawn).reshape(len(drawn), -1), "features": z[drawn]}
    of_each = {title: silhouettes(values, [labels[drawn]])[0] for title, values in spaces.items()}
    yield "silhouettes", silhouette_profiles(of_each, labels[drawn])
    yield "distances", distance_curves.distance_distributions(distance, labels)
