"""Settings: what follows the training: the champion, its stability, novelty and labels."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ris_core.config.learning import DecSettings, Device
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.section import Section, digest_of


class ChampionSettings(Section):
    """The model that labels."""

    candidate: str | None = Field(
        None,
        description="Candidate of the champion, REPRESENTATION/CLUSTERER: one of `candidates`; none: the best ranked "
        "accepted one, or the only one (ours).",
    )
    k: int | None = Field(
        None,
        ge=2,
        description="K of the champion; none: the accepted K that is best by the candidate's criterion (lifetime of a "
        "consensus, else the silhouette).",
    )
    least_overlap: float = Field(
        0.3,
        ge=0,
        le=1,
        description="A cluster keeps a former champion's class if the events they share are this share of the union.",
    )
    names: dict[int, str] = Field(default_factory=dict, description="Names that the user gives to classes.")

    def choice_values(self, candidate: str | None) -> dict[str, Any]:
        """Return the settings that influence which model labels, and the classes of its clusters.

        Parameters
        ----------
        candidate
            The candidate that these settings lead to; none if that is the best ranked one.
        """
        values = self.model_dump(mode="json", exclude={"names", "candidate"})
        # The digest of the only candidate that earlier versions had stays as it was.
        return values if candidate in (None, str(AEC_DEC)) else {**values, "candidate": candidate}


class StabilitySettings(Section):
    """How far the chosen configuration can be trusted."""

    candidate: str | None = Field(
        None,
        description="Candidate that is assessed, REPRESENTATION/CLUSTERER: one of `candidates`; none: the champion's, "
        "else champion.candidate, else the first one (ours).",
    )
    k: int | None = Field(
        None, ge=2, description="K that is trained; none: the champion's, else the candidate's first K."
    )
    seeds: int = Field(10, ge=2, description="Trainings, each with its own seed (ours).")
    vary: Literal["clusters", "autoencoder"] = Field(
        "clusters",
        description="clusters: seed of the clusters and order of the events, from the same representation; "
        "autoencoder: a new autoencoder for each seed as well, which takes as long as its trial; another "
        "representation is fitted again if its settings have a seed (ours).",
    )
    least_ari: float = Field(
        0.6, ge=-1, le=1, description="Least mean ARI over the pairs of trainings of stable clusters (ours)."
    )
    held_out_stations: int = Field(
        5, ge=0, description="Number of trainings without one station, those with most events first (ours)."
    )
    permutations: int = Field(500, ge=20, description="Permutations for each p-value (ours).")
    noise_windows: int = Field(500, ge=0, description="Most windows without events for the null (ours).")
    seed: int = Field(
        0, ge=0, description="Seed of draws and permutations; trainings use this seed and the next ones (ours)."
    )

    def assessment_values(self) -> dict[str, Any]:
        """Return the settings that influence the assessment of a model."""
        return self.model_dump(mode="json", exclude={"candidate", "k", "least_ari"})

    def digest(self) -> str:
        """Return the digest of the section; without a candidate it is that of earlier versions, which had none."""
        return digest_of(self.model_dump(mode="json", exclude={"candidate"} if self.candidate is None else None))


class NoveltySettings(Section):
    """When an event is unlike all clusters."""

    score: Literal["reconstruction", "distance", "probability", "auto"] = Field(
        "reconstruction",
        description="Score of the threshold: reconstruction error, distance in latent space with the clusters' "
        "covariances, or one minus the greatest membership; auto: the reconstruction error of a model that has one, "
        "else the distance (ours).",
    )
    false_alarms: float = Field(
        0.01, gt=0, lt=0.5, description="Share of held-out events above the threshold: not assigned (ours)."
    )

    def score_of(self, reconstructs: bool) -> Literal["reconstruction", "distance", "probability"]:
        """Return the score of a model that has a reconstruction error, or has none."""
        if self.score == "auto":
            return "reconstruction" if reconstructs else "distance"
        return self.score


class LabellingSettings(Section):
    """Inference over station-days."""

    batch_size: int = Field(
        64, ge=1, description="Number of spectrograms that a core reads and labels together (ours)."
    )
    reconstruction_error: bool = Field(
        True, description="Whether label tables have it; without it the decoder does not run, which is faster (ours)."
    )
    device: Device = Field("auto", description="auto takes CUDA, else MPS, else the CPU.")


def require_decoder_for_novelty(novelty: NoveltySettings, dec: DecSettings) -> None:
    """Raise `ValueError` if novelty is the reconstruction error of a DEC that does not train its decoder."""
    if novelty.score == "reconstruction" and dec.objective == "dec":
        raise ValueError(
            "dec.objective is dec, which does not train the decoder: novelty.score cannot be reconstruction; set it to "
            "distance or probability"
        )
