"""DEC models on disk: one of each K, with the record of its training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ris_core import config, versions
from ris_core.clustering.dec_doubts import StrongestStation, dec_doubts
from ris_core.clustering.initial_clusters import InitialClusters, clusters_are_current, read_clusters
from ris_core.clustering.latents import ClusteringInputs, current_inputs
from ris_core.contracts.input_spec import InputSpec
from ris_core.models.networks import Dec
from ris_core.models.weights import JSON_FILE, ModelDescription, load_model, read_description, require_sound, save_model
from ris_core.section import digest_of
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.layout import Layout
from ris_core.training.acceptance import Acceptance, accept_dec

_TRAIN_AGAIN = "train the DEC of this K again, or let `ris run` do it"


@dataclass(frozen=True)
class DecRecord:
    """What is known about a DEC model beside its weights.

    Attributes
    ----------
    inputs
        What it was trained from; none if it is not known, as for imported models.
    configuration
        Digest of all that decides about its weights (`dec_configuration`); empty if it is not known.
    metrics
        Scores by name; none for those that are not defined.
    sizes
        Events of the training set in each of the K clusters; empty if they are not known.
    coinciding
        Pairs of clusters whose centroids have merged.
    stations
        The strongest station of each class.
    stopped
        Why the training stopped; empty if it is not known.
    updates
        One row for each update of the target distribution.
    normalisation
        Normalisation of the spectrograms that it was trained with.
    links
        Identifiers of the run that trained it, by name (`RunLog.links`).
    """

    inputs: ClusteringInputs | None
    configuration: str
    metrics: Mapping[str, float | None]
    sizes: tuple[int, ...]
    coinciding: tuple[tuple[int, int], ...]
    stations: tuple[StrongestStation, ...]
    stopped: str
    updates: tuple[Mapping[str, float | None], ...] = field(repr=False)
    normalisation: config.NormalisationSettings
    links: Mapping[str, str]

    @property
    def mlflow_run_id(self) -> str:
        """The MLflow run that trained it; empty if there is none."""
        return self.links.get("mlflow_run_id", "")

    def verdict(self, dec: config.DecSettings) -> Acceptance:
        """Judge the model by its sizes and the current settings, which may have changed since it was trained."""
        if not self.sizes:
            return Acceptance(False, ("the sizes of its clusters are not known",))
        return accept_dec(self.sizes, dec, self.coinciding)

    def doubts(self, dec: config.DecSettings) -> tuple[str, ...]:
        """Return what speaks against the model (`dec_doubts.dec_doubts`)."""
        return dec_doubts(self.metrics, self.stopped, self.stations, dec.tolerance)


_LINKS = ("mlflow_run_id", "dagster_run_id")


def record_of(metadata: Mapping[str, Any]) -> DecRecord:
    """Return the record of a DEC from the metadata of its file, which may lack what is not known of imported models."""
    aec, training_set = metadata.get("aec"), metadata.get("training_set")
    return DecRecord(
        inputs=None if aec is None or training_set is None else ClusteringInputs(aec, training_set),
        configuration=metadata.get("configuration", ""),
        metrics=metadata.get("metrics", {}),
        sizes=tuple(int(size) for size in metadata.get("sizes", ())),
        coinciding=tuple((int(i), int(j)) for i, j in metadata.get("coinciding", ())),
        stations=tuple(StrongestStation(**row) for row in metadata.get("stations", ())),
        stopped=metadata.get("stopped", ""),
        updates=tuple(metadata.get("updates", ())),
        normalisation=config.NormalisationSettings.model_validate(metadata.get("normalisation", {})),
        links={name: str(metadata[name]) for name in _LINKS if name in metadata},
    )


def _metadata(k: int, record: DecRecord) -> dict[str, Any]:
    """Return the metadata of the file of a DEC that was trained here."""
    if record.inputs is None:
        raise ValueError(f"K = {k}: a DEC that was trained here has inputs")
    return {
        "k": k,
        "aec": record.inputs.aec,
        "training_set": record.inputs.training_set,
        "configuration": record.configuration,
        "metrics": record.metrics,
        "normalisation": record.normalisation.model_dump(mode="json"),
        "sizes": list(record.sizes),
        "coinciding": [list(pair) for pair in record.coinciding],
        "stations": [asdict(row) for row in record.stations],
        "stopped": record.stopped,
        "updates": list(record.updates),
        **record.links,
    }


def save_dec(layout: Layout, model: Dec, record: DecRecord, takes: InputSpec) -> str:
    """Write a DEC model and its record to the folder of its K; returns the digest of the weights.

    Parameters
    ----------
    layout, model, record
        The data root, the model, and what is kept beside its weights.
    takes
        What the network takes in.
    """
    return save_model(layout.dec(model.n_clusters), model, _metadata(model.n_clusters, record), takes)


@dataclass(frozen=True)
class KeptDec:
    """A DEC on disk.

    Attributes
    ----------
    digest
        Digest of its weights.
    record
        Its record.
    """

    digest: str
    record: DecRecord


def read_dec(layout: Layout, k: int) -> KeptDec | None:
    """Return digest and record of the DEC of K; none if it has not been trained.

    Raises
    ------
    DamagedFileError
        The description is damaged, or is of another K.
    """
    folder = layout.dec(k)
    path = folder / JSON_FILE
    if not path.exists():
        return None
    description = read_description(folder, _TRAIN_AGAIN)
    if description.n_clusters != k:
        raise DamagedFileError(path, f"it is of K = {description.n_clusters}", _TRAIN_AGAIN)
    with damage_named(path, _TRAIN_AGAIN):
        return KeptDec(description.digest, record_of(description.metadata))


def load_dec(layout: Layout, k: int) -> tuple[Dec, ModelDescription]:
    """Return the DEC of K and what is said of it.

    Raises
    ------
    WeightsError
        It has not been trained.
    DamagedFileError
        Its files are damaged or of another K.
    """
    read_dec(layout, k)
    model, description = load_model(layout.dec(k), remedy=_TRAIN_AGAIN)
    if not isinstance(model, Dec):
        raise TypeError(f"{layout.dec(k)}: not a DEC model")
    return model, description


def trained_models(
    layout: Layout, counts: Iterable[int], normalisation: config.NormalisationSettings
) -> dict[int, DecRecord]:
    """Return the record of every DEC that was trained from the current autoencoder and training set, by K.

    Parameters
    ----------
    layout
        The data root.
    counts
        The K to look at.
    normalisation
        Section `normalisation`, which is part of the training set's digest.

    Raises
    ------
    FileNotFoundError
        No autoencoder has been chosen, or there is no training set.
    DamagedFileError
        A description is damaged.
    """
    found = {k: kept.record for k in counts if (kept := read_dec(layout, k)) is not None}
    return {k: record for k, record in found.items() if record.inputs == current_inputs(layout, normalisation)}


def dec_configuration(clusters: InitialClusters, dec: config.DecSettings) -> str:
    """Return the digest of all that decides about the weights of the DEC that starts from some clusters."""
    return digest_of([versions.DEC, clusters.description(), dec.training_values()])


def dec_is_current(
    layout: Layout, k: int, dec: config.DecSettings, normalisation: config.NormalisationSettings
) -> bool:
    """Return whether the DEC of K is undamaged and what the settings and the initial clusters would give now."""
    if k not in dec.k:
        return False
    try:
        found = trained_models(layout, [k], normalisation).get(k)
        if found is None or not clusters_are_current(layout, k, dec, normalisation):
            return False
        if found.configuration != dec_configuration(read_clusters(layout, k, normalisation), dec):
            return False
        require_sound(layout.dec(k), _TRAIN_AGAIN)
    except (FileNotFoundError, DamagedFileError):
        return False
    return True
