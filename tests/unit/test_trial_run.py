"""A trial from its training to its files without Dagster or MLflow, and inputs that do not fit."""

from dataclasses import replace
from pathlib import Path

import pytest
from published_builders import import_into, published, published_store
from store import Store
from training_builders import draw_set, load_set

from ris_core.config import PAPER_INPUT, SpectrogramSettings
from ris_core.contracts.input_spec import InputMismatchError, InputSpec
from ris_core.contracts.run_log import RecordedRun
from ris_core.models.weights import load_model, weights_digest
from ris_core.storage.spectrogram_file import input_spec_of
from ris_core.training.trial_run import make_trial
from ris_core.training.trial_task import run_trial, trial_task
from ris_core.training.trials import read_trial


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of imported events with its training set, and settings of one short trial."""
    found = published_store(tmp_path / "root")
    import_into(found.days, published(each=8).write(tmp_path / "events.h5"))
    draw_set(found)
    grid = found.settings.aec.grid.model_copy(update={"batch_size": (8,), "learning_rate": (1e-3,)})
    aec = found.settings.aec.model_copy(update={"grid": grid, "max_epochs": 2, "device": "cpu"})
    return Store(found.settings.model_copy(update={"aec": aec}), found.root)


def test_a_trial_is_trained_logged_and_kept(store: Store) -> None:
    data = load_set(store)
    task = trial_task(store, store.settings, "bs8_lr1e-3", data.digest)
    log = RecordedRun(links={"mlflow_run_id": "run"})
    kept = make_trial(task, data, "paper", log)

    assert log.logged_parameters["batch_size"] == 8
    assert log.logged_parameters["training_events"] == len(data.train)
    assert log.logged_data == {"training_set": data.digest}
    assert list(log.logged_metrics["val_mse"]) == [1, 2]
    assert log.logged_metrics["best_val_mse"] == {0: kept.trial.metrics["val_mse"]}
    assert log.logged_tags["accepted"] == str(kept.trial.acceptance.passed).lower()
    assert log.logged_texts["history.csv"].startswith("epoch,")
    assert set(log.logged_figures) == {"loss", "reconstructions"}

    record = read_trial(store, task.key)
    assert record is not None
    assert (record.digest, record.training_set, record.mlflow_run_id) == (kept.digest, data.digest, "run")
    assert record.metrics["val_mse"] == kept.trial.metrics["val_mse"]
    model, description = load_model(store.aec(task.key))
    assert weights_digest(model) == kept.digest
    assert description.input == data.input == store.settings.input_spec()
    assert {path.name for path in store.aec(task.key).iterdir()} == {"model.json", "model.safetensors"}


def test_a_training_set_that_changed_meanwhile_is_refused(store: Store) -> None:
    task = trial_task(store, store.settings, "bs8_lr1e-3", load_set(store).digest)
    sampling = store.settings.training_set.model_copy(update={"seed": 7})
    draw_set(Store(store.settings.model_copy(update={"training_set": sampling}), store.root))
    with pytest.raises(ValueError, match=r"it has changed since the training of trial bs8_lr1e-3 began"):
        run_trial(task)


def test_spectrograms_of_another_kind_than_the_settings_make_are_refused(store: Store) -> None:
    data = load_set(store)
    higher = store.settings.model_copy(update={"spectrogram": SpectrogramSettings(frequency_low=3.1)})
    with pytest.raises(
        InputMismatchError, match=r"band: the model takes \(3\.1, 20\.0\), the data have \(3\.0, 20\.0\)"
    ):
        run_trial(trial_task(store, higher, "bs8_lr1e-3", data.digest), data=data)


def test_a_spectrogram_file_says_what_it_is_to_a_network(store: Store) -> None:
    assert input_spec_of(store.training_set) == PAPER_INPUT
    key = next(key for key in store.station_days() if store.spectrograms(key).exists())
    assert input_spec_of(store.spectrograms(key)) == PAPER_INPUT


def test_an_input_specification_is_read_as_it_was_written() -> None:
    three = replace(PAPER_INPUT, components=("E", "N", "Z"), times=50)
    assert InputSpec.from_record(three.as_record()) == three
    assert InputSpec.from_record(PAPER_INPUT.as_record()) == PAPER_INPUT
    PAPER_INPUT.require(InputSpec.from_record(PAPER_INPUT.as_record()))
