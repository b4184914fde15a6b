"""Settings: representations of events, and clusterers; each kind has its own section."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ris_core.config.attributes import AttributesSettings
from ris_core.registry import Registry
from ris_core.section import Section


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


class KMeansSettings(Section):
    """k-means; memberships are those of equal round Gaussians around the centroids."""

    kind: Literal["kmeans"] = "kmeans"
    n_init: int = Field(20, ge=1, description="k-means++ starts; the best is kept (ours).")


class GmmSettings(Section):
    """Gaussian mixture with full covariances; memberships are its posterior probabilities."""

    kind: Literal["gmm"] = "gmm"
    n_init: int = Field(20, ge=1, description="k-means starts; the mixture begins with the best (ours).")
    regularisation: float = Field(
        1e-3,
        gt=0,
        description="Added to the variances of each component, as a share of the mean variance of the features (ours).",
    )


REPRESENTATIONS: Registry[Section] = Registry("representation")
"""What turns events into features: members are of `ris_core.representations.representation.Representation`."""
REPRESENTATIONS.add(AecRepresentationSettings, "ris_core.representations.aec:AecRepresentation")
REPRESENTATIONS.add(SpectraSettings, "ris_core.representations.spectra:Spectra")
REPRESENTATIONS.add(AttributesSettings, "ris_core.representations.attributes:AttributesRepresentation")

CLUSTERERS: Registry[Section] = Registry("clusterer")
"""What turns features into clusters: members are of `ris_core.clustering.clusterer.Clusterer`."""
CLUSTERERS.add(KMeansSettings, "ris_core.clustering.kmeans_clusterer:KMeansClusterer")
CLUSTERERS.add(GmmSettings, "ris_core.clustering.gmm_clusterer:GmmClusterer")
