"""The class model without Dagster: trained from reviews of any station-day, kept, and current until a review comes."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import sds_values, write_archive
from stage_steps import acquire_one, process_one
from store import Store
from training_builders import draw_set, load_set

from ris_core.clustering.representation_run import fit_representation
from ris_core.clustering.reviewed.class_model_files import class_model_is_current, load_class_model, read_class_model
from ris_core.clustering.reviewed.class_model_reading import NoClassModelError
from ris_core.config import Settings
from ris_core.contracts.decision import Decision
from ris_core.contracts.run_log import RecordedRun
from ris_core.review.class_model_run import FinishedClassModel, NoReviewsError, review_digest, train_class_model
from ris_core.review.log import ReviewLog
from ris_core.review.state import ReviewState, read_state
from ris_core.storage.spectrogram_file import read_column


def values(root: Path) -> dict[str, Any]:
    return sds_values(root / "archive") | {
        "candidates": ["spectra/gmm"],
        "representations": {"spectra": {"dimensions": 5}},
        "training_set": {"events": 40},
        "class_model": {"trees": 20, "folds": 3, "fewest_reviews": 8, "block": 60},
    }


@pytest.fixture
def store(tmp_path: Path, processed: Path) -> Iterator[Store]:
    shutil.copytree(processed / "data", tmp_path / "data")
    yield Store(Settings.model_validate(values(processed)), tmp_path / "data")


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("class_model")
    write_archive(root / "archive")
    found = Store(Settings.model_validate(values(root)), root / "data")
    for key in found.station_days():
        acquire_one(found, key)
        process_one(found, key, pictures=False)
    draw_set(found)
    fit_representation(found, load_set(found), "spectra", found.settings, {}, RecordedRun())
    return root


def events_of(store: Store) -> list[str]:
    """Return all events of the network, of all station-days."""
    return [name for key in store.station_days() for name in read_column(store.spectrograms(key), "event_id").tolist()]


def review(store: Store, names: list[str], class_name: str, reason: Any = "medoid", reviewer: str = "Ada") -> None:
    ReviewLog(store.reviews).append(
        [Decision("label", reviewer, event_ids=(name,), class_name=class_name, reason=reason) for name in names]
    )


def state_of(store: Store) -> ReviewState:
    return read_state(store, store.settings.review)


def train(store: Store, log: RecordedRun | None = None) -> FinishedClassModel:
    return train_class_model(store, load_set(store), state_of(store), store.settings, {}, log or RecordedRun())


def current(store: Store) -> bool:
    return class_model_is_current(store, store.settings, review_digest(state_of(store)))


def test_a_model_is_trained_from_events_inside_and_outside_the_training_set(store: Store) -> None:
    names = events_of(store)
    assert len(names) > 45
    review(store, names[0:20:2], "rift", reviewer="simulated")
    review(store, names[1:20:2], "tide")
    review(store, names[-6:], "rift", reason="audit")
    drawn = set(load_set(store).event_id)
    reviewed = [*names[:20], *names[-6:]]
    assert drawn.intersection(reviewed) and not drawn.issuperset(reviewed)
    log = RecordedRun(links={"mlflow_run_id": "a"})
    made = train(store, log)
    assert not made.left_out and made.classes.names == ("rift", "tide") and made.classes.simulated
    assert set(made.classes.reviewed) == set(reviewed)
    assert (made.assessment.reviews, made.assessment.audits) == (26, 6)
    assert made.kept.record.sizes and sum(made.kept.record.sizes) == len(drawn)
    model, said = load_class_model(store, store.settings.class_model_name)
    assert str(model.name) == "spectra/reviewed" and made.path.name == "k=2"
    assert said.metadata["class_names"] == ["rift", "tide"] and said.metadata["simulated"] is True
    assert np.array(said.metadata["assessment"]["confusion"]).sum() == 26
    assert {"confusion", "audit_confusion", "reliability", "coverage", "class_scores"} == log.logged_figures.keys()
    assert log.logged_metrics["reviews"] == {0: 26.0} and log.logged_tags["simulated"] == "true"
    assert log.logged_texts["classes.csv"].startswith("class,reviewed,audits,precision")


def test_the_same_reviews_give_the_same_bytes(store: Store) -> None:
    names = events_of(store)
    review(store, names[0:12:2], "rift")
    review(store, names[1:12:2], "tide")
    first = (train(store).path / "model.safetensors").read_bytes()
    assert (train(store).path / "model.safetensors").read_bytes() == first


def test_a_new_review_makes_the_model_out_of_date_and_a_new_class_replaces_it(store: Store) -> None:
    names = events_of(store)
    review(store, names[0:12:2], "rift")
    review(store, names[1:12:2], "tide")
    assert not current(store)
    with pytest.raises(NoClassModelError):
        load_class_model(store, store.settings.class_model_name)
    made = train(store)
    assert current(store)
    review(store, names[12:14], "tremor")
    assert not current(store)
    assert train(store).path.name == "k=3"
    assert current(store) and not made.path.exists()
    kept = read_class_model(store, store.settings.class_model_name)
    assert kept is not None and kept.record.metrics["classes"] == 3


def test_a_review_of_an_unreadable_or_absent_event_is_named_and_left_out(store: Store) -> None:
    names = events_of(store)
    review(store, names[:4], "rift")
    review(store, names[4:8], "tide")
    absent, odd = "XX.S01..HHZ.20300101T000000.000000", "no-event"
    review(store, [absent, odd], "tide")
    made = train(store)
    assert set(made.left_out) == {absent, odd}
    assert "process its station-day" in made.left_out[absent] and "not an event id" in made.left_out[odd]
    assert made.doubts_of_reviews()[-1].startswith("2 reviewed event(s)")
    damaged = next(iter(store.station_days()))
    outside = [n for n in read_column(store.spectrograms(damaged), "event_id").tolist() if n not in names[:8]]
    store.spectrograms(damaged).write_bytes(b"no file")
    outside = [name for name in outside if name not in set(load_set(store).event_id)]
    assert outside
    review(store, outside, "rift")
    assert str(store.spectrograms(damaged)) in train(store).left_out[outside[0]]


def test_without_reviews_nothing_is_trained_and_the_message_says_what_to_do(store: Store) -> None:
    with pytest.raises(NoReviewsError, match="ris review"):
        train(store)
    review(store, ["XX.S01..HHZ.20300101T000000.000000"], "tide")
    with pytest.raises(NoReviewsError, match="none of the 1 reviewed"):
        train(store)


def test_a_damaged_class_model_is_not_current(store: Store) -> None:
    names = events_of(store)
    review(store, names[0:12:2], "rift")
    review(store, names[1:12:2], "tide")
    path = train(store).path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert not current(store)
