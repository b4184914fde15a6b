"""What stands on disk from another autoencoder, training set or settings is recognised, never mixed in silently."""

import shutil
from pathlib import Path

import pytest
from builders import Opened

from ris_core.clustering import candidates, dec_models
from ris_core.clustering.cluster_count import criteria_are_current
from ris_core.config import Settings
from ris_core.storage.json_records import read_json, write_json
from ris_core.storage.store import Store
from ris_core.training import training_set, trials


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
    assert training_set.is_current(copied)
    assert all(trials.trial_is_current(copied, key) for key in copied.settings.aec.grid.trials())
    assert trials.choice_is_current(copied)
    assert dec_models.latents_are_current(copied)
    assert criteria_are_current(copied)
    assert all(
        dec_models.clusters_are_current(copied, k) and dec_models.dec_is_current(copied, k)
        for k in copied.settings.dec.k
    )


def test_latents_and_clusters_of_another_autoencoder_are_refused_by_name(copied: Store) -> None:
    choose_another_autoencoder(copied)
    with pytest.raises(dec_models.OutOfStepError, match="materialize latent_features again"):
        dec_models.read_latents(copied)
    with pytest.raises(dec_models.OutOfStepError, match="gmm_clusters again"):
        dec_models.read_clusters(copied, copied.settings.dec.k[0])


def test_models_of_another_autoencoder_are_no_candidates_for_the_champion(copied: Store) -> None:
    choose_another_autoencoder(copied)
    models = dec_models.trained_models(copied)
    assert models == {}
    with pytest.raises(trials.NoAcceptedModelError, match="no DEC model was trained from the autoencoder"):
        candidates.choose_k(models, None, copied.settings.dec)


def test_a_changed_acceptance_counts_without_training_again(copied: Store) -> None:
    strict = with_settings(copied, "dec", smallest_cluster=0.49)
    models = dec_models.trained_models(strict)
    assert set(models) == set(copied.settings.dec.k)
    with pytest.raises(trials.NoAcceptedModelError, match=r"dec\.smallest_cluster"):
        candidates.choose_k(models, None, strict.settings.dec)
    lenient = with_settings(copied, "dec", smallest_cluster=0.0)
    assert candidates.choose_k(models, None, lenient.settings.dec) in models


def test_a_longer_grid_leaves_the_trained_trials_current(copied: Store) -> None:
    grid = copied.settings.aec.grid.model_dump(mode="json")
    longer = with_settings(copied, "aec", grid=grid | {"learning_rate": [*grid["learning_rate"], 5e-3]})
    assert all(trials.trial_is_current(longer, key) for key in copied.settings.aec.grid.trials())
    assert not trials.trial_is_current(longer, "bs8_lr5e-3")


def test_the_training_set_leaves_out_what_is_out_of_date_and_says_what_changed(copied: Store) -> None:
    assert not any(training_set.changed_since(copied).values())
    other = with_settings(copied, "detector", threshold_on=16)
    assert training_set.sources(other, other.station_days()) == {}
    assert training_set.changed_since(other)["gone"]
    with pytest.raises(training_set.TooFewEventsError, match="0 events are processed"):
        training_set.draw(other)


def test_the_training_set_is_not_in_the_order_of_stations_and_days(copied: Store) -> None:
    ids = training_set.load(copied, copied.settings.training_set, copied.settings.normalisation).event_id
    assert list(ids) != sorted(ids)
