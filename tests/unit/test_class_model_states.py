"""The class model as a candidate and in words, and what the reviews amount to since its training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from builders import DAYS, sds_values, write_archive
from class_model_builders import NAME, class_candidate, metrics_of
from stage_steps import acquire_one, process_one
from store import Store
from training_builders import draw_set, load_set

from ris_core.clustering.candidates import NoTrainedModelError
from ris_core.clustering.latents import ClusteringInputs
from ris_core.clustering.reviewed.class_model_files import write_class_model
from ris_core.clustering.reviewed.class_model_reading import NoClassModelError
from ris_core.clustering.reviewed.reviewed_model import ReviewedModel
from ris_core.config import Settings
from ris_core.contracts.decision import Decision
from ris_core.models.inference import encode
from ris_core.models.networks import Aec
from ris_core.review import class_candidate as class_candidates
from ris_core.review.class_candidate import (
    accepted_class_model,
    candidate_of_reviews,
    class_model_state,
)
from ris_core.review.log import ReviewLog
from ris_core.review.summary import is_reviewed, review_summary
from ris_core.training.acceptance import NoAcceptedModelError
from ris_dagster.model_summary import model_rows
from ris_dagster.review_record import recorded_reviews, report_reviews

INPUTS = ClusteringInputs("representation", "training set")


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("class_states")
    values = sds_values(write_archive(root / "archive", days=DAYS[:1]), days=DAYS[:1])
    values["class_model"] = {"fewest_reviews": 6}
    store = Store(Settings.model_validate(values), root / "data")
    for key in store.station_days():
        acquire_one(store, key)
        process_one(store, key, pictures=False)
    draw_set(store)
    return store


@pytest.fixture
def store(processed: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A network whose class model is of latents that no one has to train."""
    monkeypatch.setattr(class_candidates, "class_inputs", lambda *_: INPUTS)
    processed.reviews.unlink(missing_ok=True)
    for folder in processed.candidate(NAME, 1).parent.glob("k=*"):
        for file in folder.iterdir():
            file.unlink()
    return processed


def names_of(store: Store) -> list[str]:
    z = encode(Aec(1), load_set(store).samples).sum(axis=1)
    return np.where(z > np.median(z), "rift", "whale").tolist()


def train(store: Store, shown: int, **metadata: Any) -> ReviewedModel:
    """Keep a class model to which so many events were shown."""
    model = class_candidate(store, names_of(store), range(shown)).model
    assert isinstance(model, ReviewedModel)
    said: dict[str, Any] = {
        "representation": INPUTS.representation,
        "training_set": INPUTS.training_set,
        "candidate": str(NAME),
    }
    said |= {"metrics": metrics_of(shown)}
    write_class_model(store, model, said | metadata)
    return model


def decide(store: Store, rows: Sequence[int], name: str = "") -> list[Decision]:
    events, names = load_set(store).event_id, names_of(store)
    said = [Decision("label", "ann", (events[row],), name or names[row]) for row in rows]
    ReviewLog(store.reviews).append(said)
    return said


def test_only_a_class_model_of_the_current_inputs_is_a_candidate(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    assert accepted_class_model(store, store.settings, said.append) is None and said == []
    with pytest.raises(NoClassModelError):
        candidate_of_reviews(store, store.settings)
    decide(store, range(10))
    model = train(store, 10)
    found = accepted_class_model(store, store.settings, said.append)
    assert found is not None and found.model.version == model.version and said == []
    monkeypatch.setattr(class_candidates, "class_inputs", lambda *_: ClusteringInputs("another", "training set"))
    with pytest.raises(NoTrainedModelError, match="train it again"):
        candidate_of_reviews(store, store.settings)
    assert accepted_class_model(store, store.settings, said.append) is None
    assert "another representation or training set" in said[0]


def test_a_class_model_of_too_few_reviews_is_not_chosen_and_says_why(store: Store) -> None:
    said: list[str] = []
    decide(store, range(5))
    train(store, 5)
    assert accepted_class_model(store, store.settings, said.append) is None
    assert "5 events were reviewed, fewer than 6" in said[0]
    state = class_model_state(store, store.settings)
    assert state.is_there and not state.accepted and "fewer than 6" in state.reasons


def test_a_class_model_whose_reviews_are_all_withdrawn_may_not_label(store: Store) -> None:
    said: list[str] = []
    decided = decide(store, range(8))
    train(store, 8)
    log = ReviewLog(store.reviews)
    log.append([Decision("withdraw", "ann", withdrawn=tuple(one.id for one in decided[:7]))])
    assert accepted_class_model(store, store.settings, said.append) is not None
    log.append([Decision("withdraw", "ann", withdrawn=(decided[7].id,))])
    assert accepted_class_model(store, store.settings, said.append) is None
    assert "none of the 8 reviews" in said[0] and "withdrawn" in said[0]
    with pytest.raises(NoAcceptedModelError, match="counts any more"):
        candidate_of_reviews(store, store.settings)
    state = class_model_state(store, store.settings)
    assert not state.accepted and "counts any more" in state.why


def test_reviews_since_the_class_model_are_counted_by_their_final_words(store: Store) -> None:
    assert not is_reviewed(store)
    assert review_summary(store, store.settings).since == 0
    said = decide(store, range(8))
    assert is_reviewed(store)
    assert review_summary(store, store.settings).since == 8
    train(store, 8)
    assert review_summary(store, store.settings).since == 0
    decide(store, [8, 9])
    decide(store, [0], "quarry")
    ReviewLog(store.reviews).append([Decision("withdraw", "ann", withdrawn=(said[1].id,))])
    found = review_summary(store, store.settings)
    # Two are new, one has another class, one has none any more.
    assert (found.reviewed, found.since) == (9, 4)
    assert found.by_class().set_index("class_name")["reviewed"].sum() == 9


def test_a_rename_alone_is_no_review_of_further_events(store: Store) -> None:
    decide(store, range(8))
    train(store, 8)
    ReviewLog(store.reviews).append([Decision("rename", "ann", class_name="orca", former=("whale",))])
    assert review_summary(store, store.settings).since == 0


def test_status_says_what_there_is_of_reviews_and_class_model(store: Store) -> None:
    assert not any(name == "reviews" for name, _ in model_rows(store, store.settings))
    decide(store, range(8))
    rows = dict(model_rows(store, store.settings))
    assert rows["reviews"].startswith("8 events, 0 of them audits, 2 classes")
    assert rows[f"class model {NAME}"] == "not trained"
    train(store, 7)
    text = dict(model_rows(store, store.settings))[f"class model {NAME}"]
    assert text == "may label; 1 events reviewed since"
    log = store.reviews.read_bytes()
    store.reviews.write_bytes(log[:40] + b"?" + log[41:])
    assert str(store.reviews) in dict(model_rows(store, store.settings))["reviews"]
    assert is_reviewed(store)  # a damaged log must not pass for an empty one


def test_dagster_is_told_of_reviews_once(store: Store) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        report_reviews(instance, store, store.settings)
        assert recorded_reviews(instance) == ""
        decide(store, range(3))
        report_reviews(instance, store, store.settings)
        first = recorded_reviews(instance)
        assert first
        report_reviews(instance, store, store.settings)
        key = dg.AssetKey("reviews")
        assert len(instance.fetch_materializations(key, limit=10).records) == 1
        decide(store, [3])
        assert report_reviews(instance, store, store.settings).reviewed == 4
        assert recorded_reviews(instance) != first


def test_without_a_dagster_home_nothing_is_recorded_and_nothing_is_made(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ris_dagster.review_record import record_reviews

    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    decide(store, range(3))
    assert record_reviews(store, store.settings) == ""
    assert not store.dagster_home.exists()
