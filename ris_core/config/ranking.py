"""Settings: how candidates are ranked without truth."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ris_core.section import Seconds, Section


class RankingSettings(Section):
    """The comparison of all accepted clusterings, from which the champion is taken where settings name none."""

    sample: int = Field(5_000, ge=100, description="Events drawn from the training set for all criteria (ours).")
    permutations: int = Field(200, ge=20, description="Permutations behind each association (ours).")
    bootstraps: int = Field(
        3, ge=0, description="Bootstraps of the features that clusters are fitted to again; 0: no stability (ours)."
    )
    halves: int = Field(
        20, ge=2, description="Random halves of the events in each of which candidates are ranked again (ours)."
    )
    least_support: float = Field(
        0.8, ge=0, le=1, description="Share of the halves in which the best candidate is to be the best again (ours)."
    )
    coincidence: Seconds = Field(
        3.0,
        gt=0,
        le=600,
        description="Events of two stations whose peaks lie at most this apart count as of one source, s (ours).",
    )
    seed: int = Field(0, ge=0, description="Seed of all that is drawn (ours).")

    def ranking_values(self) -> dict[str, Any]:
        """Return the settings that influence the criteria and the order."""
        return self.model_dump(mode="json", exclude={"least_support"})
