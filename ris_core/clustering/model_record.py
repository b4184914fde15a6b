"""What is known about a trained model with clusters, beside its weights: the metadata of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ris_core import config
from ris_core.clustering.dec_doubts import StrongestStation, dec_doubts
from ris_core.clustering.latents import ClusteringInputs
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.training.acceptance import Acceptance, accept_clusters

_LINKS = ("mlflow_run_id", "dagster_run_id")


@dataclass(frozen=True)
class ModelRecord:
    """What is known about a model with clusters.

    Attributes
    ----------
    inputs
        What it was trained from; none if it is not known, as for imported models.
    configuration
        Digest of all that decides about its weights; empty if it is not known.
    metrics
        Scores by name; none for those that are not defined.
    sizes
        Events of the training set in each of the K clusters; empty if they are not known.
    coinciding
        Pairs of clusters whose centroids have merged.
    stations
        The strongest station of each class.
    stopped
        Why the training of a DEC stopped; empty if it is not known.
    updates
        One row for each update of a DEC's target distribution.
    normalisation
        Normalisation of the spectrograms of its training set.
    links
        Identifiers of the run that trained it, by name (`RunLog.links`).
    name
        Representation and clusterer.
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
    name: CandidateName = AEC_DEC

    @property
    def mlflow_run_id(self) -> str:
        """The MLflow run that trained it; empty if there is none."""
        return self.links.get("mlflow_run_id", "")

    def verdict(self, dec: config.DecSettings) -> Acceptance:
        """Judge the model by its sizes and the current settings, which may have changed since it was trained."""
        if not self.sizes:
            return Acceptance(False, ("the sizes of its clusters are not known",))
        return accepted(self.name, self.sizes, dec, self.coinciding)

    def doubts(self, dec: config.DecSettings, classes: Sequence[int] = ()) -> tuple[str, ...]:
        """Return what speaks against the model, with the classes of a champion's clusters (`dec_doubts.dec_doubts`)."""
        return dec_doubts(self.metrics, self.stopped, self.stations, dec.tolerance, classes)

    def as_metadata(self, k: int) -> dict[str, Any]:
        """Return the metadata of the file of a model of K clusters that was trained here; `record_of` reads them."""
        if self.inputs is None:
            raise ValueError(f"{self.name.with_k(k)}: a model that was trained here has inputs")
        # DEC has the keys of earlier versions.
        of_dec = {"stopped": self.stopped, "updates": list(self.updates)}
        is_dec = self.name == AEC_DEC
        return {
            "k": k,
            **({} if is_dec else {"candidate": str(self.name)}),
            "aec" if is_dec else "representation": self.inputs.representation,
            "training_set": self.inputs.training_set,
            "configuration": self.configuration,
            "metrics": self.metrics,
            "normalisation": self.normalisation.model_dump(mode="json"),
            "sizes": list(self.sizes),
            "coinciding": [list(pair) for pair in self.coinciding],
            "stations": [asdict(row) for row in self.stations],
            **(of_dec if is_dec else {}),
            **self.links,
        }


def accepted(
    name: CandidateName, sizes: Sequence[int], dec: config.DecSettings, coinciding: Sequence[Sequence[int]]
) -> Acceptance:
    """Judge the clusters of a model of a candidate; parameters as for `accept_clusters`."""
    if name == AEC_DEC:
        return accept_clusters(sizes, dec, coinciding)
    return accept_clusters(sizes, dec, coinciding, "another seed (dec.seed), clusterer or representation")


def record_of(metadata: Mapping[str, Any]) -> ModelRecord:
    """Return the record of a model from the metadata of its file, which lack what is not known of imported models."""
    representation, training_set = metadata.get("representation", metadata.get("aec")), metadata.get("training_set")
    known = representation is not None and training_set is not None
    return ModelRecord(
        inputs=ClusteringInputs(str(representation), str(training_set)) if known else None,
        configuration=metadata.get("configuration", ""),
        metrics=metadata.get("metrics", {}),
        sizes=tuple(int(size) for size in metadata.get("sizes", ())),
        coinciding=tuple((int(i), int(j)) for i, j in metadata.get("coinciding", ())),
        stations=tuple(StrongestStation(**row) for row in metadata.get("stations", ())),
        stopped=metadata.get("stopped", ""),
        updates=tuple(metadata.get("updates", ())),
        normalisation=config.NormalisationSettings.model_validate(metadata.get("normalisation", {})),
        links={name: str(metadata[name]) for name in _LINKS if name in metadata},
        name=CandidateName.of(metadata["candidate"]) if "candidate" in metadata else AEC_DEC,
    )


@dataclass(frozen=True)
class KeptModel:
    """A model with clusters on disk.

    Attributes
    ----------
    digest
        Digest of its weights.
    record
        Its record.
    """

    digest: str
    record: ModelRecord
