"""Candidates: representations with clusterers, each trained for every K."""

import dagster as dg

from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_dagster.assets.clustering import DEC_MODELS


def representation_key(name: str) -> dg.AssetKey:
    """Return the key of the asset of a representation other than the autoencoder."""
    return dg.AssetKey(["representations", name])


def candidate_key(candidate: CandidateName) -> dg.AssetKey:
    """Return the key of the asset that trains a candidate for each K."""
    if candidate == AEC_DEC:
        return DEC_MODELS
    return dg.AssetKey(["candidates", candidate.representation, candidate.clusterer])


def candidate_keys(settings: Settings) -> list[dg.AssetKey]:
    """Return the keys of the assets of all candidates."""
    return [candidate_key(candidate) for candidate in settings.candidate_names]
