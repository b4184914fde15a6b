"""From the latents to a DEC on disk without Dagster or MLflow: what is logged, drawn and kept."""

from dataclasses import replace
from pathlib import Path

import pytest
from published_builders import import_into, published, published_store, write_weights
from store import Store
from training_builders import draw_set, load_set

from ris_core.clustering.candidate_models import read_candidate
from ris_core.clustering.clusters_run import run_clusters
from ris_core.clustering.criteria_run import criteria_are_current, run_criteria
from ris_core.clustering.dec_models import dec_is_current
from ris_core.clustering.dec_run import run_dec
from ris_core.clustering.initial_clusters import NoInitialClustersError, clusters_are_current, read_clusters
from ris_core.clustering.latents import Latents, NoLatentsError, make_latents, read_latents
from ris_core.clustering.trained_dec import read_start
from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.contracts.run_log import RecordedRun
from ris_core.models.imported_models import keep_weights, read_weights
from ris_core.models.weights import load_model, weights_digest
from ris_core.published.choice import choose_imported, measure
from ris_core.training.acceptance import Acceptance
from ris_core.training.training_set import TrainingSet

K = 2
ABOUT = {"training_events": 12}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a training set and a chosen autoencoder."""
    root = tmp_path_factory.mktemp("clustering")
    found = published_store(root / "root")
    import_into(found.days, published(each=8).write(root / "events.h5"))
    values = found.settings.model_dump(mode="json")
    values["dec"] |= {"k": [K], "max_epochs": 1, "batch_size": 16, "n_init": 1, "device": "cpu"}
    values["cluster_count"] |= {"k_max": 3, "references": 2, "repeats": 2, "n_init": 1, "repeat_n_init": 1}
    found = Store(Settings.model_validate(values), found.root)
    draw_set(found)
    keep_weights(found, read_weights(write_weights(root / "AEC.pt", seed=3)))
    data = load_set(found)
    measured = replace(measure(found, "AEC", data, found.settings.aec), acceptance=Acceptance(True))
    choose_imported(found, measured, data, {})
    return found


@pytest.fixture(scope="module")
def data(store: Store) -> TrainingSet:
    return load_set(store)


@pytest.fixture(scope="module")
def latents(store: Store, data: TrainingSet) -> Latents:
    return make_latents(store, data)


def test_what_has_not_been_made_yet_is_an_error_of_its_own(store: Store, tmp_path: Path) -> None:
    empty = Store(store.settings, tmp_path / "data")
    with pytest.raises(NoLatentsError, match="has not been encoded yet"):
        read_latents(empty, store.settings.normalisation)
    with pytest.raises(NoInitialClustersError, match="no initial clusters for K = 2 yet"):
        read_clusters(empty, K, store.settings.normalisation)
    assert read_candidate(empty, AEC_DEC, K) is None


def test_criteria_over_k_are_logged_and_kept(store: Store, latents: Latents) -> None:
    settings, log = store.settings, RecordedRun()
    found = run_criteria(store, latents, settings.cluster_count, log)
    assert log.logged_parameters["k_max"] == 3
    assert list(log.logged_metrics["inertia"]) == [1, 2, 3]
    assert log.logged_texts["cluster_count.csv"].startswith("k,")
    assert set(log.logged_figures) == {"cluster_count"}
    assert found.table.index.tolist() == [1, 2, 3]
    assert criteria_are_current(store, settings.cluster_count, settings.normalisation)
    other = settings.cluster_count.model_copy(update={"seed": 7})
    assert not criteria_are_current(store, other, settings.normalisation)
    assert not criteria_are_current(store, settings.cluster_count, settings.normalisation, "spectra")


def test_clusters_and_a_dec_from_them_are_logged_and_kept(store: Store, data: TrainingSet, latents: Latents) -> None:
    settings = store.settings
    dec, normalisation = settings.dec, settings.normalisation
    log = RecordedRun()
    made = run_clusters(store, data, latents, K, dec, settings.cluster_count, ABOUT, log)
    assert (
        log.logged_parameters | {"k": K, "aec": latents.inputs.representation, "n_init": 1, **ABOUT}
        == log.logged_parameters
    )
    assert log.logged_metrics["inertia"] == {0: made.clusters.start.inertia}
    assert set(log.logged_figures) == {"latent_space"}
    read = read_clusters(store, K, normalisation)
    assert read.description() == made.clusters.description()
    assert (read.start.labels == made.clusters.start.labels).all()
    assert clusters_are_current(store, K, dec, normalisation)

    log = RecordedRun(links={"mlflow_run_id": "run", "dagster_run_id": "other"})
    finished = run_dec(store, data, read_start(store, K, normalisation), dec, settings.cluster_count, {}, log)
    assert log.logged_parameters["initialisation"] == dec.initialisation
    updates = [update["update"] for update in finished.trained.result.updates]
    assert list(log.logged_metrics["label_change"]) == updates
    assert log.logged_tags["accepted"] == str(finished.trained.acceptance.passed).lower()
    assert {"history", "clusters", "latent_space", "silhouettes", "distances"} <= set(log.logged_figures)
    assert set(log.logged_texts) == {"updates.csv", "label_change.csv", "classes.csv"}
    kept = read_candidate(store, AEC_DEC, K)
    assert kept is not None
    assert (kept.digest, kept.record.inputs) == (finished.kept.digest, latents.inputs)
    assert kept.record.sizes == finished.trained.result.sizes
    assert kept.record.stations == finished.trained.stations
    assert kept.record.mlflow_run_id == "run"
    assert weights_digest(load_model(store.dec(K))[0]) == kept.digest
    assert dec_is_current(store, K, dec, normalisation)
    assert not dec_is_current(store, K, dec.model_copy(update={"seed": 7}), normalisation)
    assert not (store.dec(K) / "checkpoint.safetensors").exists()
