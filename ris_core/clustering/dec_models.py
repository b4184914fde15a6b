"""Clusters on disk: latents of the training set, initial clusters for each K, and DEC models."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ris_core import config, versions
from ris_core.clustering.initialise import Initialisation, centroids_digest, initialise, read_centroids
from ris_core.clustering.scores import class_table, davies_bouldin, label_change_table, overall, silhouette
from ris_core.contracts.stamp import Stamp
from ris_core.models.device import use_cores
from ris_core.models.inference import encode, reconstruction_error
from ris_core.models.networks import Aec, Dec
from ris_core.models.weights import JSON_FILE, load_model, read_description, require_sound, save_model
from ris_core.section import digest_of
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.store import Store
from ris_core.storage.tensors import read_arrays, write_arrays
from ris_core.training.acceptance import Acceptance, accept_dec, coinciding
from ris_core.training.checkpoint import Checkpoint
from ris_core.training.dec import train_dec
from ris_core.training.doubts import strongest_stations
from ris_core.training.loop import OnStep
from ris_core.training.results import DecResult
from ris_core.training.training_set import TrainingSet, digest_on_disk
from ris_core.training.trials import read_choice

_CLUSTERS, _CLUSTERS_JSON = "clusters.safetensors", "clusters.json"
_ENCODE_AGAIN = "materialize latent_features again, or let `ris run` do it"
_CLUSTER_AGAIN = "materialize gmm_clusters again for this K, or let `ris run` do it"
_TRAIN_AGAIN = "materialize dec_models again for this K, or let `ris run` do it"


class OutOfStepError(ValueError):
    """What stands on disk was made from another autoencoder or training set than those of now."""


LATENT_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), False, {"description": "As in the detection table"}),
        pa.field("validation", pa.bool_(), False, {"description": "Held out from the autoencoder's training"}),
        pa.field("latent", pa.list_(pa.float32(), 9), False, {"description": "Latent vector of the autoencoder"}),
    ]
)


def write_latents(store: Store, data: TrainingSet, aec: Aec, aec_digest: str) -> NDArray[np.float32]:
    """Encode the training set, write the latents (N, 9) as a table, and return them."""
    z = encode(aec, data.samples)
    frame = pd.DataFrame({"event_id": data.event_id, "validation": data.validation, "latent": list(z)})
    tables.write_table(store.latent_features, frame, LATENT_SCHEMA, Stamp(aec_digest, versions.LATENTS, data.digest))
    return z


def read_latents(store: Store) -> tuple[NDArray[np.float32], Stamp]:
    """Return the latents (N, 9) in the order of the training set and their provenance (autoencoder, training set).

    Raises
    ------
    FileNotFoundError
        There are none yet.
    OutOfStepError
        They are not of the autoencoder and the training set of now.
    DamagedFileError
        The table is damaged.
    """
    path = store.latent_features
    if not path.exists():
        raise FileNotFoundError(f"{path}: there are no latents yet; materialize latent_features first")
    stamp = tables.read_stamp(path)[0]
    aec, training_set = now(store)
    if stamp is None or (stamp.settings, stamp.inputs) != (aec, training_set):
        raise OutOfStepError(
            f"{path}: these latents are not of the autoencoder ({aec}) and the training set ({training_set}) of now; "
            "materialize latent_features again"
        )
    with damage_named(path, _ENCODE_AGAIN):
        return np.stack(tables.read_table(path, ["latent"])["latent"].tolist()), stamp


def now(store: Store) -> tuple[str, str]:
    """Return the digests of the chosen autoencoder and of the training set on disk."""
    return str(read_choice(store)["digest"]), digest_on_disk(store, store.settings.normalisation)


def latents_are_current(store: Store) -> bool:
    """Return whether the latents stand undamaged and are of the autoencoder and the training set of now."""
    try:
        read_latents(store)
    except (FileNotFoundError, OutOfStepError, DamagedFileError):
        return False
    return True


def make_clusters(store: Store, k: int, settings: config.DecSettings) -> Initialisation:
    """Make the initial clusters for K from the latents and write centroids (K, 9) and labels (N,)."""
    z, stamp = read_latents(store)
    centroids = read_centroids(settings, k) if settings.initialisation == "given" else None
    clusters = initialise(settings.initialisation, z, k, settings.n_init, settings.seed, centroids=centroids)
    folder = store.gmm(k)
    write_arrays(folder / _CLUSTERS, {"centroids": clusters.centroids, "labels": clusters.labels})
    write_json(
        folder / _CLUSTERS_JSON,
        {
            "k": k,
            "method": clusters.method,
            "sizes": list(clusters.sizes),
            "inertia": clusters.inertia,
            "aec": stamp.settings,
            "training_set": stamp.inputs,
            "configuration": clusters_configuration(store, settings),
        },
    )
    return clusters


def clusters_configuration(store: Store, settings: config.DecSettings) -> str:
    """Return the digest of all that decides about the initial clusters of a K."""
    return digest_of([versions.GMM, *now(store), settings.initialisation_values(), centroids_digest(settings)])


def clusters_are_current(store: Store, k: int) -> bool:
    """Return whether the initial clusters for K stand undamaged and are what settings and latents of now would give."""
    try:
        found = read_clusters(store, k)[2]
        return bool(found["configuration"] == clusters_configuration(store, store.settings.dec))
    except (FileNotFoundError, OutOfStepError, DamagedFileError):
        return False


def read_clusters(store: Store, k: int) -> tuple[NDArray[np.float64], NDArray[np.int32], dict[str, Any]]:
    """Return centroids (K, 9), labels (N,) and the description of the initial clusters for K.

    Raises
    ------
    FileNotFoundError
        There are none yet.
    OutOfStepError
        They are not of the autoencoder and the training set of now.
    DamagedFileError
        A file of them is damaged.
    """
    folder = store.gmm(k)
    path = folder / _CLUSTERS_JSON
    if not path.exists():
        raise FileNotFoundError(f"{folder}: there are no initial clusters for K = {k}; materialize gmm_clusters first")
    description = read_record(path, dict.fromkeys(("aec", "training_set", "configuration"), str), _CLUSTER_AGAIN)
    if (description["aec"], description["training_set"]) != now(store):
        raise OutOfStepError(
            f"{folder}: these initial clusters are not of the autoencoder and the training set of now; materialize "
            "latent_features and gmm_clusters again"
        )
    path = folder / _CLUSTERS
    try:
        arrays, _ = read_arrays(path, _CLUSTER_AGAIN)
    except FileNotFoundError as error:
        why = f"there is no such file, but {_CLUSTERS_JSON} describes it"
        raise DamagedFileError(path, why, _CLUSTER_AGAIN) from error
    if not {"centroids", "labels"} <= arrays.keys() or len(arrays["centroids"]) != k:
        raise DamagedFileError(path, f"it does not hold {k} centroids and the labels", _CLUSTER_AGAIN)
    return arrays["centroids"], arrays["labels"], description


def score_labels(
    store: Store, data: TrainingSet, z: NDArray[np.float32], labels: NDArray[np.int32], k: int
) -> tuple[dict[str, float], pd.DataFrame]:
    """Score labels (N,) of the training set, whose latents are z (N, 9), for initial clusters and DEC alike.

    Returns
    -------
    dict, DataFrame
        Means over all events in data space (`scores.overall`), with ``silhouette``, by which models are compared;
        ``silhouette_aec`` and ``davies_bouldin`` in the latents of the chosen autoencoder. And the table of the classes
        (`scores.class_table`).
    """
    classes = class_table(data.samples, labels, k)
    return {
        **overall(classes),
        "silhouette_aec": silhouette(z, labels, store.settings.cluster_count.sample),
        "davies_bouldin": davies_bouldin(z, labels),
    }, classes


@dataclass(frozen=True)
class TrainedDec:
    """A trained DEC with its scores, its classes, its verdict, and the change of labels from the initial clusters.

    `trained_on` holds the digests of the autoencoder and of the training set, `z` (N, 9) the autoencoder's latents,
    `stations` the station that has most of each class (`doubts.strongest_stations`).
    """

    k: int
    result: DecResult
    metrics: dict[str, float]
    classes: pd.DataFrame
    coinciding: tuple[tuple[int, int], ...]
    acceptance: Acceptance
    change: pd.DataFrame
    trained_on: tuple[str, str]
    z: NDArray[np.float32]
    stations: list[dict[str, Any]]


def train_k(
    store: Store,
    data: TrainingSet,
    aec: Aec,
    k: int,
    settings: config.DecSettings,
    on_update: OnStep | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainedDec:
    """Train the DEC for K from its initial clusters and score it.

    Beside the scores of `score_labels` there are ``silhouette_dec`` in DEC's own latents, which rises by construction
    (it is shown, not chosen by), and ``train_mse`` and ``val_mse``, the reconstruction errors over the autoencoder's
    training and validation events (DEC trains on both).
    """
    use_cores()
    centroids, labels, initial = read_clusters(store, k)
    # Read before it begins: at its end others may stand there.
    z = read_latents(store)[0]
    result = train_dec(aec, data.samples, centroids, labels, settings, on_update=on_update, checkpoint=checkpoint)
    last = result.updates[-1]
    errors = reconstruction_error(result.model, data.samples)
    scores, classes = score_labels(store, data, z, result.labels, k)
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
        **scores,
        "silhouette_dec": silhouette(result.latent, result.labels, store.settings.cluster_count.sample),
        "seconds": result.seconds,
    }
    same = coinciding(result.model.clustering.centroids.detach().numpy(), result.latent)
    return TrainedDec(
        k=k,
        result=result,
        metrics=metrics,
        classes=classes,
        coinciding=same,
        acceptance=accept_dec(result.sizes, settings, same),
        change=label_change_table(labels, result.labels, k),
        trained_on=(initial["aec"], initial["training_set"]),
        z=z,
        stations=strongest_stations(data.event_id, result.labels, k),
    )


def dec_configuration(store: Store, k: int, settings: config.DecSettings) -> str:
    """Return the digest of what decides about the DEC of K."""
    return digest_of([versions.DEC, read_clusters(store, k)[2], settings.training_values()])


def dec_is_current(store: Store, k: int) -> bool:
    """Return whether the DEC of K stands undamaged and is what the settings and initial clusters of now would give."""
    try:
        found = trained_models(store, [k]).get(k)
        if found is None or not clusters_are_current(store, k):
            return False
        if found["configuration"] != dec_configuration(store, k, store.settings.dec):
            return False
        require_sound(store.dec(k), _TRAIN_AGAIN)
    except (FileNotFoundError, DamagedFileError):
        return False
    return True


def save_dec(
    store: Store,
    trained: TrainedDec,
    normalisation: config.NormalisationSettings,
    configuration: str,
    links: Mapping[str, str],
) -> str:
    """Write a DEC model with its scores and sizes; returns the digest of the weights."""
    aec, training_set = trained.trained_on
    return save_model(
        store.dec(trained.k),
        trained.result.model,
        {
            "k": trained.k,
            "aec": aec,
            "training_set": training_set,
            "configuration": configuration,
            "metrics": trained.metrics,
            "normalisation": normalisation.model_dump(mode="json"),
            "sizes": list(trained.result.sizes),
            "coinciding": [list(pair) for pair in trained.coinciding],
            "stations": trained.stations,
            "stopped": trained.result.stopped,
            "updates": trained.result.updates,
            **links,
        },
    )


def read_dec(store: Store, k: int) -> dict[str, Any] | None:
    """Return the description of the DEC of K, none before it was trained; raises `DamagedFileError`."""
    folder = store.dec(k)
    if not (folder / JSON_FILE).exists():
        return None
    description = read_description(folder, _TRAIN_AGAIN)
    if description["n_clusters"] != k:
        raise DamagedFileError(folder / JSON_FILE, f"it is of K = {description['n_clusters']}", _TRAIN_AGAIN)
    return description


def load_dec(store: Store, k: int) -> tuple[Dec, dict[str, Any]]:
    """Return the DEC of K and its metadata; raises as `load_model`."""
    read_dec(store, k)
    model, metadata = load_model(store.dec(k), remedy=_TRAIN_AGAIN)
    if not isinstance(model, Dec):
        raise TypeError(f"{store.dec(k)}: not a DEC model")
    return model, metadata


def trained_models(store: Store, only: Collection[int] | None = None) -> dict[int, dict[str, Any]]:
    """Return what is known of every DEC that was trained on what is there now, by K.

    Parameters
    ----------
    store
        Where to look.
    only
        The K that are asked about; none: all of the settings.

    Raises
    ------
    FileNotFoundError
        There is no chosen autoencoder or no training set.
    DamagedFileError
        A description is damaged.
    """
    asked = [k for k in store.settings.dec.k if only is None or k in only]
    found = {k: description["metadata"] for k in asked if (description := read_dec(store, k)) is not None}
    return {k: m for k, m in found.items() if (m.get("aec"), m.get("training_set")) == now(store)}


def verdict(metadata: Mapping[str, Any], settings: config.DecSettings) -> Acceptance:
    """Judge a trained DEC by its sizes and the settings of now, which may have changed since it was trained."""
    return accept_dec([int(size) for size in metadata["sizes"]], settings, metadata["coinciding"])
