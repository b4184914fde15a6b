"""Clusters on disk: latents of the training set, initial clusters for each K, DEC models, and the champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import safetensors.numpy
from numpy.typing import NDArray

from ris_core import config, versions
from ris_core.clustering.initialise import Initialisation, initialise
from ris_core.clustering.scores import davies_bouldin, label_change_table, silhouette
from ris_core.config import digest_of
from ris_core.models.inference import encode
from ris_core.models.networks import Aec
from ris_core.models.weights import read_description, save_model
from ris_core.storage import tables
from ris_core.storage.atomic import read_json, replacing, write_json
from ris_core.storage.stamp import Stamp
from ris_core.storage.store import Store
from ris_core.training.acceptance import Acceptance, accept_dec
from ris_core.training.dec import DecResult, train_dec
from ris_core.training.loop import OnStep
from ris_core.training.training_set import TrainingSet
from ris_core.training.trials import NoAcceptedModelError

LATENT_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), False, {"description": "As in the detection table"}),
        pa.field("validation", pa.bool_(), False, {"description": "Held out from the autoencoder's training"}),
        pa.field("latent", pa.list_(pa.float32(), 9), False, {"description": "Latent vector of the autoencoder"}),
    ]
)


def write_latents(store: Store, data: TrainingSet, aec: Aec, aec_digest: str) -> NDArray[np.float32]:
    """Encode the training set, write the latents (N, 9) as a table, and return them."""
    z = encode(aec, data.x)
    frame = pd.DataFrame({"event_id": data.event_id, "validation": data.validation, "latent": list(z)})
    tables.write_table(store.latent_features, frame, LATENT_SCHEMA, Stamp(aec_digest, versions.LATENTS, data.digest))
    return z


def read_latents(store: Store) -> tuple[NDArray[np.float32], Stamp]:
    """Return the latents (N, 9) in the order of the training set and their provenance (autoencoder, training set)."""
    path = store.latent_features
    if not path.exists():
        raise FileNotFoundError(f"{path}: there are no latents yet; materialize latent_features first")
    stamp = tables.read_stamp(path)[0]
    if stamp is None:
        raise ValueError(f"{path}: says nothing of its making; materialize latent_features again")
    return np.stack(tables.read_table(path, ["latent"])["latent"].tolist()), stamp


def make_clusters(store: Store, k: int, settings: config.Dec) -> Initialisation:
    """Make the initial clusters for K from the latents and write centroids (K, 9) and labels (N,)."""
    z, stamp = read_latents(store)
    clusters = initialise(settings.initialisation, z, k, settings.n_init, settings.seed)
    folder = store.gmm(k)
    with replacing(folder / "clusters.safetensors") as temporary:
        safetensors.numpy.save_file({"centroids": clusters.centroids, "labels": clusters.labels}, temporary)
    write_json(
        folder / "clusters.json",
        {
            "k": k,
            "method": clusters.method,
            "sizes": list(clusters.sizes),
            "inertia": clusters.inertia,
            "aec": stamp.settings,
            "training_set": stamp.inputs,
        },
    )
    return clusters


def read_clusters(store: Store, k: int) -> tuple[NDArray[np.float64], NDArray[np.int32], dict[str, Any]]:
    """Return centroids (K, 9), labels (N,) and the description of the initial clusters for K."""
    folder = store.gmm(k)
    if not (folder / "clusters.json").exists():
        raise FileNotFoundError(f"{folder}: there are no initial clusters for K = {k}; materialize gmm_clusters first")
    arrays = safetensors.numpy.load_file(folder / "clusters.safetensors")
    return arrays["centroids"], arrays["labels"], read_json(folder / "clusters.json")


def score_labels(store: Store, data: TrainingSet, labels: NDArray[np.int32], k: int) -> dict[str, float]:
    """Score labels (N,) of the training set, for initial clusters and DEC alike.

    Returns
    -------
    dict
        ``silhouette`` of a seeded subsample of the unit-norm spectrograms, by which models are compared;
        ``silhouette_aec`` and ``davies_bouldin`` in the latents of the chosen autoencoder; ``smallest_cluster``, the
        least share of events.
    """
    z, sample = read_latents(store)[0], store.settings.cluster_count.sample
    return {
        "silhouette": silhouette(data.x.reshape(len(data.x), -1), labels, sample),
        "silhouette_aec": silhouette(z, labels, sample),
        "davies_bouldin": davies_bouldin(z, labels),
        "smallest_cluster": float(np.bincount(labels, minlength=k).min()) / len(labels),
    }


@dataclass(frozen=True)
class TrainedDec:
    """A trained DEC with its scores, its verdict, and the change of labels from the initial clusters."""

    k: int
    result: DecResult
    metrics: dict[str, float]
    acceptance: Acceptance
    change: pd.DataFrame


def train_k(
    store: Store, data: TrainingSet, aec: Aec, k: int, settings: config.Dec, on_update: OnStep | None = None
) -> TrainedDec:
    """Train the DEC for K from its initial clusters and score it.

    Beside the scores of `score_labels` there is ``silhouette_dec`` in DEC's own latents, which rises by construction:
    it is shown, not chosen by.

    Raises
    ------
    ValueError
        The initial clusters belong to another training set.
    """
    centroids, labels, description = read_clusters(store, k)
    if description["training_set"] != data.digest:
        raise ValueError(
            f"{store.gmm(k)}: the initial clusters are of another training set ({description['training_set']}, now "
            f"{data.digest}); materialize latent_features and gmm_clusters again"
        )
    result = train_dec(aec, data.x, centroids, labels, settings, on_update=on_update)
    last = result.updates[-1]
    metrics = {
        "mse": result.history[-1]["mse"],
        "kl": result.history[-1]["kl"],
        "loss": result.history[-1]["loss"],
        "label_change": last["label_change"],
        "updates": float(len(result.updates) - 1),
        "epochs": result.epochs,
        "entropy": last["entropy"],
        **score_labels(store, data, result.labels, k),
        "silhouette_dec": silhouette(result.latent, result.labels, store.settings.cluster_count.sample),
        "seconds": result.seconds,
    }
    return TrainedDec(
        k=k,
        result=result,
        metrics=metrics,
        acceptance=accept_dec(result.sizes, settings),
        change=label_change_table(labels, result.labels, k),
    )


def dec_configuration(store: Store, k: int, settings: config.Dec) -> str:
    """Return the digest of what decides about the DEC of K."""
    values = settings.model_dump(mode="json", exclude={"k", "device", "smallest_cluster"})
    return digest_of([versions.DEC, read_clusters(store, k)[2], values])


def save_dec(store: Store, trained: TrainedDec, data: TrainingSet, configuration: str, links: Mapping[str, str]) -> str:
    """Write a DEC model with its scores and verdict; returns the digest of the weights."""
    return save_model(
        store.dec(trained.k),
        trained.result.model,
        {
            "k": trained.k,
            "training_set": data.digest,
            "configuration": configuration,
            "metrics": trained.metrics,
            "sizes": list(trained.result.sizes),
            "stopped": trained.result.stopped,
            "acceptance": asdict(trained.acceptance),
            "updates": trained.result.updates,
            **links,
        },
    )


def trained_models(store: Store) -> dict[int, dict[str, Any]]:
    """Return what is known of every trained DEC model, by K."""
    return {
        k: read_description(store.dec(k))["metadata"]
        for k in store.settings.dec.k
        if (store.dec(k) / "model.json").exists()
    }


def choose_champion(models: Mapping[int, Mapping[str, Any]], k: int | None) -> int:
    """Choose the model that labels.

    Parameters
    ----------
    models
        Metadata of the trained models by K: ``acceptance`` and ``metrics`` with the silhouette in data space.
    k
        The K asked for; none: the accepted model of best silhouette.

    Raises
    ------
    NoAcceptedModelError
        There is no such model, or none that was accepted; gives the reasons.
    """
    if k is not None and k not in models:
        raise NoAcceptedModelError(
            f"champion.k = {k}: no such model is trained; trained are {sorted(models) or 'none'}"
        )
    wanted = {k: models[k]} if k is not None else dict(models)
    accepted = {n: m for n, m in wanted.items() if m["acceptance"]["passed"]}
    if not accepted:
        reasons = "\n".join(f"K = {n}: {'; '.join(m['acceptance']['reasons'])}" for n, m in wanted.items())
        raise NoAcceptedModelError(f"none of {len(wanted)} DEC models may label\n{reasons}")

    def score(n: int) -> float:
        value = accepted[n]["metrics"]["silhouette"]
        return float("-inf") if value is None else float(value)

    return max(sorted(accepted), key=score)


def save_champion(store: Store, k: int, links: Mapping[str, str]) -> dict[str, Any]:
    """Record the model of K as the champion."""
    digest = read_description(store.dec(k))["digest"]
    # A copy of its own: retraining the same K must not change the champion behind its back.
    folder = store.root / "models" / "champions" / f"k{k}-{digest}"
    for name in ("model.safetensors", "model.json"):
        with replacing(folder / name) as temporary:
            temporary.write_bytes((store.dec(k) / name).read_bytes())
    record = {"k": k, "folder": store.relative(folder), "model_version": f"k{k}-{digest}", **links}
    write_json(store.champion, record)
    return record
