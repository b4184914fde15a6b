"""The order of models where no criterion of the rule says anything."""

from types import SimpleNamespace
from typing import Any

from waveform_builders import make_settings

from ris_core.clustering.ranking_run import _by_own_criterion
from ris_core.contracts.candidate_name import CandidateName


def model(name: str, k: int, **metrics: float) -> Any:
    """Return what the order asks of an accepted model."""
    return SimpleNamespace(name=CandidateName.of(name), key=(name, k), record=SimpleNamespace(metrics=metrics))


def test_candidates_stand_as_in_the_settings_and_k_by_their_own_criterion() -> None:
    settings = make_settings(candidates=["spectra/consensus", "spectra/gmm"])
    models = [
        model("spectra/gmm", 2, silhouette=0.9),
        model("spectra/consensus", 2, lifetime=0.1, silhouette=0.5),
        model("spectra/consensus", 5, lifetime=0.3, silhouette=0.1),
        model("spectra/consensus", 6),
    ]
    assert _by_own_criterion(models, settings) == [
        ("spectra/consensus", 5),
        ("spectra/consensus", 2),
        ("spectra/consensus", 6),
        ("spectra/gmm", 2),
    ]
