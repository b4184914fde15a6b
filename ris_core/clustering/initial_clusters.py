"""The initial clusters of each K on disk: made from the latents, and what DEC starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ris_core import config, versions
from ris_core.clustering.initialise import Initialisation, centroids_digest, initialise, read_centroids
from ris_core.clustering.latents import ClusteringInputs, Latents, OutOfStepError, current_inputs
from ris_core.section import digest_of
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.layout import Layout
from ris_core.storage.tensors import read_arrays, write_arrays

_ARRAYS, _JSON = "clusters.safetensors", "clusters.json"
_AGAIN = "make the initial clusters of this K again, or let `ris run` do it"
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "method": str,
    "sizes": list,
    "inertia": (int, float),
    "aec": str,
    "training_set": str,
    "configuration": str,
}


class NoInitialClustersError(FileNotFoundError):
    """There are no initial clusters of a K yet."""


class ClustersOutOfStepError(OutOfStepError):
    """The initial clusters are out of step."""


@dataclass(frozen=True, eq=False)
class InitialClusters:
    """The initial clusters of a K.

    Attributes
    ----------
    k
        Number of clusters.
    start
        Method, centroids (K, 9), labels (N,), sizes and inertia.
    inputs
        The autoencoder and the training set that they were made from.
    configuration
        Digest of all that decides about them (`clusters_configuration`).
    """

    k: int
    start: Initialisation
    inputs: ClusteringInputs
    configuration: str

    def description(self) -> dict[str, Any]:
        """Return what is written beside the arrays: plain values."""
        return {
            "k": self.k,
            "method": self.start.method,
            "sizes": list(self.start.sizes),
            "inertia": self.start.inertia,
            "aec": self.inputs.representation,
            "training_set": self.inputs.training_set,
            "configuration": self.configuration,
        }


def clusters_configuration(inputs: ClusteringInputs, dec: config.DecSettings) -> str:
    """Return the digest of all that decides about the initial clusters, except K."""
    return digest_of(
        [versions.GMM, inputs.representation, inputs.training_set, dec.initialisation_values(), centroids_digest(dec)]
    )


def make_clusters(layout: Layout, latents: Latents, k: int, dec: config.DecSettings) -> InitialClusters:
    """Make the initial clusters of a K from the latents and write them.

    Raises
    ------
    ValueError
        The given centroids are not K rows of 9 numbers, or there are fewer different events than clusters.
    """
    centroids = read_centroids(dec, k) if dec.initialisation == "given" else None
    start = initialise(dec.initialisation, latents.z, k, dec.n_init, dec.seed, centroids=centroids)
    found = InitialClusters(k, start, latents.inputs, clusters_configuration(latents.inputs, dec))
    folder = layout.initial_clusters(k)
    write_arrays(folder / _ARRAYS, {"centroids": start.centroids, "labels": start.labels})
    write_json(folder / _JSON, found.description())
    return found


def read_clusters(layout: Layout, k: int, normalisation: config.NormalisationSettings) -> InitialClusters:
    """Return the initial clusters of a K.

    Raises
    ------
    NoInitialClustersError
        There are none yet.
    ClustersOutOfStepError
        They are of another autoencoder or another training set.
    DamagedFileError
        A file of them is damaged.
    """
    folder = layout.initial_clusters(k)
    path = folder / _JSON
    if not path.exists():
        raise NoInitialClustersError(f"{folder}: there are no initial clusters for K = {k} yet")
    description = read_record(path, _FIELDS, _AGAIN)
    inputs = ClusteringInputs(description["aec"], description["training_set"])
    if inputs != current_inputs(layout, normalisation):
        raise ClustersOutOfStepError(
            f"{folder}: these initial clusters are not of the current autoencoder and the current training set"
        )
    path = folder / _ARRAYS
    try:
        arrays, _ = read_arrays(path, _AGAIN)
    except FileNotFoundError as error:
        raise DamagedFileError(path, f"there is no such file, but {_JSON} describes it", _AGAIN) from error
    if not {"centroids", "labels"} <= arrays.keys() or len(arrays["centroids"]) != k:
        raise DamagedFileError(path, f"it does not hold {k} centroids and the labels", _AGAIN)
    with damage_named(folder / _JSON, _AGAIN):
        start = Initialisation(
            method=description["method"],
            centroids=arrays["centroids"],
            labels=arrays["labels"],
            inertia=description["inertia"],
            sizes=tuple(int(size) for size in description["sizes"]),
        )
    return InitialClusters(k, start, inputs, description["configuration"])


def clusters_are_current(
    layout: Layout, k: int, dec: config.DecSettings, normalisation: config.NormalisationSettings
) -> bool:
    """Return whether the initial clusters of a K are undamaged and what settings and latents would give now."""
    try:
        found = read_clusters(layout, k, normalisation)
    except (FileNotFoundError, OutOfStepError, DamagedFileError):
        return False
    return found.configuration == clusters_configuration(found.inputs, dec)
