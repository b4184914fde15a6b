"""Weight files of the published code as models of the store, and an imported autoencoder as the chosen one."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from published_builders import SHARED, import_into, published, published_store, write_weights
from store import Store
from training_builders import choice_current, draw_set, load_set

from ris_core import config
from ris_core.models.imported_models import (
    UnknownModelError,
    imported_models,
    is_kept,
    keep_weights,
    load_imported,
    read_weights,
)
from ris_core.models.inference import encode
from ris_core.models.model_file import WeightsError
from ris_core.models.networks import Aec, Dec
from ris_core.published.choice import choose_imported, measure
from ris_core.training import training_set as sampling
from ris_core.training.acceptance import Acceptance, NoAcceptedModelError
from ris_core.training.aec_choice import chosen_aec, read_choice


def take_in(store: Store, path: Path) -> None:
    keep_weights(store, read_weights(path))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of imported events with its training set, and weights of an autoencoder and of a DEC."""
    found = published_store(tmp_path / "root")
    import_into(found.days, published(each=8).write(tmp_path / "events.h5"))
    draw_set(found)
    take_in(found, write_weights(tmp_path / "AEC.pt", seed=3))
    take_in(found, write_weights(tmp_path / "DEC-8.pt", k=8))
    return found


def test_an_imported_model_says_where_it_comes_from_and_how_its_input_was_normalised(
    store: Store, tmp_path: Path
) -> None:
    found = imported_models(store)
    assert {name: (d.network, d.n_clusters) for name, d in found.items()} == {
        "AEC": ("aec", None),
        "DEC-8": ("dec", 8),
    }
    model, description = load_imported(store, "AEC")
    assert isinstance(model, Aec)
    for name, value in Aec(3).state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value)
    assert description.input == config.PAPER_INPUT
    assert description.metadata == {
        "imported": "AEC",
        "file": "AEC.pt",
        "sha256": hashlib.sha256((tmp_path / "AEC.pt").read_bytes()).hexdigest(),
        "normalisation": config.NormalisationSettings(scale="linear").model_dump(mode="json"),
    }
    dec, _ = load_imported(store, "DEC-8")
    assert isinstance(dec, Dec) and dec.n_clusters == 8


def test_the_same_weights_again_change_nothing_and_others_of_that_name_are_refused(
    store: Store, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.imported("AEC").iterdir()}
    assert is_kept(store, read_weights(tmp_path / "AEC.pt"))
    take_in(store, tmp_path / "AEC.pt")
    assert {path: path.stat().st_mtime_ns for path in store.imported("AEC").iterdir()} == before
    other = write_weights(tmp_path / "AEC.pt", seed=4)
    with pytest.raises(WeightsError, match="another file's model is kept under this name"):
        take_in(store, other)


@pytest.mark.parametrize("name", ["AEX", "../aec/bs8_lr2e-3", ""])
def test_a_name_that_no_model_has_is_refused_with_those_there_are(store: Store, name: str) -> None:
    with pytest.raises(UnknownModelError, match=r"there are: AEC, DEC-8") as error:
        load_imported(store, name)
    assert "ris import-h5 --weights FILE" in str(error.value)


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(WeightsError, match=r"text\.pt"):
        read_weights(tmp_path / "text.pt")
    with pytest.raises(WeightsError, match="a model is named after its file"):
        read_weights(write_weights(tmp_path / "my weights.pt"))


def test_an_imported_autoencoder_is_measured_judged_and_chosen(store: Store) -> None:
    data = load_set(store)
    # Untrained, it is worse than the mean spectrogram.
    found = measure(store, "AEC", data, store.settings.aec)
    x = data.val.take(np.arange(len(data.val)))
    assert found.metrics["val_mse"] == pytest.approx(float(np.square(x - _reconstructed(found.model, x)).mean()))
    assert not found.acceptance.passed
    with pytest.raises(NoAcceptedModelError, match=r"imported = 'AEC' may not be used: validation MSE"):
        choose_imported(store, found, data, {})
    assert not store.aec_choice.exists()

    found = replace(found, acceptance=Acceptance(True))
    choice = choose_imported(store, found, data, {"mlflow_run_id": "run"})
    assert read_choice(store) == choice
    chosen = chosen_aec(store)
    np.testing.assert_array_equal(encode(chosen.network, x), encode(found.model, x))
    assert (chosen.choice.trial, chosen.choice.val_mse) == ("AEC", found.metrics["val_mse"])
    assert chosen.choice.is_imported and chosen.choice.mlflow_run_id == "run"
    assert choice_current(store)
    draw_set(Store(store.settings.model_copy(update={"training_set": config.TrainingSetSettings(seed=1)}), store.root))
    assert not choice_current(store)


def _reconstructed(model: Aec, x: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return model(torch.from_numpy(x)[:, None])[0][:, 0].numpy()


def test_a_dec_and_another_normalisation_are_refused_as_the_chosen_autoencoder(store: Store) -> None:
    data = load_set(store)
    with pytest.raises(WeightsError, match=r"this is a DEC \(K = 8\), which can be the champion"):
        measure(store, "DEC-8", data, store.settings.aec)
    decibels = store.settings.model_copy(update={"normalisation": config.NormalisationSettings(scale="decibel")})
    with pytest.raises(WeightsError, match=r"set normalisation\.scale to 'linear'"):
        measure(store, "AEC", sampling.load(store, decibels.training_set, decibels.normalisation), store.settings.aec)


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the published code's own files are absent: {SHARED}")
def test_the_published_weights_answer_as_the_published_code_once_they_are_kept(tmp_path: Path) -> None:
    found = published_store(tmp_path / "root")
    for name in ("AEC", "DEC"):
        take_in(found, SHARED / f"{name}_Params_Final.pt")
    wanted = np.load(SHARED / "outputs.npz")
    for name in ("AEC", "DEC"):
        model, _ = load_imported(found, f"{name}_Params_Final")
        latents = encode(model, wanted["x"][:, 0])
        np.testing.assert_allclose(latents, wanted[f"{name.lower()}_latent"], atol=1e-5)
