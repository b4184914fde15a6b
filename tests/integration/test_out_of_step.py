"""Files on disk from another autoencoder, training set or settings are recognised and never mixed in silently."""

import shutil
from pathlib import Path

import pytest
from builders import Opened
from store import Store
from training_builders import (
    changed_sources,
    choice_current,
    draw_set,
    load_set,
    set_is_current,
    sources_in,
    trial_current,
)

from ris_core.clustering import candidates, dec_models
from ris_core.clustering.candidate_models import trained_candidates
from ris_core.clustering.criteria_run import criteria_are_current
from ris_core.clustering.initial_clusters import ClustersOutOfStepError, clusters_are_current, read_clusters
from ris_core.clustering.latents import LatentsOutOfStepError, latents_are_current, read_latents
from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.storage.json_records import read_json, write_json
from ris_core.training.acceptance import NoAcceptedModelError
from ris_core.training.training_draw import TooFewEventsError
from ris_dagster.remedies import remedy_for


@pytest.fixture
def copied(network: Opened, tmp_path: Path) -> Store:
    """A copy of a network's products whose parts may be changed."""
    shutil.copytree(
        network.store.root, tmp_path / "tiny", ignore=shutil.ignore_patterns("dagster", "mlflow", "waveforms")
    )
    return Store(network.settings, tmp_path / "tiny")


def with_settings(store: Store, section: str, **values: object) -> Store:
    changed = store.settings.model_dump(mode="json")
    changed[section] |= values
    return Store(Settings.model_validate(changed), store.root)


def choose_another_autoencoder(store: Store) -> None:
    write_json(store.aec_choice, read_json(store.aec_choice) | {"digest": "000000000000"})


def test_everything_is_current_after_a_run(copied: Store) -> None:
    assert set_is_current(copied)
    assert all(trial_current(copied, key) for key in copied.settings.aec.grid.trials())
    assert choice_current(copied)
    dec, normalisation = copied.settings.dec, copied.settings.normalisation
    assert latents_are_current(copied, normalisation)
    assert criteria_are_current(copied, copied.settings.cluster_count, normalisation)
    for k in dec.k:
        assert clusters_are_current(copied, k, dec, normalisation)
        assert dec_models.dec_is_current(copied, k, dec, normalisation)


def test_latents_and_clusters_of_another_autoencoder_are_refused_by_name(copied: Store) -> None:
    choose_another_autoencoder(copied)
    with pytest.raises(LatentsOutOfStepError, match=r"not of the current autoencoder \(000000000000\)") as latents:
        read_latents(copied, copied.settings.normalisation)
    assert remedy_for(latents.value) == "materialize latent_features again"
    with pytest.raises(ClustersOutOfStepError, match="not of the current autoencoder") as clusters:
        read_clusters(copied, copied.settings.dec.k[0], copied.settings.normalisation)
    assert remedy_for(clusters.value) == "materialize latent_features and gmm_clusters again"


def test_models_of_another_autoencoder_are_no_candidates_for_the_champion(copied: Store) -> None:
    choose_another_autoencoder(copied)
    models = trained_candidates(copied, AEC_DEC, copied.settings.dec.k, copied.settings.normalisation)
    assert models == {}
    with pytest.raises(NoAcceptedModelError, match="no DEC model was trained from the current autoencoder"):
        candidates.choose_k(models, None, copied.settings.dec)


def test_a_changed_acceptance_counts_without_training_again(copied: Store) -> None:
    strict = with_settings(copied, "dec", smallest_cluster=0.49)
    models = trained_candidates(strict, AEC_DEC, strict.settings.dec.k, strict.settings.normalisation)
    assert set(models) == set(copied.settings.dec.k)
    with pytest.raises(NoAcceptedModelError, match=r"dec\.smallest_cluster"):
        candidates.choose_k(models, None, strict.settings.dec)
    lenient = with_settings(copied, "dec", smallest_cluster=0.0)
    assert candidates.choose_k(models, None, lenient.settings.dec) in models


def test_a_longer_grid_leaves_the_trained_trials_current(copied: Store) -> None:
    grid = copied.settings.aec.grid.model_dump(mode="json")
    longer = with_settings(copied, "aec", grid=grid | {"learning_rate": [*grid["learning_rate"], 5e-3]})
    assert all(trial_current(longer, key) for key in copied.settings.aec.grid.trials())
    assert not trial_current(longer, "bs8_lr5e-3")


def test_the_training_set_leaves_out_what_is_out_of_date_and_says_what_changed(copied: Store) -> None:
    assert not changed_sources(copied)
    other = with_settings(copied, "detector", threshold_on=16)
    assert sources_in(other).current == {}
    assert changed_sources(other).gone
    with pytest.raises(TooFewEventsError, match="0 events are processed"):
        draw_set(other)


def test_the_training_set_is_not_in_the_order_of_stations_and_days(copied: Store) -> None:
    ids = load_set(copied).event_id
    assert list(ids) != sorted(ids)
