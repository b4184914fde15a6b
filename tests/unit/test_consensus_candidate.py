"""Candidates whose clusterer has its own K, criterion and what its K share: a consensus, and micro-clusters."""

import importlib.util
from typing import Any

import numpy as np
import pytest
from builders import DAYS, sds_values, write_archive
from stage_steps import acquire_one, days_at, label_one, process_one
from store import Store
from training_builders import draw_set, load_set

from ris_core.clustering.candidate_models import candidate_is_current, load_candidate, trained_candidates
from ris_core.clustering.candidate_run import train_candidate
from ris_core.clustering.candidates import candidate_of_k, choose_k
from ris_core.clustering.champion import appoint
from ris_core.clustering.consensus import algorithms
from ris_core.clustering.consensus.algorithms import AlgorithmError
from ris_core.clustering.consensus_clusterer import ConsensusClusterer
from ris_core.clustering.features import read_features
from ris_core.clustering.representation_run import fit_representation
from ris_core.clustering.stability_run import model_to_assess, run_stability
from ris_core.config import Settings, methods
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.contracts.run_log import RecordedRun
from ris_core.labels.appointment import prepare
from ris_core.labels.champion_figures import champion_figures
from ris_core.storage.tensors import read_arrays
from ris_core.verification import damaged_models

CONSENSUS, MICRO = CandidateName("spectra", "consensus"), CandidateName("spectra", "micro")
COUNTS = (2, 3, 4)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A processed network with a training set, and a consensus for each K."""
    root = tmp_path_factory.mktemp("consensus")
    write_archive(root / "archive", days=DAYS[:2])
    values = sds_values(root / "archive", days=DAYS[:2]) | {
        "candidates": [str(CONSENSUS), str(MICRO)],
        "representations": {"spectra": {"dimensions": 4}},
        "clusterers": {
            "consensus": {"k": list(COUNTS), "member_k": [2, 3, 4], "members": ["kmeans", "ward", "gmm"]},
            "micro": {"k": [6]},
        },
        "champion": {"candidate": str(CONSENSUS)},
        "novelty": {"score": "distance", "false_alarms": 0.2},
        "dec": {"k": [7], "smallest_cluster": 0.0},
        "stability": {"seeds": 2, "held_out_stations": 0, "permutations": 20, "noise_windows": 0},
    }
    found = Store(Settings.model_validate(values), root / "data")
    for key in found.station_days():
        acquire_one(found, key)
        process_one(found, key, pictures=False)
    draw_set(found)
    fit_representation(found, load_set(found), "spectra", found.settings, {}, RecordedRun())
    for k in COUNTS:
        trained(found, CONSENSUS, k)
    return found


def trained(store: Store, name: CandidateName, k: int) -> RecordedRun:
    log, settings = RecordedRun(), store.settings
    latents = read_features(store, name.representation, settings.normalisation)
    count = settings.cluster_count
    train_candidate(store, load_set(store), latents, name, k, settings, settings.dec, count, {}, log)
    return log


def test_the_numbers_of_clusters_are_those_of_the_clusterer_else_those_of_dec(store: Store) -> None:
    settings = store.settings
    assert (settings.counts_of(CONSENSUS), settings.counts_of(MICRO)) == (COUNTS, (6,))
    assert settings.counts_of("spectra/gmm") == settings.counts_of(AEC_DEC) == (7,)
    assert settings.all_counts == (2, 3, 4, 6, 7)
    assert settings.k_criterion_of(CONSENSUS) == "lifetime"
    assert settings.k_criterion_of(AEC_DEC) == settings.k_criterion_of(MICRO) == "silhouette"
    assert settings.over_clusters(MICRO) and not settings.over_clusters(CONSENSUS)
    own_k = settings.model_dump(mode="json") | {"clusterers": {"gmm": {"k": [5, 3]}}, "candidates": ["spectra/gmm"]}
    own_k["champion"] = {"candidate": "spectra/gmm", "k": 3}
    changed = Settings.model_validate(own_k)
    assert changed.counts_of("spectra/gmm") == (5, 3)
    # Which K are trained does not change what one of them is.
    assert changed.clusterer_digest("gmm") == settings.clusterer_digest("gmm")


def test_k_of_the_champion_must_be_one_of_its_candidate(store: Store) -> None:
    values = store.settings.model_dump(mode="json")
    values["champion"] |= {"k": 4}
    assert Settings.model_validate(values).champion.k == 4
    values["champion"] |= {"k": 7}
    with pytest.raises(ValueError, match=r"champion.k \(7\) is not among the K of spectra/consensus: \[2, 3, 4\]"):
        Settings.model_validate(values)
    values["champion"] |= {"k": None}
    values["clusterers"] = {"consensus": {"k": [1, 2]}}
    with pytest.raises(ValueError, match="2 or more"):
        Settings.model_validate(values)


def test_a_training_logs_its_own_k_and_how_sure_the_consensus_is(store: Store) -> None:
    log = trained(store, CONSENSUS, 3)
    assert log.logged_parameters["k"] == 3 and log.logged_parameters["member_k"] == [2, 3, 4]
    assert {"lifetime", "left_out_agreement", "mean_margin", "silhouette"} <= log.logged_metrics.keys()
    assert "lifetimes" in log.logged_figures


def test_k_is_chosen_by_the_lifetime(store: Store) -> None:
    settings = store.settings
    records = trained_candidates(store, CONSENSUS, COUNTS, settings.normalisation)
    longest = max(COUNTS, key=lambda k: records[k].metrics["lifetime"] or 0)
    found = candidate_of_k(store, CONSENSUS, None, settings, settings.normalisation)
    assert (found.k, set(records)) == (longest, set(COUNTS))
    assert choose_k(records, None, settings.dec, CONSENSUS, "lifetime") == longest


def test_what_all_k_share_is_computed_once_and_made_again_if_damaged_or_of_other_settings(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, calls = store.shared(CONSENSUS), []
    kept, share = path.read_bytes(), ConsensusClusterer.share

    def counted(*of: Any) -> Any:
        calls.append(of)
        return share(*of)

    monkeypatch.setattr(ConsensusClusterer, "share", counted)
    trained(store, CONSENSUS, 2)
    assert calls == []
    path.write_bytes(kept[:-9] + bytes(9))
    assert str(path) in str(list(damaged_models(store, [], COUNTS)))
    trained(store, CONSENSUS, 2)
    assert len(calls) == 1 and path.read_bytes() == kept
    path.unlink()
    trained(store, CONSENSUS, 2)
    assert len(calls) == 2 and path.read_bytes() == kept
    other = store.settings.model_dump(mode="json")
    other["clusterers"]["consensus"]["neighbours"] = 5
    trained(Store(Settings.model_validate(other), store.root), CONSENSUS, 2)
    assert len(calls) == 3 and read_arrays(path)[1] != {}
    trained(store, CONSENSUS, 2)
    assert len(calls) == 4 and path.read_bytes() == kept
    assert list(damaged_models(store, [], COUNTS)) == []


def test_what_was_made_without_umap_is_made_again_once_it_is_installed_but_not_the_other_way_round(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = store.settings.model_dump(mode="json")
    values["clusterers"]["consensus"] |= {"members": ["kmeans", "ward", "umap"], "member_k": [3]}
    other = Store(Settings.model_validate(values), store.root)
    installed: list[bool] = [False]
    spec = importlib.util.find_spec("json")
    monkeypatch.setattr(methods, "find_spec", lambda name: spec if installed[0] else None)
    asked: list[int] = []

    def coordinates(z: Any, neighbours: int, seed: int) -> Any:
        asked.append(neighbours)
        if not installed[0]:
            raise AlgorithmError("umap-learn cannot be imported")
        return np.asarray(z[:, :2], dtype=np.float64)

    monkeypatch.setattr(algorithms, "umap_coordinates", coordinates)

    def current(k: int) -> bool:
        return candidate_is_current(other, CONSENSUS, k, other.settings, other.settings.normalisation)

    for k in (2, 3):
        trained(other, CONSENSUS, k)
    assert current(2) and current(3) and len(asked) == 1
    installed[0] = True
    assert not current(2) and not current(3)
    trained(other, CONSENSUS, 2)
    assert len(asked) == 2 and current(2) and not current(3)
    installed[0] = False
    assert current(2)
    trained(other, CONSENSUS, 3)  # from the tree that has the votes of UMAP
    assert len(asked) == 2
    for k in (2, 3):
        trained(store, CONSENSUS, k)


def test_the_same_again_gives_the_same_bytes(store: Store) -> None:
    path = store.candidate(CONSENSUS, 3) / "model.safetensors"
    before = path.read_bytes()
    store.shared(CONSENSUS).unlink()
    trained(store, CONSENSUS, 3)
    assert path.read_bytes() == before


def test_only_the_k_of_the_candidate_are_current(store: Store) -> None:
    settings = store.settings
    trained(store, CONSENSUS, 5)
    for k, current in ((2, True), (5, False)):
        assert candidate_is_current(store, CONSENSUS, k, settings, settings.normalisation) == current


def test_a_consensus_becomes_champion_and_labels(store: Store) -> None:
    settings = store.settings
    found = prepare(store, candidate_of_k(store, CONSENSUS, 3, settings, settings.normalisation), settings)
    appoint(store, found.champion)
    key = next(iter(store.station_days()))
    assert label_one(store, key).result.labels > 0
    assert {"classes", "spectra"} <= set(dict(champion_figures(store, found, settings.champion)))
    model, _ = load_candidate(store, CONSENSUS, 3)
    assert model.centroids is not None and len(model.centroids) == 3


def test_micro_clusters_are_trained_as_a_candidate(store: Store) -> None:
    assert trained(store, MICRO, 6).logged_parameters["k"] == 6
    assert not store.shared(MICRO).exists()
    assert load_candidate(store, MICRO, 6)[0].n_clusters == 6


def test_the_stability_of_a_consensus_is_that_of_trainings_with_other_seeds(store: Store) -> None:
    settings = store.settings
    chosen = model_to_assess(store, settings, str(CONSENSUS), 3)
    judged = run_stability(days_at(store).process, load_set(store), chosen, settings, RecordedRun())
    assert judged.found.names and np.isfinite(judged.found.ari).all()
