"""Settings: representations of events, and clusterers; each kind has its own section."""

from __future__ import annotations

from importlib.util import find_spec
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from ris_core.config.attributes import AttributesSettings
from ris_core.config.learning import check_counts
from ris_core.registry import Registry
from ris_core.section import Section

_PACKAGES = {"umap": "umap"}
"""The module of each member of a consensus that needs a package of its own."""


class AecRepresentationSettings(Section):
    """The latents of the chosen autoencoder, which is trained by its trials (section `aec`)."""

    kind: Literal["aec"] = "aec"


class SpectraSettings(Section):
    """Principal components of the mean spectrum of each event above its noise."""

    kind: Literal["spectra"] = "spectra"
    dimensions: int = Field(
        20, ge=1, description="Principal components at most (20 in our comparison of methods; ours)."
    )
    floor: float = Field(
        0.0, description="dB above the mean noise spectrum below which a value is raised to it (ours)."
    )
    ceiling: float = Field(
        120.0, description="dB above the mean noise at most; only reached where the noise is near 0 (ours)."
    )

    @model_validator(mode="after")
    def _consistent(self) -> SpectraSettings:
        if self.floor >= self.ceiling:
            raise ValueError(f"floor ({self.floor:g}) must lie below ceiling ({self.ceiling:g})")
        return self


class ClustererSettings(Section):
    """What every clusterer of this project has."""

    k: tuple[int, ...] | None = Field(
        None, min_length=1, description="Cluster counts of its candidates, each 2 or more; none: those of dec.k (ours)."
    )

    @field_validator("k")
    @classmethod
    def _counts(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return value if value is None else check_counts(value)

    @property
    def absent(self) -> tuple[str, ...]:
        """What is asked for, but left out here because its package is not installed."""
        return ()


class KMeansSettings(ClustererSettings):
    """k-means; memberships are those of equal round Gaussians around the centroids."""

    kind: Literal["kmeans"] = "kmeans"
    n_init: int = Field(20, ge=1, description="k-means++ starts; the best is kept (ours).")


class GmmSettings(ClustererSettings):
    """Gaussian mixture with full covariances; memberships are its posterior probabilities."""

    kind: Literal["gmm"] = "gmm"
    n_init: int = Field(20, ge=1, description="k-means starts; the mixture begins with the best (ours).")
    regularisation: float = Field(
        1e-3,
        gt=0,
        description="Added to the variances of each component, as a share of the mean variance of the features (ours).",
    )


class ConsensusSettings(ClustererSettings):
    """Several algorithms vote on which events belong together; memberships are the votes for each cluster."""

    kind: Literal["consensus"] = "consensus"
    k_criterion: ClassVar[str] = "lifetime"
    k: tuple[int, ...] | None = Field(
        tuple(range(2, 13)),
        min_length=1,
        description="Cluster counts, each 2 or more; the one with the longest lifetime in the tree is proposed (ours).",
    )
    members: tuple[Literal["kmeans", "ward", "spectral", "gmm", "umap", "hdbscan"], ...] = Field(
        ("kmeans", "ward", "spectral", "gmm"),
        min_length=2,
        description="Algorithms that vote. gmm and hdbscan work on principal components; umap is a mixture of UMAP's "
        "coordinates and needs the extra umap (ours).",
    )
    member_k: tuple[int, ...] = Field(
        (5, 6, 7, 8, 9, 10), min_length=1, description="Cluster counts of each member; hdbscan finds its own (ours)."
    )
    sample: int = Field(
        2000, ge=10, description="Events of the tree at most, drawn by the seed; memory grows with its square (ours)."
    )
    n_init: int = Field(10, ge=1, description="Starts of k-means in each member (ours).")
    components: int = Field(10, ge=1, description="Principal components at most, for gmm and hdbscan (ours).")
    neighbours: int = Field(15, ge=2, description="Neighbours of an event, for spectral and umap (UMAP: 15).")

    nearest: int = Field(10, ge=1, description="Nearest events of the sample that assign any event (ours).")

    @field_validator("member_k")
    @classmethod
    def _member_counts(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return check_counts(value)

    @field_validator("members")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"{', '.join(value)}: every member may be given only once")
        return value

    @property
    def absent(self) -> tuple[str, ...]:
        """Members that are left out here because their package is not installed."""
        return tuple(one for one in self.members if one in _PACKAGES and find_spec(_PACKAGES[one]) is None)


class MicroSettings(ClustererSettings):
    """Many small clusters, which show what there is to review; their candidates do not label."""

    kind: Literal["micro"] = "micro"
    over_clusters: ClassVar[bool] = True
    k: tuple[int, ...] | None = Field((40,), min_length=1, description="Cluster counts, 20 to 60 (ours).")
    method: Literal["ward", "kmeans"] = Field("ward", description="Ward's tree, or k-means (ours).")
    sample: int = Field(5000, ge=10, description="Events of Ward's tree at most, drawn by the seed (ours).")
    n_init: int = Field(10, ge=1, description="Starts of k-means (ours).")


REPRESENTATIONS: Registry[Section] = Registry("representation")
"""What turns events into features: members are of `ris_core.representations.representation.Representation`."""
REPRESENTATIONS.add(AecRepresentationSettings, "ris_core.representations.aec:AecRepresentation")
REPRESENTATIONS.add(SpectraSettings, "ris_core.representations.spectra:Spectra")
REPRESENTATIONS.add(AttributesSettings, "ris_core.representations.attributes:AttributesRepresentation")

CLUSTERERS: Registry[Section] = Registry("clusterer")
"""What turns features into clusters: members are of `ris_core.clustering.clusterer.Clusterer`."""
CLUSTERERS.add(KMeansSettings, "ris_core.clustering.kmeans_clusterer:KMeansClusterer")
CLUSTERERS.add(GmmSettings, "ris_core.clustering.gmm_clusterer:GmmClusterer")
CLUSTERERS.add(ConsensusSettings, "ris_core.clustering.consensus_clusterer:ConsensusClusterer")
CLUSTERERS.add(MicroSettings, "ris_core.clustering.micro_clusterer:MicroClusterer")
