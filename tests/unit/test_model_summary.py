"""What `ris status` and `ris run` say of trained things that are missing, collapsed or damaged."""

import pytest
import torch
from builders import sds_values
from store import Store

from ris_core.clustering import model_states
from ris_core.clustering.latents import ClusteringInputs
from ris_core.config import PAPER_INPUT, Settings
from ris_core.models.networks import Aec, Dec
from ris_core.models.weights import save_model
from ris_core.storage.json_records import write_json
from ris_dagster.model_summary import model_rows

TRIAL = "bs64_lr1e-3"


@pytest.fixture
def store(tmp_path, monkeypatch):
    inputs = ClusteringInputs("an autoencoder", "a training set")
    monkeypatch.setattr(model_states, "inputs_of", lambda layout, representation, normalisation: inputs)
    grid = {"batch_size": [64], "learning_rate": [1e-3]}
    values = sds_values(tmp_path / "archive") | {"aec": {"grid": grid}, "dec": {"k": [2, 3, 4]}}
    return Store(Settings.model_validate(values), tmp_path / "data")


def keep_dec(store, k, sizes, silhouette):
    metrics = {"updates": 5, "silhouette": silhouette}
    known = {"aec": "an autoencoder", "training_set": "a training set", "sizes": sizes, "coinciding": []}
    save_model(store.dec(k), Dec.from_aec(Aec(0), centroids(k)), known | {"metrics": metrics}, PAPER_INPUT)


def centroids(k):
    return torch.arange(9.0 * k).reshape(k, 9)


def test_nothing_is_there(store):
    rows = dict(model_rows(store, store.settings))
    assert rows["training set"] == "not drawn"
    assert rows["trials trained"] == "0 of 1"
    assert rows["AEC validation MSE"] == "none is chosen"
    assert rows["DEC not trained"] == "K = 2, 3, 4"
    assert rows["champion"] == "none is chosen"


def test_what_no_candidate_needs_is_not_listed(tmp_path):
    values = sds_values(tmp_path / "archive") | {"candidates": ["spectra/gmm"]}
    found = Store(Settings.model_validate(values | {"champion": {"candidate": "spectra/gmm"}}), tmp_path / "data")
    assert model_rows(found, found.settings) == [
        ("training set", "not drawn"),
        ("representation spectra", "not fitted"),
        ("spectra/gmm not trained", "K = 2, 3"),
        ("champion", "none is chosen"),
    ]


def test_a_collapsed_k_says_so_and_its_silhouette_is_undefined(store):
    keep_dec(store, 2, [500, 0], float("nan"))
    keep_dec(store, 3, [200, 200, 100], 0.25)
    rows = model_rows(store, store.settings)
    texts = dict(rows)
    assert texts["DEC K = 2"].startswith("5 updates, silhouette undefined, may not label: ")
    assert "cluster(s) 1 of 2 are empty" in texts["DEC K = 2"]
    assert texts["DEC K = 3"] == "5 updates, silhouette 0.250, may label (clusters of enough events, apart)"
    assert texts["DEC not trained"] == "K = 4"
    short = dict(model_rows(store, store.settings, each_count=False))
    assert short["DEC"].startswith("2 of 3 K trained, 1 may label, greatest silhouette 0.250 (K = 3), ")
    assert short["DEC"].endswith(" worth a look: `ris status`")
    assert not any(name.startswith("DEC ") for name in short)
    assert ("  worth a look", "its silhouette in data space is not defined") in rows


def test_a_trial_that_is_not_accepted_says_why_none_can_be_chosen(store):
    metrics = {"val_mse": 2e-5, "mean_spectrogram_mse": 1e-5, "pca9_mse": 0.5e-5, "live_latents": 0}
    save_model(store.aec(TRIAL), Aec(0), {"metrics": metrics}, PAPER_INPUT)
    rows = dict(model_rows(store, store.settings))
    assert rows["trials trained"] == "1 of 1"
    assert rows["trials that may be chosen"] == "none, so that no autoencoder can be chosen"
    assert rows[f"trial {TRIAL}"]


def test_damaged_files_are_named_and_the_rest_is_said(store):
    keep_dec(store, 2, [300, 200], 0.3)
    keep_dec(store, 3, [200, 200, 100], 0.25)
    spoilt = store.dec(2) / "model.json"
    spoilt.write_bytes(spoilt.read_bytes()[:100])
    for path in (store.training_set, store.aec_choice, store.champion):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"nonsense")
    rows = dict(model_rows(store, store.settings))
    for name, path in {
        "training set": store.training_set,
        "AEC validation MSE": store.aec_choice,
        "champion": store.champion,
        "DEC K = 2": spoilt,
    }.items():
        assert str(path) in rows[name], name
        assert "damaged" in rows[name], name
    assert rows["DEC K = 3"].startswith("5 updates, silhouette 0.250")
    assert dict(model_rows(store, store.settings, each_count=False))["DEC K = 2"] == rows["DEC K = 2"]


def test_a_champion_whose_copy_is_gone_is_said(store):
    champion = {"k": 2, "model_version": "dec-k2-abc", "classes": [0, 1], "next_class": 2, "novelty": "n"}
    write_json(store.champion, champion)
    assert dict(model_rows(store, store.settings))["champion"] not in ("", "none is chosen", "dec-k2-abc")
