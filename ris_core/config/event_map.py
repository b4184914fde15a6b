"""Settings: the map of all labelled events in two dimensions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ris_core.section import Section


class EventMapSettings(Section):
    """Map of events: the features of the model that labels, drawn in two dimensions."""

    method: Literal["pca", "umap"] = Field(
        "pca",
        description="Principal components of all events, or UMAP, which keeps neighbours together and needs the extra "
        "umap (ours).",
    )
    sample: int = Field(
        50_000,
        ge=100,
        description="Events at most that UMAP is fitted to, drawn by the seed; the others are placed beside them "
        "(ours).",
    )
    neighbours: int = Field(
        15, ge=2, description="Neighbours of an event for UMAP: more show less detail and more of the whole (UMAP: 15)."
    )
    min_dist: float = Field(
        0.1, ge=0, lt=1, description="Least distance of two events on the map of UMAP, whose spread is 1 (UMAP: 0.1)."
    )
    seed: int = Field(0, ge=0, description="Seed of the draw and of UMAP (ours).")

    def map_values(self) -> dict[str, Any]:
        """Return what the map depends on, as plain values: of principal components the method alone."""
        values: dict[str, Any] = self.model_dump(mode="json")
        return values if self.method == "umap" else {"method": self.method}
