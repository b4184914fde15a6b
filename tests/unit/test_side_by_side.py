"""Trainings run beside other materializations: each ends with the training set with which it began."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from published_builders import import_into, published, published_store, write_weights
from store import Store
from training_builders import draw_set, load_set

from ris_core.clustering import dec_models
from ris_core.clustering.candidate_models import trained_candidates
from ris_core.clustering.initial_clusters import make_clusters
from ris_core.clustering.latents import make_latents
from ris_core.clustering.trained_dec import read_start, train_k
from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.models.device import use_cores
from ris_core.models.imported_models import keep_weights, read_weights
from ris_core.models.model_file import read_description
from ris_core.published.choice import choose_imported, measure
from ris_core.training import training_set
from ris_core.training.acceptance import Acceptance
from ris_dagster.resources.environment import environment_tags

K = 2


def changed(store: Store, section: str, **values: Any) -> Store:
    settings = store.settings.model_dump(mode="json")
    settings[section] |= values
    return Store(Settings.model_validate(settings), store.root)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with a drawn training set."""
    found = published_store(tmp_path / "root")
    import_into(found.days, published(each=8).write(tmp_path / "events.h5"))
    draw_set(found)
    return found


def test_a_streamed_training_set_is_read_to_the_end_although_another_takes_its_place(store: Store) -> None:
    streaming = changed(store, "training_set", in_memory=0)
    data = load_set(streaming)
    assert not data.samples.in_memory
    before = data.samples.take(np.arange(len(data)))
    draw_set(changed(streaming, "training_set", seed=7))
    np.testing.assert_array_equal(data.samples.take(np.arange(len(data))), before)
    after = load_set(streaming)
    assert not np.array_equal(after.samples.take(np.arange(len(data))), before)


def test_the_threads_of_a_training_are_the_users_and_its_run_tells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert environment_tags("cpu")["env.threads"] == "3"
    assert use_cores() == torch.get_num_threads() == 3
    torch.set_num_threads(before)


def test_a_dec_is_recorded_with_the_training_set_it_began_with(store: Store, tmp_path: Path) -> None:
    store = changed(store, "dec", k=[K], max_epochs=1, batch_size=16, n_init=1, device="cpu")
    keep_weights(store, read_weights(write_weights(tmp_path / "AEC.pt", seed=3)))
    data = load_set(store)
    measured = replace(measure(store, "AEC", data, store.settings.aec), acceptance=Acceptance(True))
    choose_imported(store, measured, data, {})
    settings = store.settings
    latents = make_latents(store, data)
    make_clusters(store, latents, K, settings.dec)

    def draw_another(update: int, _: Any) -> None:
        if update == 0:
            draw_set(changed(store, "training_set", seed=7))

    start = read_start(store, K, settings.normalisation)
    trained = train_k(data, start, settings.dec, settings.cluster_count.sample, draw_another)
    dec_models.save_dec(store, trained.result.model, trained.record(data.normalisation, {}), data.input)
    assert training_set.digest_on_disk(store, store.settings.normalisation) != data.digest
    metadata = read_description(store.dec(K)).metadata
    assert (metadata["aec"], metadata["training_set"]) == (latents.inputs.representation, data.digest)
    assert (
        trained_candidates(store, AEC_DEC, [K], settings.normalisation) == {}
    )  # not a candidate for the current training set
